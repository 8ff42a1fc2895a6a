/* halfopen doctor: what this machine allows. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "control/commands.h"
#include "net/machine.h"
#include "net/kernel.h"
#include "net/loop.h"
#include "net/noise.h"
#include "net/timeenv.h"

static const struct option options[] = {{0}};

static void say(bool good, const char *topic, const char *detail)
{
    printf("  %-6s %-14s %s\n", good ? "ok" : "no", topic, detail);
}

static void check_speed(void)
{
    struct timeenv_libraries libraries;
    struct text why;
    text_init(&why);
    bool found = timeenv_find(&libraries, &why);
    say(found, "--speed", found ? libraries.faketime : text_chars(&why));
    if (found)
        timeenv_libraries_fini(&libraries);
    text_fini(&why);
}

static void check_files(void)
{
    struct rlimit limit;
    char detail[96];
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    snprintf(detail, sizeof detail, "%llu open files, enough for %llu connections",
             (unsigned long long)limit.rlim_max, (unsigned long long)limit.rlim_max / 2);
    say(limit.rlim_max >= 1024, "files", detail);
}

static void check_kernel(enum fault_need need, const char *topic, const char *what)
{
    const char *why = kernel_why_not(need);
    say(!*why, topic, *why ? why : what);
}

static void check_kernel_faults(void)
{
    check_kernel(NEED_FILTER, "packet filter",
                 "segments of one connection can be lost: blackhole, packet_loss");
    check_kernel(NEED_REPAIR, "TCP repair", "a connection can be forgotten: silent_close");
}

static void check_noise(void)
{
    struct loop *loop = loop_new();
    struct lateness lateness = {0};
    char detail[96];
    noise_calibrate(loop, &lateness);
    nsec p95 = lateness_share(&lateness, 0.95);
    snprintf(detail, sizeof detail, "timers are at most %.2f ms late in 95 %%, %.2f ms at worst",
             (double)p95 / 1e6, (double)lateness.worst / 1e6);
    say(p95 < 4 * NSEC_PER_MSEC, "noise", detail);
    loop_free(loop);
}

static int run(int argc, char **argv)
{
    struct option_words rest = {0};
    struct diag *diag = diag_new();
    options_parse(&doctor_command, argc, argv, NULL, &rest, diag);
    int code = diag_errors(diag) > 0 ? command_usage_error(&doctor_command, diag) : EXIT_COMPLIED;
    if (code == EXIT_COMPLIED) {
        printf("halfopen " HALFOPEN_VERSION ", %u cores\n", machine_cores());
        check_speed();
        check_noise();
        check_files();
        check_kernel_faults();
    }
    diag_free(diag);
    return code;
}

const struct command doctor_command = {
    .name = "doctor",
    .usage = "doctor",
    .brief = "what this machine allows",
    .options = options,
    .run = run,
};

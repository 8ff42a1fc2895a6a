/* halfopen init: watches a client without breaking anything and writes a target file with what it
 * learned. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "control/commands.h"
#include "control/init_file.h"
#include "control/job.h"
#include "control/runner.h"
#include "control/session_setup.h"
#include "net/noise.h"
#include "net/wall.h"
#include "scenario/load.h"
#include "scenario/target.h"
#include "ws/utf8.h"

#define WORKFLOW     ".github/workflows/halfopen.yml"
#define STAYED_LEAST 4 /* a share of the time watched: shorter, and there is nothing to learn */

struct init_options {
    const char *client, *server, *server_cmd, *output, *ci;
    nsec watch;
    double speed;
    bool force, tls, insecure;
};

#define AT(field) offsetof(struct init_options, field)

static const struct option options[] = {
    {"client", OPTION_TEXT, AT(client), "CMD", "starts the client; {url} {index} {port} replaced"},
    {"server", OPTION_TEXT, AT(server), "URL",
     "its server; default: a built-in one that says nothing"},
    {"server-cmd", OPTION_TEXT, AT(server_cmd), "CMD", "starts the server; {port} replaced"},
    {"for", OPTION_DURATION, AT(watch), "DURATION", "how long to watch, target time; default 1m"},
    {"speed", OPTION_REAL, AT(speed), "X", "run the clocks of what is started X times faster"},
    {"tls", OPTION_FLAG, AT(tls), NULL, "give the client a wss:// URL"},
    {"insecure", OPTION_FLAG, AT(insecure), NULL, "take any certificate of a wss:// server"},
    {"output", OPTION_TEXT, AT(output), "FILE", "where to write; default halfopen.yaml"},
    {"ci", OPTION_TEXT, AT(ci), "github", "write " WORKFLOW " too"},
    {"force", OPTION_FLAG, AT(force), NULL, "write over files that are there"},
    {0},
};

static const struct place command_line = {0};

/* --- What was asked --- */

static void check_file(const char *path, bool force, struct diag *diag)
{
    if (force || access(path, F_OK) != 0)
        return;
    diag_error(diag, command_line, "%s is there already, and stays as it is", path);
    diag_hint(diag, "--force writes over it, --output FILE writes elsewhere");
}

static void check_given(const struct init_options *given, struct diag *diag)
{
    if (!given->client && !given->server && !given->server_cmd) {
        diag_error(diag, command_line, "nothing to watch: no client was given");
        diag_hint(
            diag,
            "halfopen init --client 'node app.js {url}'     your client, {url} where it connects");
        diag_hint(diag,
                  "halfopen init --client 'halfopen client {url}' the reference client, to try it");
    }
    if (given->client && !utf8_is_valid((const uint8_t *)given->client, strlen(given->client)))
        diag_error(diag, command_line, "--client is no UTF-8, and so is no file that holds it");
    if (given->speed < 1 || given->speed > 100)
        diag_error(diag, command_line, "--speed is %g: at least 1, at most 100", given->speed);
    if (given->watch < NSEC_PER_SEC || given->watch > 3600 * NSEC_PER_SEC)
        diag_error(diag, command_line, "--for: at least 1s, at most 1h");
    if (given->ci && strcmp(given->ci, "github") != 0)
        diag_error(diag, command_line, "--ci is '%s': there is github", given->ci);
    check_file(given->output, given->force, diag);
    if (given->ci)
        check_file(WORKFLOW, given->force, diag);
}

/* --- Watching --- */

struct watch {
    const struct init_options *given;
    struct subject subject;
    struct plan *plan;
    struct loop *loop;
    struct processes *processes;
    struct job *job;
    struct ca ca;
    bool has_ca;
    char folder[64]; /* for the trace and the output, as long as it takes */
    char started[WALL_DATE_SIZE], today[sizeof "2026-01-31"];
    bool keeps_folder; /* what was said names its files */
    double speed;
    struct overheard heard;
};

static struct plan *plan_of(nsec watched, struct diag *diag)
{
    struct text yaml;
    text_init(&yaml);
    text_add(&yaml, "scenario: init\nstory: Nothing is broken.\ntests: client\nsteps:\n  - wait: ");
    units_add_duration_yaml(&yaml, watched);
    text_add(&yaml, "\n");
    struct plan *plan = scenario_parse("init", text_chars(&yaml), yaml.len, diag);
    text_fini(&yaml);
    return plan;
}

static void on_message(void *context, const struct event *ev, const uint8_t *bytes, size_t len)
{
    struct watch *watch = context;
    overheard_note(&watch->heard, ev, bytes, len);
}

static void start(struct watch *watch);

/* What cannot be sped up is watched at the speed of the clock, from the beginning. */
static void on_over(void *context, struct job *job)
{
    struct watch *watch = context;
    if (!job_unscaled(job) || job_interrupted(job)) {
        loop_stop(watch->loop);
        return;
    }
    printf("at speed 1: %s\n", job_unscaled(job));
    watch->speed = 1;
    overheard_fini(&watch->heard);
    job_free(job);
    start(watch);
}

static void start(struct watch *watch)
{
    struct job_spec spec = {.plan = watch->plan,
                            .subject = &watch->subject,
                            .speed = watch->speed,
                            .seed = 1,
                            .noise = ENDPOINT_LATENESS,
                            .folder = watch->folder,
                            .label = watch->speed > 1 ? "sped-up" : "watched",
                            .confirms = "",
                            .started = watch->started,
                            .ca = watch->has_ca ? &watch->ca : NULL,
                            .on_over = on_over,
                            .on_message = on_message,
                            .context = watch};
    watch->job = job_new(watch->loop, watch->processes, &spec);
    job_start(watch->job);
}

static void on_signal(void *context, int number)
{
    struct watch *watch = context;
    (void)number;
    job_stop(watch->job, RUN_INTERRUPTED);
}

/* false: said why. */
static bool prepare(struct watch *watch)
{
    const char *folder = getenv("TMPDIR");
    struct text why;
    int len = snprintf(watch->folder, sizeof watch->folder, "%s/halfopen-init-XXXXXX",
                       folder && *folder ? folder : "/tmp");
    bool made = len > 0 && (size_t)len < sizeof watch->folder && mkdtemp(watch->folder) &&
                runner_make_folder(watch->folder);
    if (!made) {
        fprintf(stderr, "halfopen: no temporary folder (%s): %s\n", watch->folder, strerror(errno));
        return false;
    }
    watch->loop = loop_new();
    if (!watch->loop) {
        fprintf(stderr, "halfopen: no event loop: %s\n", strerror(errno));
        return false;
    }
    text_init(&why);
    watch->has_ca = watch->given->tls && ca_open(&watch->ca, NULL, &why);
    bool good = watch->has_ca || !watch->given->tls;
    if (!good)
        fprintf(stderr, "halfopen: %s\n", text_chars(&why));
    text_fini(&why);
    return good;
}

static void say_watching(const struct watch *watch)
{
    const struct init_options *given = watch->given;
    struct text line;
    char *client = subject_shown(&watch->subject, given->client);
    text_init(&line);
    text_addf(&line, "halfopen " HALFOPEN_VERSION "  watching %s for ",
              client ? client : "the built-in client");
    units_add_duration(&line, given->watch);
    if (watch->speed > 1)
        text_addf(&line, " at speed %g", watch->speed);
    printf("%s, breaking nothing\n", text_chars(&line));
    (void)fflush(stdout); /* a pipe that is closed shows at the end */
    free(client);
    text_fini(&line);
}

static void remove_folder(const struct watch *watch)
{
    char *parts[] = {xprintf("%s/traces/watched.jsonl", watch->folder),
                     xprintf("%s/traces/sped-up.jsonl", watch->folder),
                     xprintf("%s/output/watched-client-0.log", watch->folder),
                     xprintf("%s/output/watched-server.log", watch->folder),
                     xprintf("%s/output/sped-up-client-0.log", watch->folder),
                     xprintf("%s/output/sped-up-server.log", watch->folder),
                     xprintf("%s/traces", watch->folder),
                     xprintf("%s/output", watch->folder),
                     xstrdup(watch->folder)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        (void)remove(parts[i]); /* what was not written is not there */
        free(parts[i]);
    }
}

static void release(struct watch *watch)
{
    if (watch->job)
        job_free(watch->job);
    if (watch->processes)
        processes_free(watch->processes);
    if (watch->has_ca)
        ca_close(&watch->ca);
    if (watch->loop)
        loop_free(watch->loop);
    overheard_fini(&watch->heard);
    subject_fini(&watch->subject);
    plan_free(watch->plan);
}

/* --- What came of it --- */

static int say_ended(struct watch *watch, const struct trace *trace)
{
    size_t i = 0;
    const struct event *ev = trace_next(trace, &i, EV_PROCESS_EXIT);
    struct text line;
    text_init(&line);
    text_add(&line, "halfopen: the client ended by itself after ");
    units_add_duration(&line, ev ? ev->at : trace->end);
    text_addf(&line, " (%s); one that is to be tested stays until it is told to end",
              ev ? ev->process_exit.how : "unknown");
    job_add_last_lines(watch->job, &line);
    fprintf(stderr, "%s\nnothing was written\n", text_chars(&line));
    watch->keeps_folder = true;
    text_fini(&line);
    return EXIT_ENVIRONMENT;
}

static void add_likely_server(const struct watch *watch, struct text *line)
{
    if (subject_has_builtin_server(&watch->subject))
        text_add(line,
                 "\nlikely cause: it waits for something that halfopen's own server never says; "
                 "watch it with its own: --server URL or --server-cmd CMD");
}

/* Which is told, and is no reason not to write. */
static void warn_of_leaving(const struct watch *watch, const struct lessons *lessons)
{
    struct text line;
    if (lessons->left == 0)
        return;
    text_init(&line);
    text_addf(&line,
              "halfopen: warning: nothing was broken, and the client ended %llu of its %llu "
              "connections itself",
              (unsigned long long)lessons->left, (unsigned long long)lessons->opened);
    add_likely_server(watch, &line);
    fprintf(stderr, "%s\n", text_chars(&line));
    text_fini(&line);
}

static int say_unsteady(const struct watch *watch, const struct lessons *lessons)
{
    struct text line;
    text_init(&line);
    text_addf(&line, "halfopen: none of the client's %llu connections stayed open for more than ",
              (unsigned long long)lessons->opened);
    units_add_duration(&line, lessons->longest);
    text_add(&line, "; there is nothing to learn from that");
    add_likely_server(watch, &line);
    fprintf(stderr, "%s\nnothing was written\n", text_chars(&line));
    text_fini(&line);
    return EXIT_ENVIRONMENT;
}

static bool write_file(const char *path, bool force, const struct text *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool written = file && fwrite(text_chars(content), 1, content->len, file) == content->len;
    if (file && fclose(file) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "halfopen: %s: %s\n", path, strerror(errno));
    return written;
}

static bool write_workflow(const struct init_options *given, const struct init_facts *facts)
{
    struct text content;
    text_init(&content);
    init_workflow_write(facts, given->output, &content);
    (void)mkdir(".github", 0777);           /* what is missing shows when the file is opened */
    (void)mkdir(".github/workflows", 0777); /* the same */
    bool written = write_file(WORKFLOW, given->force, &content);
    text_fini(&content);
    return written;
}

/* Whether the file that was just written says what it is to say. */
static int check_written(const char *path)
{
    struct diag *diag = diag_new();
    struct target *target = target_load(path, diag);
    diag_print(diag, stderr);
    diag_free(diag);
    int code = target ? EXIT_COMPLIED : EXIT_USAGE;
    target_free(target);
    return code;
}

static void say_next(const struct init_options *given)
{
    const char *target = strcmp(given->output, "halfopen.yaml") != 0 ? given->output : NULL;
    printf("wrote %s%s\n", given->output, given->ci ? " and " WORKFLOW : "");
    printf("next: halfopen run%s%s --speed 10\n", target ? " --target " : "", target ? target : "");
}

static void warn_of_secrets(const char *command)
{
    char *redacted = command ? command_redacted(command) : NULL;
    if (redacted && strcmp(redacted, command) != 0)
        fprintf(stderr,
                "halfopen: warning: the command holds what looks like a secret, and the file now "
                "does too; \"{env.NAME}\" in its place takes it from the environment\n");
    free(redacted);
}

static int write_all(const struct watch *watch, const struct lessons *lessons)
{
    const struct init_options *given = watch->given;
    char *here = getcwd(NULL, 0), *slash = here ? strrchr(here, '/') : NULL;
    struct init_facts facts = {.client = given->client,
                               .server = given->server,
                               .server_command = given->server_cmd,
                               .system = slash && slash[1] ? slash + 1 : "websocket",
                               .date = watch->today,
                               .tls = given->tls,
                               .insecure = given->insecure,
                               .asked = &watch->subject.policy,
                               .lessons = lessons};
    struct text content, summary;
    text_init(&content);
    text_init(&summary);
    init_summary_write(&facts, &summary);
    init_file_write(&facts, &content);
    fputs(text_chars(&summary), stdout);
    bool written = write_file(given->output, given->force, &content) &&
                   (!given->ci || write_workflow(given, &facts));
    int code = written ? check_written(given->output) : EXIT_ENVIRONMENT;
    if (written) {
        warn_of_leaving(watch, lessons);
        warn_of_secrets(given->client);
        warn_of_secrets(given->server_cmd);
        say_next(given);
    }
    text_fini(&summary);
    text_fini(&content);
    free(here);
    return code;
}

static int conclude_trace(struct watch *watch, const struct trace *trace)
{
    struct lessons lessons;
    int code;
    lessons_learn(trace, &watch->heard, &lessons);
    if (strcmp(trace->reason, RUN_CLIENTS_EXITED) == 0)
        code = say_ended(watch, trace);
    else if (lessons.longest < watch->given->watch / STAYED_LEAST)
        code = say_unsteady(watch, &lessons);
    else
        code = write_all(watch, &lessons);
    lessons_fini(&lessons);
    return code;
}

static int conclude(struct watch *watch)
{
    if (job_interrupted(watch->job)) {
        fprintf(stderr, "halfopen: interrupted, nothing was written\n");
        return EXIT_INTERRUPTED;
    }
    if (job_trouble(watch->job)) {
        fprintf(stderr, "halfopen: %s\nnothing was written\n", job_trouble(watch->job));
        watch->keeps_folder = true;
        return EXIT_ENVIRONMENT;
    }
    struct diag *diag = diag_new();
    char *path = xprintf("%s/%s", watch->folder, job_trace(watch->job));
    struct trace *trace = trace_read(path, diag);
    int code = EXIT_ENVIRONMENT;
    diag_print(diag, stderr);
    if (trace)
        code = conclude_trace(watch, trace);
    trace_free(trace);
    free(path);
    diag_free(diag);
    return code;
}

static int act(struct watch *watch)
{
    if (!prepare(watch))
        return EXIT_ENVIRONMENT;
    say_watching(watch);
    watch->processes = processes_new(watch->loop);
    loop_on_signal(watch->loop, SIGINT, on_signal, watch);
    loop_on_signal(watch->loop, SIGTERM, on_signal, watch);
    start(watch);
    loop_run(watch->loop);
    int code = conclude(watch);
    if (!watch->keeps_folder)
        remove_folder(watch);
    return code;
}

static void gather(struct watch *watch, struct diag *diag)
{
    const struct init_options *given = watch->given;
    struct subject *subject = &watch->subject;
    const char *why = NULL;
    subject_init(subject);
    subject->client_command = given->client ? xstrdup(given->client) : NULL;
    subject->server_url = given->server ? xstrdup(given->server) : NULL;
    subject->server_command = given->server_cmd ? xstrdup(given->server_cmd) : NULL;
    subject->declared = xstrdup("{}");
    subject->tls = given->tls;
    subject->server_unverified = given->insecure;
    if (subject->server_url && !url_parse_with_port(subject->server_url, 0, &subject->server, &why))
        diag_error(diag, command_line, "--server: '%s' %s", subject->server_url, why);
    watch->plan = plan_of(given->watch, diag);
    watch->speed = subject->server_url && !subject->server_command ? 1 : given->speed;
}

static int run(int argc, char **argv)
{
    struct init_options given = {.output = "halfopen.yaml", .watch = 60 * NSEC_PER_SEC, .speed = 1};
    struct watch watch = {.given = &given};
    struct option_words rest = {0};
    struct diag *diag = diag_new();
    int code;
    wall_date(watch.started);
    memcpy(watch.today, watch.started, sizeof watch.today - 1);
    options_parse(&init_command, argc, argv, &given, &rest, diag);
    if (rest.count > 0)
        diag_error(diag, command_line, "init takes options only; what is '%s'?", rest.list[0]);
    if (diag_errors(diag) == 0)
        check_given(&given, diag);
    if (diag_errors(diag) == 0)
        gather(&watch, diag);
    code = diag_errors(diag) > 0 ? command_usage_error(&init_command, diag) : act(&watch);
    release(&watch);
    diag_free(diag);
    return code;
}

const struct command init_command = {
    .name = "init",
    .usage = "init --client CMD [--for DURATION] [--speed X] [--ci github]",
    .brief = "watch a client and write halfopen.yaml",
    .options = options,
    .run = run,
};

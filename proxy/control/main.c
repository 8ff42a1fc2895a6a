/* halfopen: breaks WebSocket connections and judges what both ends do about it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "control/commands.h"

/* As the first help lists them. */
static const struct command *const commands[] = {
    &init_command,     &run_command,     &proxy_command, &judge_command,
    &validate_command, &explain_command, &list_command,  &client_command,
    &server_command,   &doctor_command,  &demo_command,
};
#define COMMANDS (sizeof commands / sizeof *commands)

/* Of the contract, and not in this version. */
static const char *const later[] = {"ctl", "report"};

static void introduce(FILE *out)
{
    fputs(
        "halfopen " HALFOPEN_VERSION " sits between a WebSocket client and its server, breaks the "
        "connection\nthe way real networks do, and judges what both ends do about it.\n\n"
        "  halfopen run --client 'node app.js {url}'     break a client's connection, judge it, report\n"
        "  halfopen proxy --listen 127.0.0.1:9000 --upstream 127.0.0.1:8080 --fault drop\n"
        "                                                a session by hand\n"
        "  halfopen judge halfopen-report                judge recorded traces again\n"
        "  halfopen explain reconnect.jitter             a rule, a fault or an exit code in full\n\n"
        "Commands\n",
        out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->brief);
    fputs("\nhalfopen COMMAND --help says more; halfopen --version prints the version.\n", out);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int say_unknown(const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(later[i], name) == 0) {
            fprintf(stderr, "halfopen: '%s' is not part of this version (halfopen --help)\n", name);
            return EXIT_USAGE;
        }
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *near = nearest_name(name, names, COMMANDS);
    if (near)
        fprintf(stderr, "halfopen: no command is called '%s'; did you mean '%s'?\n", name, near);
    else
        fprintf(stderr, "halfopen: no command is called '%s' (halfopen --help)\n", name);
    return EXIT_USAGE;
}

/* Started with standard streams closed, the next file or socket opened would take their place, and
 * what is printed would go there. */
static void open_standard_streams(void)
{
    int fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR);
    if (fd >= 0)
        (void)close(fd); /* nothing was written to it */
}

int main(int argc, char **argv)
{
    open_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        introduce(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        introduce(stdout);
        return EXIT_COMPLIED;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("halfopen " HALFOPEN_VERSION);
        return EXIT_COMPLIED;
    }
    const struct command *command = find(argv[1]);
    if (!command)
        return say_unknown(argv[1]);
    if (options_asked_for_help(command, argc - 2, argv + 2))
        return EXIT_COMPLIED;
    return command->run(argc - 2, argv + 2);
}

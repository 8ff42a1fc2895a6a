/* The subcommands. Each is one file, cmd_NAME.c, with a descriptor named NAME_command. */
#ifndef HALFOPEN_CONTROL_COMMANDS_H
#define HALFOPEN_CONTROL_COMMANDS_H

#include "control/options.h"

enum exit_code {
    EXIT_COMPLIED = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_ENVIRONMENT = 3,
    EXIT_UNDECIDED = 4,
    EXIT_INTERRUPTED = 130
};

extern const struct command client_command, demo_command, doctor_command, explain_command,
    init_command, judge_command, list_command, proxy_command, run_command, server_command,
    validate_command;

/* Prints what is wrong and says how to get help. Returns EXIT_USAGE. */
int command_usage_error(const struct command *, const struct diag *);
/* argv[0] of the process, for commands that start another of us: an absolute path, never freed. */
const char *command_executable(void);

#endif

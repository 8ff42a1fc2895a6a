#include "control/commands.h"

#include <limits.h>
#include <unistd.h>

int command_usage_error(const struct command *command, const struct diag *diag)
{
    diag_print(diag, stderr);
    fprintf(stderr, "usage: halfopen %s\n", command->usage);
    return EXIT_USAGE;
}

const char *command_executable(void)
{
    static char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return path;
}

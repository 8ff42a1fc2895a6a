#include "net/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STAT_BYTES 512

static FILE *open_of(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    return fopen(path, "re");
}

/* utime, stime, cutime and cstime are the 14th to the 17th field, in clock ticks. */
static nsec cpu_of(pid_t pid)
{
    char line[STAT_BYTES];
    unsigned long long own_user, own_system, others_user, others_system;
    FILE *file = open_of(pid, "stat");
    if (!file)
        return 0;
    size_t len = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[len] = '\0';
    const char *name_end = strrchr(line, ')'); /* the name may hold anything, brackets too */
    if (!name_end ||
        sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
               &own_user, &own_system, &others_user, &others_system) != 4)
        return 0;
    double ticks = (double)(own_user + own_system + others_user + others_system);
    return nsec_from_seconds(ticks / (double)sysconf(_SC_CLK_TCK));
}

static uint64_t memory_of(pid_t pid)
{
    char line[STAT_BYTES];
    unsigned long long kib = 0;
    FILE *file = open_of(pid, "status");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "VmHWM: %llu kB", &kib) == 1;
    if (file)
        fclose(file);
    return kib << 10;
}

void usage_of_tree(const struct proctree *tree, struct usage *usage)
{
    *usage = (struct usage){0};
    for (size_t i = 0; i < tree->count; i++) {
        usage->cpu += cpu_of(tree->pids[i]);
        usage->memory += memory_of(tree->pids[i]);
    }
}

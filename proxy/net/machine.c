#include "net/machine.h"

#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup/"

/* The first line of a small file; false: there is none. */
static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "r");
    bool read = file && fgets(line, size, file);
    if (file)
        (void)fclose(file); /* it was only read */
    return read;
}

/* cpu.max: "150000 100000" is one core and a half; "max 100000" is no limit. */
static unsigned cores_of_group(void)
{
    char line[64];
    uint64_t quota, period;
    if (!read_line(CGROUP "cpu.max", line, sizeof line) ||
        sscanf(line, "%" SCNu64 " %" SCNu64, &quota, &period) != 2 || period == 0)
        return 0;
    return quota < period ? 1 : (unsigned)(quota / period);
}

unsigned machine_cores(void)
{
    cpu_set_t set;
    unsigned ours = 1, group = cores_of_group();
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        ours = (unsigned)CPU_COUNT(&set);
    return group > 0 && group < ours ? group : ours;
}

static uint64_t available_of_all(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    uint64_t kib = 0;
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1;
    if (file)
        (void)fclose(file); /* it was only read */
    return found ? kib * 1024 : UINT64_MAX;
}

static uint64_t available_of_group(void)
{
    char limit_line[64], used_line[64];
    uint64_t limit, used;
    if (!read_line(CGROUP "memory.max", limit_line, sizeof limit_line) ||
        !read_line(CGROUP "memory.current", used_line, sizeof used_line) ||
        sscanf(limit_line, "%" SCNu64, &limit) != 1 || sscanf(used_line, "%" SCNu64, &used) != 1)
        return UINT64_MAX;
    return limit > used ? limit - used : 0;
}

uint64_t machine_memory(void)
{
    uint64_t all = available_of_all(), group = available_of_group();
    return all < group ? all : group;
}

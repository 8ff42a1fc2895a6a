/* What the programs of this folder share: each waits WAIT_SECONDS of its own time in one way, and
 * is right when both its own clock and the machine's say so. */
#ifndef HALFOPEN_TESTS_PRELOAD_WAITS_H
#define HALFOPEN_TESTS_PRELOAD_WAITS_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WAIT_SECONDS 2
#define SPEED        10.0
/* Strict below, as a wait that ends early is wrong; above there is room for a busy machine, as long
 * as a wait that is not scaled, which takes WAIT_SECONDS, is beyond. */
#define FAKED_LEAST (WAIT_SECONDS - 0.001)
#define FAKED_MOST  (WAIT_SECONDS * SPEED * 0.8)
#define REAL_LEAST  (WAIT_SECONDS / SPEED - 0.02) /* /proc/uptime counts hundredths */
#define REAL_MOST   (WAIT_SECONDS * 0.75)

static double faked_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nothing that is preloaded changes this file. */
static double real_seconds(void)
{
    double seconds = 0;
    FILE *uptime = fopen("/proc/uptime", "r");
    if (!uptime || fscanf(uptime, "%lf", &seconds) != 1)
        abort();
    fclose(uptime);
    return seconds;
}

struct started {
    double faked, real;
};

static struct started waits_start(void)
{
    struct started s = {faked_seconds(), real_seconds()};
    return s;
}

/* Exit status. ended: the wait ended the way it should. */
static int waits_judge(const char *name, struct started since, int ended)
{
    double faked = faked_seconds() - since.faked;
    double real = real_seconds() - since.real;
    printf("{\"wait\": \"%s\", \"faked\": %.6f, \"real\": %.2f, \"ended\": %s}\n", name, faked,
           real, ended ? "true" : "false");
    return ended && faked >= FAKED_LEAST && faked <= FAKED_MOST && real >= REAL_LEAST &&
                   real <= REAL_MOST
               ? 0
               : 1;
}

#endif

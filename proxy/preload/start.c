/* Where the library begins: the speed that FAKETIME asks for, whether the clock keeps to it, a slot
 * on the report page; and one repair to how libfaketime ends. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "preload/libc.h"
#include "preload/page.h"
#include "preload/report.h"
#include "preload/scale.h"

#define WATCH_NANOSECONDS 200000 /* of real time: long enough for three digits */
#define WATCH_ATTEMPTS    20     /* a preempted reading is taken again */
#define WATCH_TOLERANCE   0.05
#define SPEED_LIMIT       1e6

/* "+12.5 x10": 10. Without an x there is nothing to scale. */
static double asked_speed(void)
{
    const char *faketime = getenv("FAKETIME");
    const char *factor = faketime ? strchr(faketime, 'x') : NULL;
    double speed = factor ? strtod(factor + 1, NULL) : 1;
    return speed > 0 && speed < SPEED_LIMIT ? speed : 1;
}

static int64_t nanoseconds(const struct timespec *t)
{
    return t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
}

static int64_t real_now(void)
{
    struct timespec t = {0};
    (void)libc()->clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
    return nanoseconds(&t);
}

static int64_t faked_now(void)
{
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* a failure shows as a clock that stands */
    return nanoseconds(&t);
}

static bool clock_runs_at(double speed)
{
    for (int attempt = 0; attempt < WATCH_ATTEMPTS; attempt++) {
        int64_t real = real_now();
        int64_t faked = faked_now();
        int64_t passed = 0;
        while (passed < WATCH_NANOSECONDS)
            passed = real_now() - real;
        double ratio = (double)(faked_now() - faked) / (double)passed;
        if (ratio > speed * (1 - WATCH_TOLERANCE) && ratio < speed * (1 + WATCH_TOLERANCE))
            return true;
    }
    return false;
}

/* A symbol that only libfaketime has. */
static bool faketime_is_loaded(void)
{
    return dlsym(RTLD_DEFAULT, "needs_forced_monotonic_fix") != NULL ||
           dlsym(RTLD_DEFAULT, "read_config_file") != NULL;
}

__attribute__((constructor)) static void start(void)
{
    double speed = asked_speed();
    uint32_t flags = faketime_is_loaded() && getenv("FAKETIME") ? PAGE_FAKED : 0;
    if (flags && clock_runs_at(speed)) {
        flags |= PAGE_SCALED;
        scale_set_speed(speed);
    }
    report_open(flags, speed);
    (void)pthread_atfork(NULL, NULL, report_forked); /* failing leaves a child without a slot */
}

/* libfaketime keeps the start of the clock in shared memory named after the process that made it,
 * and removes it when that process exits, or a fork of it that never exec'ed: the programs started
 * later would begin again at the old time of day. Only its maker may remove it. */
static bool is_anothers(const char *name)
{
    static const char *const prefixes[] = {"/faketime_sem_", "/faketime_shm_"};
    for (size_t i = 0; name && i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t len = strlen(prefixes[i]);
        if (strncmp(name, prefixes[i], len) == 0)
            return strtol(name + len, NULL, 10) != (long)getpid();
    }
    return false;
}

int sem_unlink(const char *name)
{
    return is_anothers(name) ? 0 : libc()->sem_unlink(name);
}

int shm_unlink(const char *name)
{
    return is_anothers(name) ? 0 : libc()->shm_unlink(name);
}

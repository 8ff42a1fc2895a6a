#include "preload/scale.h"

#include <stddef.h>

#include "preload/libc.h"
#include "preload/report.h"

#define SECOND INT64_C(1000000000)
/* beyond this a wait is for ever; no sum overflows */
#define FARTHEST_SECONDS INT64_C(3000000000)

/* Written once by the constructor, before the program has threads. */
static double speed = 1;

double scale_speed(void)
{
    return speed;
}

void scale_set_speed(double value)
{
    speed = value;
}

static bool valid(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < SECOND;
}

static int64_t to_nanoseconds(struct timespec t)
{
    if (t.tv_sec >= FARTHEST_SECONDS)
        return FARTHEST_SECONDS * SECOND;
    return t.tv_sec * SECOND + t.tv_nsec;
}

static struct timespec from_nanoseconds(int64_t count)
{
    return (struct timespec){.tv_sec = count / SECOND, .tv_nsec = count % SECOND};
}

/* Rounds up, without libm: a preloaded library should pull in as little as it can. */
static int64_t round_up(double value)
{
    double most = (double)(FARTHEST_SECONDS * SECOND);
    if (value >= most)
        return FARTHEST_SECONDS * SECOND;
    int64_t whole = (int64_t)value;
    return (double)whole < value ? whole + 1 : whole;
}

static int64_t shrink(int64_t faked)
{
    return faked <= 0 ? 0 : round_up((double)faked / speed);
}

static int64_t stretch(int64_t real)
{
    return round_up((double)real * speed);
}

bool scale_knows(clockid_t clock)
{
    return clock >= 0 && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID;
}

struct timespec scale_left(clockid_t clock, const struct timespec *faked)
{
    struct timespec now = {0};
    if (clock_gettime(clock, &now) != 0)
        return (struct timespec){0};
    return from_nanoseconds(shrink(to_nanoseconds(*faked) - to_nanoseconds(now)));
}

const struct timespec *scale_deadline(clockid_t clock, const struct timespec *faked,
                                      struct timespec *real)
{
    if (!faked || !valid(faked))
        return faked;
    if (!scale_knows(clock)) {
        report_unhandled("unknown clock");
        return faked;
    }
    report_handled();
    /* The faked clock is read first: a delay between the two makes the wait longer, never
     * shorter. */
    struct timespec left = scale_left(clock, faked);
    struct timespec now = {0};
    if (libc()->clock_gettime(clock, &now) != 0)
        return faked;
    *real = from_nanoseconds(to_nanoseconds(now) + to_nanoseconds(left));
    return real;
}

const struct timespec *scale_span(const struct timespec *faked, struct timespec *real)
{
    if (!faked || !valid(faked))
        return faked;
    report_handled();
    *real = from_nanoseconds(shrink(to_nanoseconds(*faked)));
    return real;
}

struct timespec scale_span_back(struct timespec real)
{
    return from_nanoseconds(stretch(to_nanoseconds(real)));
}

struct timeval scale_timeval(struct timeval faked)
{
    if (faked.tv_sec < 0 || faked.tv_usec < 0 || faked.tv_usec >= 1000000)
        return faked;
    struct timespec t = {.tv_sec = faked.tv_sec, .tv_nsec = faked.tv_usec * 1000};
    int64_t microseconds = (shrink(to_nanoseconds(t)) + 999) / 1000;
    return (struct timeval){.tv_sec = microseconds / 1000000, .tv_usec = microseconds % 1000000};
}

struct timeval scale_timeval_back(struct timeval real)
{
    struct timespec t = {.tv_sec = real.tv_sec, .tv_nsec = real.tv_usec * 1000};
    struct timespec faked = from_nanoseconds(stretch(to_nanoseconds(t)));
    return (struct timeval){.tv_sec = faked.tv_sec, .tv_usec = faked.tv_nsec / 1000};
}

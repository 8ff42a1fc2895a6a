/* Sleeping. libfaketime scales most of these, but returns the remaining time of an interrupted
 * sleep unscaled or not at all. */
#include <errno.h>
#include <stddef.h>

#include "preload/libc.h"
#include "preload/report.h"
#include "preload/scale.h"

int nanosleep(const struct timespec *span, struct timespec *left)
{
    struct timespec real, rest;
    int result = libc()->nanosleep(scale_span(span, &real), &rest);
    if (result != 0 && errno == EINTR && left)
        *left = scale_span_back(rest);
    return result;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
                    struct timespec *left)
{
    struct timespec real, rest;
    if (flags & TIMER_ABSTIME)
        return libc()->clock_nanosleep(clock, flags, scale_deadline(clock, wanted, &real), left);
    if (!scale_knows(clock)) {
        report_unhandled("clock_nanosleep");
        return libc()->clock_nanosleep(clock, flags, wanted, left);
    }
    int result = libc()->clock_nanosleep(clock, flags, scale_span(wanted, &real), &rest);
    if (result == EINTR && left)
        *left = scale_span_back(rest);
    return result;
}

int thrd_sleep(const struct timespec *span, struct timespec *left)
{
    struct timespec real, rest;
    int result = libc()->thrd_sleep(scale_span(span, &real), &rest);
    if (result == -1 && left)
        *left = scale_span_back(rest);
    return result;
}

int usleep(useconds_t microseconds)
{
    return nanosleep(&(struct timespec){.tv_sec = microseconds / 1000000,
                                        .tv_nsec = (long)(microseconds % 1000000) * 1000},
                     NULL);
}

unsigned sleep(unsigned seconds)
{
    struct timespec left = {0};
    if (nanosleep(&(struct timespec){.tv_sec = seconds}, &left) == 0)
        return 0;
    return (unsigned)left.tv_sec + (left.tv_nsec > 0);
}

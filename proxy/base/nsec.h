/* Time. Every instant and every length of time in halfopen is a count of nanoseconds; instants
 * count from the start of the run, in target time (the endpoint's own time, see DESIGN: Time). */
#ifndef HALFOPEN_BASE_NSEC_H
#define HALFOPEN_BASE_NSEC_H

#include <stdint.h>

typedef int64_t nsec;

#define NSEC_PER_USEC ((nsec)1000)
#define NSEC_PER_MSEC ((nsec)1000000)
#define NSEC_PER_SEC  ((nsec)1000000000)
#define NEVER         INT64_MAX /* a deadline that is not set */

static inline double nsec_to_seconds(nsec t)
{
    return (double)t / 1e9;
}

static inline nsec nsec_from_seconds(double seconds)
{
    return (nsec)(seconds * 1e9 + (seconds < 0 ? -0.5 : 0.5));
}

static inline nsec nsec_min(nsec a, nsec b)
{
    return a < b ? a : b;
}

static inline nsec nsec_max(nsec a, nsec b)
{
    return a > b ? a : b;
}

/* a + b where either may be NEVER; b may be negative, and a too. */
static inline nsec nsec_add(nsec a, nsec b)
{
    return a == NEVER || b == NEVER || (b > 0 && a > NEVER - b) ? NEVER : a + b;
}

#endif

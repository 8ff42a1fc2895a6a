#include "net/loop.h"

#include <math.h>

nsec clock_target(const struct clock *clock, nsec real)
{
    if (real <= clock->start)
        return 0;
    return (nsec)((double)(real - clock->start) * clock->speed);
}

nsec clock_real(const struct clock *clock, nsec target)
{
    if (target == NEVER)
        return NEVER;
    if (target <= 0)
        return clock->start;
    double since = ceil((double)target / clock->speed);
    if (since >= (double)(NEVER - clock->start))
        return NEVER;
    nsec real = clock->start + (nsec)since;
    /* Rounding of either direction must not make a deadline look early. */
    while (clock_target(clock, real) < target)
        real++;
    return real;
}

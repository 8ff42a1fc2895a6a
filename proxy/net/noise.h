/* How late our own timers are on this machine: calibrated at the start, watched during the run.
 * What is measured of endpoints is not judged closer than this. Real time; multiply by the speed
 * for target. */
#ifndef HALFOPEN_NET_NOISE_H
#define HALFOPEN_NET_NOISE_H

#include "net/loop.h"

/* What our own timers do not show: an endpoint does some work between its timer and its socket, and
 * waits for a core while its fellows do the same. Ten node clients on two cores have been seen to
 * come 1 to 4 ms late, 3 to 20 ms just after they were cut together. Real time, on top of what is
 * measured. */
#define ENDPOINT_LATENESS (5 * NSEC_PER_MSEC / 2)

#define LATENESS_BUCKETS 160 /* eight to each doubling, from 1 us to more than a second */

/* A histogram: bounded, and right within a tenth. */
struct lateness {
    uint64_t buckets[LATENESS_BUCKETS];
    uint64_t count;
    nsec worst;
};

void lateness_add(struct lateness *, nsec late);
nsec lateness_share(const struct lateness *,
                    double share); /* 0.95: at most so late in 95 %; 0: no samples */

/* Runs the loop for a quarter of a second: 200 timers of 1 ms. Nothing else should be on it yet. */
void noise_calibrate(struct loop *, struct lateness *);

/* One probe every 20 ms until noise_stop. */
struct noise {
    struct timer timer; /* must stay first */
    struct loop *loop;
    struct lateness lateness;
    nsec expected;
};

void noise_watch(struct noise *, struct loop *); /* fills it; the owner keeps it in place */
void noise_stop(struct noise *);

#endif

/* Which of the raw verdicts on a reconnect schedule a rule may give. The raw estimator errs more
 * often than a report may when there are few clients, few retries or much noise; the gate leaves
 * those cases undecided, so that a wrong verdict comes in at most 0.3 % of the outages of every
 * kind of client and host that tests/calibrate simulates (docs/calibration.md holds the figures).
 * Pure. */
#ifndef HALFOPEN_RULES_LIB_BACKOFF_GATE_H
#define HALFOPEN_RULES_LIB_BACKOFF_GATE_H

#include "rules/lib/backoff.h"

#define BACKOFF_FACTOR_MIN  1.5 /* RULES 7: a factor of about 2 */
#define BACKOFF_FACTOR_MAX  3.0
#define BACKOFF_JITTER_WEAK 0.2 /* a smaller half width is weak jitter */

struct gated {
    enum raw_verdict verdict;
    const char *enough; /* of an inconclusive one: what would have been enough; static. Else NULL */
    double noise; /* seconds: with no more timing noise it would be decided; 0: noise is not in the
                     way, or nobody asked */
};

#define BACKOFF_GATES 6

struct backoff_gate {
    struct gated growth;
    bool rushed;            /* growth FAIL, by nothing but so many retries in so little time */
    struct backoff_law law; /* of the estimate, what factor and shape go by */
    struct gated factor;    /* FAIL: outside of BACKOFF_FACTOR_MIN to _MAX */
    struct gated shape, jitter, cap, storm;
};

/* The last delays are not seen to be at a plateau. */
bool backoff_still_grows(const struct backoff *);

/* After one or two delays, a random one among them, all clients wait the same each time. */
bool backoff_settles_level(const struct backoff *);

void backoff_gate(const struct backoff *, struct backoff_gate *out);

/* What is particular about the randomness of a schedule. */
struct backoff_notes {
    bool first_only;  /* random at first, then still growing but the same for all */
    bool lost_at_cap; /* random until the delays stop growing, then the same for all */
    bool same_seed;   /* up and down like random numbers, yet the same in every client */
    bool weak;        /* random, by less than BACKOFF_JITTER_WEAK */
    bool own_base;    /* drawn once by each client, not for each retry */
    size_t same_from; /* of first_only and lost_at_cap: the first retry, from 0, that is the same
                         for all */
};

void backoff_notes(const struct backoff *, struct backoff_notes *out);

#endif

/* Which of the raw verdicts on a reconnect schedule a rule may give. The raw estimator errs more
 * often than a report may when there are few clients, few retries or much noise; the gate leaves
 * those cases undecided, so that a wrong verdict comes in at most 0.3 % of the outages of every
 * kind of client and host that tests/calibrate simulates (docs/calibration.md holds the figures).
 * Pure. */
#ifndef HALFOPEN_RULES_LIB_BACKOFF_GATE_H
#define HALFOPEN_RULES_LIB_BACKOFF_GATE_H

#include "rules/lib/backoff.h"

struct gated {
    enum raw_verdict verdict;
    const char *enough; /* of an inconclusive one: what would have been enough; static. Else NULL */
};

struct backoff_gate {
    struct gated growth, shape, jitter, cap, storm;
};

void backoff_gate(const struct backoff *, const struct backoff_policy *, struct backoff_gate *out);

/* What is particular about the randomness of a schedule. */
struct backoff_notes {
    bool first_only;  /* random before the first or second retry and never after */
    bool lost_at_cap; /* random until the plateau and the same for all from there on */
    bool same_seed;   /* irregular, yet the same in every client */
    bool weak;        /* random, by less than 20 % */
    bool own_base;    /* drawn once by each client, not for each retry */
};

void backoff_notes(const struct backoff *, struct backoff_notes *out);

#endif

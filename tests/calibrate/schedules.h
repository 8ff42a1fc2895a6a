/* Clients with known reconnect schedules on hosts with known noise, and how often the verdicts on
 * them are wrong. Shared by the Monte Carlo of docs/calibration.md and the unit test that guards
 * it. */
#ifndef HALFOPEN_TESTS_CALIBRATE_SCHEDULES_H
#define HALFOPEN_TESTS_CALIBRATE_SCHEDULES_H

#include "base/rng.h"
#include "rules/lib/backoff_gate.h"

struct host {
    const char *name;
    double lateness;           /* mean of an exponential, seconds */
    double tick;               /* timers fire up to so much later, evenly */
    double stall_share, stall; /* so often, so long a pause of everything */
    double eps;                /* noise as the tool would have calibrated it */
    double scale;              /* of all delays: below 1 a client with faster timers */
};

extern const struct host hosts[];
extern const size_t hosts_count;

struct client {
    struct rng *rng;
    double own, previous; /* own: drawn once, 0 to 1 */
};

enum question { GROWTH, FACTOR, SHAPE, JITTER, CAP, STORM, NOTE, QUESTIONS };

/* Which verdict would be wrong. */
enum wrong { NEITHER_IS, PASS_IS, FAIL_IS };

struct schedule {
    const char *name;
    double (*delay)(const struct client *, int i);
    enum wrong wrong[QUESTIONS];
    bool same_seed; /* every client draws the same numbers */
};

extern const struct schedule schedules[];
extern const size_t schedules_count;
const struct schedule *schedule_by_name(const char *); /* it is there */

struct size {
    size_t clients, retries;
};

struct drawn {
    struct backoff_policy policy;
    double delays[BACKOFF_CLIENTS_LIMIT][BACKOFF_DELAYS_LIMIT];
    struct backoff_client clients[BACKOFF_CLIENTS_LIMIT];
};

/* One outage. */
void schedule_draw(const struct schedule *, const struct host *, struct size, struct rng *,
                   struct drawn *);

struct tally {
    size_t wrong_pass, wrong_fail, undecided;
};

struct trial {
    size_t runs;
    struct tally raw[QUESTIONS], gated[QUESTIONS];
};

/* So many outages, and the verdicts on them. */
void schedule_try(const struct schedule *, const struct host *, struct size, size_t runs,
                  uint64_t seed, struct trial *out);

#endif

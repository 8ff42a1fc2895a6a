/* One connection through the core with bytes of the test's own making at both ends, in virtual
 * time: where the world has endpoints that behave, the duct has whatever the test says, cut
 * anywhere, into sockets that take as little as the test lets them. For properties of the core. */
#ifndef HALFOPEN_TESTS_SIM_DUCT_H
#define HALFOPEN_TESTS_SIM_DUCT_H

#include "base/buf.h"
#include "core/run.h"

#define DUCT_SIDES 3 /* by enum side */

struct duct {
    struct plan *plan; /* owned */
    struct run *run;
    struct recorder *recorder;
    struct session *session; /* NULL: over, or refused */
    struct text trace;       /* JSON lines, run.start first */
    nsec now;
    struct buf got[DUCT_SIDES]; /* what reached that endpoint */
    size_t room[DUCT_SIDES];    /* what that endpoint's socket still takes; SIZE_MAX: anything */
    bool finished[DUCT_SIDES];  /* FIN, or the end of everything, reached that endpoint */
    bool reset[DUCT_SIDES];     /* RST did, or the socket vanished */
    bool connect_wanted, hanging;
};

/* A connection that was accepted and, unless a fault keeps it, connected to the server. Takes the
 * plan; its steps have begun. */
void duct_init(struct duct *, struct plan *, uint64_t seed);
void duct_fini(struct duct *); /* run_end if it was not called, and frees */

/* The endpoint sends; false: the core does not read that side now, nothing was taken. */
bool duct_send(struct duct *, enum side from, const void *bytes, size_t len);
/* All of it in pieces of at most `slice` bytes (0: whole), draining the other side as needed. */
void duct_send_all(struct duct *, enum side from, const struct buf *, size_t slice, struct rng *);
void duct_end(struct duct *, enum side from, enum cut how);
void duct_give_room(struct duct *, enum side to, size_t more); /* the endpoint read so much */
void duct_until(struct duct *, nsec now); /* every deadline on the way is served */
void duct_end_run(struct duct *);         /* run_end: finished */

/* A plan of no steps but an endless wait, for sessions without faults; and one whose steps are YAML
 * ("  - drop: {}\n    as: x\n"). */
struct plan *duct_plan(const char *steps);

#endif

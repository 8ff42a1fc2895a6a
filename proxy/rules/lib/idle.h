/* What an idle timer on the path (of a proxy, a load balancer, a NAT) makes of the connections of a
 * run, for rules that differ only in how much room they ask for: the timer of a fault that is at
 * work, that of the intermediary the target file is behind, or, where neither is known, the rule's
 * parameter or the policy's. */
#ifndef HALFOPEN_RULES_LIB_IDLE_H
#define HALFOPEN_RULES_LIB_IDLE_H

#include "rules/lib/connection.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define IDLE_NAME_BYTES 40

/* Whose bytes restart the timer; the words of the faults. */
enum idle_counts {
    IDLE_COUNTS_ANY,
    IDLE_COUNTS_FROM_CLIENT,
    IDLE_COUNTS_FROM_SERVER,
    IDLE_COUNTS_PER_DIRECTION
};

enum idle_origin { IDLE_OF_POLICY, IDLE_OF_PARAMETER, IDLE_OF_BEHIND, IDLE_AT_WORK };

struct idle_timer {
    nsec timeout;
    enum idle_counts counts;
    enum idle_origin origin;
    const char *label;          /* of the fault at work, borrowed from the trace; else NULL */
    char name[IDLE_NAME_BYTES]; /* of the intermediary the target file is behind, or empty */
    nsec from, to;              /* when, within the undisturbed time of the connection */
};

/* What one connection shows. The order is that of their weight: of several connections of a client
 * the last in this list counts. */
enum idle_show {
    IDLE_NOTHING,
    IDLE_OWN_ENDS, /* halfopen's on both sides */
    IDLE_TOO_SHORT,
    IDLE_BY_CHANCE,
    IDLE_BY_OWN_END, /* the heartbeat of halfopen's own end kept it alive */
    IDLE_ROOMY,
    IDLE_TIGHT,
    IDLE_RACE,
    IDLE_TOO_LONG,
    IDLE_CUT,
    IDLE_SHOWS
};

struct idle_sight {
    enum idle_show show;
    struct idle_timer timer;
    nsec observed, silence, from_client, from_server;
    nsec beat; /* median interval of the endpoints' own heartbeat; 0: none was recognised */
    uint64_t from, to;
};

/* What a rule asks for. */
struct idle_rule {
    /* the longest silence that passes under such a timeout */
    nsec (*room)(const struct trace *, nsec timeout);
    /* how long the connection has to be seen alive */
    nsec (*enough)(const struct trace *, const struct idle_sight *);
    /* the sentence of a connection that lives, roomy or tight, behind "the connection was" */
    void (*add_life)(struct text *, const struct trace *, const struct idle_sight *,
                     const struct tally *);
    /* of a warning or a failure */
    void (*add_fix)(struct finding *, const struct trace *, const struct idle_sight *);
};

/* timeout: the rule's own parameter; 0: left out. */
void idle_judge(const struct idle_rule *, const struct trace *, nsec timeout, struct findings *);

#endif

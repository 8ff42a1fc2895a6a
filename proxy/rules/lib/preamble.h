/* What a client says when it connects, and whether it says it again on a later connection: its
 * subscriptions where the target file declares them (sessions.subscribe), else all its messages of
 * the first seconds, without heartbeats, without what authenticates it, and without kinds of
 * messages that it goes on sending. Messages are told apart by kind (digits, long hexadecimal runs
 * and UUIDs are all alike), and one whose kind is new is taken for one of the same length: tokens
 * and random ids differ from one connection to the next. */
#ifndef HALFOPEN_RULES_LIB_PREAMBLE_H
#define HALFOPEN_RULES_LIB_PREAMBLE_H

#include "rules/lib/eras.h"
#include "trace/messages.h"

#define PREAMBLE_WATCH (15 * NSEC_PER_SEC) /* of the first connection, to tell traffic from it */

/* What all clients of a trace said. */
struct speech {
    const struct trace *trace;
    struct eras eras;
    struct messages messages; /* of clients */
    const struct event **marks;
    size_t mark_count; /* ws.session and ws.auth of clients, by the message they are about */
    bool declared;     /* sessions.subscribe */
};

void speech_of(const struct trace *, struct speech *out);
void speech_fini(struct speech *);

struct preamble_item {
    const char *key; /* its kind; of one declared what it subscribes to, or ""; borrowed */
    const char *hash;
    uint64_t len;
};

/* Of a client's first era. */
struct preamble {
    struct preamble_item *list;
    size_t count;
    const char **traffic; /* kinds that it goes on sending */
    size_t traffic_count;
};

void preamble_of(const struct speech *, const struct era *first, struct preamble *out);
void preamble_fini(struct preamble *);

/* How much of it came in a later era. */
struct renewal {
    size_t came;
    nsec last;    /* since the era began: when enough of it had come; NEVER: it did not */
    bool fresh;   /* it said things within the window that are not of the preamble */
    bool changed; /* what came again came with other digits */
    bool resumed; /* a message that the target file declares as one that resumes */
};

#define PREAMBLE_ENOUGH(n) (((n)*95 + 99) / 100)

struct renewal renewal_of(const struct speech *, const struct preamble *, const struct era *);

#endif

/* The times during which a client was connected: an era ends when its only connection, or the last
 * of several, is over for it, and the next begins when one opens again. Clients that are halfopen's
 * own are left out. */
#ifndef HALFOPEN_RULES_LIB_ERAS_H
#define HALFOPEN_RULES_LIB_ERAS_H

#include "rules/lib/endings.h"

struct era {
    int client;
    nsec from, to;      /* the first opening; the last end, or how far the trace goes */
    bool left;          /* the client itself ended it */
    bool tampered;      /* a fault did something on one of its connections soon after it opened */
    bool restarted;     /* the client's process ended since the era before */
    const char *target; /* of the first request; NULL: none was seen. Borrowed. */
    size_t first, end;  /* its attempts in endings */
    uint64_t from_seq, to_seq;
};

struct eras {
    struct endings endings;
    struct era *list; /* client by client, in order */
    size_t count;
};

#define ERA_WINDOW (10 * NSEC_PER_SEC) /* of a connection: what a client says when it connects */

void eras_of(const struct trace *, struct eras *out);
void eras_fini(struct eras *);
/* The index behind the last era of the client whose first is at that index. */
size_t eras_of_client_end(const struct eras *, size_t first);
/* When that connection of the era opened; NEVER: it is none of its. */
nsec era_opened(const struct eras *, const struct era *, uint32_t conn);
/* ERA_WINDOW, and on top what a busy host may take for the work of connecting: 300 ms of wall time
 * and twice the noise. */
nsec era_window(const struct trace *);

#endif

/* Clients that were told that what they authenticate with is not accepted, by a Close with 1008,
 * 3000, 3003, 4401 or 4403 on an open connection or by 401 or 403 for a handshake, and what they
 * did next. */
#ifndef HALFOPEN_RULES_LIB_REFUSALS_H
#define HALFOPEN_RULES_LIB_REFUSALS_H

#include "rules/lib/credentials.h"
#include "rules/lib/endings.h"
#include "rules/rule.h"

/* Whether that one ended by a refusal. */
bool ending_is_refusal(const struct endings *, size_t of);

/* What a client did after a refusal: its attempts of some time, each beside the newest connection
 * that was refused and showed a credential. */
struct retrials {
    size_t same, renewed, unseen; /* unseen: no credential of the attempt, or of what was refused */
    nsec shortest;                /* wait before one with the same credential; NEVER */
    uint64_t to;                  /* seq of the last attempt; of the refusal when there is none */
};

/* of: index of the refusal; end: behind the client's last ending; until: of the time. */
struct retrials retrials_of(const struct endings *, const struct credentials *, size_t of,
                            size_t end, nsec until);
/* The client's attempt after that one, of which it is the answer, shows a credential that the one
 * before had not. */
bool ending_is_followed_by_renewal(const struct endings *, const struct credentials *, size_t of);

struct refusal {
    const struct ending *ending; /* the client's first; borrowed from the endings */
    bool shown;                  /* and the connection showed its credential */
    struct retrials after;
    bool whole; /* watched for all of the time, or its process has ended */
};

struct refusals {
    struct refusal *list; /* one a client */
    size_t count;
    size_t hidden; /* further clients, whose script is told no status */
    size_t bare;   /* further clients, whose handshake was refused and carried no credential */
};

void refusals_of(const struct trace *, const struct endings *, const struct credentials *,
                 nsec watch, struct refusals *out);
void refusals_fini(struct refusals *);
/* Why there is none to judge. */
void refusals_say_none(const struct refusals *, const struct trace *, const struct endings *,
                       struct findings *out);

#endif

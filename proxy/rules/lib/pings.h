/* The pings that reached the client of a connection, whoever sent them, and its pongs: a pong
 * answers the newest ping of its payload and all before it (RFC 6455 5.5.3). Pings in the name of
 * the server count until another fault tampers with what goes to the client: from then on it is not
 * known when they arrive. */
#ifndef HALFOPEN_RULES_LIB_PINGS_H
#define HALFOPEN_RULES_LIB_PINGS_H

#include "rules/lib/connection.h"

#define PINGS_WAITING_LIMIT 4096 /* of more the oldest are forgotten */

struct pings {
    uint64_t count, pongs;
    uint64_t strange;  /* pongs that carry the payload of none of them */
    size_t waiting;    /* not answered when the undisturbed time of the connection ended */
    nsec waiting_for;  /* the oldest of those; 0: none waits */
    nsec slowest;      /* answer, from the arrival of the ping */
    nsec last;         /* ping; NEVER: none came */
    uint64_t from, to; /* seq */
};

void pings_of(const struct trace *, const struct connection *, struct pings *out);

#endif

/* Whether and when a client returns, given how its last connection or attempt ended. */
#ifndef HALFOPEN_ENDPOINT_COMEBACK_H
#define HALFOPEN_ENDPOINT_COMEBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/rng.h"
#include "endpoint/endpoint_policy.h"

#define RETRY_AFTER_ABSENT (-1)

/* Zeroed: by backoff alone. Otherwise not before a random moment between the two. */
struct comeback {
    bool never;
    nsec exactly; /* after so long, whatever the backoff says; 0: no */
    nsec earliest, latest;
};

/* code: of the server's Close frame; 1005: it had none. */
struct comeback comeback_after_close(const struct client_policy *, uint16_t code);
/* retry_after: from that response, or RETRY_AFTER_ABSENT. */
struct comeback comeback_after_status(const struct client_policy *, int status, nsec retry_after);
/* How long to wait after `failures` (from 1) failures in a row. Never shorter than the backoff. */
nsec comeback_delay(struct comeback, const struct client_policy *, uint64_t failures, struct rng *);

#endif

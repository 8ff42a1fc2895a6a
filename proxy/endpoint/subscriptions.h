/* What the application of the built-in client wants of its server on every connection: its session,
 * the topics it subscribed to, the events it missed meanwhile (news.h). */
#ifndef HALFOPEN_ENDPOINT_SUBSCRIPTIONS_H
#define HALFOPEN_ENDPOINT_SUBSCRIPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "endpoint/endpoint_policy.h"
#include "endpoint/outbound.h"

struct subscriptions {
    const struct client_policy *policy;
    struct outbound *out;
    bool again;       /* it was connected before */
    uint64_t last;    /* number of the newest event; 0: none came */
    uint64_t session; /* 0: it has none */
};

/* Keeps both. */
void subscriptions_init(struct subscriptions *, const struct client_policy *, struct outbound *);
/* Whether the policy makes it listen to anything the server says. */
bool subscriptions_wanted(const struct client_policy *);
void subscriptions_open(struct subscriptions *); /* data may flow */
void subscriptions_hear(struct subscriptions *, const uint8_t *bytes, size_t len);
/* What its user would miss: "session 3, 2 topics". */
void subscriptions_state(const struct subscriptions *, struct text *out);

#endif

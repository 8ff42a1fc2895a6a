/* The application half of the client: it produces numbered messages at the policy's rate, keeps
 * what cannot be sent yet within the policy's bounds, and sends in order once there is a
 * connection. With a connection a full buffer makes the application wait; without one the oldest
 * messages go. */
#ifndef HALFOPEN_ENDPOINT_SENDER_H
#define HALFOPEN_ENDPOINT_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/nsec.h"
#include "endpoint/backlog.h"
#include "endpoint/endpoint_policy.h"
#include "endpoint/outbound.h"

struct sender {
    const struct client_policy *policy;
    struct outbound *out;
    /* dropped, paused, resumed; count: of messages dropped, of bytes unsent otherwise */
    void (*on_log)(void *context, const char *event, uint64_t count);
    void *context;
    struct backlog backlog;
    bool open, stopped;
    nsec every, at; /* between messages, 0: none; the next one's moment, NEVER while paused */
    uint8_t *message;
    bool pending;  /* the last message popped is not wholly taken */
    uint64_t mark; /* out->taken once it is */
    uint64_t produced, sent, dropped;
    uint64_t sent_here; /* on this connection */
};

/* Keeps the policy and out. */
void sender_init(struct sender *, const struct client_policy *, struct outbound *out,
                 void (*on_log)(void *context, const char *event, uint64_t count), void *context,
                 nsec now);
void sender_fini(struct sender *);
void sender_open(struct sender *);  /* data may flow: begins with what was kept */
void sender_pause(struct sender *); /* no more data on this connection, whose output goes on */
/* The connection is gone (before outbound_reset): what it did not wholly take is kept. */
void sender_lost(struct sender *, nsec now);
void sender_stop(struct sender *);                        /* nothing is produced any more */
uint64_t sender_produce(struct sender *, uint64_t count); /* how many the bounds let through */
void sender_writable(struct sender *, nsec now);          /* after outbound_writable */
void sender_expire(struct sender *, nsec now);
nsec sender_deadline(const struct sender *);
uint64_t sender_buffered(const struct sender *); /* unsent bytes, frames of all kinds included */

#endif

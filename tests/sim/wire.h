/* One direction of a simulated TCP connection: the send buffer of its source and the receive buffer
 * of its sink as one queue with two limits. */
#ifndef HALFOPEN_TESTS_SIM_WIRE_H
#define HALFOPEN_TESTS_SIM_WIRE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/nsec.h"
#include "base/rng.h"

struct wire {
    struct buf queue;
    size_t send, receive; /* room at the source and at the sink, bytes */
    bool fin;             /* the source will say no more: ends after the queue */
    bool rst;             /* reset: what was queued is lost */
    bool deaf;            /* the sink has closed: what comes is lost, and answered by RST */
    bool short_write;     /* the source was refused bytes and waits for room */
    bool told, told_rst;  /* the sink knows of the end, of the reset */
    double loss;          /* share of its segments that are lost on arrival; 1: all */
    nsec rto, lost_until; /* then: the source tries again at lost_until, rto later the next time */
};

void wire_init(struct wire *, size_t send, size_t receive);
void wire_fini(struct wire *);
/* How many were taken; fewer than all: wire_has_room becomes true once there is room again. What a
 * finished or deaf wire gets is taken and lost, as a socket's error that nobody reads. */
size_t wire_write(struct wire *, const void *bytes, size_t len);
size_t wire_take(struct wire *, uint8_t *into, size_t len); /* how many */
size_t wire_len(const struct wire *);
size_t wire_unread(const struct wire *); /* in the sink's buffer */
size_t wire_unsent(const struct wire *); /* in the source's */
bool wire_at_end(const struct wire *);   /* nothing is left but an end the sink was not told of */
/* What is to arrive now was lost; wire->lost_until says when it is tried again (NEVER: not before
 * wire_hear). Draws when there is something to lose. */
bool wire_loses(struct wire *, struct rng *, nsec now);
void wire_hear(struct wire *, double loss, nsec now); /* from now on this share is lost */
/* The source waits and a third of the buffer is free again (as Linux wakes writers); forgets that
 * it waits. */
bool wire_take_room(struct wire *);
void wire_reset(struct wire *);

#endif

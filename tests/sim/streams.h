/* What endpoints may say, made at random from a seed: plain HTTP, the upgrade, frames of every kind
 * and length class, sound or not, compressed or not, bytes that are nothing of the sort. */
#ifndef HALFOPEN_TESTS_SIM_STREAMS_H
#define HALFOPEN_TESTS_SIM_STREAMS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/rng.h"
#include "trace/event.h"

enum manners {
    SOUND, /* what RFC 6455 allows */
    WILD   /* reserved bits and opcodes, lengths that are not minimal, unmasked, fragments astray */
};

struct streams {
    struct buf from_client, from_server;
};

void streams_init(struct streams *);
void streams_fini(struct streams *);

/* Some requests and their answers: with length, chunked, without a body. */
void streams_add_http(struct streams *, struct rng *);
/* The request and the 101; compressed: permessage-deflate is offered and accepted. */
void streams_add_upgrade(struct streams *, bool compressed);
/* `count` messages and control frames of that side; payloads of at most `longest` bytes. */
void streams_add_frames(struct streams *, enum side from, enum manners, bool compressed,
                        size_t count, size_t longest, struct rng *);
void streams_add_noise(struct streams *, enum side from, size_t len, struct rng *);
/* One frame as given. */
void streams_add_frame(struct streams *, enum side from, uint8_t opcode, const void *payload,
                       size_t len);
struct buf *streams_of(struct streams *, enum side from);

#endif

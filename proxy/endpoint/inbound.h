/* What a peer sends on one connection, checked against RFC 6455 frame by frame: any slicing of the
 * bytes gives the same calls. Reserved bits are errors, but for those of permessage-deflate where
 * that was agreed on. */
#ifndef HALFOPEN_ENDPOINT_INBOUND_H
#define HALFOPEN_ENDPOINT_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "ws/deflate.h"

enum inbound_peer { PEER_IS_CLIENT, PEER_IS_SERVER }; /* decides whether frames are masked */

struct inbound_ops {
    void (*on_ping)(void *context, const uint8_t *payload, size_t len, nsec now);
    void (*on_pong)(void *context, nsec now);
    void (*on_close)(void *context, uint16_t code, nsec now); /* 1005: it had no body */
    /* A complete message. bytes: only where they are kept, else NULL; borrowed. */
    void (*on_message)(void *context, uint8_t opcode, const uint8_t *bytes, size_t len, nsec now);
};

struct inbound;

/* max_message: 0 for no limit. keeps_messages: whether on_message gets the bytes. Copies the
 * ops. */
struct inbound *inbound_new(enum inbound_peer, uint64_t max_message, bool keeps_messages,
                            const struct inbound_ops *, void *context);
void inbound_free(struct inbound *);
/* What is taken as it comes instead of failing the connection; for flaws. */
enum inbound_trust {
    TRUST_FRAMES = 1,
    TRUST_TEXT = 2,
    TRUST_CLOSES = 4,
    TRUST_READS = 8,     /* one feed is taken for one frame */
    TRUST_DEFLATE = 16,  /* messages that do not inflate */
    TRUST_INFLATED = 32, /* max_message does not hold for what they inflate to */
    TRUST_RSV1 = 64      /* every message is taken for compressed */
};
void inbound_trust(struct inbound *, unsigned trust);
void inbound_reset(struct inbound *); /* for the next connection */
/* permessage-deflate was agreed on, with this for what the peer sends; until the reset. */
void inbound_deflate(struct inbound *, int window_bits, enum deflate_context);
/* 0, or the code the connection must be failed with (1002, 1007, 1009). After that, and after a
 * Close frame, everything is ignored. */
uint16_t inbound_feed(struct inbound *, const uint8_t *bytes, size_t len, nsec now);

#endif

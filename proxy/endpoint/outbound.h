/* What an endpoint has to say on one connection and its driver has not taken yet. Pongs do not pile
 * up behind a peer that does not read: while there is no room only the latest is kept (RFC 6455
 * 5.5.3 allows to answer only the most recent ping). */
#ifndef HALFOPEN_ENDPOINT_OUTBOUND_H
#define HALFOPEN_ENDPOINT_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"
#include "ws/compress.h"
#include "ws/frame.h"

#define OUTBOUND_LIMIT_BYTES ((size_t)1 << 30)
#define OUTBOUND_PONG_ROOM   4096 /* unsent bytes up to which every ping has its own pong */
#define OUTBOUND_PONG_BUFFER 4096 /* what each pong costs that is kept */

enum outbound_masking { MASKING_NONE, MASKING_FRESH, MASKING_CONSTANT };

struct kept_pong;

struct outbound {
    size_t (*on_output)(void *context, const uint8_t *bytes, size_t len);
    void (*on_finish)(void *context);
    void *context;
    struct buf wire;
    uint64_t written, taken; /* bytes since outbound_reset */
    bool blocked;            /* the driver took less than all: wait for outbound_writable */
    bool finishing, finished;
    enum outbound_masking masking;
    struct rng masks;
    struct compress *compress; /* permessage-deflate is agreed on; NULL: it is not */
    bool pong_owed;
    uint8_t pong[FRAME_CONTROL_MAX];
    size_t pong_len;
    bool keeps_pongs;                     /* a flaw: one for every ping, without bound */
    struct kept_pong *kept, **kept_after; /* the oldest first */
    size_t kept_count;
};

void outbound_init(struct outbound *, enum outbound_masking, uint64_t seed,
                   size_t (*on_output)(void *context, const uint8_t *bytes, size_t len),
                   void (*on_finish)(void *context), void *context);
void outbound_fini(struct outbound *);
void outbound_reset(struct outbound *); /* for the next connection: nothing is left over */

/* Each offers to the driver at once what it can. false: beyond OUTBOUND_LIMIT_BYTES, not sent. */
bool outbound_bytes(struct outbound *, const void *bytes, size_t len);
bool outbound_frame(struct outbound *, uint8_t opcode, const void *payload, size_t len);
/* Of data: compressed where that was agreed on (RFC 7692 7.2.1). */
bool outbound_message(struct outbound *, uint8_t opcode, const void *payload, size_t len);
/* From here until the reset. */
void outbound_deflate(struct outbound *, int window_bits, enum deflate_context);
bool outbound_close(struct outbound *, uint16_t code, const char *reason); /* code 0: no body */
void outbound_pong(struct outbound *, const void *payload, size_t len);
/* From now on a pong is kept for every ping that comes while there is no room, each in the buffer
 * that the ping was read into. */
void outbound_keep_pongs(struct outbound *);
size_t outbound_kept_bytes(const struct outbound *);
void outbound_finish(struct outbound *); /* on_finish once everything was taken */
void outbound_writable(struct outbound *);
size_t outbound_len(const struct outbound *); /* unsent bytes */

#endif

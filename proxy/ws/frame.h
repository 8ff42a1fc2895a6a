/* WebSocket frames (RFC 6455 5.2): decoding heads in place, encoding, masking. The decoder refuses
 * nothing: reserved bits, unknown opcodes, lengths that are too long or not minimal are reported in
 * the head and carried on, for a man in the middle must forward what an endpoint has to reject. */
#ifndef HALFOPEN_WS_FRAME_H
#define HALFOPEN_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD_MAX    14  /* bytes */
#define FRAME_CONTROL_MAX 125 /* payload bytes of a control frame, RFC 6455 5.5 */

enum {
    OPCODE_CONTINUATION = 0,
    OPCODE_TEXT = 1,
    OPCODE_BINARY = 2,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10
};

enum { RSV1 = 4, RSV2 = 2, RSV3 = 1 };

struct frame_head {
    bool fin;
    uint8_t rsv; /* RSV1 | RSV2 | RSV3 */
    uint8_t opcode;
    bool masked;
    uint8_t mask_key[4]; /* zero when not masked */
    uint64_t payload_len;
    uint8_t head_len; /* bytes of the head as it was read */
    bool minimal_len; /* the length is in its shortest form, RFC 6455 5.2 */
    bool len_top_bit; /* 64-bit length with the top bit set, which 5.2 forbids */
};

enum frame_step {
    FRAME_MORE,    /* the bytes are used up */
    FRAME_HEAD,    /* decoder->head is complete; the bytes taken are the rest of it */
    FRAME_PAYLOAD, /* the bytes taken are payload, from decoder->offset of the frame on */
    FRAME_END      /* the frame is complete; nothing is taken */
};

/* Held by value; zeroed memory is a decoder at the start of a frame. */
struct frame_decoder {
    struct frame_head head;      /* of the frame under way, from FRAME_HEAD to the next one */
    uint64_t offset;             /* of the newest payload span in its frame */
    uint64_t left;               /* payload bytes to come */
    uint8_t raw[FRAME_HEAD_MAX]; /* the head as it was read, head.head_len bytes */
    uint8_t raw_len;             /* of a head that is not complete */
    bool in_frame;               /* after FRAME_HEAD, before FRAME_END */
};

void frame_decoder_init(struct frame_decoder *);
/* Takes one step and says in *taken how many bytes it used, from the start of bytes. Call again
 * with the rest until it says FRAME_MORE, then all of len is used: while ((step =
 * frame_decode(&decoder, bytes, len, &taken)) != FRAME_MORE) {
 *         ...
 *         bytes += taken, len -= taken;
 *     }
 * Every frame gives HEAD, PAYLOAD any number of times (none when it is empty), END; END needs no
 * further bytes. Bytes may be cut anywhere; nothing beyond len is read, payload is not looked
 * at. */
enum frame_step frame_decode(struct frame_decoder *, const uint8_t *bytes, size_t len,
                             size_t *taken);
/* Between two frames, with no part of a head read: a frame of ours may go here. */
bool frame_at_boundary(const struct frame_decoder *);

/* Writes a head and returns its length. head_len 0: in the shortest form. Otherwise in that many
 * bytes, so that what was decoded is encoded as it was; it must be possible (2, 4 or 10, and 4 for
 * a key). */
size_t frame_encode_head(const struct frame_head *, uint8_t out[FRAME_HEAD_MAX]);
/* Masks or unmasks in place; offset: of the first byte in its frame's payload. */
void frame_mask(uint8_t *bytes, size_t len, const uint8_t key[4], uint64_t offset);
/* Likewise from one place to another. */
void frame_mask_into(uint8_t *out, const uint8_t *bytes, size_t len, const uint8_t key[4],
                     uint64_t offset);
/* A whole unfragmented frame; key NULL: not masked. Returns its length; room must hold it
 * (FRAME_HEAD_MAX + len always does). */
size_t frame_build(uint8_t *out, size_t room, uint8_t opcode, const void *payload, size_t len,
                   const uint8_t *key);

bool frame_is_control(uint8_t opcode);
bool frame_is_known(uint8_t opcode);
const char *frame_opcode_name(uint8_t opcode); /* "text"; "reserved 0x3" */

enum frame_sender { FRAME_FROM_CLIENT, FRAME_FROM_SERVER };

/* What the sender's side of the connection was doing when a head came. */
struct frame_context {
    enum frame_sender sender;
    bool in_message;            /* a fragmented message is under way */
    bool rsv1_means_compressed; /* permessage-deflate was negotiated, RFC 7692 6 */
};

/* The first thing in which a head breaks RFC 6455, as a sentence without full stop; NULL:
 * nothing. */
const char *frame_violation(const struct frame_head *, const struct frame_context *);

#endif

#include "endpoint/inbound.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "ws/close.h"
#include "ws/frame.h"
#include "ws/utf8.h"

#define INFLATED_AT_ONCE ((size_t)4096)      /* it may become a thousand times as much */
#define KEPT_LIMIT_BYTES ((size_t)256 << 20) /* of one message, whatever max_message says */

struct inbound {
    enum inbound_peer peer;
    uint64_t max_message;
    bool keeps_messages;
    unsigned trust; /* enum inbound_trust */
    struct inbound_ops ops;
    void *context;
    struct frame_decoder decoder;
    bool over;            /* failed, or a Close was read */
    bool in_message;      /* data frames came, the last was not final */
    uint8_t opcode;       /* of that message */
    uint64_t message_len; /* declared so far, of the frame under way too */
    struct utf8 utf8;
    struct buf kept;
    struct deflate *inflater; /* NULL: permessage-deflate was not agreed on */
    bool compressed;          /* the message under way is */
    struct text inflated;     /* what the piece in hand became */
    uint8_t control[FRAME_CONTROL_MAX];
};

struct inbound *inbound_new(enum inbound_peer peer, uint64_t max_message, bool keeps_messages,
                            const struct inbound_ops *ops, void *context)
{
    struct inbound *in = xcalloc(1, sizeof *in);
    in->peer = peer;
    in->max_message = max_message;
    in->keeps_messages = keeps_messages;
    in->ops = *ops;
    in->context = context;
    buf_init(&in->kept, KEPT_LIMIT_BYTES);
    text_init(&in->inflated);
    inbound_reset(in);
    return in;
}

void inbound_free(struct inbound *in)
{
    if (!in)
        return;
    buf_fini(&in->kept);
    text_fini(&in->inflated);
    deflate_free(in->inflater);
    free(in);
}

void inbound_trust(struct inbound *in, unsigned trust)
{
    in->trust = trust;
}

void inbound_reset(struct inbound *in)
{
    frame_decoder_init(&in->decoder);
    in->over = in->in_message = false;
    in->utf8 = (struct utf8){0};
    in->message_len = 0;
    buf_clear(&in->kept);
    deflate_free(in->inflater);
    in->inflater = NULL;
}

void inbound_deflate(struct inbound *in, int window_bits, enum deflate_context context)
{
    deflate_free(in->inflater);
    in->inflater = deflate_new(window_bits, context);
}

static uint16_t begin_data(struct inbound *in, const struct frame_head *head)
{
    if (!in->in_message) {
        in->opcode = head->opcode;
        in->compressed = in->inflater && ((head->rsv & RSV1) || (in->trust & TRUST_RSV1));
        in->message_len = 0;
        in->utf8 = (struct utf8){0};
        buf_clear(&in->kept);
    }
    in->in_message = true;
    if (in->max_message > 0 && head->payload_len > in->max_message - in->message_len)
        return CLOSE_TOO_BIG; /* RFC 6455 10.4: known from the head, before any of it is kept */
    in->message_len += head->payload_len;
    return 0;
}

static uint16_t begin_frame(struct inbound *in)
{
    const struct frame_head *head = &in->decoder.head;
    struct frame_context context = {.sender = in->peer == PEER_IS_CLIENT ? FRAME_FROM_CLIENT
                                                                         : FRAME_FROM_SERVER,
                                    .in_message = in->in_message,
                                    .rsv1_means_compressed = in->inflater != NULL};
    if (frame_violation(head, &context) && !(in->trust & TRUST_FRAMES))
        return CLOSE_PROTOCOL_ERROR;
    return frame_is_control(head->opcode) ? 0 : begin_data(in, head);
}

/* offset: of the first byte in its frame. */
static void copy_plain(const struct inbound *in, uint8_t *plain, const uint8_t *bytes, size_t len,
                       uint64_t offset)
{
    if (in->decoder.head.masked)
        frame_mask_into(plain, bytes, len, in->decoder.head.mask_key, offset);
    else
        memcpy(plain, bytes, len);
}

static uint16_t take_plain(struct inbound *in, const uint8_t *bytes, size_t len)
{
    if (in->opcode == OPCODE_TEXT && !(in->trust & TRUST_TEXT) && !utf8_feed(&in->utf8, bytes, len))
        return CLOSE_INVALID_PAYLOAD; /* RFC 6455 8.1 */
    if (in->keeps_messages && !buf_append_all(&in->kept, bytes, len))
        return CLOSE_TOO_BIG;
    return 0;
}

/* RFC 6455 10.4: what a message inflates to is limited while it is inflated. */
static uint16_t inflated_wrong(const struct inbound *in, enum deflate_result result)
{
    bool lost = result == DEFLATE_LOST && !(in->trust & TRUST_INFLATED);
    bool broken = result == DEFLATE_BROKEN || lost;
    bool limited = in->max_message > 0 && !(in->trust & TRUST_INFLATED);
    if (limited && deflate_message_len(in->inflater) > in->max_message)
        return CLOSE_TOO_BIG;
    if (result == DEFLATE_TOO_BIG)
        return limited ? CLOSE_TOO_BIG : 0;
    return broken && !(in->trust & TRUST_DEFLATE) ? CLOSE_INVALID_PAYLOAD : 0;
}

static uint16_t inflate_piece(struct inbound *in, const uint8_t *bytes, size_t len,
                              enum deflate_part part)
{
    text_clear(&in->inflated);
    enum deflate_result result =
        deflate_feed(in->inflater, bytes, len, part, &in->inflated, SIZE_MAX);
    uint16_t problem = inflated_wrong(in, result);
    if (problem != 0 || in->inflated.len == 0)
        return problem;
    return take_plain(in, (const uint8_t *)in->inflated.chars, in->inflated.len);
}

static uint16_t take_data(struct inbound *in, const uint8_t *bytes, size_t len)
{
    uint16_t problem = 0;
    if (!in->compressed)
        return take_plain(in, bytes, len);
    for (size_t done = 0; done < len && problem == 0; done += INFLATED_AT_ONCE)
        problem = inflate_piece(in, bytes + done,
                                len - done < INFLATED_AT_ONCE ? len - done : INFLATED_AT_ONCE,
                                DEFLATE_PART);
    return problem;
}

/* 5.5: at most 125 bytes, unless frames are trusted. */
static void keep_control(struct inbound *in, const uint8_t *bytes, size_t len)
{
    uint64_t offset = in->decoder.offset;
    if (offset >= sizeof in->control)
        return;
    size_t room = sizeof in->control - (size_t)offset;
    copy_plain(in, in->control + offset, bytes, len < room ? len : room, offset);
}

static uint16_t take_payload(struct inbound *in, const uint8_t *bytes, size_t len)
{
    uint8_t plain[4096];
    uint64_t offset = in->decoder.offset;
    uint16_t problem = 0;
    if (frame_is_control(in->decoder.head.opcode)) {
        keep_control(in, bytes, len);
        return 0;
    }
    if (!in->decoder.head.masked)
        return take_data(in, bytes, len);
    for (size_t done = 0; done < len && problem == 0; done += sizeof plain) {
        size_t part = len - done < sizeof plain ? len - done : sizeof plain;
        copy_plain(in, plain, bytes + done, part, offset + done);
        problem = take_data(in, plain, part);
    }
    return problem;
}

static uint16_t end_close(struct inbound *in, size_t len, nsec now)
{
    struct close_payload payload;
    close_parse(in->control, len, &payload);
    if (len > 0 && !payload.reason_is_utf8 && !(in->trust & TRUST_TEXT))
        return CLOSE_INVALID_PAYLOAD;
    if (payload.reason_is_utf8 && payload.wrong[0] != '\0' && !(in->trust & TRUST_CLOSES))
        return CLOSE_PROTOCOL_ERROR;
    in->over = true;
    in->ops.on_close(in->context, payload.code, now);
    return 0;
}

static uint16_t end_message(struct inbound *in, nsec now)
{
    if (!in->decoder.head.fin)
        return 0;
    uint16_t problem = in->compressed ? inflate_piece(in, NULL, 0, DEFLATE_LAST) : 0;
    if (problem != 0)
        return problem;
    if (in->compressed)
        in->message_len =
            deflate_message_len(in->inflater); /* of a flawed one: as far as it went */
    if (in->opcode == OPCODE_TEXT && !(in->trust & TRUST_TEXT) && !utf8_is_complete(&in->utf8))
        return CLOSE_INVALID_PAYLOAD;
    in->in_message = false;
    const uint8_t *bytes = in->keeps_messages ? buf_bytes(&in->kept) : NULL;
    size_t len = in->keeps_messages ? buf_len(&in->kept) : (size_t)in->message_len;
    in->ops.on_message(in->context, in->opcode, bytes, len, now);
    buf_clear(&in->kept);
    return 0;
}

static uint16_t end_frame(struct inbound *in, nsec now)
{
    size_t len = (size_t)in->decoder.head.payload_len;
    if (frame_is_control(in->decoder.head.opcode) && len > sizeof in->control)
        len = sizeof in->control;
    switch (in->decoder.head.opcode) {
    case OPCODE_PING:
        in->ops.on_ping(in->context, in->control, len, now);
        return 0;
    case OPCODE_PONG:
        in->ops.on_pong(in->context, now);
        return 0;
    case OPCODE_CLOSE:
        return end_close(in, len, now);
    default:
        return end_message(in, now);
    }
}

static uint16_t take_step(struct inbound *in, enum frame_step step, const uint8_t *bytes,
                          size_t taken, nsec now)
{
    switch (step) {
    case FRAME_MORE:
        return 0;
    case FRAME_HEAD:
        return begin_frame(in);
    case FRAME_PAYLOAD:
        return take_payload(in, bytes, taken);
    case FRAME_END:
        return end_frame(in, now);
    }
    return 0;
}

uint16_t inbound_feed(struct inbound *in, const uint8_t *bytes, size_t len, nsec now)
{
    enum frame_step step;
    size_t taken;
    if (in->trust & TRUST_READS)
        frame_decoder_init(&in->decoder);
    while (!in->over && (step = frame_decode(&in->decoder, bytes, len, &taken)) != FRAME_MORE) {
        uint16_t problem = take_step(in, step, bytes, taken, now);
        if (problem != 0) {
            in->over = true;
            return problem;
        }
        if (step == FRAME_END && (in->trust & TRUST_READS))
            return 0;
        bytes += taken;
        len -= taken;
    }
    return 0;
}

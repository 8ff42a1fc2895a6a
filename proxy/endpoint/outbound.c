#include "endpoint/outbound.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/close.h"

struct kept_pong {
    struct kept_pong *next;
    size_t len;
    uint8_t payload[OUTBOUND_PONG_BUFFER];
};

static void forget_kept(struct outbound *out)
{
    while (out->kept) {
        struct kept_pong *next = out->kept->next;
        free(out->kept);
        out->kept = next;
    }
    out->kept_after = &out->kept;
    out->kept_count = 0;
}

void outbound_init(struct outbound *out, enum outbound_masking masking, uint64_t seed,
                   size_t (*on_output)(void *context, const uint8_t *bytes, size_t len),
                   void (*on_finish)(void *context), void *context)
{
    *out = (struct outbound){
        .on_output = on_output, .on_finish = on_finish, .context = context, .masking = masking};
    buf_init(&out->wire, OUTBOUND_LIMIT_BYTES);
    forget_kept(out);
    rng_init(&out->masks, seed, "outbound.masks", 0);
}

void outbound_fini(struct outbound *out)
{
    forget_kept(out);
    buf_fini(&out->wire);
    compress_free(out->compress);
}

void outbound_reset(struct outbound *out)
{
    buf_clear(&out->wire);
    forget_kept(out);
    out->written = out->taken = 0;
    out->blocked = out->finishing = out->finished = out->pong_owed = false;
    compress_free(out->compress);
    out->compress = NULL;
}

void outbound_deflate(struct outbound *out, int window_bits, enum deflate_context context)
{
    compress_free(out->compress);
    out->compress = compress_new(window_bits, context);
}

size_t outbound_len(const struct outbound *out)
{
    return buf_len(&out->wire);
}

static void offer(struct outbound *out)
{
    size_t len = buf_len(&out->wire);
    if (out->blocked || len == 0)
        return;
    size_t taken = out->on_output(out->context, buf_bytes(&out->wire), len);
    out->blocked = taken < len;
    out->taken += taken;
    buf_consume(&out->wire, taken);
}

static void added(struct outbound *out, size_t len)
{
    out->written += len;
    offer(out);
}

bool outbound_bytes(struct outbound *out, const void *bytes, size_t len)
{
    if (!buf_append_all(&out->wire, bytes, len))
        return false;
    added(out, len);
    return true;
}

/* RFC 6455 5.3: a client's key is fresh and unpredictable for each frame. */
static const uint8_t *mask_key(struct outbound *out, uint8_t key[4])
{
    static const uint8_t constant[4] = {0x12, 0x34, 0x56, 0x78};
    uint64_t random;
    if (out->masking == MASKING_NONE)
        return NULL;
    random = rng_next(&out->masks) >> 32;
    for (int i = 0; i < 4; i++)
        key[i] = (uint8_t)(random >> (8 * i));
    return out->masking == MASKING_FRESH ? key : constant;
}

static bool add_frame(struct outbound *out, uint8_t opcode, uint8_t rsv, const void *payload,
                      size_t len)
{
    uint8_t key[4];
    size_t room = FRAME_HEAD_MAX + len;
    uint8_t *frame = buf_room(&out->wire, room);
    const uint8_t *mask = mask_key(out, key);
    if (!frame)
        return false;
    size_t frame_len = frame_build(frame, room, opcode, payload, len, mask);
    frame[0] |= (uint8_t)(rsv << 4);
    buf_added(&out->wire, frame_len);
    added(out, frame_len);
    return true;
}

bool outbound_frame(struct outbound *out, uint8_t opcode, const void *payload, size_t len)
{
    return add_frame(out, opcode, 0, payload, len);
}

bool outbound_message(struct outbound *out, uint8_t opcode, const void *payload, size_t len)
{
    struct text compressed;
    if (!out->compress)
        return outbound_frame(out, opcode, payload, len);
    text_init(&compressed);
    compress_feed(out->compress, payload, len, DEFLATE_LAST, &compressed);
    bool fits = add_frame(out, opcode, RSV1, compressed.chars, compressed.len);
    text_fini(&compressed);
    return fits;
}

bool outbound_close(struct outbound *out, uint16_t code, const char *reason)
{
    uint8_t payload[FRAME_CONTROL_MAX];
    size_t len = close_build(payload, code == 0 ? CLOSE_NO_STATUS : code, reason);
    out->pong_owed = false;
    return outbound_frame(out, OPCODE_CLOSE, payload, len);
}

static void keep_pong(struct outbound *out, const void *payload, size_t len)
{
    struct kept_pong *kept = xmalloc(sizeof *kept);
    kept->next = NULL;
    kept->len = len < FRAME_CONTROL_MAX ? len : FRAME_CONTROL_MAX;
    memset(kept->payload, 0, sizeof kept->payload); /* memory that is not touched costs nothing */
    if (kept->len > 0)
        memcpy(kept->payload, payload, kept->len);
    *out->kept_after = kept;
    out->kept_after = &kept->next;
    out->kept_count++;
}

static void pay_kept(struct outbound *out)
{
    while (out->kept && outbound_len(out) <= OUTBOUND_PONG_ROOM) {
        struct kept_pong *kept = out->kept;
        (void)outbound_frame(out, OPCODE_PONG, kept->payload, kept->len);
        out->kept = kept->next;
        out->kept_count--;
        free(kept);
    }
    if (!out->kept)
        out->kept_after = &out->kept;
}

void outbound_keep_pongs(struct outbound *out)
{
    out->keeps_pongs = true;
}

size_t outbound_kept_bytes(const struct outbound *out)
{
    return out->kept_count * sizeof(struct kept_pong);
}

static void pay_pong(struct outbound *out)
{
    pay_kept(out);
    if (!out->pong_owed || outbound_len(out) > OUTBOUND_PONG_ROOM)
        return;
    out->pong_owed = false;
    (void)outbound_frame(out, OPCODE_PONG, out->pong, out->pong_len);
}

void outbound_pong(struct outbound *out, const void *payload, size_t len)
{
    if (out->keeps_pongs) {
        keep_pong(out, payload, len);
        pay_kept(out);
        return;
    }
    out->pong_len = len < sizeof out->pong ? len : sizeof out->pong;
    if (out->pong_len > 0)
        memcpy(out->pong, payload, out->pong_len);
    out->pong_owed = true;
    pay_pong(out);
}

static void finish_when_empty(struct outbound *out)
{
    if (!out->finishing || out->finished || outbound_len(out) > 0)
        return;
    out->finished = true;
    out->on_finish(out->context);
}

void outbound_finish(struct outbound *out)
{
    out->finishing = true;
    finish_when_empty(out);
}

void outbound_writable(struct outbound *out)
{
    out->blocked = false;
    offer(out);
    pay_pong(out);
    finish_when_empty(out);
}

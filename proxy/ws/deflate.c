#include "ws/deflate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/mem.h"

#define PIECE_BYTES ((size_t)16 << 10)
#define WINDOW_MAX  ((size_t)32 << 10)

struct deflate {
    z_stream stream;
    bool begun; /* the stream exists: made at the first message, most connections never have one */
    int window_bits;
    enum deflate_context context;
    bool in_message, lost;
    enum deflate_result result; /* of the message under way */
    uint64_t message_len;
};

struct deflate *deflate_new(int window_bits, enum deflate_context context)
{
    struct deflate *inflater = xcalloc(1, sizeof *inflater);
    /* zlib's own deflate makes 9 of 8, and so do the peers that use it: 9 reads both. */
    inflater->window_bits = window_bits < 9 ? 9 : window_bits;
    inflater->context = context;
    return inflater;
}

void deflate_free(struct deflate *inflater)
{
    if (!inflater)
        return;
    if (inflater->begun)
        (void)inflateEnd(&inflater->stream); /* fails only for a stream that is none */
    free(inflater);
}

uint64_t deflate_message_len(const struct deflate *inflater)
{
    return inflater->message_len;
}

static void begin_message(struct deflate *inflater)
{
    int status = Z_OK;
    inflater->in_message = true;
    inflater->message_len = 0;
    inflater->result = inflater->lost ? DEFLATE_LOST : DEFLATE_OK;
    if (!inflater->begun)
        status = inflateInit2(&inflater->stream, -inflater->window_bits);
    else if (inflater->context == DEFLATE_CONTEXT_RESET)
        status = inflateReset(&inflater->stream);
    if (status != Z_OK)
        abort(); /* out of memory */
    inflater->begun = true;
}

/* RFC 7692 7.2.3.4: a final block ends the stream for zlib, not for the message: go on with the
 * same window. */
static bool continue_after_final_block(struct deflate *inflater)
{
    uint8_t window[WINDOW_MAX];
    unsigned window_len = 0;
    return inflateGetDictionary(&inflater->stream, window, &window_len) == Z_OK &&
           inflateReset(&inflater->stream) == Z_OK &&
           inflateSetDictionary(&inflater->stream, window, window_len) == Z_OK;
}

/* Adds what was inflated as far as the cap allows. */
static void keep(struct deflate *inflater, const uint8_t *bytes, size_t len, struct text *out,
                 size_t cap)
{
    size_t space = inflater->message_len < cap ? cap - (size_t)inflater->message_len : 0;
    text_add_bytes(out, bytes, len < space ? len : space);
    if (len > space && inflater->result == DEFLATE_OK)
        inflater->result = DEFLATE_CUT;
    inflater->message_len += len;
    if (inflater->message_len > DEFLATE_MESSAGE_LIMIT)
        inflater->result = DEFLATE_TOO_BIG;
}

static bool goes_on(const struct deflate *inflater)
{
    return inflater->result == DEFLATE_OK || inflater->result == DEFLATE_CUT;
}

/* One call of zlib; false: it wants more input. */
static bool step(struct deflate *inflater, struct text *out, size_t cap)
{
    uint8_t piece[PIECE_BYTES];
    inflater->stream.next_out = piece;
    inflater->stream.avail_out = sizeof piece;
    int status = inflate(&inflater->stream, Z_SYNC_FLUSH);
    size_t made = sizeof piece - inflater->stream.avail_out;
    keep(inflater, piece, made, out, cap); /* what came before an error is good */
    if (status == Z_STREAM_END && !continue_after_final_block(inflater))
        status = Z_DATA_ERROR;
    if (status == Z_BUF_ERROR)
        return false;
    if (status != Z_OK && status != Z_STREAM_END)
        inflater->result = DEFLATE_BROKEN;
    return inflater->stream.avail_in > 0 || made == sizeof piece;
}

static void inflate_piece(struct deflate *inflater, const uint8_t *bytes, size_t len,
                          struct text *out, size_t cap)
{
    while (len > 0 && goes_on(inflater)) {
        unsigned part = len < UINT32_MAX ? (unsigned)len : UINT32_MAX;
        inflater->stream.next_in = (uint8_t *)(uintptr_t)bytes; /* zlib only reads it */
        inflater->stream.avail_in = part;
        while (goes_on(inflater) && step(inflater, out, cap))
            ;
        bytes += part;
        len -= part;
    }
    inflater->stream.next_in = NULL;
}

static void end_message(struct deflate *inflater)
{
    inflater->in_message = false;
    if (inflater->context == DEFLATE_CONTEXT_KEPT && !goes_on(inflater))
        inflater->lost = true;
}

enum deflate_result deflate_feed(struct deflate *inflater, const uint8_t *bytes, size_t len,
                                 enum deflate_part part, struct text *out, size_t cap)
{
    static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff}; /* RFC 7692 7.2.2 */
    if (!inflater->in_message)
        begin_message(inflater);
    inflate_piece(inflater, bytes, len, out, cap);
    if (part == DEFLATE_LAST) {
        inflate_piece(inflater, tail, sizeof tail, out, cap);
        end_message(inflater);
    }
    return inflater->result;
}

#include "ws/compress.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/mem.h"

#define PIECE_BYTES  ((size_t)16 << 10)
#define HASHES_LEAST 5 /* zlib's memLevel: fewer make blocks short as well */
#define TAIL_BYTES   4 /* 00 00 ff ff: RFC 7692 7.2.1 has it removed */

struct compress {
    z_stream stream;
    enum deflate_context context;
};

/* zlib goes through all of its hashes whenever the window has moved on by its own size: a small
 * window is slow with many of them, and needs few. */
static int hashes_for(int window_bits)
{
    int level = window_bits - 7; /* 8, zlib's default, with the largest window */
    return level > HASHES_LEAST ? level : HASHES_LEAST;
}

struct compress *compress_new(int window_bits, enum deflate_context context)
{
    struct compress *compress = xcalloc(1, sizeof *compress);
    assert(window_bits >= COMPRESS_WINDOW_MIN && window_bits <= DEFLATE_WINDOW_MAX);
    compress->context = context;
    if (deflateInit2(&compress->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -window_bits,
                     hashes_for(window_bits), Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* out of memory */
    return compress;
}

void compress_free(struct compress *compress)
{
    if (!compress)
        return;
    (void)deflateEnd(&compress->stream); /* says that the stream is not finished, which is so */
    free(compress);
}

static void run(struct compress *compress, int flush, struct text *out)
{
    uint8_t piece[PIECE_BYTES];
    do {
        compress->stream.next_out = piece;
        compress->stream.avail_out = sizeof piece;
        int status = deflate(&compress->stream, flush);
        assert(status == Z_OK || status == Z_BUF_ERROR); /* the latter: nothing was left to do */
        (void)status;
        text_add_bytes(out, piece, sizeof piece - compress->stream.avail_out);
    } while (compress->stream.avail_out == 0);
}

void compress_feed(struct compress *compress, const void *bytes, size_t len, enum deflate_part part,
                   struct text *out)
{
    assert(len <= UINT32_MAX);
    compress->stream.next_in = (uint8_t *)(uintptr_t)bytes; /* zlib only reads it */
    compress->stream.avail_in = (unsigned)len;
    run(compress, Z_NO_FLUSH, out);
    if (part == DEFLATE_PART)
        return;
    size_t before = out->len;
    run(compress, Z_SYNC_FLUSH, out);
    if (out->len > before)
        out->len -= TAIL_BYTES;
    else
        text_add_bytes(out, "", 1); /* an empty message, 7.2.3.6: zlib flushes nothing twice */
    if (compress->context == DEFLATE_CONTEXT_RESET)
        (void)deflateReset(&compress->stream); /* fails only for a stream that is none */
}

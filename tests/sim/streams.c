#include "tests/sim/streams.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "ws/frame.h"

#define STREAM_LIMIT_BYTES ((size_t)128 << 20)
#define COUNT(list)        (sizeof(list) / sizeof *(list))

void streams_init(struct streams *streams)
{
    buf_init(&streams->from_client, STREAM_LIMIT_BYTES);
    buf_init(&streams->from_server, STREAM_LIMIT_BYTES);
}

void streams_fini(struct streams *streams)
{
    buf_fini(&streams->from_client);
    buf_fini(&streams->from_server);
}

struct buf *streams_of(struct streams *streams, enum side from)
{
    return from == SIDE_CLIENT ? &streams->from_client : &streams->from_server;
}

static void add(struct streams *streams, enum side from, const void *bytes, size_t len)
{
    bool fits = buf_append_all(streams_of(streams, from), bytes, len);
    assert(fits);
}

static void add_words(struct streams *streams, enum side from, const char *words)
{
    add(streams, from, words, strlen(words));
}

static bool chance(struct rng *rng, double share)
{
    return rng_unit(rng) < share;
}

/* --- HTTP --- */

void streams_add_http(struct streams *streams, struct rng *rng)
{
    static const struct {
        const char *request, *response;
    } exchanges[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
        {"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
         "HTTP/1.1 204 No Content\r\n\r\n"},
        {"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\nTrailer: t\r\n\r\n",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"},
        {"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n"},
        {"GET /i HTTP/1.1\r\nHost: a\r\n\r\n",
         "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n"},
    };
    size_t which = (size_t)rng_between(rng, 0, COUNT(exchanges) - 1);
    add_words(streams, SIDE_CLIENT, exchanges[which].request);
    add_words(streams, SIDE_SERVER, exchanges[which].response);
}

void streams_add_upgrade(struct streams *streams, bool compressed)
{
    const char *extension =
        compressed ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "X-Nothing: 1\r\n";
    add_words(streams, SIDE_CLIENT,
              "GET /feed?token=secret HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    add_words(streams, SIDE_CLIENT, extension);
    add_words(streams, SIDE_CLIENT, "\r\n");
    add_words(streams, SIDE_SERVER,
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    add_words(streams, SIDE_SERVER, extension);
    add_words(streams, SIDE_SERVER, "\r\n");
}

/* --- Frames --- */

static void fill(uint8_t *bytes, size_t len, struct rng *rng)
{
    bool text = chance(rng, 0.5);
    uint64_t random = 0;
    for (size_t i = 0; i < len; i++) {
        random = i % sizeof random == 0 ? rng_next(rng) : random >> 8;
        bytes[i] = text ? (uint8_t)('a' + (uint8_t)random % 26) : (uint8_t)random;
    }
}

static void add_head_and_payload(struct streams *streams, enum side from, struct frame_head *head,
                                 uint8_t *payload)
{
    uint8_t bytes[FRAME_HEAD_MAX];
    size_t len = frame_encode_head(head, bytes);
    add(streams, from, bytes, len);
    if (head->masked)
        frame_mask(payload, head->payload_len, head->mask_key, 0);
    add(streams, from, payload, head->payload_len);
}

static void choose_mask(struct frame_head *head, enum side from, enum manners manners,
                        struct rng *rng)
{
    uint64_t random = rng_next(rng);
    head->masked = from == SIDE_CLIENT;
    if (manners == WILD && chance(rng, 0.2))
        head->masked = !head->masked;
    if (head->masked)
        memcpy(head->mask_key, &random, sizeof head->mask_key);
}

static void add_one(struct streams *streams, enum side from, enum manners manners,
                    struct frame_head head, const uint8_t *payload, struct rng *rng)
{
    uint8_t *copy = xmalloc(head.payload_len + 1);
    if (head.payload_len > 0)
        memcpy(copy, payload, head.payload_len);
    choose_mask(&head, from, manners, rng);
    if (manners == WILD && chance(rng, 0.1))
        head.head_len = (uint8_t)(10 + (head.masked ? 4 : 0)); /* longer than it need be */
    if (manners == WILD && chance(rng, 0.1))
        head.rsv = (uint8_t)rng_between(rng, 0, 7);
    add_head_and_payload(streams, from, &head, copy);
    free(copy);
}

void streams_add_frame(struct streams *streams, enum side from, uint8_t opcode, const void *payload,
                       size_t len)
{
    struct rng rng;
    rng_init(&rng, 1, "frame", 0);
    add_one(streams, from, SOUND,
            (struct frame_head){.fin = true, .opcode = opcode, .payload_len = len}, payload, &rng);
}

static void add_control(struct streams *streams, enum side from, enum manners manners,
                        struct rng *rng)
{
    static const uint8_t opcodes[] = {OPCODE_PING, OPCODE_PONG, OPCODE_PING, OPCODE_PONG, 0xb};
    uint8_t payload[FRAME_CONTROL_MAX];
    struct frame_head head = {.fin = true};
    size_t kinds = manners == WILD ? COUNT(opcodes) : COUNT(opcodes) - 1;
    head.opcode = opcodes[rng_between(rng, 0, (int64_t)kinds - 1)];
    head.payload_len = (uint64_t)rng_between(rng, 0, FRAME_CONTROL_MAX);
    fill(payload, head.payload_len, rng);
    add_one(streams, from, manners, head, payload, rng);
}

/* The edges of the length classes, and anything. */
static size_t choose_len(size_t longest, struct rng *rng)
{
    static const size_t edges[] = {0, 1, 125, 126, 127, 65535, 65536};
    size_t len = chance(rng, 0.5) ? edges[rng_between(rng, 0, COUNT(edges) - 1)]
                                  : (size_t)rng_between(rng, 0, (int64_t)longest);
    return len < longest ? len : longest;
}

/* RFC 7692 7.2.1: a deflate stream flushed, without its last four bytes. The caller frees. */
static uint8_t *compress_message(z_stream *deflater, const uint8_t *payload, size_t len,
                                 size_t *out_len)
{
    size_t room = len + len / 8 + 1024;
    uint8_t *out = xmalloc(room);
    deflater->next_in = (Bytef *)(uintptr_t)payload;
    deflater->avail_in = (uInt)len;
    deflater->next_out = out;
    deflater->avail_out = (uInt)room;
    int result = deflate(deflater, Z_SYNC_FLUSH);
    assert(result == Z_OK || result == Z_BUF_ERROR);
    *out_len = room - deflater->avail_out;
    *out_len -= *out_len >= 4 ? 4 : 0;
    return out;
}

static void add_fragments(struct streams *streams, enum side from, enum manners manners,
                          struct frame_head head, const uint8_t *payload, size_t len,
                          struct rng *rng)
{
    int fragments = chance(rng, 0.3) ? (int)rng_between(rng, 2, 4) : 1;
    while (fragments > 0) {
        size_t piece = fragments > 1 ? (size_t)rng_between(rng, 0, (int64_t)len) : len;
        head.fin = fragments == 1 && !(manners == WILD && chance(rng, 0.1));
        head.payload_len = piece;
        add_one(streams, from, manners, head, payload, rng);
        payload += piece;
        len -= piece;
        head.opcode = OPCODE_CONTINUATION;
        head.rsv = 0;
        if (--fragments > 0 && chance(rng, 0.5))
            add_control(streams, from, manners, rng);
    }
}

static void add_message(struct streams *streams, enum side from, enum manners manners,
                        z_stream *deflater, size_t longest, struct rng *rng)
{
    size_t len = choose_len(longest, rng), sent = len;
    uint8_t *payload = xmalloc(len + 1);
    struct frame_head head = {.opcode = chance(rng, 0.5) ? OPCODE_TEXT : OPCODE_BINARY};
    if (manners == WILD && chance(rng, 0.1))
        head.opcode = (uint8_t)rng_between(rng, 0, 7);
    fill(payload, len, rng);
    if (deflater && chance(rng, 0.8)) {
        uint8_t *squeezed = compress_message(deflater, payload, len, &sent);
        free(payload);
        payload = squeezed;
        head.rsv = RSV1;
    }
    add_fragments(streams, from, manners, head, payload, sent, rng);
    free(payload);
}

void streams_add_frames(struct streams *streams, enum side from, enum manners manners,
                        bool compressed, size_t count, size_t longest, struct rng *rng)
{
    z_stream deflater = {0};
    int made = deflateInit2(&deflater, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    assert(made == Z_OK);
    for (; count > 0; count--) {
        if (chance(rng, 0.3))
            add_control(streams, from, manners, rng);
        else
            add_message(streams, from, manners, compressed ? &deflater : NULL, longest, rng);
    }
    (void)deflateEnd(&deflater); /* says that the stream is not finished, which is so */
}

void streams_add_noise(struct streams *streams, enum side from, size_t len, struct rng *rng)
{
    uint8_t *bytes = xmalloc(len + 1);
    fill(bytes, len, rng);
    add(streams, from, bytes, len);
    free(bytes);
}

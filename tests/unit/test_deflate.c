#include "ws/deflate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/unit/guarded.h"

#define CAP 1000

static const char *const results[] = {"ok", "cut", "too big", "broken", "lost"};

static void feed(struct deflate *inflater, const void *bytes, size_t len, size_t first, size_t step,
                 struct text *out)
{
    enum deflate_result result = DEFLATE_OK;
    for (size_t at = 0; at < len;) {
        size_t piece = slice_len(at, len - at, first, step);
        enum deflate_part part = at + piece == len ? DEFLATE_LAST : DEFLATE_PART;
        result = deflate_feed(inflater, (const uint8_t *)bytes + at, piece, part, out, CAP);
        at += piece;
    }
    text_addf(out, " %s\n", results[result]);
}

static void inflate_one(const uint8_t *bytes, size_t len, size_t first, size_t step,
                        struct text *out)
{
    struct deflate *inflater = deflate_new(15, DEFLATE_CONTEXT_KEPT);
    feed(inflater, bytes, len, first, step, out);
    deflate_free(inflater);
}

static void check_message(const void *bytes, size_t len, const char *want)
{
    struct text got;
    text_init(&got);
    inflate_one(bytes, len, len, 1, &got);
    CHECK_STR(text_chars(&got), want);
    CHECK_INT(slices_that_differ(inflate_one, bytes, len), 0);
    text_fini(&got);
}

#define CHECK_MESSAGE(bytes, want) check_message(bytes, sizeof(bytes) - 1, want)

static void feed_two(enum deflate_context context, const char *first, size_t first_len,
                     const char *second, size_t second_len, const char *want)
{
    struct deflate *inflater = deflate_new(15, context);
    struct text got;
    text_init(&got);
    feed(inflater, first, first_len, first_len, 1, &got);
    feed(inflater, second, second_len, second_len, 1, &got);
    CHECK_STR(text_chars(&got), want);
    text_fini(&got);
    deflate_free(inflater);
}

/* RFC 7692 7.2.3.1 */
static void one_block(void)
{
    CHECK_MESSAGE("\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello ok\n");
}

/* RFC 7692 7.2.3.2 */
static void a_shared_window_shortens_the_second_message(void)
{
    feed_two(DEFLATE_CONTEXT_KEPT, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "\xf2\x00\x11\x00\x00", 5,
             "Hello ok\nHello ok\n");
}

static void without_takeover_each_message_stands_alone(void)
{
    feed_two(DEFLATE_CONTEXT_RESET, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7,
             "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello ok\nHello ok\n");
    feed_two(DEFLATE_CONTEXT_RESET, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "\xf2\x00\x11\x00\x00", 5,
             "Hello ok\nH broken\n");
}

/* RFC 7692 7.2.3.3 */
static void a_block_without_compression(void)
{
    CHECK_MESSAGE("\x00\x05\x00\xfa\xffHello\x00", "Hello ok\n");
}

/* RFC 7692 7.2.3.4 */
static void a_final_block_does_not_end_the_stream(void)
{
    CHECK_MESSAGE("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", "Hello ok\n");
    feed_two(DEFLATE_CONTEXT_KEPT, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, "\xf2\x00\x11\x00\x00", 5,
             "Hello ok\nHello ok\n");
}

/* RFC 7692 7.2.3.5 */
static void two_blocks_in_one_message(void)
{
    CHECK_MESSAGE("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello ok\n");
}

static void an_empty_message(void)
{
    CHECK_MESSAGE("\x00", " ok\n");
}

static void junk_is_broken_and_later_messages_are_lost(void)
{
    feed_two(DEFLATE_CONTEXT_KEPT, "\xff\xff", 2, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7,
             " broken\n lost\n");
    feed_two(DEFLATE_CONTEXT_RESET, "\xff\xff", 2, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7,
             " broken\nHello ok\n");
}

static size_t compress_zeros(z_stream *stream, size_t count, uint8_t *out, size_t room)
{
    uint8_t *zeros = xcalloc(1, count);
    stream->next_in = zeros;
    stream->avail_in = (unsigned)count;
    stream->next_out = out;
    stream->avail_out = (unsigned)room;
    assert(deflate(stream, Z_SYNC_FLUSH) == Z_OK && stream->avail_out > 0);
    free(zeros);
    return room - stream->avail_out - 4;
}

static enum deflate_result inflate_zeros(size_t count, size_t *kept, enum deflate_result *next)
{
    static uint8_t bytes[64 << 10];
    z_stream stream = {0};
    struct deflate *inflater = deflate_new(15, DEFLATE_CONTEXT_KEPT);
    struct text out;
    text_init(&out);
    assert(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    size_t len = compress_zeros(&stream, count, bytes, sizeof bytes);
    enum deflate_result result = deflate_feed(inflater, bytes, len, DEFLATE_LAST, &out, CAP);
    *kept = out.len;
    len = compress_zeros(&stream, 10, bytes, sizeof bytes);
    *next = deflate_feed(inflater, bytes, len, DEFLATE_LAST, &out, CAP);
    (void)deflateEnd(&stream); /* says that data was left: it was not */
    text_fini(&out);
    deflate_free(inflater);
    return result;
}

static void at_most_the_cap_is_kept_and_the_context_lives_on(void)
{
    size_t kept;
    enum deflate_result next;
    CHECK_INT(inflate_zeros(CAP, &kept, &next), DEFLATE_OK);
    CHECK_INT(kept, CAP);
    CHECK_INT(inflate_zeros(CAP + 1, &kept, &next), DEFLATE_CUT);
    CHECK_INT(kept, CAP);
    CHECK_INT(next, DEFLATE_OK);
}

static void a_bomb_is_not_inflated_to_its_end(void)
{
    size_t kept;
    enum deflate_result next;
    CHECK_INT(inflate_zeros(DEFLATE_MESSAGE_LIMIT, &kept, &next), DEFLATE_CUT);
    CHECK_INT(inflate_zeros(DEFLATE_MESSAGE_LIMIT + 1, &kept, &next), DEFLATE_TOO_BIG);
    CHECK_INT(kept, CAP);
    CHECK_INT(next, DEFLATE_LOST);
}

static void random_bytes_read_the_same_in_any_slices(void)
{
    struct rng rng;
    size_t different = 0;
    rng_init(&rng, 5, "deflate", 0);
    for (int round = 0; round < 300; round++) {
        uint8_t bytes[40];
        size_t len = 1 + rng_next(&rng) % (sizeof bytes - 1);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)rng_next(&rng);
        different += slices_that_differ(inflate_one, bytes, len);
    }
    CHECK_INT(different, 0);
}

SUITE(deflate, TEST(one_block), TEST(a_shared_window_shortens_the_second_message),
      TEST(without_takeover_each_message_stands_alone), TEST(a_block_without_compression),
      TEST(a_final_block_does_not_end_the_stream), TEST(two_blocks_in_one_message),
      TEST(an_empty_message), TEST(junk_is_broken_and_later_messages_are_lost),
      TEST(at_most_the_cap_is_kept_and_the_context_lives_on),
      TEST(a_bomb_is_not_inflated_to_its_end), TEST(random_bytes_read_the_same_in_any_slices))

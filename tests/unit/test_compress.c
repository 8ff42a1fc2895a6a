/* What is compressed inflates to itself, message after message. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/check.h"
#include "ws/compress.h"

static const char fox[] = "the quick brown fox jumps over the lazy dog";

static void feed(struct compress *compress, const char *text, struct text *out)
{
    text_clear(out);
    compress_feed(compress, text, strlen(text), DEFLATE_LAST, out);
}

static void check_inflates(struct deflate *inflater, const struct text *payload, const char *want)
{
    struct text got;
    text_init(&got);
    CHECK_INT(deflate_feed(inflater, (const uint8_t *)payload->chars, payload->len, DEFLATE_LAST,
                           &got, SIZE_MAX),
              DEFLATE_OK);
    CHECK_STR(text_chars(&got), want);
    text_fini(&got);
}

static void messages_come_back_with_every_window_and_context(void)
{
    static const char *const messages[] = {fox, "", fox, "", "", "a", fox};
    for (int bits = COMPRESS_WINDOW_MIN; bits <= DEFLATE_WINDOW_MAX; bits++)
        for (int context = DEFLATE_CONTEXT_KEPT; context <= DEFLATE_CONTEXT_RESET; context++) {
            struct compress *compress = compress_new(bits, (enum deflate_context)context);
            struct deflate *inflater = deflate_new(bits, (enum deflate_context)context);
            struct text payload;
            text_init(&payload);
            for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
                feed(compress, messages[i], &payload);
                CHECK(payload.len > 0);
                check_inflates(inflater, &payload, messages[i]);
            }
            text_fini(&payload);
            compress_free(compress);
            deflate_free(inflater);
        }
}

/* RFC 7692 7.2.3.2: the second "Hello" refers to the first. */
static void a_context_that_is_kept_makes_the_second_message_shorter(void)
{
    struct compress *kept = compress_new(15, DEFLATE_CONTEXT_KEPT);
    struct compress *reset = compress_new(15, DEFLATE_CONTEXT_RESET);
    struct text first, second;
    text_init(&first);
    text_init(&second);
    feed(kept, fox, &first);
    feed(kept, fox, &second);
    CHECK(second.len < first.len / 2);
    feed(reset, fox, &first);
    feed(reset, fox, &second);
    CHECK_INT(second.len, first.len);
    text_fini(&first);
    text_fini(&second);
    compress_free(kept);
    compress_free(reset);
}

static void a_context_that_was_not_agreed_on_does_not_inflate(void)
{
    struct compress *compress = compress_new(15, DEFLATE_CONTEXT_KEPT);
    struct deflate *inflater = deflate_new(15, DEFLATE_CONTEXT_RESET);
    struct text payload, got;
    text_init(&payload);
    text_init(&got);
    feed(compress, fox, &payload);
    check_inflates(inflater, &payload, fox);
    feed(compress, fox, &payload);
    CHECK_INT(deflate_feed(inflater, (const uint8_t *)payload.chars, payload.len, DEFLATE_LAST,
                           &got, SIZE_MAX),
              DEFLATE_BROKEN);
    text_fini(&payload);
    text_fini(&got);
    compress_free(compress);
    deflate_free(inflater);
}

static void pieces_make_one_message(void)
{
    struct compress *compress = compress_new(15, DEFLATE_CONTEXT_KEPT);
    struct deflate *inflater = deflate_new(15, DEFLATE_CONTEXT_KEPT);
    struct text payload;
    text_init(&payload);
    for (size_t i = 0; i + 1 < strlen(fox); i++)
        compress_feed(compress, fox + i, 1, DEFLATE_PART, &payload);
    compress_feed(compress, fox + strlen(fox) - 1, 1, DEFLATE_LAST, &payload);
    check_inflates(inflater, &payload, fox);
    text_fini(&payload);
    compress_free(compress);
    deflate_free(inflater);
}

static void random_bytes_longer_than_a_piece_come_back(void)
{
    enum { LEN = 100000 };
    struct compress *compress = compress_new(15, DEFLATE_CONTEXT_KEPT);
    struct deflate *inflater = deflate_new(15, DEFLATE_CONTEXT_KEPT);
    struct text payload, got;
    struct rng rng;
    uint8_t *bytes = xmalloc(LEN);
    text_init(&payload);
    text_init(&got);
    rng_init(&rng, 3, "compress", 0);
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (uint8_t)rng_next(&rng);
    compress_feed(compress, bytes, LEN, DEFLATE_LAST, &payload);
    CHECK_INT(deflate_feed(inflater, (const uint8_t *)payload.chars, payload.len, DEFLATE_LAST,
                           &got, SIZE_MAX),
              DEFLATE_OK);
    CHECK_INT(got.len, LEN);
    CHECK(memcmp(got.chars, bytes, LEN) == 0);
    text_fini(&payload);
    text_fini(&got);
    free(bytes);
    compress_free(compress);
    deflate_free(inflater);
}

SUITE(compress, TEST(messages_come_back_with_every_window_and_context),
      TEST(a_context_that_is_kept_makes_the_second_message_shorter),
      TEST(a_context_that_was_not_agreed_on_does_not_inflate), TEST(pieces_make_one_message),
      TEST(random_bytes_longer_than_a_piece_come_back))

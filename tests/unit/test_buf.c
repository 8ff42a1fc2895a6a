#include "base/buf.h"

#include <string.h>

#include "tests/check.h"

static void it_gives_back_what_was_appended(void)
{
    struct buf buf;
    buf_init(&buf, 100);
    CHECK_INT(buf_append(&buf, "one ", 4), 4);
    CHECK_INT(buf_append(&buf, "two", 3), 3);
    CHECK_BYTES(buf_bytes(&buf), buf_len(&buf), "one two", 7);
    buf_fini(&buf);
}

static void nothing_is_kept_beyond_the_limit(void)
{
    uint8_t bytes[10] = {0};
    struct buf buf;
    buf_init(&buf, 8);
    CHECK_INT(buf_append(&buf, bytes, 8), 8);
    CHECK_INT(buf_space(&buf), 0);
    CHECK_INT(buf_append(&buf, bytes, 1), 0);
    buf_consume(&buf, 3);
    CHECK_INT(buf_append(&buf, bytes, 10), 3);
    CHECK_INT(buf_len(&buf), 8);
    buf_fini(&buf);
}

static void room_is_filled_in_place(void)
{
    struct buf buf;
    buf_init(&buf, 8);
    CHECK_INT(buf_append(&buf, "ab", 2), 2);
    buf_consume(&buf, 1);
    CHECK(!buf_room(&buf, 8));
    uint8_t *room = buf_room(&buf, 7);
    CHECK(room != NULL);
    memcpy(room, "cde", 3);
    buf_added(&buf, 3);
    CHECK_BYTES(buf_bytes(&buf), buf_len(&buf), "bcde", 4);
    buf_fini(&buf);
}

static void all_or_nothing_takes_nothing_when_one_byte_is_too_many(void)
{
    struct buf buf;
    buf_init(&buf, 4);
    CHECK(!buf_append_all(&buf, "12345", 5));
    CHECK_INT(buf_len(&buf), 0);
    CHECK(buf_append_all(&buf, "1234", 4));
    CHECK_BYTES(buf_bytes(&buf), buf_len(&buf), "1234", 4);
    buf_fini(&buf);
}

static void consumed_bytes_make_room_and_the_rest_keeps_its_order(void)
{
    struct buf buf;
    uint8_t next_in = 0, next_out = 0;
    size_t wrong = 0;
    buf_init(&buf, 1000);
    for (int turn = 0; turn < 500; turn++) {
        uint8_t piece[37];
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = next_in++;
        if (!buf_append_all(&buf, piece, sizeof piece))
            next_in = (uint8_t)(next_in - sizeof piece);
        size_t out = (size_t)(turn * 7) % (buf_len(&buf) + 1);
        for (size_t i = 0; i < out; i++)
            wrong += buf_bytes(&buf)[i] != next_out++;
        buf_consume(&buf, out);
    }
    CHECK_INT(wrong, 0);
    buf_fini(&buf);
}

static void an_empty_queue_owns_no_memory(void)
{
    struct buf buf;
    buf_init(&buf, 100);
    CHECK(buf_bytes(&buf) == NULL);
    (void)buf_append(&buf, "abc", 3);
    buf_clear(&buf);
    CHECK(buf_bytes(&buf) == NULL);
    CHECK_INT(buf_len(&buf), 0);
    CHECK_INT(buf_space(&buf), 100);
    buf_fini(&buf);
}

static void it_takes_no_more_memory_than_the_limit(void)
{
    static uint8_t bytes[1 << 16];
    struct buf buf;
    buf_init(&buf, 5000);
    for (int i = 0; i < 50; i++)
        (void)buf_append(&buf, bytes, 100);
    CHECK_INT(buf_len(&buf), 5000);
    CHECK_INT(buf.room, 5000);
    buf_fini(&buf);
}

SUITE(buf, TEST(it_gives_back_what_was_appended), TEST(nothing_is_kept_beyond_the_limit),
      TEST(room_is_filled_in_place), TEST(all_or_nothing_takes_nothing_when_one_byte_is_too_many),
      TEST(consumed_bytes_make_room_and_the_rest_keeps_its_order),
      TEST(an_empty_queue_owns_no_memory), TEST(it_takes_no_more_memory_than_the_limit))

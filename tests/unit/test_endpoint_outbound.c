#include "endpoint/outbound.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "endpoint/backlog.h"
#include "tests/check.h"

static size_t take_all(void *context, const uint8_t *bytes, size_t len)
{
    text_add_bytes(context, bytes, len);
    return len;
}

static void never_finish(void *context)
{
    (void)context;
    CHECK(false);
}

/* Twenty empty pings, as sent: two bytes of head and, if masked, four of key each. */
static void pings(enum outbound_masking masking, uint64_t seed, struct text *sent)
{
    struct outbound out;
    text_init(sent);
    outbound_init(&out, masking, seed, take_all, never_finish, sent);
    for (int i = 0; i < 20; i++)
        CHECK(outbound_frame(&out, OPCODE_PING, "", 0));
    outbound_fini(&out);
}

static int repeated_keys(const struct text *sent)
{
    int count = 0;
    for (size_t i = 8; i + 4 <= sent->len; i += 6)
        count += memcmp(sent->chars + i, sent->chars + i - 6, 4) == 0;
    return count;
}

static void every_frame_has_a_fresh_mask(void)
{
    struct text sent;
    pings(MASKING_FRESH, 1, &sent);
    CHECK_INT(sent.len, 20 * 6);
    CHECK_INT(repeated_keys(&sent), 0);
    text_fini(&sent);
}

static void a_constant_mask_is_constant(void)
{
    struct text sent;
    pings(MASKING_CONSTANT, 1, &sent);
    CHECK_INT(repeated_keys(&sent), 19);
    text_fini(&sent);
}

static void a_server_does_not_mask(void)
{
    struct text sent;
    pings(MASKING_NONE, 1, &sent);
    CHECK_INT(sent.len, 20 * 2);
    text_fini(&sent);
}

static void two_seeds_mask_differently(void)
{
    struct text one, other;
    pings(MASKING_FRESH, 1, &one);
    pings(MASKING_FRESH, 2, &other);
    CHECK(memcmp(one.chars + 2, other.chars + 2, 4) != 0);
    text_fini(&one);
    text_fini(&other);
}

static size_t refuse_and_count(void *context, const uint8_t *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    (*(int *)context)++;
    return 0;
}

static void a_driver_that_took_less_is_not_asked_again_until_writable(void)
{
    struct outbound out;
    int asked = 0;
    outbound_init(&out, MASKING_NONE, 1, refuse_and_count, never_finish, &asked);
    CHECK(outbound_frame(&out, OPCODE_PING, "", 0));
    CHECK(outbound_frame(&out, OPCODE_PING, "", 0));
    CHECK_INT(asked, 1);
    outbound_writable(&out);
    CHECK_INT(asked, 2);
    outbound_fini(&out);
}

static void only_the_newest_pong_waits(void)
{
    struct outbound out;
    int asked = 0;
    outbound_init(&out, MASKING_NONE, 1, refuse_and_count, never_finish, &asked);
    for (int i = 0; i < 10000; i++)
        outbound_pong(&out, "ping", 4);
    CHECK(outbound_len(&out) <= OUTBOUND_PONG_ROOM + 6);
    CHECK_INT(outbound_kept_bytes(&out), 0);
    outbound_fini(&out);
}

struct gate {
    bool open;
    struct text sent;
};

static size_t pass_gate(void *context, const uint8_t *bytes, size_t len)
{
    struct gate *gate = context;
    return gate->open ? take_all(&gate->sent, bytes, len) : 0;
}

/* The flaw: all of them wait, in order, and go once there is room. */
static void kept_pongs_go_in_order(void)
{
    struct outbound out;
    struct gate gate = {.open = false};
    text_init(&gate.sent);
    outbound_init(&out, MASKING_NONE, 1, pass_gate, never_finish, &gate);
    outbound_keep_pongs(&out);
    for (uint8_t i = 0; i < 250; i++)
        for (uint8_t j = 0; j < 10; j++)
            outbound_pong(&out, (uint8_t[]){i, j}, 2);
    CHECK(outbound_kept_bytes(&out) > (size_t)1000 * OUTBOUND_PONG_BUFFER);
    gate.open = true;
    outbound_writable(&out);
    CHECK_INT(gate.sent.len, 2500 * 4);
    CHECK_BYTES(gate.sent.chars, 4, "\x8a\x02\x00\x00", 4);
    CHECK_BYTES(gate.sent.chars + 2499 * 4, 4, "\x8a\x02\xf9\x09", 4);
    CHECK_INT(outbound_kept_bytes(&out), 0);
    outbound_fini(&out);
    text_fini(&gate.sent);
}

static void kept_pongs_end_with_the_connection(void)
{
    struct outbound out;
    int asked = 0;
    outbound_init(&out, MASKING_NONE, 1, refuse_and_count, never_finish, &asked);
    outbound_keep_pongs(&out);
    for (int i = 0; i < 2500; i++)
        outbound_pong(&out, "ping", 4);
    outbound_reset(&out);
    CHECK_INT(outbound_kept_bytes(&out), 0);
    outbound_fini(&out);
}

static struct backlog backlog_of(uint64_t count)
{
    struct backlog backlog;
    backlog_init(&backlog, 100);
    backlog_produce(&backlog, count);
    return backlog;
}

static void a_backlog_keeps_both_bounds(void)
{
    struct backlog backlog = backlog_of(10);
    CHECK_INT(backlog_trim(&backlog, 10, 1000), 0);
    CHECK_INT(backlog_trim(&backlog, 9, 1000), 1);
    CHECK_INT(backlog_trim(&backlog, 10, 899), 1);
    CHECK_INT(backlog_trim(&backlog, 0, 0), 0);
    CHECK_INT(backlog_count(&backlog), 8);
    CHECK_INT(backlog.first, 3);
}

static uint64_t pop(struct backlog *backlog)
{
    uint8_t message[101] = {0};
    unsigned long long id = 0;
    backlog_write(backlog, message);
    (void)sscanf((char *)message, "{\"id\":%llu", &id); /* 0: it has none */
    backlog_pop(backlog);
    return id;
}

static void a_turned_backlog_is_emptied_from_its_newest(void)
{
    struct backlog backlog = backlog_of(4);
    backlog_turn(&backlog);
    backlog_produce(&backlog, 2);
    CHECK_INT(pop(&backlog), 4);
    CHECK_INT(pop(&backlog), 3);
    backlog_unpop(&backlog);
    CHECK_INT(backlog_count(&backlog), 5);
    CHECK_INT(pop(&backlog), 3);
    CHECK_INT(backlog_trim(&backlog, 3, 0), 1);
    CHECK_INT(pop(&backlog), 2);
    CHECK_INT(pop(&backlog), 5);
    CHECK_INT(pop(&backlog), 6);
    CHECK_INT(backlog_count(&backlog), 0);
}

static void what_goes_of_a_turned_backlog_may_be_more_than_was_turned(void)
{
    struct backlog backlog = backlog_of(3);
    backlog_turn(&backlog);
    backlog_produce(&backlog, 5);
    CHECK_INT(pop(&backlog), 3);
    CHECK_INT(backlog_trim(&backlog, 4, 0), 3);
    CHECK_INT(pop(&backlog), 5);
    CHECK_INT(backlog_count(&backlog), 3);
}

static void a_message_is_json_with_its_number_and_size(void)
{
    struct backlog backlog = backlog_of(3);
    uint8_t message[101] = {0};
    backlog_pad(&backlog, message);
    backlog.first = 1000000;
    backlog_write(&backlog, message);
    backlog.first = 2;
    backlog_write(&backlog, message);
    CHECK_INT(strlen((char *)message), 100);
    CHECK_CONTAINS((char *)message, "{\"id\":2,\"k\":\"c\",\"pad\":\"xxxxxxxxxxxx");
    CHECK_STR((char *)message + 97, "x\"}");
}

SUITE(endpoint_outbound, TEST(every_frame_has_a_fresh_mask), TEST(a_constant_mask_is_constant),
      TEST(a_server_does_not_mask), TEST(two_seeds_mask_differently),
      TEST(a_driver_that_took_less_is_not_asked_again_until_writable),
      TEST(a_backlog_keeps_both_bounds), TEST(a_turned_backlog_is_emptied_from_its_newest),
      TEST(what_goes_of_a_turned_backlog_may_be_more_than_was_turned),
      TEST(only_the_newest_pong_waits), TEST(kept_pongs_go_in_order),
      TEST(kept_pongs_end_with_the_connection), TEST(a_message_is_json_with_its_number_and_size))

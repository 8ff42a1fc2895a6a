/* By which a message is recognised again: by the target file's pattern, or by a number that counts.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/streams.h"
#include "tests/sim/world.h"
#include "ws/frame.h"

struct talk {
    struct duct duct;
    struct streams streams;
    struct text heard; /* the ids, in order: "7 8 9" */
};

static void talk_init(struct talk *talk, const char *pattern, bool compressed)
{
    struct plan *plan = duct_plan("");
    *talk = (struct talk){0};
    plan->message_id = pattern ? xstrdup(pattern) : NULL;
    streams_init(&talk->streams);
    text_init(&talk->heard);
    duct_init(&talk->duct, plan, 1);
    streams_add_upgrade(&talk->streams, compressed);
    duct_send_all(&talk->duct, SIDE_CLIENT, &talk->streams.from_client, 0, NULL);
    duct_send_all(&talk->duct, SIDE_SERVER, &talk->streams.from_server, 0, NULL);
    buf_clear(&talk->streams.from_client);
    buf_clear(&talk->streams.from_server);
}

static void talk_fini(struct talk *talk)
{
    duct_fini(&talk->duct);
    streams_fini(&talk->streams);
    text_fini(&talk->heard);
}

static void say_bytes(struct talk *talk, const void *bytes, size_t len)
{
    streams_add_frame(&talk->streams, SIDE_CLIENT, OPCODE_TEXT, bytes, len);
    duct_send_all(&talk->duct, SIDE_CLIENT, &talk->streams.from_client, 0, NULL);
    buf_clear(&talk->streams.from_client);
}

static void say(struct talk *talk, const char *message)
{
    say_bytes(talk, message, strlen(message));
}

/* One message for each number from first to last. */
static void say_numbers(struct talk *talk, const char *format, int first, int last)
    __attribute__((format(printf, 2, 0)));

static void say_numbers(struct talk *talk, const char *format, int first, int last)
{
    char message[2048];
    for (int i = first; i <= last; i++) {
        snprintf(message, sizeof message, format, i);
        say(talk, message);
    }
}

static const char *ids(struct talk *talk, const char *how)
{
    size_t i = 0;
    text_clear(&talk->heard);
    duct_end_run(&talk->duct);
    struct trace *trace = sim_read(&talk->duct.trace);
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_WS_ID));) {
        const struct event *message = trace_at_seq(trace, ev->ws_id.frame);
        CHECK(message && event_is_message(message) && message->side == ev->side &&
              message->conn == ev->conn && message->client == ev->client);
        CHECK_STR(ev->ws_id.how, how);
        text_addf(&talk->heard, "%s%s", talk->heard.len > 0 ? " " : "", ev->ws_id.id);
    }
    trace_free(trace);
    return text_chars(&talk->heard);
}

/* --- Declared --- */

static void the_first_group_is_the_id(void)
{
    struct talk talk;
    talk_init(&talk, "\"id\":\"?([a-z0-9]+)", false);
    say(&talk, "{\"id\":7,\"n\":1}");
    say(&talk, "{\"n\":2}");
    say(&talk, "{\"id\":\"k3\"}");
    CHECK_STR(ids(&talk, "declared"), "7 k3");
    talk_fini(&talk);
}

static void where_the_group_is_empty_or_unset_there_is_no_id(void)
{
    struct talk talk;
    talk_init(&talk, "a(b*)|c(d)", false);
    say(&talk, "a");
    say(&talk, "cd");
    say(&talk, "abb");
    CHECK_STR(ids(&talk, "declared"), "bb");
    talk_fini(&talk);
}

static void of_a_long_id_64_bytes_are_kept(void)
{
    static const char longest[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    char message[80];
    struct talk talk;
    talk_init(&talk, "^(.*)$", false);
    snprintf(message, sizeof message, "%s4", longest);
    say(&talk, message);
    CHECK_STR(ids(&talk, "declared"), longest);
    talk_fini(&talk);
}

/* The pattern is written for the client's messages. */
static void of_a_server_numbers_are_looked_for_beside_the_pattern(void)
{
    struct talk talk;
    talk_init(&talk, "\"id\":(\\d+)", false);
    char message[40];
    for (int i = 1; i <= 7; i++) {
        snprintf(message, sizeof message, "{\"seq\":%d}", i);
        say(&talk, message);
        streams_add_frame(&talk.streams, SIDE_SERVER, OPCODE_TEXT, message, strlen(message));
        duct_send_all(&talk.duct, SIDE_SERVER, &talk.streams.from_server, 0, NULL);
        buf_clear(&talk.streams.from_server);
    }
    CHECK_STR(ids(&talk, "counted"), "5 6 7");
    talk_fini(&talk);
}

static void a_message_in_fragments_has_one_id(void)
{
    static const char fragments[] = "\x01\x03"
                                    "id="
                                    "\x80\x01"
                                    "5";
    struct talk talk;
    talk_init(&talk, "id=(\\d)", false);
    CHECK(duct_send(&talk.duct, SIDE_SERVER, fragments, sizeof fragments - 1));
    CHECK_STR(ids(&talk, "declared"), "5");
    talk_fini(&talk);
}

/* RFC 7692 7.2.3.1: "Hello", compressed. */
static void a_compressed_message_has_its_id(void)
{
    struct talk talk;
    talk_init(&talk, "H(.*)o", true);
    CHECK(duct_send(&talk.duct, SIDE_SERVER, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9));
    CHECK_STR(ids(&talk, "declared"), "ell");
    talk_fini(&talk);
}

/* --- Counted --- */

static void a_number_counts_after_four_steps_and_stays_the_id(void)
{
    struct talk talk;
    talk_init(&talk, NULL, false);
    say_numbers(&talk, "{\"seq\":%d,\"price\":31}", 7, 12);
    say_numbers(&talk, "{\"seq\":%d,\"price\":31}", 20, 20);
    say_numbers(&talk, "{\"seq\":%d,\"price\":31}", 12, 13);
    CHECK_STR(ids(&talk, "counted"), "11 12 20 12 13");
    talk_fini(&talk);
}

static void a_first_number_is_no_step(void)
{
    struct talk talk;
    talk_init(&talk, NULL, false);
    say_numbers(&talk, "n %d", 1, 4);
    CHECK_STR(ids(&talk, "counted"), "");
    talk_fini(&talk);
}

static void the_number_that_counts_may_be_any(void)
{
    struct talk talk;
    talk_init(&talk, NULL, false);
    say(&talk, "v 8 of 100");
    say(&talk, "v 8 of 101");
    say(&talk, "v 3 of 102");
    say(&talk, "v 9 of 103");
    say(&talk, "v 10 of 104");
    CHECK_STR(ids(&talk, "counted"), "104");
    talk_fini(&talk);
}

static void numbers_that_do_not_count_are_no_ids(void)
{
    struct talk talk;
    talk_init(&talk, NULL, false);
    for (int i = 0; i < 20; i++)
        say_numbers(&talk, "at %d", i * 2, i * 2);
    for (int i = 0; i < 20; i++)
        say_numbers(&talk, "again %d", i / 2, i / 2);
    CHECK_STR(ids(&talk, "counted"), "");
    talk_fini(&talk);
}

static void kinds_are_counted_apart(void)
{
    struct talk talk;
    talk_init(&talk, NULL, false);
    for (int i = 1; i <= 5; i++) {
        say_numbers(&talk, "a %d", i, i);
        say_numbers(&talk, "b %d", i + 70, i + 70);
    }
    CHECK_STR(ids(&talk, "counted"), "5 75");
    talk_fini(&talk);
}

static void a_kind_that_counts_outlives_many_that_do_not(void)
{
    char message[20];
    struct talk talk;
    talk_init(&talk, NULL, false);
    say_numbers(&talk, "n %d", 1, 5);
    for (int i = 0; i < 100; i++) {
        snprintf(message, sizeof message, "%c%c 1", 'g' + i % 10, 'g' + i / 10);
        say(&talk, message);
    }
    say_numbers(&talk, "n %d", 6, 6);
    CHECK_STR(ids(&talk, "counted"), "5 6");
    talk_fini(&talk);
}

static void a_heartbeat_that_counts_has_no_id(void)
{
    struct talk talk;
    talk_init(&talk, NULL, false);
    say_numbers(&talk, "{\"type\":\"ping\",\"n\":%d}", 1, 9);
    CHECK_STR(ids(&talk, "counted"), "");
    talk_fini(&talk);
}

static void a_long_message_is_not_counted(void)
{
    char format[1200];
    struct talk talk;
    talk_init(&talk, NULL, false);
    memset(format, 'x', sizeof format);
    memcpy(format + 1023 - 1, "%d", 3); /* 1023 bytes with a digit, 1024 with two */
    say_numbers(&talk, format, 5, 9);
    memcpy(format + 1024 - 1, "%d", 3);
    format[1022] = 'y';
    say_numbers(&talk, format, 9, 20);
    CHECK_STR(ids(&talk, "counted"), "9");
    talk_fini(&talk);
}

static void a_pattern_takes_the_place_of_counting(void)
{
    struct talk talk;
    talk_init(&talk, "id=(.)", false);
    say_numbers(&talk, "n %d", 1, 9);
    CHECK_STR(ids(&talk, "declared"), "");
    talk_fini(&talk);
}

SUITE(ids, TEST(of_a_server_numbers_are_looked_for_beside_the_pattern),
      TEST(the_first_group_is_the_id), TEST(where_the_group_is_empty_or_unset_there_is_no_id),
      TEST(of_a_long_id_64_bytes_are_kept), TEST(a_message_in_fragments_has_one_id),
      TEST(a_compressed_message_has_its_id),
      TEST(a_number_counts_after_four_steps_and_stays_the_id), TEST(a_first_number_is_no_step),
      TEST(the_number_that_counts_may_be_any), TEST(numbers_that_do_not_count_are_no_ids),
      TEST(kinds_are_counted_apart), TEST(a_kind_that_counts_outlives_many_that_do_not),
      TEST(a_heartbeat_that_counts_has_no_id), TEST(a_long_message_is_not_counted),
      TEST(a_pattern_takes_the_place_of_counting))

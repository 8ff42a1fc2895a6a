/* What kinds of messages hold, as it is recorded: once for each kind and opcode. */
#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/streams.h"
#include "tests/sim/world.h"
#include "ws/frame.h"

struct talk {
    struct duct duct;
    struct streams streams;
    struct text heard;
};

static void talk_init(struct talk *talk, bool compressed)
{
    *talk = (struct talk){0};
    streams_init(&talk->streams);
    text_init(&talk->heard);
    duct_init(&talk->duct, duct_plan(""), 1);
    streams_add_upgrade(&talk->streams, compressed);
    duct_send_all(&talk->duct, SIDE_CLIENT, &talk->streams.from_client, 0, NULL);
    duct_send_all(&talk->duct, SIDE_SERVER, &talk->streams.from_server, 0, NULL);
}

static void talk_fini(struct talk *talk)
{
    duct_fini(&talk->duct);
    streams_fini(&talk->streams);
    text_fini(&talk->heard);
}

static void say(struct talk *talk, uint8_t opcode, const void *bytes, size_t len)
{
    buf_clear(&talk->streams.from_client);
    streams_add_frame(&talk->streams, SIDE_CLIENT, opcode, bytes, len);
    duct_send_all(&talk->duct, SIDE_CLIENT, &talk->streams.from_client, 0, NULL);
}

static void say_text(struct talk *talk, const char *text)
{
    say(talk, OPCODE_TEXT, text, strlen(text));
}

/* "1 json, 2 binary": opcode and content in order; errors as "error". */
static const char *heard(struct talk *talk)
{
    duct_end_run(&talk->duct);
    struct trace *trace = sim_read(&talk->duct.trace);
    text_clear(&talk->heard);
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        const char *between = talk->heard.len > 0 ? ", " : "";
        if (ev->kind == EV_WS_ERROR)
            text_addf(&talk->heard, "%serror", between);
        if (ev->kind != EV_WS_CLASS)
            continue;
        const struct event *message = trace_at_seq(trace, ev->ws_class.frame);
        CHECK(message && event_is_message(message) && message->side == ev->side);
        text_addf(&talk->heard, "%s%d %s", between, (int)ev->ws_class.opcode, ev->ws_class.content);
    }
    trace_free(trace);
    return text_chars(&talk->heard);
}

static void each_kind_is_told_once(void)
{
    struct talk talk;
    talk_init(&talk, false);
    say_text(&talk, "{\"id\":1}");
    say_text(&talk, "{\"id\":22}");
    say_text(&talk, "hello");
    say_text(&talk, "hello");
    CHECK_STR(heard(&talk), "1 json, 1 text");
    talk_fini(&talk);
}

static void the_other_opcode_is_told_again(void)
{
    struct talk talk;
    talk_init(&talk, false);
    say_text(&talk, "{\"id\":1}");
    say(&talk, OPCODE_BINARY, "{\"id\":1}", 8);
    CHECK_STR(heard(&talk), "1 json, 2 json");
    talk_fini(&talk);
}

static void control_frames_and_empty_messages_hold_nothing(void)
{
    struct talk talk;
    talk_init(&talk, false);
    say(&talk, OPCODE_PING, "{}", 2);
    say_text(&talk, "");
    CHECK_STR(heard(&talk), "");
    talk_fini(&talk);
}

static void both_sides_are_told(void)
{
    struct talk talk;
    talk_init(&talk, false);
    say_text(&talk, "{}");
    CHECK(duct_send(&talk.duct, SIDE_SERVER, "\x82\x02\xff\x00", 4));
    CHECK_STR(heard(&talk), "1 json, 2 binary");
    talk_fini(&talk);
}

static void a_fragmented_message_is_looked_at_as_a_whole(void)
{
    static const char fragments[] = "\x01\x01"
                                    "["
                                    "\x80\x01"
                                    "]";
    struct talk talk;
    talk_init(&talk, false);
    CHECK(duct_send(&talk.duct, SIDE_SERVER, fragments, sizeof fragments - 1));
    CHECK_STR(heard(&talk), "1 json");
    talk_fini(&talk);
}

static void of_a_long_message_the_start_is_enough(void)
{
    char message[10000];
    struct talk talk;
    talk_init(&talk, false);
    memset(message, 'x', sizeof message);
    memcpy(message, "{\"pad\":\"", 8);
    say(&talk, OPCODE_TEXT, message, sizeof message);
    CHECK_STR(heard(&talk), "1 json");
    talk_fini(&talk);
}

/* RFC 7692 7.2.3.1: "Hello", compressed. */
static void a_compressed_message_is_inflated_first(void)
{
    struct talk talk;
    talk_init(&talk, true);
    CHECK(duct_send(&talk.duct, SIDE_SERVER, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", 9));
    CHECK_STR(heard(&talk), "1 text");
    talk_fini(&talk);
}

static void what_does_not_inflate_is_an_error_and_holds_nothing(void)
{
    struct talk talk;
    talk_init(&talk, true);
    CHECK(duct_send(&talk.duct, SIDE_SERVER, "\xc1\x02\xff\xff", 4));
    CHECK_STR(heard(&talk), "error");
    talk_fini(&talk);
}

static void kinds_without_end_are_told_up_to_a_limit(void)
{
    char message[20];
    struct talk talk;
    talk_init(&talk, false);
    for (int i = 0; i < 400; i++) {
        snprintf(message, sizeof message, "%c%c", 'g' + i % 20, 'g' + i / 20);
        say_text(&talk, message);
    }
    say_text(&talk, "odd \xff");
    const char *all = heard(&talk);
    CHECK_INT(strlen(all), 256 * strlen("1 text, ") + strlen("1 binary"));
    CHECK_CONTAINS(all, "1 text, 1 binary");
    talk_fini(&talk);
}

SUITE(classes, TEST(each_kind_is_told_once), TEST(the_other_opcode_is_told_again),
      TEST(control_frames_and_empty_messages_hold_nothing), TEST(both_sides_are_told),
      TEST(a_fragmented_message_is_looked_at_as_a_whole),
      TEST(of_a_long_message_the_start_is_enough), TEST(a_compressed_message_is_inflated_first),
      TEST(what_does_not_inflate_is_an_error_and_holds_nothing),
      TEST(kinds_without_end_are_told_up_to_a_limit))

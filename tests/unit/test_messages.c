/* The view of the messages of a side: their ids, what was seen before, when they were delivered. */
#include "trace/messages.h"

#include "tests/check.h"
#include "tests/unit/story.h"
#include "ws/frame.h"

static struct messages look(struct story *s)
{
    struct messages messages;
    story_trace(s);
    messages_of(s->trace, SIDE_CLIENT, &messages);
    return messages;
}

static void done(struct story *s, struct messages *messages)
{
    messages_fini(messages);
    story_end(s);
}

static void messages_come_client_by_client_and_in_order(void)
{
    struct story s;
    story_begin(&s);
    story_of(&s, 1, 2);
    story_id(&s, 1, SIDE_CLIENT, "1", "declared");
    story_of(&s, 0, 1);
    story_id(&s, 2, SIDE_CLIENT, "8", "declared");
    story_id(&s, 3, SIDE_CLIENT, "7", "declared");
    struct messages messages = look(&s);
    CHECK_INT(messages.count, 3);
    CHECK_INT(messages_of_client_end(&messages, 0), 2);
    CHECK_INT(messages_of_client_end(&messages, 2), 3);
    CHECK_INT(messages.list[0].number, 8);
    CHECK_INT(messages.list[1].number, 7);
    CHECK_INT(messages.list[2].client, 1);
    CHECK_INT(messages.list[2].conn, 2);
    done(&s, &messages);
}

static void the_other_side_heartbeats_and_control_frames_are_left_out(void)
{
    struct story s;
    story_begin(&s);
    story_id(&s, 1, SIDE_SERVER, "1", "declared");
    story_ping(&s, 2, SIDE_CLIENT);
    story_word(&s, 3, SIDE_CLIENT, "ping");
    story_data(&s, 4, SIDE_CLIENT, "x", 5);
    struct messages messages = look(&s);
    CHECK_INT(messages.count, 1);
    CHECK(messages.list[0].id == NULL);
    CHECK_INT(messages.list[0].len, 5);
    done(&s, &messages);
}

static void a_number_is_decimal_digits_and_nothing_else(void)
{
    struct story s;
    story_begin(&s);
    story_id(&s, 1, SIDE_CLIENT, "007", "declared");
    story_id(&s, 2, SIDE_CLIENT, "a7", "declared");
    story_id(&s, 3, SIDE_CLIENT, "7a", "declared");
    story_id(&s, 4, SIDE_CLIENT, "999999999999999999", "declared");
    story_id(&s, 5, SIDE_CLIENT, "1000000000000000000", "declared");
    struct messages messages = look(&s);
    CHECK(messages.list[0].numeric && messages.list[0].number == 7);
    CHECK(!messages.list[1].numeric && !messages.list[2].numeric);
    CHECK(messages.list[3].numeric && messages.list[3].number == 999999999999999999u);
    CHECK(!messages.list[4].numeric);
    done(&s, &messages);
}

static void what_was_seen_before_is_told(void)
{
    struct story s;
    story_begin(&s);
    story_id(&s, 1, SIDE_CLIENT, "1", "declared");
    story_id(&s, 2, SIDE_CLIENT, "2", "declared");
    story_of(&s, 0, 2);
    story_id(&s, 3, SIDE_CLIENT, "1", "declared");
    story_of(&s, 1, 3);
    story_id(&s, 4, SIDE_CLIENT, "2", "declared");
    struct messages messages = look(&s);
    CHECK(!messages.list[0].again && !messages.list[1].again);
    CHECK_INT(messages.list[2].again, messages.list[0].seq);
    CHECK(!messages.list[3].again);
    done(&s, &messages);
}

/* Each kind counts for itself. */
static void a_counted_number_is_the_same_only_in_its_kind(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 3; i++) {
        story_id(&s, 1 + i, SIDE_CLIENT, "1", "counted");
        s.events[s.count - 2].ws_frame.sig = i == 1 ? "other" : "m";
    }
    struct messages messages = look(&s);
    CHECK(!messages.list[0].again && !messages.list[1].again);
    CHECK(messages.list[2].again);
    CHECK(messages.list[2].counted);
    done(&s, &messages);
}

static void what_a_fault_held_is_delivered_when_it_is(void)
{
    struct story s;
    story_begin(&s);
    story_data(&s, 1, SIDE_CLIENT, "a", 1);
    story_data(&s, 2, SIDE_CLIENT, "b", 1);
    s.events[1].ws_frame.passed = false;
    story_data(&s, 3, SIDE_CLIENT, "c", 1);
    s.events[2].ws_frame.passed = false;
    struct event *ev = story_add(&s, 4, EV_WS_DELIVERED, SIDE_SERVER, BY_FAULT);
    ev->ws_delivered.frame = 3; /* run.start is the first */
    struct messages messages = look(&s);
    CHECK_INT(messages.list[0].delivered, NSEC_PER_SEC);
    CHECK_INT(messages.list[1].delivered, 4 * NSEC_PER_SEC);
    CHECK(messages.list[2].delivered == NEVER);
    done(&s, &messages);
}

static void a_message_of_two_frames_is_delivered_with_its_last(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 2; i++) {
        struct event *ev = story_add(&s, 1 + i, EV_WS_FRAME, SIDE_CLIENT, BY_ENDPOINT);
        ev->ws_frame = (struct ev_ws_frame){.opcode = i == 0 ? OPCODE_TEXT : OPCODE_CONTINUATION,
                                            .fin = i == 1,
                                            .rsv = i == 0 ? RSV1 : 0,
                                            .passed = i == 0};
    }
    struct event *ev = story_add(&s, 2, EV_WS_MESSAGE, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_message = (struct ev_ws_message){.opcode = OPCODE_TEXT, .frames = 2, .len = 9};
    ev = story_add(&s, 2, EV_WS_ID, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_id = (struct ev_ws_id){.id = "k", .how = "declared"};
    ev = story_add(&s, 5, EV_WS_DELIVERED, SIDE_SERVER, BY_FAULT);
    ev->ws_delivered.frame = 3;
    struct messages messages = look(&s);
    CHECK_INT(messages.count, 1);
    CHECK_STR(messages.list[0].id, "k");
    CHECK_INT(messages.list[0].len, 9);
    CHECK_INT(messages.list[0].delivered, 5 * NSEC_PER_SEC);
    CHECK(messages.list[0].compressed);
    done(&s, &messages);
}

static void what_halfopen_said_is_marked(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_data(&s, 1, SIDE_CLIENT, "a", 1);
    s.client_by = BY_ENDPOINT;
    story_data(&s, 2, SIDE_CLIENT, "a", 1);
    struct messages messages = look(&s);
    CHECK(messages.list[0].ours && !messages.list[1].ours);
    done(&s, &messages);
}

static void what_comes_after_the_run_does_not_count(void)
{
    struct story s;
    story_begin(&s);
    story_run_end(&s, 1);
    story_data(&s, 2, SIDE_CLIENT, "a", 1);
    struct messages messages = look(&s);
    CHECK_INT(messages.count, 0);
    done(&s, &messages);
}

SUITE(messages, TEST(messages_come_client_by_client_and_in_order),
      TEST(the_other_side_heartbeats_and_control_frames_are_left_out),
      TEST(a_number_is_decimal_digits_and_nothing_else), TEST(what_was_seen_before_is_told),
      TEST(a_counted_number_is_the_same_only_in_its_kind),
      TEST(what_a_fault_held_is_delivered_when_it_is),
      TEST(a_message_of_two_frames_is_delivered_with_its_last), TEST(what_halfopen_said_is_marked),
      TEST(what_comes_after_the_run_does_not_count))

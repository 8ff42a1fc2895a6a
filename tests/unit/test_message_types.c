/* message.types, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"
#include "ws/frame.h"

extern const struct rule_desc message_types_rule;

static void holds(struct story *s, double at, uint64_t opcode, const char *sig, const char *content)
{
    struct event *ev = story_add(s, at, EV_WS_CLASS, SIDE_CLIENT, s->client_by);
    ev->ws_class =
        (struct ev_ws_class){.frame = 1, .opcode = opcode, .sig = sig, .content = content};
}

static void open_and_send(struct story *s)
{
    story_begin(s);
    story_open(s, 0);
    holds(s, 1, OPCODE_TEXT, "a", "json");
}

static void turn(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){.fault = "text_as_binary",
                                          .label = "text_as_binary",
                                          .verb = "replace",
                                          .detail = "",
                                          .count = 1};
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &message_types_rule, want, part);
}

static void kinds_that_fit_their_opcode_pass(void)
{
    struct story s;
    open_and_send(&s);
    holds(&s, 2, OPCODE_TEXT, "b", "text");
    holds(&s, 3, OPCODE_BINARY, "c", "binary");
    holds(&s, 4, OPCODE_BINARY, "d", "text");
    expect(
        &s, PASS,
        "all messages of the client fit their opcode: 1 kind of JSON, 2 of other text, 1 of binary");
}

static void bytes_in_text_fail(void)
{
    struct story s;
    open_and_send(&s);
    holds(&s, 2, OPCODE_TEXT, "b", "binary");
    expect(&s, FAIL,
           "1 of 2 kinds of messages of the client are sent as text although they are no");
}

static void json_in_binary_warns(void)
{
    struct story s;
    open_and_send(&s);
    holds(&s, 2, OPCODE_BINARY, "b", "json");
    expect(&s, WARN, "1 of 2 kinds of messages of the client are JSON in binary frames");
}

static void a_kind_under_both_opcodes_warns(void)
{
    struct story s;
    open_and_send(&s);
    story_of(&s, 1, 2);
    holds(&s, 2, OPCODE_BINARY, "a", "json");
    expect(&s, WARN, "1 of 1 kinds of messages of the client are sent as text and as binary");
}

static void what_the_server_sends_does_not_count(void)
{
    struct story s;
    open_and_send(&s);
    holds(&s, 2, OPCODE_TEXT, "b", "binary");
    s.events[s.count - 1].side = SIDE_SERVER;
    expect(&s, PASS, "1 kind of JSON, 0 of other");
}

static void a_client_that_sends_nothing_is_not_tested(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    expect(&s, NOT_TESTED, "give hooks.send");
}

static void one_that_sends_nothing_although_asked_decides_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_target(&s, "{\"hooks\":{\"send\":true}}");
    story_open(&s, 0);
    expect(&s, INCONCLUSIVE, "the client sends no messages, asked by hooks.send or not");
}

static void an_echo_of_what_we_turned_is_ours(void)
{
    struct story s;
    open_and_send(&s);
    turn(&s, 2);
    holds(&s, 3, OPCODE_BINARY, "a", "json");
    expect(&s, PASS, "1 kind of JSON, 0 of other");
}

static void a_process_that_ends_of_it_fails(void)
{
    struct story s;
    open_and_send(&s);
    turn(&s, 5);
    story_fin(&s, 5.5, SIDE_CLIENT);
    story_exit(&s, 7, "exit 1", false);
    expect(&s, FAIL, "the client's process ended (exit 1) when a text message came as binary");
    story_begin(&s);
    story_open(&s, 0);
    turn(&s, 5);
    story_exit(&s, 5.1, "signal 11", false);
    expect(&s, FAIL, "(signal 11)");
}

static void an_end_later_or_after_a_close_or_asked_for_is_none_of_it(void)
{
    struct story s;
    open_and_send(&s);
    turn(&s, 5);
    story_exit(&s, 7.1, "exit 1", false);
    expect(&s, PASS, "1 kind of JSON, 0 of other");
    open_and_send(&s);
    turn(&s, 5);
    story_close(&s, 5.1, SIDE_CLIENT, 1003);
    story_exit(&s, 5.2, "exit 1", false);
    expect(&s, PASS, "1 kind of JSON, 0 of other");
    open_and_send(&s);
    turn(&s, 5);
    story_exit(&s, 5.2, "exit 1", true);
    expect(&s, PASS, "1 kind of JSON, 0 of other");
    open_and_send(&s);
    turn(&s, 5);
    story_exit(&s, 5.2, "exit 0", false);
    expect(&s, PASS, "1 kind of JSON, 0 of other");
    open_and_send(&s);
    story_exit(&s, 5.2, "exit 1", false);
    expect(&s, PASS, "1 kind of JSON, 0 of other");
}

static void another_clients_end_is_not_this_ones(void)
{
    struct story s;
    open_and_send(&s);
    turn(&s, 5);
    story_of(&s, 1, 2);
    story_exit(&s, 5.1, "exit 1", false);
    expect(&s, PASS, "1 kind of JSON, 0 of other");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    holds(&s, 1, OPCODE_TEXT, "a", "binary");
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(message_types, TEST(kinds_that_fit_their_opcode_pass), TEST(bytes_in_text_fail),
      TEST(json_in_binary_warns), TEST(a_kind_under_both_opcodes_warns),
      TEST(what_the_server_sends_does_not_count), TEST(a_client_that_sends_nothing_is_not_tested),
      TEST(one_that_sends_nothing_although_asked_decides_nothing),
      TEST(an_echo_of_what_we_turned_is_ours), TEST(a_process_that_ends_of_it_fails),
      TEST(an_end_later_or_after_a_close_or_asked_for_is_none_of_it),
      TEST(another_clients_end_is_not_this_ones), TEST(our_own_client_is_not_judged))

/* message.masking, message.utf8, message.fragmentation: what they add to test_offences. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"
#include "ws/frame.h"

extern const struct rule_desc message_masking_rule;
extern const struct rule_desc message_utf8_rule;
extern const struct rule_desc message_fragmentation_rule;

/* --- Masking --- */

static void sent(struct story *s, int frames)
{
    story_begin(s);
    story_open(s, 0);
    for (int i = 0; i < frames; i++)
        story_data(s, 1 + i, SIDE_CLIENT, "d", 10);
}

static void keys(struct story *s, double at, uint64_t frames, uint64_t step, enum cause by)
{
    struct event *ev = story_add(s, at, EV_WS_MASK, SIDE_CLIENT, by);
    ev->ws_mask = (struct ev_ws_mask){.frames = frames, .step = step};
}

static void expect_masking(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &message_masking_rule, want, part);
}

static void twenty_masked_frames_pass(void)
{
    struct story s;
    sent(&s, 20);
    expect_masking(&s, PASS, "all of 20 frames were masked");
}

static void nineteen_are_too_few(void)
{
    struct story s;
    sent(&s, 19);
    expect_masking(&s, INCONCLUSIVE, "only 19 frames");
}

static void a_bare_frame_fails(void)
{
    struct story s;
    sent(&s, 20);
    s.events[s.count - 1].ws_frame.masked = false;
    expect_masking(&s, FAIL, "1 of 20 frames came without a mask");
}

/* What a fault sends in the client's name is not the client's. */
static void a_servers_frame_needs_no_mask(void)
{
    struct story s;
    sent(&s, 20);
    story_data(&s, 50, SIDE_SERVER, "d", 10);
    expect_masking(&s, PASS, "all of 20 frames were masked");
}

static void twenty_keys_that_are_the_same_fail(void)
{
    struct story s;
    sent(&s, 20);
    keys(&s, 3, 3, 0, BY_ENDPOINT);
    keys(&s, 20, 20, 0, BY_ENDPOINT);
    expect_masking(&s, FAIL, "20 frames in a row have the same masking key");
}

static void three_keys_that_are_the_same_warn(void)
{
    struct story s;
    sent(&s, 20);
    keys(&s, 3, 3, 0, BY_ENDPOINT);
    expect_masking(&s, WARN, "3 frames in a row");
}

static void a_counter_is_named(void)
{
    struct story s;
    sent(&s, 20);
    keys(&s, 20, 20, 1, BY_ENDPOINT);
    expect_masking(&s, FAIL, "each is the one before plus 1");
}

static void the_keys_of_our_own_client_do_not_count(void)
{
    struct story s;
    sent(&s, 20);
    keys(&s, 20, 20, 0, BY_BUILTIN);
    expect_masking(&s, PASS, "all of 20");
}

static void accepting_a_masked_frame_fails(void)
{
    struct story s;
    sent(&s, 20);
    story_probe(&s, 30);
    story_bad_frame(&s, 40, "masking");
    expect_masking(&s, FAIL, "went on after a masked frame of the server");
}

/* --- UTF-8 --- */

static void text_that_is_taken_fails(void)
{
    struct story s;
    sent(&s, 0);
    story_probe(&s, 1);
    story_bad_frame(&s, 5, "bad_utf8");
    story_run_end(&s, 30);
    story_expect(&s, &message_utf8_rule, FAIL, "went on after text that is no UTF-8");
}

static void a_reason_that_is_answered_with_1007_passes(void)
{
    struct story s;
    sent(&s, 0);
    story_bad_frame(&s, 5, "bad_utf8");
    story_fail(&s, 5.01, 1007);
    story_of(&s, 0, 2);
    story_open(&s, 6);
    story_bad_frame(&s, 7, "bad_close_reason");
    story_fail(&s, 7.01, 1007);
    story_run_end(&s, 30);
    story_expect(&s, &message_utf8_rule, PASS, "closed within 10 ms after text");
}

static void a_reason_that_is_taken_warns(void)
{
    struct story s;
    sent(&s, 0);
    story_bad_frame(&s, 5, "bad_close_reason");
    story_fail(&s, 5.01, 1000);
    story_run_end(&s, 30);
    story_expect(&s, &message_utf8_rule, WARN,
                 "answered a Close whose reason is no UTF-8 with 1000");
}

static void a_reason_of_ones_own_fails(void)
{
    struct story s;
    sent(&s, 0);
    story_fault(&s, 1, "latency", SIDE_CLIENT, false);
    struct event *ev = story_add(&s, 5, EV_WS_CLOSE, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_close =
        (struct ev_ws_close){.code = 1000, .reason = "", .wrong = "the reason is not UTF-8"};
    story_run_end(&s, 30);
    story_expect(&s, &message_utf8_rule, FAIL, "closed with 1000 and a reason that is no UTF-8");
}

/* --- Fragmentation --- */

static void split(struct story *s, double at, const char *fault)
{
    story_fault(s, at, fault, SIDE_CLIENT, false);
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = fault, .label = fault, .verb = "replace", .detail = "", .count = 1};
}

static void expect_fragments(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &message_fragmentation_rule, want, part);
}

static void a_second_with_fragments_passes(void)
{
    struct story s;
    sent(&s, 0);
    split(&s, 5, "fragment");
    story_run_end(&s, 6);
    expect_fragments(&s, PASS, "taken on 1 of 1 connections");
}

static void less_than_a_second_shows_nothing(void)
{
    struct story s;
    sent(&s, 0);
    split(&s, 5, "fragment");
    story_run_end(&s, 5.999);
    expect_fragments(&s, INCONCLUSIVE, "no connection lived for a second");
}

static void refusing_fragments_fails(void)
{
    struct story s;
    sent(&s, 0);
    split(&s, 5, "interleave_control");
    story_fail(&s, 5.01, 1002);
    story_run_end(&s, 30);
    expect_fragments(&s, FAIL, "1 of 1 connections were closed with 1002");
}

static void refusing_what_came_after_them_is_right(void)
{
    struct story s;
    sent(&s, 0);
    split(&s, 5, "fragment");
    story_bad_frame(&s, 20, "nested_message");
    story_fail(&s, 20.01, 1002);
    story_run_end(&s, 30);
    expect_fragments(&s, PASS, "after a new message inside a fragmented one");
}

static void leaving_for_another_reason_is_not_refusing(void)
{
    struct story s;
    sent(&s, 0);
    split(&s, 5, "fragment");
    story_fail(&s, 5.5, 1001);
    story_run_end(&s, 30);
    expect_fragments(&s, INCONCLUSIVE, "no connection lived");
}

static void a_servers_1002_is_not_the_clients(void)
{
    struct story s;
    sent(&s, 0);
    split(&s, 5, "fragment");
    story_close(&s, 8, SIDE_SERVER, 1002);
    story_fail(&s, 8.01, 1002);
    story_run_end(&s, 30);
    expect_fragments(&s, PASS, "taken on 1 of 1");
}

SUITE(message_rules, TEST(twenty_masked_frames_pass), TEST(nineteen_are_too_few),
      TEST(a_bare_frame_fails), TEST(a_servers_frame_needs_no_mask),
      TEST(twenty_keys_that_are_the_same_fail), TEST(three_keys_that_are_the_same_warn),
      TEST(a_counter_is_named), TEST(the_keys_of_our_own_client_do_not_count),
      TEST(accepting_a_masked_frame_fails), TEST(text_that_is_taken_fails),
      TEST(a_reason_that_is_answered_with_1007_passes), TEST(a_reason_that_is_taken_warns),
      TEST(a_reason_of_ones_own_fails), TEST(a_second_with_fragments_passes),
      TEST(less_than_a_second_shows_nothing), TEST(refusing_fragments_fails),
      TEST(refusing_what_came_after_them_is_right),
      TEST(leaving_for_another_reason_is_not_refusing), TEST(a_servers_1002_is_not_the_clients))

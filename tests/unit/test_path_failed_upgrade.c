/* path.failed_upgrade, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"
#include "ws/frame.h"

extern const struct rule_desc path_failed_upgrade_rule;

/* An attempt that gets this answer at that time, from a fault that changes or makes it. */
static void answer(struct story *s, double at, const char *fault, const char *params,
                   const char *verb)
{
    story_attempt(s, at);
    story_fault_with(s, at, fault, params);
    struct event *ev = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = fault, .label = fault, .verb = verb, .detail = "", .count = 1};
    ev = story_add(s, at, EV_HTTP_REWRITE, SIDE_CLIENT, BY_FAULT);
    ev->http_rewrite = (struct ev_http_rewrite){.what = "the response is not the server's"};
}

static void bad_accept(struct story *s, double at)
{
    answer(s, at, "upgrade_bad_accept", "{\"how\":\"wrong\"}", "replace");
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &path_failed_upgrade_rule, want, part);
}

static void an_attempt_that_is_ended_at_once_passes(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 5.01, SIDE_CLIENT);
    expect(&s, PASS, "the client failed the attempt within 10 ms after a 101 for another key");
}

static void each_kind_of_answer_is_named(void)
{
    static const struct {
        const char *fault, *params, *verb, *words;
    } kinds[] = {
        {"upgrade_bad_accept", "{\"how\":\"missing\"}", "replace",
         "a 101 without Sec-WebSocket-Accept"},
        {"upgrade_rewrite", "{\"header\":\"Upgrade\",\"action\":\"remove\"}", "replace",
         "a 101 without Upgrade"},
        {"upgrade_rewrite", "{\"header\":\"Connection\",\"action\":\"set\"}", "replace",
         "a 101 with another Connection"},
        {"upgrade_protocol", "{\"how\":\"other\"}", "replace", "a subprotocol it had not offered"},
        {"upgrade_extension", "{\"value\":\"x-y\"}", "replace", "an extension it had not offered"},
        {"upgrade_extension", "{\"value\":\"permessage-deflate; server_max_window_bits=16\"}",
         "replace", "permessage-deflate as it had not offered it"},
        {"upgrade_status", "{\"status\":\"200\",\"then\":\"nothing\"}", "respond",
         "a 200 instead of a 101"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct story s;
        story_begin(&s);
        answer(&s, 5, kinds[i].fault, kinds[i].params, kinds[i].verb);
        story_fin(&s, 5.01, SIDE_CLIENT);
        expect(&s, PASS, kinds[i].words);
    }
}

static void a_second_is_prompt_and_more_is_late(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 6, SIDE_CLIENT);
    expect(&s, PASS, "within 1.00 s");
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 6.01, SIDE_CLIENT);
    expect(&s, WARN, "late, within 1.01 s");
}

static void at_speed_ten_a_second_of_the_wall_is_ten(void)
{
    struct story s;
    story_begin(&s);
    story_speed(&s, 10);
    bad_accept(&s, 5);
    story_fin(&s, 14.9, SIDE_CLIENT);
    expect(&s, PASS, "within 990 ms of wall time");
}

static void who_stays_connected_took_it_for_a_yes(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 7, SIDE_CLIENT);
    expect(&s, FAIL, "took a 101 for another key for an open WebSocket, and kept the connection");
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 6.99, SIDE_CLIENT);
    expect(&s, WARN, "late");
}

static void who_sends_a_frame_took_it_for_a_yes(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_ping(&s, 5.001, SIDE_CLIENT);
    story_fin(&s, 5.002, SIDE_CLIENT);
    expect(&s, FAIL, "sent frames on it");
}

static void a_close_on_the_way_out_is_no_frame(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    struct event *ev = story_add(&s, 5.001, EV_WS_FRAME, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_frame = (struct ev_ws_frame){.opcode = OPCODE_CLOSE, .fin = true};
    story_fin(&s, 5.002, SIDE_CLIENT);
    expect(&s, PASS, "failed the attempt");
}

static void frames_of_others_are_not_the_clients(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_ping(&s, 5.001, SIDE_SERVER);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_of(&s, 0, 2);
    story_open(&s, 7);
    story_ping(&s, 8, SIDE_CLIENT);
    expect(&s, PASS, "failed the attempt");
}

static void a_connection_that_we_end_too_soon_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_shut(&s, 6.9, SIDE_CLIENT, BY_FAULT, "rst");
    expect(
        &s, INCONCLUSIVE,
        "what the client made of a 101 for another key was not seen: the connection ended otherwise, or the run did, after 1.90 s");
}

static void what_was_seen_of_the_same_answer_counts(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_of(&s, 0, 2);
    bad_accept(&s, 8);
    story_shut(&s, 8.1, SIDE_CLIENT, BY_FAULT, "rst");
    expect(&s, PASS, "failed the attempt");
}

static void a_connection_that_we_end_later_was_kept(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_shut(&s, 7.1, SIDE_CLIENT, BY_FAULT, "rst");
    expect(&s, FAIL, "kept the connection, for 2.10 s");
}

static void a_head_that_opens_all_the_same_is_no_wrong_answer(void)
{
    struct story s;
    story_begin(&s);
    answer(&s, 5, "upgrade_protocol", "{\"how\":\"missing\"}", "replace");
    (void)story_add(&s, 5, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
    expect(&s, INCONCLUSIVE, "no attempt got a wrong answer");
}

static void a_process_that_ends_of_it_warns(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_exit(&s, 5.02, "exit 1", false);
    expect(&s, WARN, "its process with it (exit 1)");
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_exit(&s, 50, "exit 1", false);
    expect(&s, PASS, "failed the attempt");
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_exit(&s, 5.02, "signal 15", true);
    expect(&s, PASS, "failed the attempt");
}

/* Attempt after attempt, each the pause after the one before. */
static void retries(struct story *s, int count, double pause)
{
    story_begin(s);
    for (int i = 0; i <= count; i++) {
        story_of(s, 0, (uint32_t)i + 1);
        bad_accept(s, 5 + i * (pause + 0.01));
        story_fin(s, 5 + i * (pause + 0.01) + 0.01, SIDE_CLIENT);
    }
}

static void retries_without_a_pause_fail(void)
{
    struct story s;
    retries(&s, 4, 0.05);
    expect(&s, FAIL, "4 failed upgrades were followed by the next attempt after 50 ms (median)");
    retries(&s, 4, 0.11);
    expect(&s, PASS, "failed the attempt");
    retries(&s, 3, 0.05);
    expect(&s, PASS, "failed the attempt");
}

/* There the connection ends with the answer: only the pause is the client's. */
static void a_status_that_ends_the_connection_tells_of_pauses_only(void)
{
    struct story s;
    story_begin(&s);
    for (int i = 0; i < 5; i++) {
        story_of(&s, 0, (uint32_t)i + 1);
        answer(&s, 5 + i * 0.05, "upgrade_status", "{\"status\":\"503\",\"then\":\"fin\"}",
               "respond");
        story_shut(&s, 5 + i * 0.05, SIDE_CLIENT, BY_FAULT, "close");
    }
    expect(&s, FAIL, "after 50 ms (median)");
    story_begin(&s);
    answer(&s, 5, "upgrade_status", "{\"status\":\"503\",\"then\":\"fin\"}", "respond");
    expect(&s, INCONCLUSIVE, "no attempt got a wrong answer");
}

static void clients_are_counted(void)
{
    struct story s;
    story_begin(&s);
    bad_accept(&s, 5);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_of(&s, 1, 2);
    bad_accept(&s, 5);
    expect(&s, FAIL, "1 of 2 clients took a 101 for another key");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    bad_accept(&s, 5);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

static void other_faults_are_no_wrong_answers(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 1);
    story_fault(&s, 5, "latency", SIDE_CLIENT, false);
    expect(&s, INCONCLUSIVE, "no attempt got a wrong answer");
}

SUITE(path_failed_upgrade, TEST(an_attempt_that_is_ended_at_once_passes),
      TEST(each_kind_of_answer_is_named), TEST(a_second_is_prompt_and_more_is_late),
      TEST(at_speed_ten_a_second_of_the_wall_is_ten), TEST(who_stays_connected_took_it_for_a_yes),
      TEST(who_sends_a_frame_took_it_for_a_yes), TEST(a_close_on_the_way_out_is_no_frame),
      TEST(frames_of_others_are_not_the_clients),
      TEST(a_connection_that_we_end_too_soon_shows_nothing),
      TEST(what_was_seen_of_the_same_answer_counts), TEST(a_connection_that_we_end_later_was_kept),
      TEST(a_head_that_opens_all_the_same_is_no_wrong_answer),
      TEST(a_process_that_ends_of_it_warns), TEST(retries_without_a_pause_fail),
      TEST(a_status_that_ends_the_connection_tells_of_pauses_only), TEST(clients_are_counted),
      TEST(our_own_client_is_not_judged), TEST(other_faults_are_no_wrong_answers))

#include "tests/check.h"
#include "tests/unit/story.h"

#define BROWSER "{\"can_ping\": {\"value\": \"false\"}}"

extern const struct rule_desc heartbeat_present_rule;

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_present_rule, want, part);
}

static void begin(struct story *s, double noise)
{
    story_begin(s);
    story_noise(s, noise);
    story_open(s, 0);
}

static void end(struct story *s, double at, enum verdict want, const char *part)
{
    story_run_end(s, at);
    expect(s, want, part);
}

static void pings_that_are_answered_pass(void)
{
    struct story s;
    begin(&s, 0);
    story_pings(&s, 30, 30, 165, true);
    end(&s, 170, PASS, "the client has a heartbeat every 30.0 s, sent by the client and answered");
}

static void a_slow_heartbeat_is_one(void)
{
    struct story s;
    begin(&s, 0);
    story_pings(&s, 75, 75, 165, true);
    end(&s, 170, PASS, "every 75.0 s");
}

static void the_newest_ping_may_still_be_unanswered(void)
{
    struct story s;
    begin(&s, 0);
    story_pings(&s, 30, 30, 125, true);
    story_ping(&s, 150, SIDE_CLIENT);
    end(&s, 150.1, PASS, "every 30.0 s");
}

static void pings_of_the_server_pass(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.01, SIDE_CLIENT);
    }
    end(&s, 170, PASS, "sent by the server and answered by the client");
}

static void pings_of_halfopens_server_earn_nothing(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.01, SIDE_CLIENT);
    }
    end(&s, 170, FAIL, "halfopen's own server, in place of yours, never does");
}

static void none_in_five_intervals_fails(void)
{
    struct story s;
    begin(&s, 0);
    end(&s, 150, FAIL, "the client has no heartbeat: in 150.0 s of idle connection");
}

static void none_in_less_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    end(&s, 149.9, INCONCLUSIVE, "observed for only 149.9 s; 150 s");
}

static void noise_is_taken_from_what_is_needed(void)
{
    struct story s;
    begin(&s, 0.2);
    end(&s, 149.9, FAIL, "no heartbeat");
}

/* Seen on a host with a load of twelve: one answer in seven took 12 s. */
static void a_late_answer_leaves_it_open(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 1; i <= 7; i++) {
        story_word(&s, 25 * i, SIDE_SERVER, "ping");
        story_data(&s, 25 * i + (i == 6 ? 12 : 1), SIDE_CLIENT, "noted", 20);
    }
    end(&s, 180, INCONCLUSIVE, "cannot be told from late answers");
}

static void few_words_of_the_other_side_are_no_answers(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 1; i <= 7; i++) {
        story_word(&s, 25 * i, SIDE_CLIENT, "ping");
        if (i < 4)
            story_data(&s, 25 * i + 12, SIDE_SERVER, "news", 20);
    }
    end(&s, 180, WARN, "in one direction, which goes unanswered");
}

static void a_single_ping_is_no_heartbeat(void)
{
    struct story s;
    begin(&s, 0);
    story_pings(&s, 1, 1000, 170, true);
    end(&s, 170, FAIL, "no heartbeat");
}

static void unsolicited_pongs_warn(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 25; at < 170; at += 25)
        story_pong(&s, at, SIDE_CLIENT);
    end(&s, 170, WARN, "in one direction, which goes unanswered");
}

static void words_that_the_server_leaves_unanswered_warn(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 25; at < 170; at += 25)
        story_word(&s, at, SIDE_CLIENT, "ping");
    end(&s, 170, WARN, "in one direction");
}

static void words_that_are_answered_pass(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_SERVER, "ping");
        story_word(&s, at + 0.01, SIDE_CLIENT, "pong");
    }
    end(&s, 170, PASS, "sent by the server and answered by the client");
}

/* MQTT's keepalive is 60 s: two beats of a minute are seen in three. */
static void words_once_a_minute_that_are_answered_pass(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 60; at < 170; at += 60) {
        story_word(&s, at, SIDE_CLIENT, "ping");
        story_word(&s, at + 0.01, SIDE_SERVER, "pong");
    }
    end(&s, 170, PASS, "every 60.0 s, sent by the client and answered by the server");
}

/* The client's beat comes now before the server's and now behind it. */
static void two_that_beat_by_themselves_pass(void)
{
    struct story s;
    begin(&s, 0);
    for (int i = 1; i < 17; i++) {
        enum side first = i % 2 == 0 ? SIDE_CLIENT : SIDE_SERVER;
        story_word(&s, 12 * i, first, "ping");
        story_word(&s, 12 * i + 0.1, side_other(first), "ping");
    }
    end(&s, 200, PASS, "s, and so has the server");
}

/* They may be a heartbeat that is slower than what was watched, or none: who says them is not
 * idle. */
static void words_that_are_too_few_leave_it_open(void)
{
    struct story s;
    begin(&s, 0);
    story_word(&s, 60, SIDE_SERVER, "ping");
    story_word(&s, 120, SIDE_SERVER, "ping");
    end(&s, 170, INCONCLUSIVE, "never idle");
}

static void words_that_a_fault_took_away_are_not_held_against_anybody(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_CLIENT, "ping");
        struct event *ev = story_add(&s, at, EV_FAULT_ACT, SIDE_SERVER, BY_FAULT);
        ev->fault_act.fault = ev->fault_act.label = "drop_ping";
        ev->fault_act.verb = "drop";
        ev->fault_act.detail = "";
    }
    end(&s, 170, INCONCLUSIVE, "a fault kept answers");
}

static void words_that_halfopens_server_does_not_understand_are_not_tested(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_CLIENT, "ping");
        story_word(&s, at + 0.01, SIDE_SERVER, "ping"); /* an echo */
    }
    end(&s, 170, NOT_TESTED, "halfopen's own server cannot answer; whether it is answered");
}

static void an_application_that_is_never_idle_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 0.3; at < 170; at += 0.3)
        story_data(&s, at, SIDE_SERVER, "tick", 20);
    end(&s, 170, INCONCLUSIVE, "never idle for 150 s (the longest pause was 0.3 s)");
}

static void time_after_a_silence_does_not_count(void)
{
    struct story s;
    begin(&s, 0);
    story_fault(&s, 100, "drop", SIDE_CLIENT, true);
    end(&s, 400, INCONCLUSIVE, "observed for only 100.0 s");
}

static void the_clients_own_close_ends_what_is_seen(void)
{
    struct story s;
    begin(&s, 0);
    story_close(&s, 20, SIDE_CLIENT, 1000);
    end(&s, 400, INCONCLUSIVE, "observed for only 20.0 s");
}

static void of_two_connections_the_worse_counts(void)
{
    struct story s;
    begin(&s, 0);
    story_pings(&s, 30, 30, 165, true);
    story_of(&s, 0, 2);
    story_open(&s, 0);
    end(&s, 170, FAIL, "no heartbeat");
}

static void clients_are_counted(void)
{
    struct story s;
    begin(&s, 0);
    story_of(&s, 1, 2);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 165, true);
    end(&s, 170, FAIL, "1 of 2 clients have no heartbeat");
}

static void a_trace_cut_short_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    (void)story_add(&s, 50, EV_MARK, SIDE_NONE, BY_PROXY);
    expect(&s, INCONCLUSIVE, "observed for only 50.0 s");
}

static void frames_that_were_left_out_are_not_missed(void)
{
    struct story s;
    begin(&s, 0);
    (void)story_add(&s, 10, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    end(&s, 400, INCONCLUSIVE, "observed for only 10.0 s");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    end(&s, 400, NOT_APPLICABLE, "halfopen's own");
}

static void pings_that_a_browser_cannot_send_do_not_count(void)
{
    struct story s;
    story_begin(&s);
    story_policy(&s, BROWSER);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 165, true);
    end(&s, 170, FAIL, "protocol pings of the client do not count (can_ping: false)");
}

static void pings_of_the_server_count_for_a_browser_too(void)
{
    struct story s;
    story_begin(&s);
    story_policy(&s, BROWSER);
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.01, SIDE_CLIENT);
    }
    end(&s, 170, PASS, "sent by the server and answered by the client");
}

SUITE(heartbeat_present, TEST(two_that_beat_by_themselves_pass),
      TEST(words_once_a_minute_that_are_answered_pass), TEST(words_that_are_too_few_leave_it_open),
      TEST(pings_that_a_browser_cannot_send_do_not_count),
      TEST(pings_of_the_server_count_for_a_browser_too), TEST(pings_that_are_answered_pass),
      TEST(a_slow_heartbeat_is_one), TEST(the_newest_ping_may_still_be_unanswered),
      TEST(pings_of_the_server_pass), TEST(pings_of_halfopens_server_earn_nothing),
      TEST(none_in_five_intervals_fails), TEST(none_in_less_is_inconclusive),
      TEST(noise_is_taken_from_what_is_needed), TEST(a_late_answer_leaves_it_open),
      TEST(few_words_of_the_other_side_are_no_answers), TEST(a_single_ping_is_no_heartbeat),
      TEST(unsolicited_pongs_warn), TEST(words_that_the_server_leaves_unanswered_warn),
      TEST(words_that_are_answered_pass),
      TEST(words_that_a_fault_took_away_are_not_held_against_anybody),
      TEST(words_that_halfopens_server_does_not_understand_are_not_tested),
      TEST(an_application_that_is_never_idle_is_inconclusive),
      TEST(time_after_a_silence_does_not_count), TEST(the_clients_own_close_ends_what_is_seen),
      TEST(of_two_connections_the_worse_counts), TEST(clients_are_counted),
      TEST(a_trace_cut_short_is_inconclusive), TEST(frames_that_were_left_out_are_not_missed),
      TEST(halfopens_own_client_is_not_judged))

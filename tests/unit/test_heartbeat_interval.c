#include "tests/check.h"
#include "tests/unit/story.h"

#define BROWSER "{\"can_ping\": {\"value\": \"false\"}}"

extern const struct rule_desc heartbeat_interval_rule;

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_interval_rule, want, part);
}

/* Pings every so often on a connection that is open for so long. */
static void beats_every(double every, double open_for, double noise, enum verdict want,
                        const char *part)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, noise);
    story_open(&s, 0);
    story_pings(&s, every, every, open_for - 0.1, true);
    story_run_end(&s, open_for);
    expect(&s, want, part);
}

static void thirty_seconds_pass(void)
{
    beats_every(30, 170, 0, PASS, "the client sends a heartbeat every 30.0 s; allowed 33 s");
}

/* 30 s after the answer, which a fault kept for 3 s. */
static void an_interval_from_late_answers(double every, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    for (double at = every; at < 170; at += every) {
        story_ping(&s, at, SIDE_CLIENT);
        story_pong(&s, at, SIDE_SERVER);
        s.events[s.count - 1].ws_frame.passed = false;
        struct event *ev = story_add(&s, at + 3, EV_WS_DELIVERED, SIDE_CLIENT, BY_PROXY);
        ev->ws_delivered.frame = s.count; /* a run.start comes in front */
    }
    story_run_end(&s, 170);
    expect(&s, want, part);
}

static void answers_that_a_fault_made_late_are_added(void)
{
    an_interval_from_late_answers(35.9, PASS, "every 35.9 s; allowed 36 s");
    an_interval_from_late_answers(36.1, WARN, "every 36.1 s; allowed 36 s");
}

static void a_word_once_a_minute_is_too_slow(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    for (double at = 60; at < 170; at += 60) {
        story_word(&s, at, SIDE_CLIENT, "ping");
        story_word(&s, at + 0.01, SIDE_SERVER, "pong");
    }
    story_run_end(&s, 170);
    expect(&s, FAIL, "a heartbeat every 60.0 s");
}

static void thirty_three_seconds_pass(void)
{
    beats_every(33, 170, 0, PASS, "every 33.0 s");
}

static void beyond_thirty_three_seconds_warn(void)
{
    beats_every(33.01, 170, 0, WARN, "every 33.0 s");
}

static void noise_is_added_to_the_limit(void)
{
    beats_every(33.05, 170, 0.1, PASS, "every 33.0 s");
}

static void forty_five_seconds_warn(void)
{
    beats_every(45, 250, 0, WARN, "every 45.0 s");
}

static void beyond_forty_five_seconds_fail(void)
{
    beats_every(45.01, 250, 0, FAIL, "every 45.0 s");
}

static void a_chatty_client_passes_with_a_note(void)
{
    beats_every(2, 170, 0, PASS, "chatty");
}

static void a_fast_heartbeat_needs_no_long_run(void)
{
    beats_every(10, 60, 0, PASS, "every 10.0 s");
}

static void a_single_beat_fails(void)
{
    beats_every(100, 170, 0, FAIL, "a single heartbeat and then nothing for 100.0 s");
}

static void none_in_150_seconds_fails(void)
{
    beats_every(1000, 150, 0, FAIL, "sent no heartbeat in 150.0 s of idle connection");
}

static void none_in_less_is_inconclusive(void)
{
    beats_every(1000, 149.9, 0, INCONCLUSIVE, "150 s of undisturbed connection");
}

static void too_short_for_a_slow_heartbeat_is_inconclusive(void)
{
    beats_every(60, 149, 0, INCONCLUSIVE, "observed for only 149.0 s");
}

static void silence_after_a_good_start_warns(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_pings(&s, 10, 10, 60, true);
    story_run_end(&s, 200);
    expect(&s, WARN, "but once nothing for 140.0 s");
}

static void the_servers_pings_make_it_not_applicable(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.01, SIDE_CLIENT);
    }
    story_run_end(&s, 170);
    expect(&s, NOT_APPLICABLE, "the server, which pings");
}

static void application_pings_of_the_server_make_it_not_applicable(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_SERVER, "ping");
        story_word(&s, at + 0.01, SIDE_CLIENT, "pong");
    }
    story_run_end(&s, 170);
    expect(&s, NOT_APPLICABLE, "the server, which pings");
}

/* engine.io: the client's "40" and its pong "3" have the same signature. */
static void a_message_that_looks_like_a_pong_is_none(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_data(&s, 1, SIDE_CLIENT, "pong", 2);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_SERVER, "ping");
        story_word(&s, at + 0.01, SIDE_CLIENT, "pong");
    }
    story_run_end(&s, 170);
    expect(&s, NOT_APPLICABLE, "the server, which pings");
}

/* A busy host stopped for 8 s of target time: the server's 25 s became 33 s once. */
static void a_stall_of_the_host_hides_no_heartbeat(void)
{
    static const double at[] = {25, 50, 83, 108, 133, 158};
    for (int told = 0; told < 2; told++) {
        struct story s;
        story_begin(&s);
        story_open(&s, 0);
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            story_data(&s, at[i], SIDE_SERVER, "beat", 2);
            story_data(&s, at[i] + 0.01, SIDE_CLIENT, "back", 3);
        }
        if (told) {
            struct event *noise = story_add(&s, 170, EV_RUN_NOISE, SIDE_NONE, BY_PROXY);
            noise->run_noise.worst = nsec_from_seconds(8);
        }
        story_run_end(&s, 170);
        expect(&s, told ? NOT_APPLICABLE : INCONCLUSIVE, told ? "the server, which pings" : "");
    }
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
    story_run_end(&s, 170);
    expect(&s, FAIL, "sent no heartbeat");
}

static void an_application_heartbeat_is_found_by_regularity(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    for (double at = 25; at < 170; at += 25)
        story_data(&s, at, SIDE_CLIENT, "hello", 20);
    story_run_end(&s, 170);
    expect(&s, PASS, "every 25.0 s");
}

static void an_application_that_is_never_idle_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    for (double at = 0.3; at < 170; at += 0.3)
        story_data(&s, at, SIDE_CLIENT, "tick", 20);
    story_run_end(&s, 170);
    expect(&s, INCONCLUSIVE, "declare heartbeat.ping");
}

static void traffic_beside_pings_does_not_matter(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 169, true);
    for (double at = 0.3; at < 170; at += 0.3)
        story_data(&s, at, SIDE_SERVER, "tick", 20);
    story_run_end(&s, 170);
    expect(&s, PASS, "every 30.0 s");
}

static void late_pongs_change_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 0, "delay_pong", SIDE_CLIENT, false);
    for (double at = 30; at < 170; at += 30) {
        story_ping(&s, at, SIDE_CLIENT);
        story_pong(&s, at + 3, SIDE_SERVER);
    }
    story_run_end(&s, 170);
    expect(&s, PASS, "every 30.0 s");
}

static void time_after_a_silence_does_not_count(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 100, "drop", SIDE_CLIENT, true);
    story_run_end(&s, 400);
    expect(&s, INCONCLUSIVE, "observed for only 100.0 s");
}

static void time_after_a_cut_does_not_count(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_cut(&s, 100, "reset", "rst");
    story_run_end(&s, 400);
    expect(&s, INCONCLUSIVE, "observed for only 100.0 s");
}

static void another_connections_beats_do_not_count(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_of(&s, 1, 2);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 169, true);
    story_run_end(&s, 170);
    expect(&s, FAIL, "1 of 2 clients sent no heartbeat");
}

static void a_run_cut_short_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 60, true);
    expect(&s, INCONCLUSIVE, "observed for only 60.0 s");
}

static void frames_that_were_left_out_are_not_missed(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    (void)story_add(&s, 10, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    story_run_end(&s, 400);
    expect(&s, INCONCLUSIVE, "observed for only 10.0 s");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    story_run_end(&s, 400);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

/* can_ping: false */

static void pings_that_a_browser_cannot_send_do_not_count(void)
{
    struct story s;
    story_begin(&s);
    story_policy(&s, BROWSER);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 165, true);
    story_run_end(&s, 170);
    expect(&s, FAIL, "protocol pings do not count (can_ping: false)");
}

static void a_browser_beats_with_messages(void)
{
    struct story s;
    story_begin(&s);
    story_policy(&s, BROWSER);
    story_open(&s, 0);
    story_pings(&s, 40, 40, 165, true);
    for (double at = 25; at < 170; at += 25)
        story_word(&s, at, SIDE_CLIENT, "ping");
    story_run_end(&s, 170);
    expect(&s, PASS, "every 25.0 s");
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
    story_run_end(&s, 170);
    expect(&s, NOT_APPLICABLE, "the server, which pings");
}

SUITE(heartbeat_interval, TEST(answers_that_a_fault_made_late_are_added),
      TEST(a_word_once_a_minute_is_too_slow), TEST(pings_that_a_browser_cannot_send_do_not_count),
      TEST(a_browser_beats_with_messages), TEST(pings_of_the_server_count_for_a_browser_too),
      TEST(thirty_seconds_pass), TEST(thirty_three_seconds_pass),
      TEST(beyond_thirty_three_seconds_warn), TEST(noise_is_added_to_the_limit),
      TEST(forty_five_seconds_warn), TEST(beyond_forty_five_seconds_fail),
      TEST(a_chatty_client_passes_with_a_note), TEST(a_fast_heartbeat_needs_no_long_run),
      TEST(a_single_beat_fails), TEST(none_in_150_seconds_fails),
      TEST(none_in_less_is_inconclusive), TEST(too_short_for_a_slow_heartbeat_is_inconclusive),
      TEST(silence_after_a_good_start_warns), TEST(the_servers_pings_make_it_not_applicable),
      TEST(application_pings_of_the_server_make_it_not_applicable),
      TEST(a_message_that_looks_like_a_pong_is_none), TEST(a_stall_of_the_host_hides_no_heartbeat),
      TEST(pings_of_halfopens_server_earn_nothing),
      TEST(an_application_heartbeat_is_found_by_regularity),
      TEST(an_application_that_is_never_idle_is_inconclusive),
      TEST(traffic_beside_pings_does_not_matter), TEST(late_pongs_change_nothing),
      TEST(time_after_a_silence_does_not_count), TEST(time_after_a_cut_does_not_count),
      TEST(another_connections_beats_do_not_count), TEST(a_run_cut_short_is_inconclusive),
      TEST(frames_that_were_left_out_are_not_missed), TEST(halfopens_own_client_is_not_judged))

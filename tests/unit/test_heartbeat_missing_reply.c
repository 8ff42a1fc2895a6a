#include "tests/check.h"
#include "tests/unit/story.h"

#define BROWSER "{\"can_ping\": {\"value\": \"false\"}}"

extern const struct rule_desc heartbeat_missing_reply_rule;

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_missing_reply_rule, want, part);
}

static void end(struct story *s, double at, enum verdict want, const char *part)
{
    story_run_end(s, at);
    expect(s, want, part);
}

/* Open, and a fault eats pongs from the fifth second on. */
static void begin(struct story *s, double noise)
{
    story_begin(s);
    story_noise(s, noise);
    story_open(s, 0);
    story_fault(s, 5, "drop_pong", SIDE_CLIENT, false);
}

static void lost_pong(struct story *s, double at)
{
    story_pong(s, at, SIDE_SERVER);
    s->events[s->count - 1].ws_frame.passed = false;
}

static void ping_in_vain(struct story *s, double at)
{
    story_ping(s, at, SIDE_CLIENT);
    lost_pong(s, at + 0.001);
}

static void gives_up_after(double took, double noise, enum verdict want, const char *part)
{
    struct story s;
    begin(&s, noise);
    ping_in_vain(&s, 30);
    story_fin(&s, 30 + took, SIDE_CLIENT);
    story_open(&s, 30 + took + 1);
    end(&s, 200, want, part);
}

static void fifteen_seconds_pass(void)
{
    gives_up_after(15, 0, PASS,
                   "the client gave the connection up 15.0 s after the ping that was not answered; "
                   "allowed 15 s");
}

static void beyond_fifteen_seconds_warn(void)
{
    gives_up_after(15.1, 0, WARN, "only 15.1 s after the ping");
}

static void noise_of_two_timers_is_allowed_for(void)
{
    gives_up_after(15.1, 0.05, PASS, "15.1 s");
    gives_up_after(15.11, 0.05, WARN, "15.1 s");
}

static void the_next_beat_warns(void)
{
    gives_up_after(35, 0, WARN, "only 35.0 s");
}

static void beyond_the_next_beat_fails(void)
{
    gives_up_after(35.1, 0, FAIL, "only 35.1 s after the ping that was not answered; allowed 15 s");
}

static void an_rst_is_as_good_as_a_fin(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    struct event *ev = story_add(&s, 40, EV_TCP_CLOSE, SIDE_CLIENT, BY_ENDPOINT);
    ev->tcp_close.how = "rst";
    end(&s, 200, PASS, "10.0 s");
}

static void a_new_connection_beside_the_old_one_counts(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_of(&s, 0, 2);
    story_open(&s, 41);
    end(&s, 200, PASS, "11.0 s");
}

static void never_fails(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 30; at < 90; at += 30)
        ping_in_vain(&s, at);
    end(&s, 90, FAIL, "the client went on for 60.0 s after a ping that was not answered");
}

static void never_within_a_short_watch_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    end(&s, 65, INCONCLUSIVE,
        "did nothing for the 35.0 s that were seen after an unanswered ping; 35 s");
}

static void the_ping_before_the_first_lost_pong_counts(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_ping(&s, 5, SIDE_CLIENT);
    story_fault(&s, 5, "drop_pong", SIDE_CLIENT, false);
    lost_pong(&s, 5.2);
    story_fin(&s, 15, SIDE_CLIENT);
    end(&s, 100, PASS, "10.0 s");
}

static void a_pong_that_comes_late_is_not_lost(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    uint64_t pong = s.count + 1; /* a run.start comes in front */
    struct event *ev = story_add(&s, 33, EV_WS_DELIVERED, SIDE_CLIENT, BY_PROXY);
    ev->ws_delivered.frame = pong;
    end(&s, 200, INCONCLUSIVE, "sent no ping whose answer could be lost");
}

static void a_silence_counts_from_the_next_ping(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 5, "drop", SIDE_CLIENT, true);
    story_ping(&s, 30, SIDE_CLIENT);
    story_fin(&s, 40, SIDE_CLIENT);
    end(&s, 100, PASS, "10.0 s");
}

static void the_end_of_the_fault_ends_the_watch(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_fault_off(&s, 50, "drop_pong", "over");
    end(&s, 200, INCONCLUSIVE, "did nothing for the 20.0 s");
}

static void what_we_end_is_not_the_clients_doing(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_cut(&s, 50, "reset", "rst");
    end(&s, 200, INCONCLUSIVE, "did nothing for the 20.0 s");
}

static void the_servers_close_is_not_the_clients_doing(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_close(&s, 50, SIDE_SERVER, 1001);
    story_close(&s, 70, SIDE_CLIENT, 1001);
    end(&s, 200, INCONCLUSIVE, "did nothing for the 20.0 s");
}

static void data_of_the_server_proves_as_much(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    for (double at = 31; at < 200; at += 7)
        story_data(&s, at, SIDE_SERVER, "news", 20);
    end(&s, 200, INCONCLUSIVE, "other traffic of the server arrived");
}

static void data_before_the_ping_proves_nothing(void)
{
    struct story s;
    begin(&s, 0);
    story_data(&s, 29, SIDE_SERVER, "news", 20);
    ping_in_vain(&s, 30);
    end(&s, 200, FAIL, "went on for 170.0 s");
}

static void an_ordinary_close_at_once_is_the_applications_wish(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_close(&s, 30.5, SIDE_CLIENT, 1000);
    end(&s, 200, INCONCLUSIVE, "the application's own wish");
}

static void an_ordinary_close_after_the_timeout_is_a_consequence(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_close(&s, 40, SIDE_CLIENT, 1000);
    end(&s, 200, PASS, "10.0 s");
}

static void a_process_that_ends_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_exit(&s, 35, "exit 1", false);
    end(&s, 200, INCONCLUSIVE, "ended as a process 5.0 s after");
}

static void processes_that_we_end_do_not_count(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_exit(&s, 45, "signal 15", true);
    end(&s, 200, INCONCLUSIVE, "did nothing for the 15.0 s");
}

static void a_client_that_never_pings_is_inconclusive(void)
{
    struct story s;
    begin(&s, 0);
    end(&s, 200, INCONCLUSIVE, "sent no ping whose answer could be lost");
}

static void where_the_server_pings_it_does_not_apply(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 25; at < 170; at += 25) {
        story_word(&s, at, SIDE_SERVER, "ping");
        story_word(&s, at + 0.01, SIDE_CLIENT, "pong");
    }
    end(&s, 200, NOT_APPLICABLE, "waited for the server's pings");
}

static void an_application_ping_is_one(void)
{
    struct story s;
    begin(&s, 0);
    for (double at = 10; at < 70; at += 10) {
        story_word(&s, at, SIDE_CLIENT, "ping");
        story_word(&s, at + 0.01, SIDE_SERVER, "pong");
        s.events[s.count - 1].ws_frame.passed = at < 55;
    }
    story_fin(&s, 70, SIDE_CLIENT);
    end(&s, 200, PASS, "10.0 s");
}

static void without_the_fault_it_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 5, "latency", SIDE_CLIENT, false);
    story_pings(&s, 30, 30, 165, true);
    end(&s, 170, INCONCLUSIVE, "no fault kept one away");
}

static void a_second_connection_without_the_fault_changes_nothing(void)
{
    struct story s;
    begin(&s, 0);
    ping_in_vain(&s, 30);
    story_fin(&s, 40, SIDE_CLIENT);
    story_of(&s, 0, 2);
    story_open(&s, 41);
    story_pings(&s, 71, 30, 165, true);
    end(&s, 170, PASS, "10.0 s");
}

static void clients_are_counted(void)
{
    struct story s;
    begin(&s, 0);
    story_of(&s, 1, 2);
    story_open(&s, 0);
    story_fault(&s, 5, "drop_pong", SIDE_CLIENT, false);
    story_of(&s, 0, 1);
    ping_in_vain(&s, 30);
    story_of(&s, 1, 2);
    ping_in_vain(&s, 30.5);
    story_fin(&s, 40, SIDE_CLIENT);
    end(&s, 170, FAIL, "1 of 2 clients went on for 140.0 s");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    story_fault(&s, 5, "drop_pong", SIDE_CLIENT, false);
    ping_in_vain(&s, 30);
    end(&s, 400, NOT_APPLICABLE, "halfopen's own");
}

static void pings_that_halfopens_server_does_not_know_are_not_tested(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    story_open(&s, 0);
    for (double at = 25; at < 135; at += 25)
        story_word(&s, at, SIDE_CLIENT, "ping");
    story_fault(&s, 126, "drop_pong", SIDE_CLIENT, false);
    story_word(&s, 150, SIDE_CLIENT, "ping");
    end(&s, 200, NOT_TESTED, "halfopen's own server cannot answer");
}

static void a_ping_that_a_browser_cannot_send_asks_nothing(void)
{
    struct story s;
    begin(&s, 0);
    story_policy(&s, BROWSER);
    ping_in_vain(&s, 30);
    end(&s, 200, INCONCLUSIVE, "");
}

SUITE(heartbeat_missing_reply, TEST(pings_that_halfopens_server_does_not_know_are_not_tested),
      TEST(a_ping_that_a_browser_cannot_send_asks_nothing), TEST(fifteen_seconds_pass),
      TEST(beyond_fifteen_seconds_warn), TEST(noise_of_two_timers_is_allowed_for),
      TEST(the_next_beat_warns), TEST(beyond_the_next_beat_fails), TEST(an_rst_is_as_good_as_a_fin),
      TEST(a_new_connection_beside_the_old_one_counts), TEST(never_fails),
      TEST(never_within_a_short_watch_is_inconclusive),
      TEST(the_ping_before_the_first_lost_pong_counts), TEST(a_pong_that_comes_late_is_not_lost),
      TEST(a_silence_counts_from_the_next_ping), TEST(the_end_of_the_fault_ends_the_watch),
      TEST(what_we_end_is_not_the_clients_doing), TEST(the_servers_close_is_not_the_clients_doing),
      TEST(data_of_the_server_proves_as_much), TEST(data_before_the_ping_proves_nothing),
      TEST(an_ordinary_close_at_once_is_the_applications_wish),
      TEST(an_ordinary_close_after_the_timeout_is_a_consequence),
      TEST(a_process_that_ends_is_inconclusive), TEST(processes_that_we_end_do_not_count),
      TEST(a_client_that_never_pings_is_inconclusive),
      TEST(where_the_server_pings_it_does_not_apply), TEST(an_application_ping_is_one),
      TEST(without_the_fault_it_is_inconclusive),
      TEST(a_second_connection_without_the_fault_changes_nothing), TEST(clients_are_counted),
      TEST(halfopens_own_client_is_not_judged))

#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc reconnect_silent_death_rule;

/* Open since 0, pings every 30 s that are answered, silent for the client from 60.002 on: just
 * after an answer, so that the next ping is due at 90. */
#define SILENT 60.002

static void dead_since(struct story *s, double at)
{
    story_open(s, 0);
    story_fault(s, at, "drop", SIDE_CLIENT, true);
    story_fault(s, at, "drop", SIDE_SERVER, true);
}

static void beating_and_dead(struct story *s)
{
    story_pings(s, 30, 30, 60, true);
    dead_since(s, SILENT);
    story_ping(s, 90, SIDE_CLIENT);
}

static enum verdict judge(struct story *s)
{
    return story_judge(s, &reconnect_silent_death_rule, NULL);
}

static void back_at(struct story *s, double at)
{
    uint32_t dead = s->conn;
    story_of(s, s->client, dead + 100);
    story_open(s, at);
    story_of(s, s->client, dead);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    enum verdict got = judge(s);
    CHECK_STR(verdict_name(got), verdict_name(want));
    CHECK_CONTAINS(story_text(s), part);
    story_end(s);
}

/* FIN after `took` seconds of silence, and a new connection a second later. */
static void noticed_after(double took, double noise, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, noise);
    beating_and_dead(&s);
    story_fin(&s, SILENT + took, SIDE_CLIENT);
    back_at(&s, SILENT + took + 1);
    story_run_end(&s, 400);
    expect(&s, want, part);
}

static void a_fin_within_the_window_passes(void)
{
    noticed_after(39.998, 0, PASS, "the client noticed after 40.0 s that the peer was gone");
}

static void exactly_at_the_limit_passes(void)
{
    noticed_after(45, 0, PASS, "allowed 45 s");
}

static void one_beyond_the_limit_warns(void)
{
    noticed_after(45.001, 0, WARN, "only after 45.0 s");
}

/* Twice: the ping may be late, and so may be the timer of its answer. */
static void noise_is_added_to_the_limit(void)
{
    noticed_after(45.4, 0.2, PASS, "45.4 s");
}

static void beyond_the_noise_warns(void)
{
    noticed_after(45.401, 0.2, WARN, "45.4 s");
}

static void ninety_seconds_warn(void)
{
    noticed_after(90, 0, WARN, "only after 90.0 s");
}

static void later_than_ninety_fails(void)
{
    noticed_after(90.001, 0, FAIL, "only after 90.0 s");
}

static void never_within_three_windows_fails(void)
{
    struct story s;
    story_begin(&s);
    dead_since(&s, SILENT);
    story_run_end(&s, SILENT + 120);
    expect(&s, FAIL,
           "the client never noticed within 120 s that the peer was gone; it sends no heart");
}

static void a_moment_short_of_three_windows_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    dead_since(&s, SILENT);
    story_run_end(&s, SILENT + 119.9);
    expect(&s, INCONCLUSIVE, "120 s would have been needed");
}

static void a_run_cut_short_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s); /* no run.end */
    expect(&s, INCONCLUSIVE, "lasted only");
}

static void heartbeats_that_go_unanswered_for_ever_are_named(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s);
    story_pings(&s, 120, 30, 300, false);
    story_run_end(&s, 310);
    expect(&s, FAIL, "it sends heartbeats and does not miss the answers");
}

static void a_servers_heartbeat_that_is_not_missed_is_named(void)
{
    struct story s;
    story_begin(&s);
    for (double at = 20; at < SILENT; at += 20) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.01, SIDE_CLIENT);
    }
    dead_since(&s, SILENT);
    story_run_end(&s, 310);
    expect(&s, FAIL, "does not miss the server's");
}

static void a_new_connection_is_noticing(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s);
    back_at(&s, 100);
    story_run_end(&s, 300);
    expect(&s, PASS, "noticed after 40.0 s");
}

static void a_silence_that_ended_is_not_never(void)
{
    struct story s;
    story_begin(&s);
    dead_since(&s, SILENT);
    story_fault_off(&s, SILENT + 20, "drop", "cleared");
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "lasted only 20.0 s");
}

/* Pongs that a fault forges tell the client that its peer lives. */
static void a_fault_that_speaks_for_the_peer_ends_the_silence(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s);
    struct event *act = story_add(&s, 90.001, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    act->fault_act = (struct ev_fault_act){
        .fault = "forge_pong", .label = "forge_pong", .verb = "inject", .detail = "", .count = 1};
    story_run_end(&s, 400);
    expect(&s, INCONCLUSIVE, "did nothing during the silence, which lasted only 30.0 s");
}

static void the_proxys_reset_is_no_noticing(void)
{
    struct story s;
    story_begin(&s);
    dead_since(&s, SILENT);
    story_fault_off(&s, SILENT + 20, "drop", "over");
    story_shut(&s, SILENT + 20, SIDE_CLIENT, BY_FAULT, "rst");
    back_at(&s, SILENT + 21);
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "lasted only 20.0 s");
}

static void another_connection_that_closes_is_no_noticing(void)
{
    struct story s;
    story_begin(&s);
    story_of(&s, 0, 7);
    story_open(&s, 0);
    story_of(&s, 0, 1);
    dead_since(&s, SILENT);
    story_of(&s, 0, 7);
    story_fin(&s, 80, SIDE_CLIENT);
    story_of(&s, 0, 1);
    story_run_end(&s, 600);
    expect(&s, FAIL, "never noticed");
}

static void the_servers_fin_is_no_noticing(void)
{
    struct story s;
    story_begin(&s);
    dead_since(&s, SILENT);
    story_fin(&s, 80, SIDE_SERVER);
    story_run_end(&s, 600);
    expect(&s, FAIL, "never noticed");
}

static void a_fault_that_silences_nobody_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 60, "latency", SIDE_CLIENT, false);
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "no open connection was silenced");
}

static void silence_for_the_server_alone_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 60, "stall", SIDE_SERVER, true);
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "no open connection was silenced");
}

static void an_ordinary_close_before_anything_is_missed_is_no_noticing(void)
{
    struct story s;
    story_begin(&s);
    story_pings(&s, 30, 30, 60, true);
    dead_since(&s, SILENT);
    story_close(&s, 70, SIDE_CLIENT, 1001);
    story_fin(&s, 70, SIDE_CLIENT);
    back_at(&s, 71);
    story_run_end(&s, 300);
    expect(&s, INCONCLUSIVE, "closed with 1001 after 10.0 s");
}

static void an_ordinary_close_after_an_unanswered_ping_is_noticing(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s);
    story_close(&s, 100, SIDE_CLIENT, 1000);
    back_at(&s, 101);
    story_run_end(&s, 300);
    expect(&s, PASS, "noticed after 40.0 s");
}

static void a_close_with_a_code_of_its_own_is_noticing(void)
{
    struct story s;
    story_begin(&s);
    dead_since(&s, SILENT);
    story_close(&s, 90, SIDE_CLIENT, 4000);
    back_at(&s, 91);
    story_run_end(&s, 300);
    expect(&s, PASS, "noticed after 30.0 s");
}

static void noticing_without_coming_back_fails(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s);
    story_fin(&s, 100, SIDE_CLIENT);
    story_run_end(&s, 160);
    expect(&s, FAIL, "gave the dead connection up after 40.0 s and made no new one within 60 s");
}

static void too_short_to_see_it_come_back_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s);
    story_fin(&s, 100, SIDE_CLIENT);
    story_run_end(&s, 159.9);
    expect(&s, INCONCLUSIVE, "60 s would have shown");
}

static void a_process_that_ends_does_not_come_back(void)
{
    struct story s;
    story_begin(&s);
    beating_and_dead(&s);
    story_fin(&s, 100, SIDE_CLIENT);
    story_exit(&s, 100, "exit 1", false);
    story_run_end(&s, 101);
    expect(&s, FAIL, "does not come back: the process ended (exit 1)");
}

static void a_process_we_ended_is_no_noticing(void)
{
    struct story s;
    story_begin(&s);
    dead_since(&s, SILENT);
    story_exit(&s, 90, "signal 15", true);
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "lasted only 30.0 s");
}

static void the_worst_of_several_clients_counts(void)
{
    struct story s;
    story_begin(&s);
    for (int client = 0; client < 3; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        dead_since(&s, SILENT);
        if (client < 2)
            back_at(&s, SILENT + 30 + client);
    }
    story_run_end(&s, 600);
    expect(&s, FAIL, "1 of 3 clients never noticed within 540 s");
}

static void the_range_of_several_clients_is_told(void)
{
    struct story s;
    story_begin(&s);
    for (int client = 0; client < 3; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        dead_since(&s, SILENT);
        back_at(&s, SILENT + 31 + 4.4 * client);
    }
    story_run_end(&s, 600);
    expect(&s, PASS, "3 of 3 clients noticed after 31.0 to 39.8 s");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    dead_since(&s, SILENT);
    story_run_end(&s, 600);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

static void without_any_fault_it_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "no fault began to act");
}

/* A window of 45 s and the work behind its timer, which a speed of 10 multiplies: 20 ms become 200.
 */
static void work_counts_as_often_as_the_speed(void)
{
    static const struct {
        double speed, took;
        enum verdict want;
    } cases[] = {{10, 45.2, PASS}, {10, 45.201, WARN}, {1, 45.001, WARN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct story s;
        story_begin(&s);
        story_speed(&s, cases[i].speed);
        beating_and_dead(&s);
        story_fin(&s, SILENT + cases[i].took, SIDE_CLIENT);
        back_at(&s, SILENT + cases[i].took + 1);
        expect(&s, cases[i].want, "allowed 45 s");
    }
}

SUITE(reconnect_silent_death, TEST(work_counts_as_often_as_the_speed),
      TEST(a_fin_within_the_window_passes), TEST(exactly_at_the_limit_passes),
      TEST(one_beyond_the_limit_warns), TEST(noise_is_added_to_the_limit),
      TEST(beyond_the_noise_warns), TEST(ninety_seconds_warn), TEST(later_than_ninety_fails),
      TEST(never_within_three_windows_fails), TEST(a_moment_short_of_three_windows_is_inconclusive),
      TEST(a_run_cut_short_is_inconclusive), TEST(heartbeats_that_go_unanswered_for_ever_are_named),
      TEST(a_servers_heartbeat_that_is_not_missed_is_named), TEST(a_new_connection_is_noticing),
      TEST(a_silence_that_ended_is_not_never),
      TEST(a_fault_that_speaks_for_the_peer_ends_the_silence),
      TEST(the_proxys_reset_is_no_noticing), TEST(another_connection_that_closes_is_no_noticing),
      TEST(the_servers_fin_is_no_noticing), TEST(a_fault_that_silences_nobody_shows_nothing),
      TEST(silence_for_the_server_alone_shows_nothing),
      TEST(an_ordinary_close_before_anything_is_missed_is_no_noticing),
      TEST(an_ordinary_close_after_an_unanswered_ping_is_noticing),
      TEST(a_close_with_a_code_of_its_own_is_noticing), TEST(noticing_without_coming_back_fails),
      TEST(too_short_to_see_it_come_back_is_inconclusive),
      TEST(a_process_that_ends_does_not_come_back), TEST(a_process_we_ended_is_no_noticing),
      TEST(the_worst_of_several_clients_counts), TEST(the_range_of_several_clients_is_told),
      TEST(halfopens_own_client_is_not_judged), TEST(without_any_fault_it_is_inconclusive))

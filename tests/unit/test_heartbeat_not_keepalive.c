#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc heartbeat_not_keepalive_rule;

/* Silent from here on, just after an answer: the next ping is due at 90. */
#define SILENT 60.002

static void falls_silent(struct story *s, double at, const char *fault)
{
    story_fault(s, at, fault, SIDE_CLIENT, true);
    story_fault(s, at, fault, SIDE_SERVER, true);
}

/* TCP acknowledges what the client sends, and nothing comes. */
static void gone(struct story *s)
{
    story_open(s, 0);
    story_pings(s, 30, 30, 60, true);
    falls_silent(s, SILENT, "drop");
    story_ping(s, 90, SIDE_CLIENT);
}

/* Nothing is acknowledged from `at` on. */
static void pulled(struct story *s, double at)
{
    falls_silent(s, at, "blackhole");
    struct event *act = story_add(s, at, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    act->fault_act = (struct ev_fault_act){
        .fault = "blackhole", .label = "blackhole", .verb = "deafen", .detail = "", .count = 1};
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_not_keepalive_rule, want, part);
}

static void noticed_after(double took, double noise, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, noise);
    gone(&s);
    story_fin(&s, SILENT + took, SIDE_CLIENT);
    story_run_end(&s, 400);
    expect(&s, want, part);
}

static void exactly_at_the_limit_passes(void)
{
    noticed_after(45, 0, PASS,
                  "the client noticed after 45.0 s that the peer was gone, while TCP acknowledged "
                  "everything; allowed 45 s");
}

static void one_beyond_the_limit_warns(void)
{
    noticed_after(45.001, 0, WARN, "noticed only after 45.0 s");
}

static void noise_is_added_to_the_limit(void)
{
    noticed_after(45.4, 0.2, PASS, "noticed after 45.4 s");
    noticed_after(45.401, 0.2, WARN, "noticed only after 45.4 s");
}

static void later_than_ninety_fails(void)
{
    noticed_after(90, 0, WARN, "90.0 s");
    noticed_after(90.001, 0, FAIL, "noticed only after 90.0 s");
}

/* Coming back is another rule's business. */
static void who_notices_and_stays_away_passes(void)
{
    noticed_after(40, 0, PASS, "noticed after 40.0 s");
}

static void never_fails_and_says_what_was_missing(void)
{
    struct story s;
    story_begin(&s);
    gone(&s);
    story_run_end(&s, SILENT + 120);
    expect(&s, FAIL,
           "never noticed within 120 s that the peer was gone, while TCP acknowledged everything: "
           "the answers to the heartbeat are not missed");
}

static void without_a_heartbeat_that_is_said(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    falls_silent(&s, SILENT, "drop");
    story_run_end(&s, 600);
    expect(&s, FAIL, "no heartbeat is sent, and TCP keepalive sees only the next hop");
}

static void a_moment_short_of_three_windows_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    gone(&s);
    story_run_end(&s, SILENT + 119.9);
    expect(&s, INCONCLUSIVE, "lasted only 119.9 s; 120 s would have been needed");
}

static void what_is_not_acknowledged_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    pulled(&s, 60);
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "while TCP went on acknowledging");
}

/* Behind a closed window writes fail in time. */
static void neither_does_a_closed_window(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    falls_silent(&s, 60, "stall");
    story_pause(&s, 60, true, 0, 0);
    story_fin(&s, 100, SIDE_CLIENT);
    story_run_end(&s, 600);
    expect(&s, INCONCLUSIVE, "while TCP went on acknowledging");
}

/* A server that is not read from leaves the client's own TCP alone. */
static void a_pause_of_the_server_is_not_the_clients(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    falls_silent(&s, 60, "stall");
    struct event *pause = story_add(&s, 60, EV_TCP_PAUSE, SIDE_SERVER, BY_FAULT);
    pause->tcp_pause = (struct ev_tcp_pause){.on = true, .why = "fault"};
    story_run_end(&s, 600);
    expect(&s, FAIL, "never noticed");
}

/* A client of its own process, on connections 1 and 101. */
static void gone_and_then_pulled(struct story *s, double noticed)
{
    gone(s);
    story_fault_off(s, 200, "drop", "cleared");
    story_cut(s, 200, "reset", "rst");
    story_of(s, 0, 101);
    story_open(s, 201);
    pulled(s, 210);
    if (noticed > 0)
        story_fin(s, 210 + noticed, SIDE_CLIENT);
    story_of(s, 0, 1);
    story_run_end(s, 400);
}

static void who_notices_only_a_pulled_cable_is_told_so(void)
{
    struct story s;
    story_begin(&s);
    gone_and_then_pulled(&s, 41);
    expect(&s, FAIL,
           "the client noticed only what TCP can tell: TCP-level liveness. A peer that was gone "
           "while TCP acknowledged everything was not noticed within 140 s, one of which nothing "
           "was acknowledged after 41 s");
}

static void who_notices_neither_is_not(void)
{
    struct story s;
    story_begin(&s);
    gone_and_then_pulled(&s, 0);
    expect(&s, FAIL, "the client never noticed within 140 s");
}

static void another_clients_tcp_explains_nothing(void)
{
    struct story s;
    story_begin(&s);
    gone(&s);
    story_of(&s, 1, 2);
    story_open(&s, 0);
    pulled(&s, 60);
    story_fin(&s, 100, SIDE_CLIENT);
    story_run_end(&s, 400);
    expect(&s, FAIL, "the client never noticed within 340 s");
}

static void a_pulled_cable_that_is_noticed_spoils_nothing(void)
{
    struct story s;
    story_begin(&s);
    gone(&s);
    story_fin(&s, 100, SIDE_CLIENT);
    story_of(&s, 0, 101);
    story_open(&s, 101);
    pulled(&s, 110);
    story_of(&s, 0, 1);
    story_run_end(&s, 400);
    expect(&s, PASS, "noticed after 40.0 s");
}

static void an_ordinary_close_before_anything_is_missed_is_no_noticing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 60, true);
    falls_silent(&s, SILENT, "drop");
    story_close(&s, 70, SIDE_CLIENT, 1001);
    story_run_end(&s, 300);
    expect(&s, INCONCLUSIVE, "closed with 1001 after 10.0 s of silence");
}

static void a_process_that_ends_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    gone(&s);
    story_exit(&s, 100, "exit 1", false);
    story_run_end(&s, 400);
    expect(&s, INCONCLUSIVE, "the client ended (exit 1) during the silence");
}

static void the_worst_of_several_clients_counts(void)
{
    struct story s;
    story_begin(&s);
    for (int client = 0; client < 3; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        gone(&s);
        if (client < 2)
            story_fin(&s, SILENT + 30 + client, SIDE_CLIENT);
    }
    story_run_end(&s, 600);
    expect(&s, FAIL, "1 of 3 clients never noticed within 540 s");
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

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    gone(&s);
    story_run_end(&s, 600);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(heartbeat_not_keepalive, TEST(exactly_at_the_limit_passes), TEST(one_beyond_the_limit_warns),
      TEST(noise_is_added_to_the_limit), TEST(later_than_ninety_fails),
      TEST(who_notices_and_stays_away_passes), TEST(never_fails_and_says_what_was_missing),
      TEST(without_a_heartbeat_that_is_said), TEST(a_moment_short_of_three_windows_is_inconclusive),
      TEST(what_is_not_acknowledged_shows_nothing), TEST(neither_does_a_closed_window),
      TEST(a_pause_of_the_server_is_not_the_clients),
      TEST(who_notices_only_a_pulled_cable_is_told_so), TEST(who_notices_neither_is_not),
      TEST(another_clients_tcp_explains_nothing),
      TEST(a_pulled_cable_that_is_noticed_spoils_nothing),
      TEST(an_ordinary_close_before_anything_is_missed_is_no_noticing),
      TEST(a_process_that_ends_shows_nothing), TEST(the_worst_of_several_clients_counts),
      TEST(a_fault_that_silences_nobody_shows_nothing), TEST(halfopens_own_client_is_not_judged))

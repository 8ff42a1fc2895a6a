#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc path_read_timeout_rule;

#define SIXTY   "{\"after\":\"60s\",\"counts\":\"any\",\"ending\":\"fin\"}"
#define SEVENTY "{\"after\":\"70s\",\"counts\":\"any\",\"ending\":\"fin\"}"
#define NGINX   "{\"behind\":{\"profile\":\"nginx\",\"idle\":\"60s\",\"counts\":\"any\"}}"
#define PATIENT "{\"behind\":{\"profile\":\"aws-nlb\",\"idle\":\"350s\",\"counts\":\"any\"}}"

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &path_read_timeout_rule, want, part);
}

/* Four minutes with answered pings; target and timer may be NULL. */
static void beats(struct story *s, const char *target, const char *timer, double every)
{
    story_begin(s);
    if (target)
        story_target(s, target);
    if (timer)
        story_idle_fault(s, 0, timer);
    story_open(s, 0);
    story_pings(s, every, every, 239.9, true);
    story_run_end(s, 240);
}

/* A beat every 29.9 s: twice that and 10 s are 69.8 s. */
static void a_timeout_of_two_beats_and_a_reply_passes(void)
{
    struct story s;
    beats(&s, NULL, "{\"after\":\"69.8s\",\"counts\":\"any\"}", 29.9);
    expect(&s, PASS,
           "the connection was never silent for longer than 29.9 s; the path waits 69.8 s, and "
           "69.8 s forgive a lost beat");
}

static void less_than_that_warns(void)
{
    struct story s;
    beats(&s, NULL, "{\"after\":\"69.7s\",\"counts\":\"any\"}", 29.9);
    expect(&s, WARN, "; the path waits 69.7 s, and only 69.8 s would forgive a lost beat");
}

static void the_remedy_names_both_ends(void)
{
    struct story s;
    beats(&s, NULL, SIXTY, 30);
    CHECK_STR(verdict_name(story_judge(&s, &path_read_timeout_rule, NULL)), "warn");
    CHECK_CONTAINS(findings_worst(&s.findings)->fix, "a heartbeat at least every 25 s");
    CHECK_CONTAINS(findings_worst(&s.findings)->fix,
                   "wait longer than 70 s (nginx: proxy_read_timeout 3600s)");
    story_end(&s);
}

static void what_noise_may_have_done_does_not_warn(void)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, 0.1);
    story_idle_fault(&s, 0, SEVENTY);
    story_open(&s, 0);
    story_pings(&s, 30.05, 30.05, 239.9, true);
    story_run_end(&s, 240);
    expect(&s, PASS, "forgive a lost beat");
}

static void a_connection_that_was_cut_fails(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_cut(&s, 60, "idle_timeout", "fin");
    story_run_end(&s, 240);
    expect(&s, FAIL, "was cut after 60 s in which nothing was said; no heartbeat was recognised");
}

static void another_faults_cut_shows_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SEVENTY);
    story_open(&s, 0);
    story_ping(&s, 30, SIDE_CLIENT);
    story_cut(&s, 60, "reset", "rst");
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "open and undisturbed for only 60 s; 70 s would have been needed");
}

static void the_declared_intermediary_is_named(void)
{
    struct story s;
    beats(&s, NGINX, NULL, 30);
    expect(&s, WARN, "; nginx waits 60 s, and only 70 s would forgive a lost beat");
}

static void a_quicker_heartbeat_satisfies_the_same_path(void)
{
    struct story s;
    beats(&s, NGINX, NULL, 24.9);
    expect(&s, PASS, "; nginx waits 60 s, and 59.8 s forgive a lost beat");
}

/* A timeout that is longer than the run is judged by the heartbeat. */
static void a_patient_path_is_not_waited_for(void)
{
    struct story s;
    beats(&s, PATIENT, NULL, 30);
    expect(&s, PASS, "aws-nlb waits 350 s");
}

static void the_worse_of_fault_and_declared_path_counts(void)
{
    struct story s;
    beats(&s, NGINX, SEVENTY, 29);
    expect(&s, WARN, "nginx waits 60 s");
    beats(&s, PATIENT, SIXTY, 29);
    expect(&s, WARN, "the path waits 60 s");
}

static void the_policy_stands_in_and_says_so(void)
{
    struct story s;
    beats(&s, NULL, NULL, 20);
    expect(&s, PASS, "the timeout is the policy's: the target file does not say what is behind");
    beats(&s, NULL, NULL, 30);
    expect(&s, WARN, "a path waits 60 s, and only 70 s would forgive a lost beat (the timeout is");
}

static void a_longer_silence_than_the_policys_fails(void)
{
    struct story s;
    beats(&s, NULL, NULL, 61);
    expect(&s, FAIL, "silent for 61.0 s; a proxy with an idle timeout of 60 s ends that");
}

static void traffic_by_chance_is_no_heartbeat(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SEVENTY);
    story_open(&s, 0);
    for (int i = 1; i < 20; i++)
        story_data(&s, 12 * i + (i % 3) * 7, SIDE_CLIENT, "chat", 20);
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "lived on traffic that nobody guarantees");
}

static void without_a_heartbeat_the_timeout_has_to_pass(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SEVENTY);
    story_open(&s, 0);
    story_run_end(&s, 69);
    expect(&s, INCONCLUSIVE, "for only 69 s; 70 s would have been needed");
}

static void halfopens_own_pings_earn_nothing(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    story_idle_fault(&s, 0, SEVENTY);
    story_open(&s, 0);
    for (double at = 20; at < 240; at += 20) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.01, SIDE_CLIENT);
    }
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "halfopen's own end");
}

/* Pings that a server does not answer leave its direction to what it says by chance. */
static void a_direction_that_is_counted_apart_is_judged_apart(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, "{\"after\":\"70s\",\"counts\":\"from_server\",\"ending\":\"fin\"}");
    story_open(&s, 0);
    story_pings(&s, 20, 20, 239, false);
    for (double at = 55; at < 240; at += 55)
        story_data(&s, at, SIDE_SERVER, "news", 20);
    story_run_end(&s, 240);
    expect(&s, WARN, "never silent for longer than 55.0 s; the path waits 70 s, and only 120 s");
}

static void a_timer_on_another_connection_is_not_ours(void)
{
    struct story s;
    story_begin(&s);
    story_of(&s, 0, 9);
    story_idle_fault(&s, 0, "{\"after\":\"31s\",\"counts\":\"any\"}");
    story_of(&s, 0, 1);
    story_idle_fault(&s, 0, SEVENTY);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 239, true);
    story_run_end(&s, 240);
    expect(&s, PASS, "the path waits 70 s");
}

static void halfopens_own_ends_are_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = s.server_by = BY_BUILTIN;
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_cut(&s, 60, "idle_timeout", "fin");
    story_run_end(&s, 240);
    expect(&s, NOT_APPLICABLE, "nothing is under test");
}

SUITE(path_read_timeout, TEST(a_timeout_of_two_beats_and_a_reply_passes),
      TEST(less_than_that_warns), TEST(the_remedy_names_both_ends),
      TEST(what_noise_may_have_done_does_not_warn), TEST(a_connection_that_was_cut_fails),
      TEST(another_faults_cut_shows_nothing), TEST(the_declared_intermediary_is_named),
      TEST(a_quicker_heartbeat_satisfies_the_same_path), TEST(a_patient_path_is_not_waited_for),
      TEST(the_worse_of_fault_and_declared_path_counts), TEST(the_policy_stands_in_and_says_so),
      TEST(a_longer_silence_than_the_policys_fails), TEST(traffic_by_chance_is_no_heartbeat),
      TEST(without_a_heartbeat_the_timeout_has_to_pass), TEST(halfopens_own_pings_earn_nothing),
      TEST(a_direction_that_is_counted_apart_is_judged_apart),
      TEST(a_timer_on_another_connection_is_not_ours), TEST(halfopens_own_ends_are_not_judged))

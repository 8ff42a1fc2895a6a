#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc heartbeat_idle_timeout_rule;

#define SIXTY "{\"after\":\"60s\",\"counts\":\"any\",\"ending\":\"fin\"}"

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_idle_timeout_rule, want, part);
}

/* Four minutes behind a timer of 60 s, which never struck. */
static void survives_with_pings_every(double every, double noise, enum verdict want,
                                      const char *part)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, noise);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_pings(&s, every, every, 239.9, true);
    story_run_end(&s, 240);
    expect(&s, want, part);
}

static void a_beat_every_thirty_seconds_passes(void)
{
    survives_with_pings_every(30, 0, PASS, "never silent for longer than 30.0 s");
}

static void three_quarters_of_the_timeout_pass(void)
{
    survives_with_pings_every(45, 0, PASS, "asks for at most 45 s");
}

static void more_than_three_quarters_warn(void)
{
    survives_with_pings_every(45.01, 0, WARN, "ends it when one beat is late");
}

static void noise_is_added_to_the_limit(void)
{
    survives_with_pings_every(45.1, 0.1, PASS, "never silent");
}

static void just_below_the_timeout_warns(void)
{
    survives_with_pings_every(59.9, 0, WARN, "59.9 s");
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

static void too_rare_a_heartbeat_is_named(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_pings(&s, 80, 80, 240, true);
    story_idle_fault(&s, 239, SIXTY);
    story_cut(&s, 300.001, "idle_timeout", "fin");
    story_run_end(&s, 400);
    expect(&s, FAIL, "a heartbeat came only every 80 s");
}

static void a_mute_server_of_halfopens_is_no_excuse(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_cut(&s, 60, "idle_timeout", "fin");
    story_run_end(&s, 240);
    expect(&s, FAIL, "was cut after 60 s");
}

static void a_race_within_the_noise_warns(void)
{
    struct story s;
    story_begin(&s);
    story_noise(&s, 0.1);
    story_open(&s, 0);
    story_idle_fault(&s, 0, SIXTY);
    story_pings(&s, 59.95, 59.95, 180, true);
    story_cut(&s, 239.851, "idle_timeout", "fin");
    story_run_end(&s, 240);
    expect(&s, WARN, "the two race");
}

static void a_cut_by_another_fault_is_not_idleness(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_cut(&s, 50, "reset", "rst");
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "undisturbed for only 50 s");
}

static void a_cut_after_a_silence_of_ours_is_not_idleness(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_fault(&s, 30, "stall", SIDE_CLIENT, true);
    story_cut(&s, 90, "idle_timeout", "fin");
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "undisturbed for only 30 s");
}

static void less_than_twice_the_timeout_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_pings(&s, 20, 20, 119, true);
    story_run_end(&s, 119.9);
    expect(&s, INCONCLUSIVE, "120 s would have been needed");
}

static void exactly_twice_the_timeout_is_enough(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_pings(&s, 20, 20, 119, true);
    story_run_end(&s, 120);
    expect(&s, PASS, "20.0 s");
}

static void traffic_by_chance_is_no_heartbeat(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    for (int i = 1; i < 20; i++)
        story_data(&s, 12 * i + (i % 3) * 7, SIDE_CLIENT, "chat", 20);
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "lived on traffic that nobody guarantees");
}

static void a_heartbeat_that_traffic_helped_is_not_enough(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_pings(&s, 80, 80, 239, true);
    for (int i = 1; i < 20; i++)
        story_data(&s, 12 * i + (i % 3) * 7, SIDE_CLIENT, "chat", 20);
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "every 80 s");
}

static void halfopens_own_pings_earn_nothing(void)
{
    struct story s;
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    for (double at = 20; at < 240; at += 20) {
        story_ping(&s, at, SIDE_SERVER);
        story_pong(&s, at + 0.01, SIDE_CLIENT);
    }
    story_run_end(&s, 240);
    expect(&s, INCONCLUSIVE, "halfopen's own end");
}

static void the_servers_own_pings_are_a_heartbeat(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    for (double at = 20; at < 240; at += 20)
        story_ping(&s, at, SIDE_SERVER);
    story_run_end(&s, 240);
    expect(&s, PASS, "20.0 s");
}

static void a_direction_of_its_own_is_judged_by_itself(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, "{\"after\":\"60s\",\"counts\":\"from_server\",\"ending\":\"fin\"}");
    story_open(&s, 0);
    story_pings(&s, 20, 20, 239, false);
    for (double at = 55; at < 240; at += 55)
        story_data(&s, at, SIDE_SERVER, "news", 20);
    story_run_end(&s, 240);
    expect(&s, WARN, "never silent for longer than 55.0 s");
}

static void the_policy_is_the_timer_without_a_fault(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_pings(&s, 61, 61, 200, true);
    story_run_end(&s, 240);
    expect(&s, FAIL, "silent for 61.0 s; a proxy with an idle timeout of 60 s ends that");
}

static void exactly_the_policys_timeout_warns(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_ping(&s, 0, SIDE_CLIENT);
    for (double at = 60; at < 240; at += 60)
        story_ping(&s, at, SIDE_CLIENT);
    story_run_end(&s, 240);
    expect(&s, WARN, "60.0 s");
}

static void a_timer_on_another_connection_is_not_ours(void)
{
    struct story s;
    story_begin(&s);
    story_of(&s, 0, 9);
    story_idle_fault(&s, 0, "{\"after\":\"10s\",\"counts\":\"any\"}");
    story_of(&s, 0, 1);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 239, true);
    story_run_end(&s, 240);
    expect(&s, PASS, "a proxy that waits 60 s");
}

static void broken_parameters_fall_back_on_the_policy(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, "{\"after\":17,\"counts\":\"nobody\"}");
    story_open(&s, 0);
    story_pings(&s, 30, 30, 239, true);
    story_run_end(&s, 240);
    expect(&s, PASS, "a proxy that waits 60 s");
}

static void both_directions_are_reported(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 239, true);
    story_run_end(&s, 240);
    (void)story_judge(&s, &heartbeat_idle_timeout_rule, NULL);
    CHECK_CONTAINS(findings_worst(&s.findings)->measured, "\"silence_from_server_s\":30.");
    story_end(&s);
}

static void a_reconnected_client_is_judged_by_its_worst_connection(void)
{
    struct story s;
    story_begin(&s);
    for (uint32_t conn = 1; conn < 4; conn++) {
        double from = 61 * (conn - 1);
        story_of(&s, 0, conn);
        story_idle_fault(&s, from, SIXTY);
        story_open(&s, from);
        story_cut(&s, from + 60, "idle_timeout", "fin");
    }
    story_of(&s, 0, 4);
    story_open(&s, 183);
    story_run_end(&s, 200);
    expect(&s, FAIL, "the connection was cut");
}

static void a_run_cut_short_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 60, true);
    expect(&s, INCONCLUSIVE, "undisturbed for only 60");
}

#define NGINX "{\"profile\":\"nginx\",\"idle\":\"60s\",\"counts\":\"any\"}"

/* Four minutes with pings, without a fault, on a path that the target file declares. */
static void on_the_declared_path(const char *behind, double every, enum verdict want,
                                 const char *part)
{
    struct story s;
    char target[200];
    story_begin(&s);
    (void)snprintf(target, sizeof target, "{\"behind\":%s}", behind);
    story_target(&s, target);
    story_open(&s, 0);
    story_pings(&s, every, every, 239.9, true);
    story_run_end(&s, 240);
    expect(&s, want, part);
}

static void the_declared_intermediary_is_the_timer(void)
{
    static const char heroku[] = "{\"profile\":\"heroku\",\"idle\":\"20s\",\"counts\":\"any\"}";
    on_the_declared_path(heroku, 15, PASS, "a proxy that waits 20 s asks for at most 15 s");
    on_the_declared_path(heroku, 30, FAIL, "a proxy with an idle timeout of 20 s ends that");
}

static void one_that_never_ends_a_tunnel_asks_for_nothing_else(void)
{
    on_the_declared_path("{\"profile\":\"caddy\",\"idle\":\"0s\",\"counts\":\"none\"}", 30, PASS,
                         "never silent for longer than 30.0 s; a proxy that waits 60 s");
}

static void a_stricter_path_in_production_counts_beside_the_fault(void)
{
    struct story s;
    story_begin(&s);
    story_target(&s, "{\"behind\":{\"profile\":\"x\",\"idle\":\"20s\",\"counts\":\"any\"}}");
    story_idle_fault(&s, 0, SIXTY);
    story_open(&s, 0);
    story_pings(&s, 30, 30, 239.9, true);
    story_run_end(&s, 240);
    expect(&s, FAIL, "a proxy with an idle timeout of 20 s ends that");
}

static void an_intermediary_that_cuts_the_idle_convicts(void)
{
    struct story s;
    story_begin(&s);
    story_fault_with(&s, 0, "intermediary", NGINX);
    story_open(&s, 0);
    story_cut(&s, 60, "intermediary", "close");
    story_run_end(&s, 240);
    expect(&s, FAIL, "was cut after 60 s in which nothing was said");
}

static void one_that_cuts_the_busy_does_not(void)
{
    struct story s;
    story_begin(&s);
    story_fault_with(&s, 0, "intermediary", NGINX);
    story_open(&s, 0);
    story_pings(&s, 20, 20, 199, true);
    story_cut(&s, 200, "intermediary", "close");
    story_run_end(&s, 240);
    expect(&s, PASS, "never silent for longer than 20.0 s");
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

SUITE(heartbeat_idle_timeout, TEST(a_beat_every_thirty_seconds_passes),
      TEST(three_quarters_of_the_timeout_pass), TEST(more_than_three_quarters_warn),
      TEST(noise_is_added_to_the_limit), TEST(just_below_the_timeout_warns),
      TEST(a_connection_that_was_cut_fails), TEST(too_rare_a_heartbeat_is_named),
      TEST(a_mute_server_of_halfopens_is_no_excuse), TEST(a_race_within_the_noise_warns),
      TEST(a_cut_by_another_fault_is_not_idleness),
      TEST(a_cut_after_a_silence_of_ours_is_not_idleness),
      TEST(less_than_twice_the_timeout_is_inconclusive), TEST(exactly_twice_the_timeout_is_enough),
      TEST(traffic_by_chance_is_no_heartbeat), TEST(a_heartbeat_that_traffic_helped_is_not_enough),
      TEST(halfopens_own_pings_earn_nothing), TEST(the_servers_own_pings_are_a_heartbeat),
      TEST(a_direction_of_its_own_is_judged_by_itself),
      TEST(the_policy_is_the_timer_without_a_fault), TEST(exactly_the_policys_timeout_warns),
      TEST(a_timer_on_another_connection_is_not_ours),
      TEST(broken_parameters_fall_back_on_the_policy), TEST(both_directions_are_reported),
      TEST(a_reconnected_client_is_judged_by_its_worst_connection),
      TEST(a_run_cut_short_is_inconclusive), TEST(the_declared_intermediary_is_the_timer),
      TEST(one_that_never_ends_a_tunnel_asks_for_nothing_else),
      TEST(a_stricter_path_in_production_counts_beside_the_fault),
      TEST(an_intermediary_that_cuts_the_idle_convicts), TEST(one_that_cuts_the_busy_does_not),
      TEST(halfopens_own_ends_are_not_judged))

#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_recovery_time_rule;

#define BACK 100.0 /* seconds: when the service is back */

static void down(struct ended_story *e, int client)
{
    ended_cut(e, client, 0, 20);
    ended_refuse(e, client, 30);
    ended_refuse(e, client, 60);
}

static void back_after(double took, double noise, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, noise);
    down(&e, 0);
    ended_restored(&e, BACK, "refuse");
    ended_open(&e, 0, BACK + took);
    ended_expect(&e, 400, &reconnect_recovery_time_rule, want, part);
}

static void fifty_seconds_pass(void)
{
    back_after(50, 0, PASS, "the client came back 50.0 s after the service did; allowed 50 s");
}

static void longer_warns(void)
{
    back_after(50.001, 0, WARN, "came back only 50.0 s");
}

static void noise_is_added(void)
{
    back_after(50.1, 0.1, PASS, "came back 50.1 s");
}

static void two_minutes_warn(void)
{
    back_after(120, 0, WARN, "came back only 120.0 s");
}

static void later_fails(void)
{
    back_after(120.001, 0, FAIL, "came back only 120.0 s");
}

static void never_within(double watched, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    down(&e, 0);
    ended_restored(&e, BACK, "refuse");
    ended_expect(&e, BACK + watched, &reconnect_recovery_time_rule, want, part);
}

static void never_fails(void)
{
    never_within(120.1, FAIL, "did not come back in the 120.1 s");
}

static void not_yet_decides_nothing(void)
{
    never_within(119.9, INCONCLUSIVE, "had not come back 119.9 s after the service did");
}

static void a_process_that_ended_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    down(&e, 0);
    story_exit(&e.story, 61, "exit 1", false);
    ended_restored(&e, BACK, "refuse");
    ended_expect(&e, 400, &reconnect_recovery_time_rule, INCONCLUSIVE, "had ended its process");
}

static void an_outage_that_does_not_end_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    down(&e, 0);
    ended_expect(&e, 400, &reconnect_recovery_time_rule, INCONCLUSIVE, "no outage ended");
}

/* The end of a fault that kept nobody out brings no service back. */
static void the_end_of_another_fault_does_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    down(&e, 0);
    ended_restored(&e, BACK, "refuse");
    ended_open(&e, 0, BACK + 30);
    ended_restored(&e, BACK + 60, "latency");
    ended_expect(&e, 400, &reconnect_recovery_time_rule, PASS, "came back 30.0 s");
}

static void who_was_connected_all_along_does_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    down(&e, 0);
    ended_open(&e, 1, 0);
    ended_restored(&e, BACK, "refuse");
    ended_open(&e, 0, BACK + 30);
    ended_expect(&e, 400, &reconnect_recovery_time_rule, PASS, "the client came back 30.0 s");
}

static void a_fleet(int together, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 10; i++)
        down(&e, i);
    ended_restored(&e, BACK, "refuse");
    for (int i = 0; i < 10; i++)
        ended_open(&e, i, BACK + (i < together ? 5 + 0.1 * i : 5 + 3 * i));
    ended_expect(&e, 400, &reconnect_recovery_time_rule, want, part);
}

static void half_a_fleet_in_one_second_passes(void)
{
    a_fleet(5, PASS, "10 of 10 clients came back 5.0 to 32.0 s");
}

static void more_than_half_warns(void)
{
    a_fleet(6, WARN, "6 of 10 clients came back within one second of each other");
}

SUITE(reconnect_recovery_time, TEST(fifty_seconds_pass), TEST(longer_warns), TEST(noise_is_added),
      TEST(two_minutes_warn), TEST(later_fails), TEST(never_fails), TEST(not_yet_decides_nothing),
      TEST(a_process_that_ended_decides_nothing), TEST(an_outage_that_does_not_end_decides_nothing),
      TEST(the_end_of_another_fault_does_not_count),
      TEST(who_was_connected_all_along_does_not_count), TEST(half_a_fleet_in_one_second_passes),
      TEST(more_than_half_warns))

#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_first_delay_rule;

/* Clients cut together at 20 that come back so much later, evenly spread from least to most. */
static void fleet(int clients, double least, double most, double noise, enum verdict want,
                  const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, noise);
    for (int i = 0; i < clients; i++) {
        ended_cut(&e, i, 0, 20);
        ended_open(&e, i, 20 + least + (most - least) * i / (clients - 1));
    }
    ended_expect(&e, 100, &reconnect_first_delay_rule, want, part);
}

static void delays_that_differ_pass(void)
{
    fleet(5, 0.5, 1.5, 0, PASS,
          "5 clients made their first attempt 500 ms to 1.50 s after the loss");
}

/* SignalR comes back at once; on a host that kept the run for 0.8 s its ten processes were seen up
 * to 0.79 s apart. */
static void no_further_apart_than_a_stall_of_the_host_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, 0.031);
    e.story.events[e.story.count - 1].run_noise.worst = nsec_from_seconds(0.8);
    for (int i = 0; i < 10; i++) {
        ended_cut(&e, i, 0, 20);
        ended_open(&e, i, 20.57 + 0.79 * i / 9);
    }
    ended_expect(&e, 100, &reconnect_first_delay_rule, INCONCLUSIVE,
                 "closer together than the 800 ms that would show chance");
}

/* One of ten seconds, perhaps while its processes were started, is not likely where it matters. */
static void a_stall_far_beyond_the_noise_is_somewhere_else(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, 0.031);
    e.story.events[e.story.count - 1].run_noise.worst = nsec_from_seconds(10);
    for (int i = 0; i < 10; i++) {
        ended_cut(&e, i, 0, 20);
        ended_open(&e, i, 20.5 + 1.0 * i / 9);
    }
    ended_expect(&e, 100, &reconnect_first_delay_rule, PASS, "500 ms to 1.50 s after the loss");
}

static void a_quarter_of_a_second_passes(void)
{
    fleet(8, 1, 1.25, 0, PASS, "at least 0.25 s apart");
}

static void a_little_less_warns_when_clients_are_many(void)
{
    fleet(8, 1, 1.249, 0, WARN, "all but the same delay");
}

static void a_little_less_decides_nothing_when_they_are_few(void)
{
    fleet(5, 1, 1.249, 0, INCONCLUSIVE, "8 clients and a quiet host would tell");
}

static void the_same_delay_warns(void)
{
    fleet(5, 1, 1.05, 0, WARN, "all but the same delay");
}

static void the_same_delay_of_four_decides_nothing(void)
{
    fleet(4, 1, 1.05, 0, INCONCLUSIVE, "8 clients");
}

static void noise_is_no_chance(void)
{
    fleet(8, 1, 1.3, 0.05, INCONCLUSIVE, "quiet host");
}

/* Recorded: python-websockets retries at once, and ten processes on a crowded host come so. */
static void a_crowd_on_a_loud_host_is_no_chance(void)
{
    fleet(10, 0.0199, 0.480, 0.082, INCONCLUSIVE,
          "closer together than the 742 ms that would show chance at a timing noise of 82 ms");
}

static void the_host_is_loud_above_forty_milliseconds(void)
{
    fleet(10, 0.5, 0.831, 0.040, PASS, "at least 0.25 s apart");
    fleet(10, 0.5, 0.831, 0.041, INCONCLUSIVE, "quiet host");
}

static void chance_shows_on_a_loud_host_too(void)
{
    fleet(10, 0.5, 1.5, 0.082, PASS, "at least 0.25 s apart");
}

static void all_at_once_fails(void)
{
    fleet(3, 0.01, 0.099, 0, FAIL, "all of them at once");
}

static void a_tenth_of_a_second_is_a_delay(void)
{
    fleet(5, 0.01, 0.1, 0, INCONCLUSIVE, "10 ms to 100 ms");
}

static void two_at_once_warn(void)
{
    fleet(2, 0.01, 0.02, 0, WARN, "harmless for one client");
}

static void two_that_wait_decide_nothing(void)
{
    fleet(2, 0.5, 1.5, 0, INCONCLUSIVE, "5 clients would show");
}

static void ten_seconds_pass(void)
{
    fleet(5, 1, 10, 0, PASS, "at most 10 s");
}

static void longer_warns(void)
{
    fleet(5, 1, 10.001, 0, WARN, "allowed 10 s");
}

static void nobody_came_back(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_expect(&e, 100, &reconnect_first_delay_rule, INCONCLUSIVE,
                 "nobody came back within 80 s");
}

/* What the client closes itself, and what is closed with a code, is no abnormal closure. */
static void ends_with_a_close_do_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 3; i++) {
        ended_leave(&e, i, 0, 20);
        ended_close(&e, i, 20.02, 20, 1001);
        ended_open(&e, i, 40.05);
    }
    ended_expect(&e, 100, &reconnect_first_delay_rule, INCONCLUSIVE, "0 connections");
}

/* Later delays are no first ones: the count goes on while connections do not last. */
static void a_connection_that_did_not_last_does_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_cut(&e, 0, 20.01, 0.2);
    ended_open(&e, 0, 22);
    ended_expect(&e, 100, &reconnect_first_delay_rule, WARN, "1 loss was");
}

static void one_client_that_lost_often_is_judged_by_its_losses(void)
{
    struct ended_story e;
    double at = 0, waits[] = {0.6, 1.4, 0.9, 1.1, 0.7};
    ended_begin(&e);
    for (int i = 0; i < 5; i++) {
        ended_cut(&e, 0, at, 20);
        at += 20 + waits[i];
    }
    ended_open(&e, 0, at);
    ended_expect(&e, 300, &reconnect_first_delay_rule, PASS, "5 losses were");
}

SUITE(reconnect_first_delay, TEST(delays_that_differ_pass),
      TEST(no_further_apart_than_a_stall_of_the_host_decides_nothing),
      TEST(a_stall_far_beyond_the_noise_is_somewhere_else), TEST(a_quarter_of_a_second_passes),
      TEST(a_little_less_warns_when_clients_are_many),
      TEST(a_little_less_decides_nothing_when_they_are_few), TEST(the_same_delay_warns),
      TEST(the_same_delay_of_four_decides_nothing), TEST(noise_is_no_chance),
      TEST(a_crowd_on_a_loud_host_is_no_chance), TEST(the_host_is_loud_above_forty_milliseconds),
      TEST(chance_shows_on_a_loud_host_too), TEST(all_at_once_fails),
      TEST(a_tenth_of_a_second_is_a_delay), TEST(two_at_once_warn),
      TEST(two_that_wait_decide_nothing), TEST(ten_seconds_pass), TEST(longer_warns),
      TEST(nobody_came_back), TEST(ends_with_a_close_do_not_count),
      TEST(a_connection_that_did_not_last_does_not_count),
      TEST(one_client_that_lost_often_is_judged_by_its_losses))

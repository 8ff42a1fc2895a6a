#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_connect_timeout_rule;

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &reconnect_connect_timeout_rule, want, part);
}

static void given_up_after(double took, double noise, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, noise);
    ended_hang(&e, 0, 1, took);
    expect(&e, 200, want, part);
}

static void twenty_seconds_pass(void)
{
    given_up_after(20, 0, PASS, "was given up after 20.0 s; allowed 20 s");
}

/* A second of grace: a timer set to the limit is late. */
static void a_late_timer_passes(void)
{
    given_up_after(21, 0, PASS, "after 21.0 s");
}

static void later_than_that_warns(void)
{
    given_up_after(21.001, 0, WARN, "after 21.0 s; allowed 20 s");
}

static void noise_is_added_twice(void)
{
    given_up_after(21.4, 0.2, PASS, "after 21.4 s");
}

static void a_minute_warns(void)
{
    given_up_after(61, 0, WARN, "after 61.0 s");
}

static void more_than_a_minute_fails(void)
{
    given_up_after(61.001, 0, FAIL, "still waited for after 61.0 s");
}

static void waiting_for_ever_fails(void)
{
    given_up_after(0, 0, FAIL, "still waited for after 199.0 s");
}

static void a_minute_not_watched_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang(&e, 0, 1, 0);
    expect(&e, 61.9, INCONCLUSIVE, "only 60.9 s");
}

static void an_answer_that_comes_after_long_was_waited_for(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang_open(&e, 0, 1, 70);
    expect(&e, 200, FAIL, "still waited for after 70.0 s");
}

static void an_answer_that_comes_in_time_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang_open(&e, 0, 1, 30);
    expect(&e, 200, INCONCLUSIVE, "more than 60 s would be needed");
}

static void one_cut_short_hides_nothing_that_another_shows(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang(&e, 0, 1, 20);
    ended_hang(&e, 0, 22, 20);
    ended_hang_open(&e, 0, 45, 10);
    expect(&e, 200, PASS, "2 of 2 attempts");
}

static void a_socket_left_open_warns(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang(&e, 0, 1, 0);
    ended_open(&e, 0, 22);
    expect(&e, 200, WARN, "left open");
}

static void another_clients_attempt_is_no_next_one(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang(&e, 0, 1, 0);
    ended_open(&e, 1, 22);
    expect(&e, 200, FAIL, "still waited for");
}

static void what_we_reset_ourselves_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang(&e, 0, 1, 0);
    story_shut(&e.story, 11, SIDE_CLIENT, BY_FAULT, "rst");
    expect(&e, 200, INCONCLUSIVE, "only 10.0 s");
}

static void a_process_that_ends_gives_nothing_up(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang(&e, 0, 1, 10);
    story_exit(&e.story, 11, "exit 1", false);
    expect(&e, 200, INCONCLUSIVE, "the end of the process");
}

static void attempts_that_are_answered_show_no_timeout(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_refuse(&e, 0, 21);
    expect(&e, 200, INCONCLUSIVE, "no attempt was left without an answer");
}

SUITE(reconnect_connect_timeout, TEST(twenty_seconds_pass), TEST(a_late_timer_passes),
      TEST(later_than_that_warns), TEST(noise_is_added_twice), TEST(a_minute_warns),
      TEST(more_than_a_minute_fails), TEST(waiting_for_ever_fails),
      TEST(a_minute_not_watched_decides_nothing),
      TEST(an_answer_that_comes_after_long_was_waited_for),
      TEST(an_answer_that_comes_in_time_decides_nothing),
      TEST(one_cut_short_hides_nothing_that_another_shows), TEST(a_socket_left_open_warns),
      TEST(another_clients_attempt_is_no_next_one), TEST(what_we_reset_ourselves_decides_nothing),
      TEST(a_process_that_ends_gives_nothing_up), TEST(attempts_that_are_answered_show_no_timeout))

#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_hammering_rule;

/* Cut at 20, then refused so often, first at 21 and every so many seconds from there. */
static void refused(struct ended_story *e, int client, int times, double every)
{
    ended_cut(e, client, 0, 20);
    for (int i = 0; i < times; i++)
        ended_refuse(e, client, 21 + i * every);
}

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &reconnect_hammering_rule, want, part);
}

static void attempts_in_a_minute(int times, double every, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 0, times, every);
    expect(&e, 100, want, part);
}

static void twelve_attempts_pass(void)
{
    attempts_in_a_minute(12, 5, PASS, "made 12 attempts in the first minute");
}

static void thirteen_warn(void)
{
    attempts_in_a_minute(13, 4.5, WARN, "made 13 attempts in the first minute");
}

static void twenty_warn(void)
{
    attempts_in_a_minute(20, 2.9, WARN, "the median wait 2.90 s; allowed are 12");
}

static void twenty_one_fail(void)
{
    attempts_in_a_minute(21, 2.9, FAIL, "made 21 attempts");
}

static void five_waits_of_almost_nothing_are_a_loop(void)
{
    attempts_in_a_minute(6, 0.05, FAIL, "no tight loop");
}

static void fewer_quick_ones_are_not(void)
{
    attempts_in_a_minute(4, 0.05, PASS, "made 4 attempts");
}

static void a_wait_at_the_noise_is_no_loop(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, 0.02);
    refused(&e, 0, 8, 0.09);
    expect(&e, 100, PASS, "made 8 attempts");
}

/* Only the first minute counts, from the loss on. */
static void what_comes_after_the_minute_does_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 0, 12, 5);
    for (int i = 0; i < 30; i++)
        ended_refuse(&e, 0, 80.5 + i);
    expect(&e, 200, PASS, "made 12 attempts");
}

static void an_outage_of_less_than_a_minute_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 0, 5, 5);
    ended_open(&e, 0, 50);
    expect(&e, 200, INCONCLUSIVE, "lasted only 30 s");
}

static void a_trace_cut_short_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 0, 5, 5);
    expect(&e, 79.9, INCONCLUSIVE, "a minute would be needed");
}

static void a_client_that_stays_away_has_no_schedule(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 0, 0, 1);
    expect(&e, 100, INCONCLUSIVE, "made no attempt");
}

static void an_attempt_that_hangs_for_the_minute_shows_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_hang(&e, 0, 21, 0);
    expect(&e, 100, INCONCLUSIVE, "none failed");
}

static void connections_that_open_and_are_cut_are_attempts(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    for (int i = 0; i < 30; i++)
        ended_cut(&e, 0, 21 + 1.2 * i, 0.2);
    expect(&e, 100, FAIL, "made 30 attempts");
}

static void connections_that_are_closed_at_once_are_attempts(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 30; i++)
        ended_close(&e, 0, 1.2 * i, 0.1, 1011);
    expect(&e, 100, FAIL, "made 29 attempts");
}

/* One that lasts begins a new outage when it is lost. */
static void connections_that_last_are_no_outage(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 8; i++)
        ended_cut(&e, 0, 7 * i, 6);
    ended_open(&e, 0, 60);
    expect(&e, 100, INCONCLUSIVE, "the longest outage lasted only");
}

/* A client that polls: it opens, is done, and closes by itself. */
static void what_the_client_ends_itself_is_no_failure(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_fault(&e.story, 0, "latency", SIDE_CLIENT, false);
    for (int i = 0; i < 40; i++)
        ended_leave(&e, 0, i, 0.2);
    expect(&e, 100, INCONCLUSIVE, "there was no outage");
}

static void the_worst_client_counts(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 0, 8, 5);
    refused(&e, 1, 40, 1);
    expect(&e, 100, FAIL, "1 of 2 clients made 40 attempts");
}

/* An application with two connections has two schedules. */
static void each_connection_of_a_client_has_attempts_of_its_own(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_cut(&e, 0, 1, 19);
    for (int i = 0; i < 24; i++)
        ended_refuse(&e, 0, 21 + 2.4 * i);
    expect(&e, 100, PASS, "made 24 attempts");
}

/* The second of its connections was open, and for long, when the first was lost: that ends no
 * outage, which would have begun after it. */
static void a_connection_that_was_there_before_ends_no_outage(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_cut(&e, 0, 1, 19.1);
    for (int i = 0; i < 5; i++)
        ended_refuse(&e, 0, 21 + 2.4 * i);
    expect(&e, 40, INCONCLUSIVE, "the longest outage lasted only 20");
}

static void more_than_their_share_fails(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_cut(&e, 0, 1, 19);
    for (int i = 0; i < 41; i++)
        ended_refuse(&e, 0, 21 + 1.4 * i);
    expect(&e, 100, FAIL, "allowed are 12 for each of its 2 connections");
}

SUITE(reconnect_hammering, TEST(a_connection_that_was_there_before_ends_no_outage),
      TEST(twelve_attempts_pass), TEST(thirteen_warn), TEST(twenty_warn), TEST(twenty_one_fail),
      TEST(five_waits_of_almost_nothing_are_a_loop), TEST(fewer_quick_ones_are_not),
      TEST(a_wait_at_the_noise_is_no_loop), TEST(what_comes_after_the_minute_does_not_count),
      TEST(an_outage_of_less_than_a_minute_decides_nothing),
      TEST(a_trace_cut_short_decides_nothing), TEST(a_client_that_stays_away_has_no_schedule),
      TEST(an_attempt_that_hangs_for_the_minute_shows_nothing),
      TEST(connections_that_open_and_are_cut_are_attempts),
      TEST(connections_that_are_closed_at_once_are_attempts),
      TEST(connections_that_last_are_no_outage), TEST(what_the_client_ends_itself_is_no_failure),
      TEST(the_worst_client_counts), TEST(each_connection_of_a_client_has_attempts_of_its_own),
      TEST(more_than_their_share_fails))

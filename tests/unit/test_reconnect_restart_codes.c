#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_restart_codes_rule;

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &reconnect_restart_codes_rule, want, part);
}

/* Closed together, back so much later, evenly spread. */
static void fleet(unsigned code, int clients, double least, double most, enum verdict want,
                  const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < clients; i++) {
        ended_close(&e, i, 0, 10, code);
        ended_open(&e, i, 10 + least + (clients > 1 ? (most - least) * i / (clients - 1) : 0));
    }
    expect(&e, 200, want, part);
}

static void a_wide_delay_after_a_restart_passes(void)
{
    fleet(1012, 5, 5, 30, PASS, "5 of 5 clients came back 5.00 s to 30 s after a close with 1012");
}

static void two_seconds_are_wide(void)
{
    fleet(1012, 5, 5, 7, PASS, "asked for is a random delay of 5 to 30 s");
}

static void a_narrow_delay_warns(void)
{
    fleet(1012, 5, 5, 6.99, WARN, "not met by all at once");
}

static void all_together_fails(void)
{
    fleet(1012, 5, 5, 5.05, FAIL, "all together");
}

static void nearly_together_warns(void)
{
    fleet(1012, 5, 5, 5.06, WARN, "not met by all at once");
}

static void at_once_fails(void)
{
    fleet(1012, 5, 0.01, 0.09, FAIL, "at once");
}

static void one_client_at_once_warns(void)
{
    fleet(1012, 1, 0.01, 0.01, WARN, "at once");
}

static void one_client_that_waits_decides_nothing(void)
{
    fleet(1012, 1, 10, 10, INCONCLUSIVE, "5 clients would show");
}

static void much_too_long_warns(void)
{
    fleet(1012, 5, 5, 45.1, WARN, "asked for");
}

static void thirty_seconds_after_try_later_pass(void)
{
    fleet(1013, 2, 30, 40, PASS, "2 of 2 clients stayed away for 30 s after a close with 1013");
}

static void sooner_warns(void)
{
    fleet(1013, 2, 29.9, 40, WARN, "came back 29.9 s to 40 s");
}

static void five_seconds_warn(void)
{
    fleet(1013, 2, 5, 40, WARN, "came back 5.00 s");
}

static void sooner_than_five_fails(void)
{
    fleet(1013, 2, 4.99, 40, FAIL, "came back 4.99 s");
}

static void not_to_come_back_after_try_later_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 1013);
    expect(&e, 40, PASS, "1 of 1 clients stayed away");
}

static void less_than_thirty_seconds_decide_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 1013);
    expect(&e, 39, INCONCLUSIVE, "watched for only 29 s");
}

static void a_jittered_delay_after_going_away_passes(void)
{
    fleet(1001, 5, 0.5, 1.5, PASS, "after a close with 1001");
}

static void the_same_delay_after_going_away_warns(void)
{
    fleet(1001, 5, 1, 1.01, WARN, "all together");
}

static void not_to_come_back_after_going_away_warns(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 1001);
    expect(&e, 70, WARN, "did not come back within 60 s after a close with 1001");
}

static void a_minute_not_watched_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 1001);
    expect(&e, 69, INCONCLUSIVE, "a minute would be needed");
}

static void a_process_that_ends_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 1012);
    story_exit(&e.story, 10.1, "exit 0", false);
    expect(&e, 100, INCONCLUSIVE, "the process ended");
}

static void other_codes_say_nothing(void)
{
    fleet(1011, 5, 0.01, 0.02, INCONCLUSIVE, "no open connection was closed with 1001");
}

/* The client's own going away is answered with the same code. */
static void an_answer_to_its_own_close_says_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 0);
    story_fault(&e.story, 5, "latency", SIDE_CLIENT, false);
    story_close(&e.story, 10, SIDE_CLIENT, 1001);
    story_close(&e.story, 10.1, SIDE_SERVER, 1001);
    story_fin(&e.story, 10.2, SIDE_CLIENT);
    expect(&e, 100, INCONCLUSIVE, "no open connection was closed");
}

SUITE(reconnect_restart_codes, TEST(a_wide_delay_after_a_restart_passes),
      TEST(two_seconds_are_wide), TEST(a_narrow_delay_warns), TEST(all_together_fails),
      TEST(nearly_together_warns), TEST(at_once_fails), TEST(one_client_at_once_warns),
      TEST(one_client_that_waits_decides_nothing), TEST(much_too_long_warns),
      TEST(thirty_seconds_after_try_later_pass), TEST(sooner_warns), TEST(five_seconds_warn),
      TEST(sooner_than_five_fails), TEST(not_to_come_back_after_try_later_passes),
      TEST(less_than_thirty_seconds_decide_nothing), TEST(a_jittered_delay_after_going_away_passes),
      TEST(the_same_delay_after_going_away_warns), TEST(not_to_come_back_after_going_away_warns),
      TEST(a_minute_not_watched_decides_nothing), TEST(a_process_that_ends_decides_nothing),
      TEST(other_codes_say_nothing), TEST(an_answer_to_its_own_close_says_nothing))

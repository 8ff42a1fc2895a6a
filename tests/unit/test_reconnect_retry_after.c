#include "tests/check.h"
#include "tests/unit/ended_story.h"
#include "tests/unit/login_story.h"

extern const struct rule_desc reconnect_retry_after_rule;

#define TWENTY "{\"status\": \"503\", \"retry_after\": \"20s\", \"form\": \"seconds\"}"
#define DATE   "{\"status\": \"503\", \"retry_after\": \"20s\", \"form\": \"date\"}"
#define NONE   "{\"status\": \"401\", \"retry_after\": \"\", \"form\": \"seconds\"}"

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &reconnect_retry_after_rule, want, part);
}

static void back_after(double took, const char *params, double noise, enum verdict want,
                       const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, noise);
    ended_status(&e, 0, 10, 503, params);
    ended_open(&e, 0, 10 + took);
    expect(&e, 100, want, part);
}

static void half_a_second_early_passes(void)
{
    back_after(19.5, TWENTY, 0, PASS, "stayed away for 19.5 s; asked for were 20 s");
}

static void earlier_fails(void)
{
    back_after(19.499, TWENTY, 0, FAIL, "came back already 19.5 s later; asked for were 20 s");
}

static void noise_is_taken_off(void)
{
    back_after(19.3, TWENTY, 0.2, PASS, "19.3 s");
}

/* A date has no fractions of a second. */
static void a_date_may_be_a_second_early(void)
{
    back_after(18.5, DATE, 0, PASS, "stayed away for 18.5 s");
}

static void a_date_that_is_ignored_fails(void)
{
    back_after(18.4, DATE, 0, FAIL, "came back already");
}

static void a_run_too_short_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_status(&e, 0, 10, 503, TWENTY);
    expect(&e, 29, INCONCLUSIVE, "which the run did not last");
}

static void staying_away_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_status(&e, 0, 10, 503, TWENTY);
    expect(&e, 40, PASS, "stayed away for 30.0 s");
}

static void fleet(double apart, double noise, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, noise);
    for (int i = 0; i < 5; i++) {
        ended_status(&e, i, 10 + i, 503, TWENTY);
        ended_open(&e, i, 30 + i + apart * i / 4);
    }
    expect(&e, 100, want, part);
}

static void a_fleet_that_keeps_apart_passes(void)
{
    fleet(0.25, 0, PASS, "after 5 of 5 answers of 503");
}

/* Each is told at its own moment, and all wait for the same time. */
static void a_fleet_in_lock_step_warns(void)
{
    fleet(0.249, 0, WARN, "came back together, less than 0.25 s apart");
}

static void noise_is_no_lock_step(void)
{
    fleet(0.2, 0.03, PASS, "answers of 503");
}

static void refused(double every, int times, double end, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < times; i++)
        ended_status(&e, 0, 10 + every * i, 401, NONE);
    expect(&e, end, want, part);
}

static void stopping_after_401_passes(void)
{
    refused(0, 1, 70, PASS, "the client answered with 401 made no further attempt");
}

static void less_than_a_minute_decides_nothing(void)
{
    refused(0, 1, 69, INCONCLUSIVE, "less than the minute needed");
}

static void the_longest_delays_pass(void)
{
    refused(15, 5, 71, PASS, "at the longest delays");
}

static void shorter_ones_warn(void)
{
    refused(14.9, 5, 71, WARN, "the shortest delay was 14.9 s");
}

static void with_another_credential_it_may_be_sooner(void)
{
    static const char *const hashes[] = {"a", "b", "c", "d"};
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 4; i++) {
        ended_status(&e, 0, 10 + 2 * i, 401, NONE);
        login_bearer(&e.story, 10 + 2 * i, hashes[i]);
    }
    expect(&e, 80, PASS, "made up to 3 attempts in the next minute, each with another credential");
    ended_begin(&e);
    for (int i = 0; i < 4; i++) {
        ended_status(&e, 0, 10 + 2 * i, 401, NONE);
        login_bearer(&e.story, 10 + 2 * i, hashes[i < 2 ? i : 1]);
    }
    expect(&e, 80, WARN, "the shortest delay was 2");
}

static void twelve_a_minute_warn(void)
{
    refused(5, 13, 75, WARN, "made up to 12 attempts");
}

static void thirteen_a_minute_fail(void)
{
    refused(4.6, 14, 75, FAIL, "made up to 13 attempts");
}

static void passing_troubles_are_no_refusal(void)
{
    const unsigned statuses[] = {408, 425, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct ended_story e;
        ended_begin(&e);
        for (int k = 0; k < 40; k++)
            ended_status(&e, 0, 10 + k, statuses[i], NONE);
        expect(&e, 100, INCONCLUSIVE, "no handshake was answered with a status that says when");
    }
}

static void a_browser_cannot_know(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_status(&e, 0, 10, 503, TWENTY);
    for (size_t i = 0; i < e.story.count; i++)
        if (e.story.events[i].kind == EV_HTTP_REQUEST)
            e.story.events[i].http_request.agent = "Mozilla/5.0 (X11; Linux x86_64)";
    ended_open(&e, 0, 11);
    expect(&e, 100, NOT_APPLICABLE, "a browser");
}

static void a_client_that_sees_no_status_cannot_know(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_policy(&e.story, "{\"sees_status\": {\"value\": \"false\"}}");
    ended_status(&e, 0, 10, 503, TWENTY);
    ended_open(&e, 0, 11);
    expect(&e, 100, NOT_APPLICABLE, "sees_status: false");
}

static void other_failures_say_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 10);
    ended_refuse(&e, 0, 11);
    expect(&e, 100, INCONCLUSIVE, "no handshake was answered with a status other than 101");
}

/* The other one was told nothing, and may come back when it likes. */
static void a_client_with_two_connections_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 10);
    ended_cut(&e, 0, 1, 9);
    ended_status(&e, 0, 11, 503, TWENTY);
    ended_status(&e, 0, 12, 503, TWENTY);
    expect(&e, 100, INCONCLUSIVE, "keep several connections");
}

SUITE(reconnect_retry_after, TEST(half_a_second_early_passes), TEST(earlier_fails),
      TEST(noise_is_taken_off), TEST(a_date_may_be_a_second_early),
      TEST(a_date_that_is_ignored_fails), TEST(a_run_too_short_decides_nothing),
      TEST(staying_away_passes), TEST(a_fleet_that_keeps_apart_passes),
      TEST(a_fleet_in_lock_step_warns), TEST(noise_is_no_lock_step),
      TEST(stopping_after_401_passes), TEST(less_than_a_minute_decides_nothing),
      TEST(the_longest_delays_pass), TEST(shorter_ones_warn),
      TEST(with_another_credential_it_may_be_sooner), TEST(twelve_a_minute_warn),
      TEST(thirteen_a_minute_fail), TEST(passing_troubles_are_no_refusal),
      TEST(a_browser_cannot_know), TEST(a_client_that_sees_no_status_cannot_know),
      TEST(other_failures_say_nothing), TEST(a_client_with_two_connections_decides_nothing))

#include "tests/check.h"
#include "tests/unit/outage_story.h"

extern const struct rule_desc reconnect_retry_limit_rule;

#define HEARS "{\"hooks\":{\"gave_up\":\"log\"}}"

static void begin(struct outage_story *o)
{
    outage_begin(o);
    story_target(&o->story, HEARS);
}

/* So many attempts, a second apart; returns when the last failed. */
static double attempts(struct outage_story *o, int client, size_t count)
{
    double at = OUTAGE_AT;
    const double delay = 1;
    outage_cut(o, client, at);
    for (size_t i = 0; i < count; i++)
        at = outage_retry(o, client, at, &delay, 1);
    return at;
}

static void expect(struct outage_story *o, double end, enum verdict want, const char *part)
{
    story_run_end(&o->story, end);
    enum verdict got = story_judge(&o->story, &reconnect_retry_limit_rule, NULL);
    check_str(__FILE__, __LINE__, story_text(&o->story), verdict_name(got), verdict_name(want));
    CHECK_CONTAINS(story_text(&o->story), part);
    story_end(&o->story);
}

static void ten_attempts_and_a_word_pass(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 10);
    story_heard(&o.story, last + 1);
    expect(&o, last + 91, PASS,
           "the client stopped after 10 attempts and told the user 1.0 s after "
           "the last; allowed are 10");
}

static void eleven_attempts_and_a_word_warn(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 11);
    story_heard(&o.story, last + 1);
    expect(&o, last + 91, WARN, "stopped after 11 attempts");
}

static void a_word_within_ten_seconds_is_in_time(void)
{
    for (int late = 0; late < 2; late++) {
        struct outage_story o;
        begin(&o);
        double last = attempts(&o, 0, 5);
        story_heard(&o.story, last + (late ? 10.1 : 9.9));
        expect(&o, last + 100, late ? WARN : PASS, "told the user");
    }
}

static void stopping_without_a_word_fails(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 3);
    expect(&o, last + 90.1, FAIL, "stopped after 3 attempts without telling the user");
}

static void less_than_ninety_seconds_of_silence_decide_nothing(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 3);
    expect(&o, last + 89.9, INCONCLUSIVE, "90 s of silence would be needed");
}

/* Its next attempt may still come: its last delay was 40 s. */
static void who_waited_long_is_watched_longer(void)
{
    static const double delays[] = {10, 20, 40};
    for (int enough = 0; enough < 2; enough++) {
        struct outage_story o;
        begin(&o);
        outage_cut(&o, 0, OUTAGE_AT);
        double last = outage_retry(&o, 0, OUTAGE_AT, delays, 3);
        expect(&o, last + (enough ? 160.1 : 159.9), enough ? FAIL : INCONCLUSIVE, "3 attempts");
    }
}

static void more_than_ten_attempts_without_a_word_fail(void)
{
    for (size_t count = 10; count <= 11; count++) {
        struct outage_story o;
        begin(&o);
        double last = attempts(&o, 0, count);
        if (count == 11)
            expect(&o, last + 1, FAIL, "made 11 attempts, and the user was told nothing");
        else
            expect(&o, last + 1, INCONCLUSIVE, "made 10 attempts");
    }
}

static void telling_and_going_on_warns(void)
{
    struct outage_story o;
    begin(&o);
    const double delays[] = {1, 1};
    double last = attempts(&o, 0, 5);
    story_heard(&o.story, last + 0.5);
    last = outage_retry(&o, 0, last, delays, 2);
    expect(&o, last + 100, WARN, "made 7 attempts, told the user, and goes on trying");
}

static void a_word_before_the_outage_is_about_something_else(void)
{
    struct outage_story o;
    begin(&o);
    story_of(&o.story, 0, 0);
    story_heard(&o.story, 1);
    double last = attempts(&o, 0, 3);
    expect(&o, last + 100, FAIL, "without telling the user");
}

static void the_word_of_another_client_does_not_count(void)
{
    struct outage_story o;
    begin(&o);
    (void)attempts(&o, 0, 3);
    double last = attempts(&o, 1, 3);
    story_heard(&o.story, last + 1);
    expect(&o, last + 100, FAIL, "1 of 2 clients stopped after 3 attempts without");
}

static void a_process_that_ends_without_a_word_warns(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 3);
    story_exit(&o.story, last + 1, "exit 1", false);
    expect(&o, last + 2, WARN, "stopped after 3 attempts when its process ended");
}

static void a_process_that_ends_with_a_word_has_told(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 3);
    story_exit(&o.story, last + 1, "exit 1", false);
    story_heard(&o.story, last + 1);
    expect(&o, last + 2, PASS, "told the user 1.0 s after the last");
}

/* It had no reason to give up. */
static void who_comes_back_was_not_watched_for_long_enough(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 3);
    story_of(&o.story, 0, 50);
    story_open(&o.story, last + 1);
    expect(&o, last + 200, INCONCLUSIVE, "not watched for long enough");
}

static void of_several_outages_the_longest_counts(void)
{
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 11);
    story_of(&o.story, 0, 50);
    story_open(&o.story, last + 1);
    story_fault(&o.story, last + 60, "reset", SIDE_CLIENT, false);
    story_cut(&o.story, last + 60, "reset", "rst");
    expect(&o, last + 61, FAIL, "made 11 attempts");
}

static void a_policy_without_a_limit_asks_nothing(void)
{
    struct outage_story o;
    begin(&o);
    o.story.events[0].run_start.policy = "{\"retry_limit\":{\"value\":\"0\"}}";
    double last = attempts(&o, 0, 20);
    expect(&o, last + 1, NOT_APPLICABLE, "retry_limit is 0");
}

static void its_own_parameter_goes_before_the_policy(void)
{
    const struct {
        uint64_t attempts;
    } config = {3};
    struct outage_story o;
    begin(&o);
    double last = attempts(&o, 0, 4);
    story_run_end(&o.story, last + 1);
    CHECK_INT(story_judge(&o.story, &reconnect_retry_limit_rule, &config), FAIL);
    CHECK_CONTAINS(story_text(&o.story), "allowed are 3");
    story_end(&o.story);
}

static void without_the_hook_it_is_not_tested(void)
{
    struct outage_story o;
    outage_begin(&o);
    double last = attempts(&o, 0, 20);
    expect(&o, last + 100, NOT_TESTED, "give hooks.gave_up");
}

static void without_an_outage_nothing_is_decided(void)
{
    struct outage_story o;
    begin(&o);
    story_open(&o.story, 1);
    story_fault(&o.story, 2, "latency", SIDE_CLIENT, false);
    expect(&o, 100, INCONCLUSIVE, "no client lost its connection");
}

static void our_own_client_is_not_under_test(void)
{
    struct outage_story o;
    begin(&o);
    o.story.client_by = BY_BUILTIN;
    double last = attempts(&o, 0, 20);
    expect(&o, last + 1, NOT_APPLICABLE, "halfopen's own");
}

static void attempts_of_several_connections_cannot_be_told_apart(void)
{
    struct outage_story o;
    begin(&o);
    outage_cut(&o, 0, OUTAGE_AT);
    double last = attempts(&o, 0, 11);
    expect(&o, last + 1, INCONCLUSIVE, "for several connections that it keeps");
}

static void who_keeps_several_and_stops_without_a_word_fails(void)
{
    struct outage_story o;
    begin(&o);
    outage_cut(&o, 0, OUTAGE_AT);
    double last = attempts(&o, 0, 3);
    expect(&o, last + 90.1, FAIL, "without telling the user");
}

SUITE(reconnect_retry_limit, TEST(attempts_of_several_connections_cannot_be_told_apart),
      TEST(who_keeps_several_and_stops_without_a_word_fails), TEST(ten_attempts_and_a_word_pass),
      TEST(eleven_attempts_and_a_word_warn), TEST(a_word_within_ten_seconds_is_in_time),
      TEST(stopping_without_a_word_fails), TEST(less_than_ninety_seconds_of_silence_decide_nothing),
      TEST(who_waited_long_is_watched_longer), TEST(more_than_ten_attempts_without_a_word_fail),
      TEST(telling_and_going_on_warns), TEST(a_word_before_the_outage_is_about_something_else),
      TEST(the_word_of_another_client_does_not_count),
      TEST(a_process_that_ends_without_a_word_warns),
      TEST(a_process_that_ends_with_a_word_has_told),
      TEST(who_comes_back_was_not_watched_for_long_enough),
      TEST(of_several_outages_the_longest_counts), TEST(a_policy_without_a_limit_asks_nothing),
      TEST(its_own_parameter_goes_before_the_policy), TEST(without_the_hook_it_is_not_tested),
      TEST(without_an_outage_nothing_is_decided), TEST(our_own_client_is_not_under_test))

/* From a trace to the verdicts of its rules, and what a second run has to say. */
#include "control/judge.h"

#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/unit/story.h"

#define INTERVAL "[{\"rule\":\"heartbeat.interval\",\"params\":{}}]"
#define NOTHING  "[{\"rule\":\"close.nothing_after\",\"params\":{}}]"

/* A client with a ping every so often, that goes on after its Close. */
static void judged(struct scenario_result *result, const char *expect, double every,
                   const char *reason)
{
    struct story s;
    story_begin(&s);
    story_target(&s, "{}");
    s.events[0].run_start.expect = expect;
    s.events[0].run_start.scenario = "test";
    story_open(&s, 0);
    story_pings(&s, every, every, 390, true);
    story_close(&s, 395, SIDE_CLIENT, 1000);
    story_data(&s, 396, SIDE_CLIENT, "late", 10);
    story_run_end(&s, 400);
    s.events[s.count - 1].run_end.reason = reason;
    story_trace(&s);
    *result = (struct scenario_result){0};
    judge_trace(s.trace, NULL, result);
    story_end(&s);
}

static void expect(const struct scenario_result *result, enum verdict verdict, const char *part)
{
    CHECK_INT(result->rule_count, 1);
    CHECK_STR(verdict_name(result->rules[0].verdict), verdict_name(verdict));
    CHECK_STR(verdict_name(result->verdict), verdict_name(verdict));
    CHECK_CONTAINS(result->rules[0].summary, part);
}

static void what_is_expected_is_judged(void)
{
    struct scenario_result result;
    judged(&result, INTERVAL, 30, RUN_FINISHED);
    expect(&result, PASS, "every 30.0 s");
    CHECK(!judge_wants_repeat(&result));
    CHECK_STR(result.name, "test");
    scenario_result_fini(&result);
}

static void a_failure_of_timing_wants_a_second_run(void)
{
    struct scenario_result result;
    judged(&result, INTERVAL, 60, RUN_FINISHED);
    expect(&result, FAIL, "every 60.0 s");
    CHECK(judge_wants_repeat(&result) && !result.rules[0].confirmed);
    scenario_result_fini(&result);
}

/* Seen: a client under a busy host that had not got all of its connections open. */
static void in_a_run_that_ended_early_it_stays_open(void)
{
    static const char *const reasons[] = {"a client never connected", RUN_INTERRUPTED,
                                          RUN_TIMED_OUT};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct scenario_result result;
        judged(&result, INTERVAL, 60, reasons[i]);
        expect(&result, INCONCLUSIVE, "not confirmed: failed (the client sends a heartbeat every");
        CHECK_CONTAINS(result.rules[0].summary, reasons[i]);
        CHECK(!judge_wants_repeat(&result));
        scenario_result_fini(&result);
    }
}

static void what_needs_no_second_run_is_a_failure_whatever_the_end(void)
{
    struct scenario_result result;
    judged(&result, NOTHING, 30, "a client never connected");
    CHECK_STR(verdict_name(result.rules[0].verdict), "fail");
    CHECK(result.rules[0].confirmed && !judge_wants_repeat(&result));
    scenario_result_fini(&result);
}

/* --- Two runs --- */

static void merged(double every, double again, const char *reason, enum verdict want,
                   const char *part)
{
    struct scenario_result first, second;
    judged(&first, INTERVAL, every, RUN_FINISHED);
    judged(&second, INTERVAL, again, reason);
    judge_merge(&first, &second);
    expect(&first, want, part);
    CHECK(first.repeated);
    CHECK_INT(first.confirmed, want == FAIL);
    scenario_result_fini(&first);
    scenario_result_fini(&second);
}

static void two_failures_are_one(void)
{
    merged(60, 70, RUN_FINISHED, FAIL, "every 60.0 s");
}

static void one_of_two_is_not_repeatable(void)
{
    merged(60, 30, RUN_FINISHED, INCONCLUSIVE, "not repeatable: failed once");
}

static void what_the_second_run_warns_of_is_a_warning(void)
{
    merged(60, 40, RUN_FINISHED, WARN, "in another run it failed: ");
}

static void a_second_run_that_ended_early_confirms_nothing(void)
{
    merged(60, 60, "a client never connected", INCONCLUSIVE, "not repeatable: failed once");
}

#define OWN                                                                                        \
    "[{\"rule\":\"expect.test.attempts\",\"own\":\"attempts\",\"params\":{\"at_least\":\"2\"}},"   \
    "{\"rule\":\"expect.test.close\",\"own\":\"close\",\"params\":{\"code\":\"1000\"}},"           \
    "{\"rule\":\"expect.test.later\",\"own\":\"of a later version\",\"params\":{}}]"

/* Each is a rule of its own, whose name outlives what it was judged by. */
static void assertions_are_judged_as_rules_are(void)
{
    struct scenario_result first, second;
    judged(&first, OWN, 30, RUN_FINISHED);
    judged(&second, OWN, 30, RUN_FINISHED);
    CHECK_INT(first.rule_count, 2);
    CHECK_STR(first.rules[0].rule->name, "expect.test.attempts");
    CHECK_STR(first.rules[0].rule->id, "test.attempts");
    CHECK_STR(first.rules[0].rule->title, "At least 2 attempts in the whole run");
    CHECK_INT(first.rules[0].verdict, FAIL);
    CHECK_INT(first.rules[1].verdict, PASS);
    CHECK(judge_wants_repeat(&first) && !first.rules[0].confirmed);
    judge_merge(&first, &second);
    CHECK(first.rules[0].confirmed && first.rules[0].verdict == FAIL);
    scenario_result_fini(&first);
    scenario_result_fini(&second);
}

static void a_glob_chooses_assertions_too(void)
{
    struct scenario_result result = {0};
    struct judge *judge = judge_new(OWN, "expect.*.close");
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_close(&s, 5, SIDE_CLIENT, 1000);
    story_run_end(&s, 30);
    story_trace(&s);
    judge_with(judge, s.trace, &result);
    judge_free(judge);
    CHECK_INT(result.rule_count, 1);
    CHECK_STR(result.rules[0].rule->name, "expect.test.close");
    scenario_result_fini(&result);
    story_end(&s);
}

SUITE(judge, TEST(assertions_are_judged_as_rules_are), TEST(a_glob_chooses_assertions_too),
      TEST(what_is_expected_is_judged), TEST(a_failure_of_timing_wants_a_second_run),
      TEST(in_a_run_that_ended_early_it_stays_open),
      TEST(what_needs_no_second_run_is_a_failure_whatever_the_end), TEST(two_failures_are_one),
      TEST(one_of_two_is_not_repeatable), TEST(what_the_second_run_warns_of_is_a_warning),
      TEST(a_second_run_that_ended_early_confirms_nothing))

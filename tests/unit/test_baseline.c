/* An earlier run's results, and what is worse than they were. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/baseline.h"
#include "tests/check.h"

static struct earlier *parse(const char *json)
{
    struct text why;
    text_init(&why);
    struct earlier *earlier = earlier_parse("results.json", json, strlen(json), &why);
    CHECK_STR(text_chars(&why), "");
    text_fini(&why);
    return earlier;
}

/* A baseline with one scenario, "outage", and in it one rule. */
static struct earlier *baseline_with(const char *verdict, const char *more, const char *scenario)
{
    char *json =
        xprintf("{\"schema\":1,\"exit\":1,\"scenarios\":[{\"name\":\"outage\"%s,\"rules\":["
                "{\"id\":\"RECON-03\",\"verdict\":\"%s\"%s}]}]}",
                scenario, verdict, more);
    struct earlier *earlier = parse(json);
    free(json);
    return earlier;
}

/* The exit code of a run with that verdict now. */
static int exit_of(enum verdict now, const struct earlier *then, enum baseline *standing)
{
    struct results *results = results_new();
    struct scenario_result *scenario = results_add_scenario(results);
    scenario->name = xstrdup("outage");
    struct rule_result *rule = scenario_add_rule(scenario);
    rule->rule = rule_find("RECON-03");
    rule->verdict = now;
    rule->summary = xstrdup("a sentence");
    baseline_compare(then, scenario);
    *standing = rule->baseline;
    results_conclude(results);
    int code = results->exit_code;
    results_free(results);
    return code;
}

static void check_compared(const char *then, enum verdict now, enum baseline standing, int code)
{
    bool failed = strcmp(then, "fail") == 0;
    struct earlier *earlier = baseline_with(then, failed ? ",\"confirmed\":true" : "", "");
    enum baseline found;
    CHECK_INT(exit_of(now, earlier, &found), code);
    CHECK_STR(baseline_name(found), baseline_name(standing));
    earlier_free(earlier);
}

static void only_what_got_worse_fails_the_run(void)
{
    check_compared("fail", FAIL, BASELINE_SAME, 0);
    check_compared("pass", FAIL, BASELINE_WORSE, 1);
    check_compared("warn", FAIL, BASELINE_WORSE, 1);
    check_compared("inconclusive", FAIL, BASELINE_WORSE, 1);
    check_compared("pass", PASS, BASELINE_SAME, 0);
    check_compared("fail", PASS, BASELINE_BETTER, 0);
}

static void an_assertion_is_known_by_its_name(void)
{
    struct earlier *then = parse(
        "{\"schema\":1,\"exit\":1,\"scenarios\":[{\"name\":\"outage\",\"rules\":["
        "{\"name\":\"expect.outage.resumes\",\"id\":\"outage.resumes\",\"verdict\":\"fail\","
        "\"confirmed\":true},"
        "{\"name\":\"expect.outage.other\",\"id\":\"outage.other\",\"verdict\":\"pass\"}]}]}");
    const struct rule_desc resumes = {.name = "expect.outage.resumes", .level = MUST};
    CHECK_INT(then->scenarios[0].rule_count, 2);
    CHECK(earlier_is(&then->scenarios[0].rules[0], &resumes));
    CHECK(!earlier_is(&then->scenarios[0].rules[1], &resumes));
    struct scenario_result scenario = {.name = xstrdup("outage")};
    struct rule_result *rule = scenario_add_rule(&scenario);
    rule->rule = &resumes;
    rule->verdict = FAIL;
    baseline_compare(then, &scenario);
    CHECK_STR(baseline_name(rule->baseline), "same");
    scenario_result_fini(&scenario);
    earlier_free(then);
}

static void what_was_never_decided_is_no_excuse(void)
{
    check_compared("not_tested", FAIL, BASELINE_NEW, 1);
    check_compared("not_applicable", FAIL, BASELINE_NEW, 1);
    check_compared("not_tested", PASS, BASELINE_NEW, 0);
}

static void undecided_as_before_is_known_and_undecided_since_is_not(void)
{
    check_compared("inconclusive", INCONCLUSIVE, BASELINE_SAME, 0);
    check_compared("fail", INCONCLUSIVE, BASELINE_BETTER, 0);
    check_compared("pass", INCONCLUSIVE, BASELINE_WORSE, 4);
}

static void what_is_not_judged_now_is_not_compared(void)
{
    check_compared("fail", NOT_TESTED, BASELINE_NONE, 0);
    check_compared("pass", NOT_APPLICABLE, BASELINE_NONE, 0);
}

static void a_failure_that_was_not_confirmed_excuses_none_that_is(void)
{
    struct earlier *earlier = baseline_with("fail", ",\"confirmed\":false", "");
    enum baseline found;
    CHECK_INT(exit_of(FAIL, earlier, &found), 1);
    CHECK_STR(baseline_name(found), "worse");
    earlier_free(earlier);
}

static void a_scenario_that_did_not_run_to_its_end_excuses_nothing(void)
{
    static const char *const endings[] = {",\"interrupted\":true", ",\"trouble\":\"no server\""};
    for (size_t i = 0; i < 2; i++) {
        struct earlier *earlier = baseline_with("fail", ",\"confirmed\":true", endings[i]);
        enum baseline found;
        CHECK_INT(exit_of(FAIL, earlier, &found), 1);
        CHECK_STR(baseline_name(found), "new");
        earlier_free(earlier);
    }
}

static void where_a_name_stands_twice_no_failure_hides_another(void)
{
    struct earlier *earlier = parse(
        "{\"schema\":1,\"scenarios\":["
        "{\"name\":\"outage\",\"rules\":[{\"id\":\"RECON-03\",\"verdict\":\"fail\",\"confirmed\":true}]},"
        "{\"name\":\"outage\",\"rules\":[{\"id\":\"RECON-03\",\"verdict\":\"not_tested\"}]},"
        "{\"name\":\"outage\",\"rules\":[{\"id\":\"RECON-03\",\"verdict\":\"pass\"}]}]}");
    enum baseline found;
    CHECK_INT(exit_of(FAIL, earlier, &found), 1);
    earlier_free(earlier);
}

static void another_scenario_of_the_rule_excuses_nothing(void)
{
    struct earlier *earlier =
        parse("{\"schema\":1,\"scenarios\":[{\"name\":\"stall\",\"rules\":["
              "{\"id\":\"RECON-03\",\"verdict\":\"fail\",\"confirmed\":true}]}]}");
    enum baseline found;
    CHECK_INT(exit_of(FAIL, earlier, &found), 1);
    CHECK_STR(baseline_name(found), "new");
    earlier_free(earlier);
}

static void check_refused(const char *json, const char *words)
{
    struct text why;
    text_init(&why);
    struct earlier *earlier = earlier_parse("results.json", json, strlen(json), &why);
    CHECK(earlier == NULL);
    CHECK_CONTAINS(text_chars(&why), words);
    earlier_free(earlier);
    text_fini(&why);
}

static void what_holds_no_results_is_refused(void)
{
    check_refused("", "results.json:1:0: not JSON");
    check_refused("{\"schema\":1,", "not JSON");
    check_refused("[]", "no results of halfopen");
    check_refused("{\"schema\":2,\"scenarios\":[]}", "no results of halfopen");
    check_refused("{\"schema\":1}", "no results of halfopen");
}

static void rules_and_verdicts_that_are_unknown_are_left_out(void)
{
    struct earlier *earlier = parse(
        "{\"schema\":1,\"scenarios\":[7,{\"name\":\"a\",\"rules\":[{\"id\":\"NONE-01\",\"verdict\":"
        "\"fail\"},{\"id\":\"RECON-03\",\"verdict\":\"sad\"},3,{\"id\":\"RECON-02\",\"verdict\":"
        "\"warn\"}]}]}");
    CHECK_INT(earlier->scenario_count, 2);
    CHECK_INT(earlier->scenarios[1].rule_count, 1);
    CHECK_INT(earlier->scenarios[1].rules[0].verdict, WARN);
    earlier_free(earlier);
}

/* --- Over all scenarios --- */

static void add_finding(struct results *results, enum verdict verdict, enum baseline baseline)
{
    struct rule_result *rule = scenario_add_rule(results_add_scenario(results));
    rule->rule = rule_find("RECON-03");
    rule->verdict = verdict;
    rule->baseline = baseline;
}

static void what_is_known_in_one_scenario_and_new_in_another_is_new(void)
{
    struct results *results = results_new();
    add_finding(results, FAIL, BASELINE_SAME);
    add_finding(results, FAIL, BASELINE_NEW);
    add_finding(results, WARN, BASELINE_WORSE);
    results_conclude(results);
    CHECK_INT(results->exit_code, 1);
    CHECK_STR(baseline_name(results_baseline(results, &results->rules[0])), "new");
    results_free(results);
}

static void undecided_as_before_is_not_called_complied(void)
{
    struct results *results = results_new();
    add_finding(results, INCONCLUSIVE, BASELINE_SAME);
    results_conclude(results);
    CHECK_INT(results->exit_code, 0);
    CHECK_CONTAINS(results_exit_words(results), "nothing got worse");
    results_free(results);
}

static void a_warning_that_got_worse_fails_a_strict_run_beside_a_known_failure(void)
{
    struct results *results = results_new();
    add_finding(results, FAIL, BASELINE_SAME);
    add_finding(results, WARN, BASELINE_WORSE);
    results_conclude(results);
    CHECK_INT(results->exit_code, 0);
    results->strict = true;
    results_conclude(results);
    CHECK_INT(results->exit_code, 1);
    results_free(results);
}

SUITE(baseline, TEST(only_what_got_worse_fails_the_run), TEST(what_was_never_decided_is_no_excuse),
      TEST(undecided_as_before_is_known_and_undecided_since_is_not),
      TEST(what_is_not_judged_now_is_not_compared),
      TEST(a_failure_that_was_not_confirmed_excuses_none_that_is),
      TEST(a_scenario_that_did_not_run_to_its_end_excuses_nothing),
      TEST(where_a_name_stands_twice_no_failure_hides_another),
      TEST(another_scenario_of_the_rule_excuses_nothing), TEST(what_holds_no_results_is_refused),
      TEST(what_is_known_in_one_scenario_and_new_in_another_is_new),
      TEST(undecided_as_before_is_not_called_complied),
      TEST(a_warning_that_got_worse_fails_a_strict_run_beside_a_known_failure),
      TEST(rules_and_verdicts_that_are_unknown_are_left_out),
      TEST(an_assertion_is_known_by_its_name))

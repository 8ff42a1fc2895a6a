/* What a target file says about rules, and what becomes of a run by it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/claims.h"
#include "tests/check.h"

static const char accepting[] = "rules:\n"
                                "  accept:\n"
                                "    RECON-03: {until: 2027-01-31, owner: rt, reason: RT-8812}\n"
                                "    RECON-02: {until: 2027-01-31, reason: later}\n";

static char *nothing_set(const char *name)
{
    (void)name;
    return NULL;
}

static struct target *target_of(const char *text)
{
    struct diag *diag = diag_new();
    struct target *target = target_parse("halfopen.yaml", text, strlen(text), nothing_set, diag);
    CHECK(target != NULL && diag_errors(diag) == 0);
    diag_free(diag);
    return target;
}

/* A run of one scenario that came to this verdict about a rule. */
static struct results *run_with(const char *rule, enum verdict verdict)
{
    struct results *results = results_new();
    struct scenario_result *scenario = results_add_scenario(results);
    scenario->name = xstrdup("outage");
    struct rule_result *found = scenario_add_rule(scenario);
    found->rule = rule_find(rule);
    found->verdict = verdict;
    found->summary = xstrdup("a sentence");
    return results;
}

static struct rule_result *rule_in(struct results *results)
{
    return &results->scenarios[0].rules[0];
}

/* Its exit code when that target file is given on that day. */
static int exit_on(const char *text, const char *today, const char *rule, enum verdict verdict)
{
    struct target *target = target_of(text);
    struct results *results = run_with(rule, verdict);
    claims_accept(target, today, &results->scenarios[0]);
    claims_require(target, NULL, 0, CLAIMS_WHOLE, results);
    results_conclude(results);
    int code = results->exit_code;
    results_free(results);
    target_free(target);
    return code;
}

static void an_accepted_failure_counts_from_the_day_after_its_last(void)
{
    CHECK_INT(exit_on(accepting, "2027-01-30T23:59:59Z", "RECON-03", FAIL), 0);
    CHECK_INT(exit_on(accepting, "2027-01-31T23:59:59Z", "RECON-03", FAIL), 0);
    CHECK_INT(exit_on(accepting, "2027-02-01T00:00:00Z", "RECON-03", FAIL), 1);
}

static void only_the_rule_that_is_named_is_accepted(void)
{
    CHECK_INT(exit_on(accepting, "2027-01-01T00:00:00Z", "RECON-01", FAIL), 1);
}

static void accepting_a_failure_decides_nothing(void)
{
    CHECK_INT(exit_on(accepting, "2027-01-01T00:00:00Z", "RECON-03", INCONCLUSIVE), 4);
}

static void check_remark(const char *today, const char *rule, enum verdict verdict,
                         const char *expected)
{
    struct target *target = target_of(accepting);
    struct results *results = run_with(rule, verdict);
    claims_accept(target, today, &results->scenarios[0]);
    char *remark = rule_remark(rule_in(results));
    if (expected)
        CHECK_STR(remark, expected);
    else
        CHECK(remark == NULL);
    free(remark);
    results_free(results);
    target_free(target);
}

static void who_accepted_it_until_when_and_why_is_told(void)
{
    check_remark("2027-01-31", "RECON-03", FAIL, "accepted until 2027-01-31 by rt: RT-8812");
    check_remark("2027-01-31", "RECON-02", FAIL, "accepted until 2027-01-31: later");
    check_remark("2027-02-01", "RECON-03", FAIL,
                 "no longer accepted: it was until 2027-01-31 by rt: RT-8812");
    check_remark("2027-01-31", "RECON-03", PASS, NULL);
}

static void what_is_required_must_be_decided(void)
{
    static const char requiring[] = "rules: {require: [RECON-04]}\n"; /* a SHOULD */
    CHECK_INT(exit_on(requiring, "2027-01-01", "RECON-04", PASS), 0);
    CHECK_INT(exit_on(requiring, "2027-01-01", "RECON-04", WARN), 0);
    CHECK_INT(exit_on(requiring, "2027-01-01", "RECON-04", INCONCLUSIVE), 4);
    CHECK_INT(exit_on(requiring, "2027-01-01", "RECON-04", NOT_TESTED), 4);
    CHECK_INT(exit_on(requiring, "2027-01-01", "RECON-04", NOT_APPLICABLE), 4);
    CHECK_INT(exit_on(requiring, "2027-01-01", "RECON-02", PASS), 4);
    CHECK_INT(exit_on(requiring, "2027-01-01", "RECON-02", FAIL), 1);
    CHECK_INT(exit_on("rules: {suite: core}\n", "2027-01-01", "RECON-04", INCONCLUSIVE), 0);
}

static void who_chose_a_part_left_the_other_rules_out(void)
{
    struct target *target = target_of("rules: {require: [RECON-04, RECON-02]}\n");
    struct results *results = results_new();
    struct plan *plan = plan_new();
    plan_add_expectation(plan, "reconnect.backoff", "{}");
    claims_require(target, &plan, 1, CLAIMS_PART, results);
    CHECK_INT(results->required_count, 1);
    CHECK_STR(results->required[0]->id, "RECON-02");
    plan_free(plan);
    results_free(results);
    target_free(target);
}

SUITE(claims, TEST(an_accepted_failure_counts_from_the_day_after_its_last),
      TEST(only_the_rule_that_is_named_is_accepted), TEST(accepting_a_failure_decides_nothing),
      TEST(who_accepted_it_until_when_and_why_is_told), TEST(what_is_required_must_be_decided),
      TEST(who_chose_a_part_left_the_other_rules_out))

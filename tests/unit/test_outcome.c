/* What a run came to, at a glance: words and tone never say more than was found. */
#include <stdlib.h>

#include "base/mem.h"
#include "reports/results.h"
#include "tests/check.h"

static const struct rule_desc must[] = {{.name = "must.a", .id = "M-1", .level = MUST},
                                        {.name = "must.b", .id = "M-2", .level = MUST}};
static const struct rule_desc should[] = {{.name = "should.a", .id = "S-1", .level = SHOULD},
                                          {.name = "should.b", .id = "S-2", .level = SHOULD}};
static const struct rule_desc advice = {.name = "advice", .id = "A-1", .level = ADVICE};

static struct results *run_of_one(void)
{
    struct results *results = results_new();
    results_add_scenario(results)->name = xstrdup("outage");
    return results;
}

static struct rule_result *add(struct results *results, const struct rule_desc *rule,
                               enum verdict verdict)
{
    struct rule_result *result = scenario_add_rule(&results->scenarios[0]);
    result->rule = rule;
    result->verdict = verdict;
    result->summary = xstrdup("a sentence");
    return result;
}

/* Concludes and frees. */
static void check(struct results *results, enum verdict tone, const char *headline,
                  const char *words)
{
    struct text out;
    text_init(&out);
    results_conclude(results);
    results_add_headline(results, &out);
    CHECK_STR(text_chars(&out), headline);
    CHECK_STR(verdict_name(results_tone(results)), verdict_name(tone));
    CHECK_STR(results_exit_words(results), words);
    text_fini(&out);
    results_free(results);
}

static void all_that_passed_complied(void)
{
    struct results *results = run_of_one();
    (void)add(results, &must[0], PASS);
    (void)add(results, &should[0], NOT_TESTED);
    check(results, PASS, "Complied", "complied");
}

static void a_warning_is_amber(void)
{
    struct results *results = run_of_one();
    (void)add(results, &must[0], WARN);
    check(results, WARN, "Complied, with 1 warning", "complied");
}

static void a_should_that_failed_is_amber_and_counted(void)
{
    struct results *results = run_of_one();
    (void)add(results, &must[0], PASS);
    (void)add(results, &must[1], WARN);
    (void)add(results, &should[0], FAIL);
    (void)add(results, &should[1], FAIL);
    (void)add(results, &advice, FAIL);
    check(results, WARN, "Complied, with 2 SHOULD failures, 1 ADVICE failure and 1 warning",
          "complied: no MUST rule failed");
}

static void what_is_accepted_or_known_is_amber(void)
{
    struct results *results = run_of_one();
    add(results, &must[0], FAIL)->accepted = true;
    add(results, &should[0], FAIL)->baseline = BASELINE_SAME;
    check(results, WARN, "Complied, with 2 accepted or known failures",
          "complied: what failed is accepted or was known");
}

static void accepted_beside_a_should_is_told_apart(void)
{
    struct results *results = run_of_one();
    add(results, &must[0], FAIL)->accepted = true;
    (void)add(results, &should[0], FAIL);
    check(results, WARN, "Complied, with 1 SHOULD failure and 1 accepted or known failure",
          "complied: what failed is no MUST rule, is accepted, or was known");
}

static void a_must_that_failed_is_red(void)
{
    struct results *results = run_of_one();
    (void)add(results, &must[0], FAIL);
    (void)add(results, &must[1], INCONCLUSIVE);
    (void)add(results, &should[0], WARN);
    check(results, FAIL, "Did not comply: 1 MUST failure and 1 warning", "a MUST rule failed");
}

static void strict_says_what_it_counts(void)
{
    struct results *failed = run_of_one(), *warned = run_of_one();
    failed->strict = warned->strict = true;
    (void)add(failed, &should[0], FAIL);
    (void)add(warned, &must[0], WARN);
    check(failed, FAIL, "Did not comply: 1 SHOULD failure",
          "a SHOULD rule failed, which --strict counts");
    check(warned, FAIL, "Did not comply: 1 warning", "a rule warns, which --strict counts");
}

static void what_decided_nothing_is_never_green(void)
{
    struct results *open = run_of_one(), *untested = run_of_one(), *nothing = results_new();
    (void)add(open, &must[0], INCONCLUSIVE);
    (void)add(open, &must[1], PASS);
    (void)add(untested, &must[0], NOT_TESTED);
    (void)add(untested, &must[1], NOT_APPLICABLE);
    check(open, INCONCLUSIVE, "Not decided", "no MUST rule failed, but one could not be decided");
    check(untested, INCONCLUSIVE, "Nothing was decided",
          "nothing was decided: no rule could be tested or applies");
    check(nothing, INCONCLUSIVE, "Nothing was run",
          "nothing was run: no scenario falls to this shard");
    check(run_of_one(), INCONCLUSIVE, "Nothing was decided",
          "nothing was judged: no scenario expects a rule");
}

static void undecided_as_before_is_not_green(void)
{
    struct results *results = run_of_one();
    add(results, &must[0], INCONCLUSIVE)->baseline = BASELINE_SAME;
    (void)add(results, &must[1], PASS);
    check(results, INCONCLUSIVE, "Not decided, as before",
          "nothing got worse: what could not be decided was no better in the baseline");
}

static void a_required_rule_that_is_open_is_named_as_such(void)
{
    struct results *results = run_of_one();
    (void)add(results, &must[0], PASS);
    (void)add(results, &should[0], NOT_TESTED);
    results_require(results, &should[0]);
    check(results, INCONCLUSIVE, "Not decided",
          "no MUST rule failed, but a rule the target file requires was not decided");
}

static void trouble_is_red_and_an_interruption_what_was_found(void)
{
    struct results *trouble = run_of_one(), *cut = run_of_one(), *cut_failed = run_of_one();
    trouble->scenarios[0].trouble = xstrdup("boom");
    (void)add(trouble, &must[0], WARN);
    cut->interrupted = cut_failed->interrupted = true;
    (void)add(cut, &must[0], PASS);
    (void)add(cut_failed, &must[0], FAIL);
    check(trouble, FAIL, "Not decided, with 1 warning", "the environment failed");
    check(cut, INCONCLUSIVE, "Interrupted", "interrupted");
    check(cut_failed, FAIL, "Interrupted, with 1 MUST failure", "interrupted");
}

SUITE(outcome, TEST(all_that_passed_complied), TEST(a_warning_is_amber),
      TEST(a_should_that_failed_is_amber_and_counted), TEST(what_is_accepted_or_known_is_amber),
      TEST(accepted_beside_a_should_is_told_apart), TEST(a_must_that_failed_is_red),
      TEST(strict_says_what_it_counts), TEST(what_decided_nothing_is_never_green),
      TEST(undecided_as_before_is_not_green), TEST(a_required_rule_that_is_open_is_named_as_such),
      TEST(trouble_is_red_and_an_interruption_what_was_found))

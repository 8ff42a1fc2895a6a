/* Which scenarios and rules run: globs, what failed the last time, shards. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/schedule.h"
#include "control/selection.h"
#include "tests/check.h"

/* --- Plans with nothing but a name, rules and a length --- */

static struct plans plans_new(void)
{
    return (struct plans){.list = xcalloc(32, sizeof(struct plan *))};
}

static struct plan *add(struct plans *plans, const char *name, nsec length, const char *rule,
                        const char *other)
{
    struct plan *plan = plan_new();
    plan->name = xstrdup(name);
    plan_add_step(plan, STEP_WAIT)->wait.duration = length;
    if (rule)
        plan_add_expectation(plan, rule, "{}");
    if (other)
        plan_add_expectation(plan, other, "{}");
    plans->list[plans->count++] = plan;
    return plan;
}

static struct plans three(void)
{
    struct plans plans = plans_new();
    (void)add(&plans, "silent-drop", NSEC_PER_SEC, "reconnect.silent_death", "reconnect.cap");
    (void)add(&plans, "refused", NSEC_PER_SEC, "reconnect.jitter", "reconnect.backoff");
    (void)add(&plans, "quiet", NSEC_PER_SEC, NULL, NULL);
    return plans;
}

/* "name: rule rule; name: ", in order. */
static void check_left(const struct plans *plans, const char *expected)
{
    struct text out;
    text_init(&out);
    for (size_t p = 0; p < plans->count; p++) {
        text_addf(&out, "%s%s:", p > 0 ? "; " : "", plans->list[p]->name);
        for (size_t e = 0; e < plans->list[p]->expect_count; e++)
            text_addf(&out, " %s", plans->list[p]->expect[e].rule);
    }
    CHECK_STR(text_chars(&out), expected);
    text_fini(&out);
}

/* --- Globs --- */

static void check_only(const char *glob, const char *other, const char *expected)
{
    struct plans plans = three();
    struct option_words globs = {.list = {glob, other}, .count = other ? 2 : 1};
    struct diag *diag = diag_new();
    selection_only(&plans, &globs, diag);
    CHECK_INT(diag_errors(diag), 0);
    check_left(&plans, expected);
    diag_free(diag);
    plans_fini(&plans);
}

static void a_rule_that_is_named_is_the_only_one(void)
{
    check_only("reconnect.jitter", NULL, "refused: reconnect.jitter");
    check_only("RECON-04", NULL, "silent-drop: reconnect.cap");
    check_only("reconnect.[cj]*", NULL, "silent-drop: reconnect.cap; refused: reconnect.jitter");
}

static void an_assertion_is_named_as_in_reports(void)
{
    struct plans plans = plans_new();
    struct option_words globs = {.list = {"expect.*.resumes"}, .count = 1};
    struct diag *diag = diag_new();
    struct plan *plan = add(&plans, "outage", NSEC_PER_SEC, "reconnect.cap", NULL);
    plan_add_assertion(plan, "expect.outage.resumes", "message", "{\"match\":\"x\"}");
    plan_add_assertion(plan, "expect.outage.close", "close", "{}");
    selection_only(&plans, &globs, diag);
    CHECK_INT(diag_errors(diag), 0);
    check_left(&plans, "outage: expect.outage.resumes");
    diag_free(diag);
    plans_fini(&plans);
}

static void a_scenario_that_is_named_keeps_its_rules_and_the_others_do_not(void)
{
    check_only("silent-*", NULL, "silent-drop: reconnect.silent_death reconnect.cap");
    check_only("quiet", NULL, "quiet:");
    check_only("quiet", "RECON-03", "refused: reconnect.jitter; quiet:");
}

static void a_glob_that_matches_nothing_is_an_error_beside_one_that_does(void)
{
    struct plans plans = three();
    struct option_words globs = {.list = {"quiet", "reconect.*"}, .count = 2};
    struct diag *diag = diag_new();
    selection_only(&plans, &globs, diag);
    CHECK_INT(diag_errors(diag), 1);
    diag_free(diag);
    plans_fini(&plans);
}

/* --- What failed the last time --- */

static void check_failed(const char *scenarios, const char *expected)
{
    struct plans plans = three();
    struct text why;
    text_init(&why);
    char *json = xprintf("{\"schema\":1,\"scenarios\":[%s]}", scenarios);
    struct earlier *earlier = earlier_parse("results.json", json, strlen(json), &why);
    CHECK(earlier != NULL);
    CHECK_INT(selection_any_failed(earlier), *expected != '\0');
    selection_keep_failed(&plans, earlier);
    check_left(&plans, expected);
    earlier_free(earlier);
    text_fini(&why);
    free(json);
    plans_fini(&plans);
}

static void only_the_rules_that_failed_run_again(void)
{
    check_failed(
        "{\"name\":\"refused\",\"rules\":["
        "{\"id\":\"RECON-03\",\"verdict\":\"fail\",\"confirmed\":true},"
        "{\"id\":\"RECON-02\",\"verdict\":\"warn\"}]},"
        "{\"name\":\"silent-drop\",\"rules\":[{\"id\":\"RECON-01\",\"verdict\":\"pass\"}]}",
        "refused: reconnect.jitter");
}

static void what_did_not_run_to_its_end_runs_again_whole(void)
{
    check_failed("{\"name\":\"refused\",\"interrupted\":true,\"rules\":[]},"
                 "{\"name\":\"quiet\",\"trouble\":\"no server\",\"rules\":[]}",
                 "refused: reconnect.jitter reconnect.backoff; quiet:");
}

static void nothing_failed_leaves_nothing(void)
{
    check_failed("{\"name\":\"refused\",\"rules\":[{\"id\":\"RECON-03\",\"verdict\":"
                 "\"inconclusive\"}]}",
                 "");
}

/* --- Shards --- */

static void a_shard_is_written_as_one_of_many(void)
{
    struct shard shard;
    CHECK(shard_parse("1/1", &shard) && shard.index == 1 && shard.count == 1);
    CHECK(shard_parse("3/12", &shard) && shard.index == 3 && shard.count == 12);
    static const char *const wrong[] = {"",     "1",    "/2",   "1/",   "0/2",     "3/2", "1/2/3",
                                        "-1/2", "1/ 2", " 1/2", "1/2 ", "1/99999", "a/b", "+1/2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!shard_parse(wrong[i], &shard));
}

static struct plans many(bool backwards)
{
    static const struct {
        const char *name;
        int seconds;
    } scenarios[] = {{"a", 1}, {"b", 7}, {"c", 3}, {"d", 3}, {"e", 10}, {"f", 1}, {"g", 5}};
    size_t count = sizeof scenarios / sizeof *scenarios;
    struct plans plans = plans_new();
    for (size_t i = 0; i < count; i++) {
        size_t at = backwards ? count - 1 - i : i;
        (void)add(&plans, scenarios[at].name, scenarios[at].seconds * NSEC_PER_SEC, NULL, NULL);
    }
    return plans;
}

/* Which of the scenarios a to g fall to it, as a set of letters in alphabetical order; their time.
 */
static void letters_of(unsigned index, unsigned count, bool backwards, char out[8], double *seconds)
{
    struct plans plans = many(backwards);
    bool there[7] = {false};
    struct policy policy;
    policy_defaults(&policy);
    selection_shard(&plans, (struct shard){index, count}, 10);
    *seconds = 0;
    for (size_t p = 0; p < plans.count; p++) {
        there[plans.list[p]->name[0] - 'a'] = true;
        *seconds += schedule_estimate(plans.list[p], &policy, 1);
    }
    for (int i = 0; i < 7; i++)
        if (there[i])
            *out++ = (char)('a' + i);
    *out = '\0';
    plans_fini(&plans);
}

static void every_scenario_falls_to_exactly_one_shard(void)
{
    for (unsigned count = 1; count <= 9; count++) {
        size_t total = 0;
        bool seen[7] = {false};
        for (unsigned index = 1; index <= count; index++) {
            char letters[8];
            double seconds;
            letters_of(index, count, false, letters, &seconds);
            for (const char *at = letters; *at; at++) {
                CHECK(!seen[*at - 'a']);
                seen[*at - 'a'] = true;
                total++;
            }
        }
        CHECK_INT(total, 7);
    }
}

static void shards_take_about_the_same_time(void)
{
    for (unsigned index = 1; index <= 3; index++) {
        char letters[8];
        double seconds;
        letters_of(index, 3, false, letters, &seconds);
        CHECK_REAL(seconds, 10.6, 1); /* e; bc or bd; the others; and what each takes to begin */
    }
}

static void the_order_in_which_scenarios_are_named_does_not_matter(void)
{
    for (unsigned index = 1; index <= 2; index++) {
        char forwards[8], backwards[8];
        double seconds;
        letters_of(index, 2, false, forwards, &seconds);
        letters_of(index, 2, true, backwards, &seconds);
        CHECK_STR(forwards, backwards);
    }
}

SUITE(selection, TEST(a_rule_that_is_named_is_the_only_one),
      TEST(an_assertion_is_named_as_in_reports),
      TEST(a_scenario_that_is_named_keeps_its_rules_and_the_others_do_not),
      TEST(a_glob_that_matches_nothing_is_an_error_beside_one_that_does),
      TEST(only_the_rules_that_failed_run_again),
      TEST(what_did_not_run_to_its_end_runs_again_whole), TEST(nothing_failed_leaves_nothing),
      TEST(a_shard_is_written_as_one_of_many), TEST(every_scenario_falls_to_exactly_one_shard),
      TEST(shards_take_about_the_same_time),
      TEST(the_order_in_which_scenarios_are_named_does_not_matter))

#include "reports/results.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct results *results_new(void)
{
    return xcalloc(1, sizeof(struct results));
}

static void rule_fini(struct rule_result *rule)
{
    free(rule->summary);
    free(rule->fix);
    free(rule->table);
    free(rule->measured);
    free(rule->allowed);
    free(rule->note);
    free(rule->acceptance);
    own_rule_free(rule->own);
}

void scenario_result_fini(struct scenario_result *result)
{
    for (size_t i = 0; i < result->rule_count; i++)
        rule_fini(&result->rules[i]);
    for (size_t i = 0; i < result->process_count; i++)
        process_result_fini(&result->processes[i]);
    free(result->processes);
    free(result->rules);
    free(result->name);
    free(result->story);
    free(result->file);
    free(result->subject);
    free(result->trace);
    free(result->sha256);
    free(result->second_trace);
    free(result->again);
    free(result->trouble);
    free(result->speed_note);
    free(result->replaced);
    *result = (struct scenario_result){0};
}

void results_free(struct results *results)
{
    if (!results)
        return;
    for (size_t i = 0; i < results->scenario_count; i++)
        scenario_result_fini(&results->scenarios[i]);
    free(results->scenarios);
    free(results->rules);
    free(results->required);
    free(results->version);
    free(results->started);
    free(results->system);
    free(results->target);
    free(results->suite);
    free(results->profile);
    free(results->policy_json);
    free(results->target_json);
    free(results->host);
    free(results);
}

struct scenario_result *results_add_scenario(struct results *results)
{
    size_t size = (results->scenario_count + 1) * sizeof *results->scenarios;
    results->scenarios = xrealloc(results->scenarios, size);
    struct scenario_result *added = &results->scenarios[results->scenario_count++];
    *added = (struct scenario_result){0};
    return added;
}

struct rule_result *scenario_add_rule(struct scenario_result *result)
{
    result->rules = xrealloc(result->rules, (result->rule_count + 1) * sizeof *result->rules);
    struct rule_result *added = &result->rules[result->rule_count++];
    *added = (struct rule_result){0};
    return added;
}

/* --- One line per rule over all scenarios: fail > warn > pass > inconclusive > not_tested > n/a
 * --- */

static int weight(enum verdict verdict)
{
    static const int weights[] = {[NOT_APPLICABLE] = 0, [NOT_TESTED] = 1, [INCONCLUSIVE] = 2,
                                  [PASS] = 3,           [WARN] = 4,       [FAIL] = 5};
    return weights[verdict];
}

static struct rule_summary *summary_of(struct results *results, const struct rule_desc *rule)
{
    for (size_t i = 0; i < results->rule_count; i++)
        if (rule_is(results->rules[i].rule, rule))
            return &results->rules[i];
    results->rules = xrealloc(results->rules, (results->rule_count + 1) * sizeof *results->rules);
    results->rules[results->rule_count] =
        (struct rule_summary){.rule = rule, .verdict = NOT_APPLICABLE};
    return &results->rules[results->rule_count++];
}

static void merge_rule(struct results *results, const struct rule_result *rule)
{
    struct rule_summary *summary = summary_of(results, rule->rule);
    if (weight(rule->verdict) > weight(summary->verdict)) {
        summary->verdict = rule->verdict;
        summary->excused = rule_is_excused(rule);
    } else if (rule->verdict == summary->verdict && !rule_is_excused(rule)) {
        summary->excused = false;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct rule_summary *)a)->rule->name,
                  ((const struct rule_summary *)b)->rule->name);
}

static void conclude_scenario(struct results *results, struct scenario_result *scenario)
{
    scenario->verdict = NOT_APPLICABLE;
    for (size_t i = 0; i < scenario->rule_count; i++) {
        scenario->verdict = verdict_worst(scenario->verdict, scenario->rules[i].verdict);
        merge_rule(results, &scenario->rules[i]);
    }
}

/* --- The exit code (DESIGN 4): 1 before 3 before 4 --- */

static bool has_failure(const struct results *results)
{
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++)
            if (rule_fails_run(&results->scenarios[s].rules[r], results->strict))
                return true;
    return false;
}

static bool lacks_decision(const struct results *results)
{
    for (size_t i = 0; i < results->rule_count; i++) {
        const struct rule_summary *rule = &results->rules[i];
        if (rule->verdict == INCONCLUSIVE && rule->rule->level == MUST && !rule->excused)
            return true;
    }
    return false;
}

static bool lacks_required(const struct results *results)
{
    for (size_t i = 0; i < results->required_count; i++)
        if (results_is_undecided(results, results->required[i]))
            return true;
    return false;
}

static int exit_code_of(const struct results *results)
{
    bool trouble = false;
    for (size_t i = 0; i < results->scenario_count; i++)
        trouble = trouble || results->scenarios[i].trouble;
    if (results->interrupted)
        return 130;
    if (has_failure(results))
        return 1;
    return trouble ? 3 : lacks_decision(results) || lacks_required(results) ? 4 : 0;
}

void results_conclude(struct results *results)
{
    results->rule_count = 0;
    for (size_t i = 0; i < results->scenario_count; i++)
        conclude_scenario(results, &results->scenarios[i]);
    if (results->rule_count > 0)
        qsort(results->rules, results->rule_count, sizeof *results->rules, by_name);
    results->exit_code = exit_code_of(results);
}

void results_require(struct results *results, const struct rule_desc *rule)
{
    size_t size = (results->required_count + 1) * sizeof *results->required;
    results->required = xrealloc(results->required, size);
    results->required[results->required_count++] = rule;
}

enum verdict results_verdict(const struct results *results, const struct rule_desc *rule)
{
    for (size_t i = 0; i < results->rule_count; i++)
        if (rule_is(results->rules[i].rule, rule))
            return results->rules[i].verdict;
    return NOT_TESTED;
}

bool results_is_undecided(const struct results *results, const struct rule_desc *rule)
{
    enum verdict verdict = results_verdict(results, rule);
    return verdict != PASS && verdict != WARN && verdict != FAIL;
}

size_t results_count(const struct results *results, enum verdict verdict)
{
    size_t count = 0;
    for (size_t i = 0; i < results->rule_count; i++)
        count += results->rules[i].verdict == verdict;
    return count;
}

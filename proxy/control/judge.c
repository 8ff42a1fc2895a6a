#include "control/judge.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- One rule --- */

static void *config_of(const struct rule_desc *rule, json_t *params)
{
    void *config = xcalloc(1, rule->config_size + 1);
    const char *name;
    json_t *value;
    struct text why;
    if (!rule->params)
        return config;
    param_defaults(rule->params, config);
    text_init(&why);
    json_object_foreach(params, name, value)
    {
        const struct param *param = param_find(rule->params, name);
        if (param && json_is_string(value))
            (void)param_set(param, config, json_string_value(value), &why);
    }
    text_fini(&why);
    return config;
}

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static char *in_braces(const char *members)
{
    return xprintf("{%s}", members ? members : "");
}

static void fill(struct rule_result *result, const struct findings *findings)
{
    const struct finding *worst = findings_worst(findings);
    result->verdict = findings_verdict(findings);
    result->summary = xstrdup(worst ? worst->text : "the rule found nothing to look at");
    result->fix = copy(worst ? worst->fix : NULL);
    result->table = copy(worst ? worst->table : NULL);
    result->measured = in_braces(worst ? worst->measured : NULL);
    result->allowed = in_braces(worst ? worst->allowed : NULL);
    result->from = worst ? worst->from : 0;
    result->to = worst ? worst->to : 0;
    result->confirmed = result->verdict == FAIL && result->rule->certainty == DETERMINISTIC;
}

static void judge_rule(const struct rule_desc *rule, const void *config, const struct trace *trace,
                       struct rule_result *result)
{
    struct findings findings;
    findings_init(&findings);
    rule_judge(rule, trace, config, &findings);
    fill(result, &findings);
    findings_fini(&findings);
}

static bool is_wanted(const struct rule_desc *rule, const char *only)
{
    return !only || fnmatch(only, rule->name, 0) == 0 || fnmatch(only, rule->id, 0) == 0;
}

/* --- All that is expected --- */

struct expectation {
    const struct rule_desc *rule;
    void *config;
    const struct own_kind *kind; /* of an assertion of the scenario's own; else NULL */
    struct own_rule *own;        /* then what rule belongs to */
};

struct judge {
    struct expectation *list;
    size_t count;
};

/* false: nothing that this version knows. */
static bool read_expectation(const json_t *entry, struct expectation *out)
{
    const char *name = json_string_value(json_object_get(entry, "rule"));
    const char *own = json_string_value(json_object_get(entry, "own"));
    json_t *params = json_object_get(entry, "params");
    *out = (struct expectation){.rule = name && !own ? rule_find(name) : NULL};
    out->kind = name && own ? own_kind_find(own) : NULL;
    if (out->rule)
        out->config = config_of(out->rule, params);
    if (out->kind) {
        char *written = json_dumps(params, JSON_COMPACT);
        struct assertion *assertion = assertion_new(out->kind, name, written ? written : "{}");
        free(written);
        out->own = own_rule_new(out->kind, name, assertion);
        out->rule = own_rule_desc(out->own);
        out->config = assertion;
    }
    return out->rule != NULL;
}

static void expectation_fini(struct expectation *expectation)
{
    if (expectation->kind) {
        assertion_free(expectation->kind, expectation->config);
        own_rule_free(expectation->own);
        return;
    }
    if (expectation->rule->params)
        param_free(expectation->rule->params, expectation->config);
    free(expectation->config);
}

struct judge *judge_new(const char *expect, const char *only)
{
    struct judge *judge = xcalloc(1, sizeof *judge);
    json_error_t error;
    size_t index;
    json_t *entry, *all = json_loads(expect, 0, &error);
    judge->list = xcalloc(json_array_size(all) + 1, sizeof *judge->list);
    json_array_foreach(all, index, entry)
    {
        struct expectation *next = &judge->list[judge->count];
        if (!read_expectation(entry, next))
            continue;
        if (is_wanted(next->rule, only))
            judge->count++;
        else
            expectation_fini(next);
    }
    json_decref(all);
    return judge;
}

void judge_free(struct judge *judge)
{
    if (!judge)
        return;
    for (size_t i = 0; i < judge->count; i++)
        expectation_fini(&judge->list[i]);
    free(judge->list);
    free(judge);
}

/* --- A trace --- */

static void describe(const struct trace *trace, struct scenario_result *result)
{
    const struct ev_run_start *start = trace->start;
    free(result->name);
    free(result->story);
    result->name = xstrdup(start->scenario);
    result->story = xstrdup(start->story);
    result->duration = trace->end;
    result->speed = start->speed;
    result->seed = start->seed;
    result->clients = (unsigned)start->clients;
    result->noise = trace->noise;
}

/* Faults that this machine did not allow, as the trace tells. */
static void note_replaced(const struct trace *trace, struct scenario_result *result)
{
    struct text out;
    text_init(&out);
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_FAULT_ANSWER));)
        if (strcmp(ev->fault_answer.answer, "replaced") == 0)
            text_addf(&out, "%s%s replaced %s", out.len > 0 ? "; " : "", ev->fault_answer.action,
                      ev->fault_answer.detail);
    free(result->replaced);
    result->replaced = out.len > 0 ? xstrdup(text_chars(&out)) : NULL;
    text_fini(&out);
}

static enum verdict worst_of(const struct scenario_result *result)
{
    enum verdict worst = NOT_APPLICABLE;
    for (size_t i = 0; i < result->rule_count; i++)
        worst = verdict_worst(worst, result->rules[i].verdict);
    return worst;
}

/* A run that came to a bad end is not repeated, and what ended it may be behind a failure that a
 * second run would have to confirm. */
static void leave_open(const struct trace *trace, struct scenario_result *result)
{
    enum run_ending ending = trace_ending(trace);
    if (ending != ENDING_TROUBLE && ending != ENDING_EARLY)
        return;
    for (size_t i = 0; i < result->rule_count; i++) {
        struct rule_result *rule = &result->rules[i];
        if (rule->verdict != FAIL || rule->confirmed)
            continue;
        char *summary = xprintf("not confirmed: failed (%s), in a run that ended early: %s",
                                rule->summary, trace->reason);
        free(rule->summary);
        free(rule->note);
        rule->verdict = INCONCLUSIVE;
        rule->summary = summary;
        rule->note = xstrdup("not confirmed");
    }
}

void judge_with(const struct judge *judge, const struct trace *trace,
                struct scenario_result *result)
{
    describe(trace, result);
    note_replaced(trace, result);
    scenario_note_processes(result, trace);
    for (size_t i = 0; i < judge->count; i++) {
        const struct expectation *expected = &judge->list[i];
        struct rule_result *rule = scenario_add_rule(result);
        rule->own = expected->own ? own_rule_copy(expected->own) : NULL;
        rule->rule = rule->own ? own_rule_desc(rule->own) : expected->rule;
        judge_rule(expected->rule, expected->config, trace, rule);
    }
    leave_open(trace, result);
    result->verdict = worst_of(result);
}

void judge_trace(const struct trace *trace, const char *only, struct scenario_result *result)
{
    struct judge *judge = judge_new(trace->start->expect, only);
    judge_with(judge, trace, result);
    judge_free(judge);
}

/* --- Confirmation --- */

bool judge_wants_repeat(const struct scenario_result *result)
{
    for (size_t i = 0; i < result->rule_count; i++)
        if (result->rules[i].verdict == FAIL && !result->rules[i].confirmed)
            return true;
    return false;
}

static const struct rule_result *same_rule(const struct scenario_result *in,
                                           const struct rule_desc *rule)
{
    for (size_t i = 0; i < in->rule_count; i++)
        if (rule_is(in->rules[i].rule, rule))
            return &in->rules[i];
    return NULL;
}

static void doubt(struct rule_result *rule, const struct rule_result *again)
{
    rule->verdict = INCONCLUSIVE;
    char *summary = xprintf("not repeatable: failed once (%s), and in a second run %s: %s",
                            rule->summary, again ? verdict_name(again->verdict) : "was not judged",
                            again ? again->summary : "the run ended early");
    free(rule->summary);
    free(rule->note);
    rule->summary = summary;
    rule->note = xstrdup("not repeatable");
}

/* Both runs object, one of them less. */
static void weaken(struct rule_result *rule, const struct rule_result *again)
{
    rule->verdict = WARN;
    char *summary = xprintf("%s; in another run it failed: %s", again->summary, rule->summary);
    free(rule->summary);
    rule->summary = summary;
}

void judge_merge(struct scenario_result *first, const struct scenario_result *second)
{
    first->repeated = true;
    first->second_seed = second->seed;
    first->confirmed = false;
    for (size_t i = 0; i < first->rule_count; i++) {
        struct rule_result *rule = &first->rules[i];
        if (rule->verdict != FAIL || rule->confirmed)
            continue;
        const struct rule_result *again = same_rule(second, rule->rule);
        rule->confirmed = again && again->verdict == FAIL;
        first->confirmed = first->confirmed || rule->confirmed;
        if (again && again->verdict == WARN)
            weaken(rule, again);
        else if (!rule->confirmed)
            doubt(rule, again);
    }
    first->verdict = worst_of(first);
}

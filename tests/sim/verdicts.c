/* What a simulated run comes to: the real reader, the real judge, the real loader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/find.h"
#include "scenario/load.h"
#include "tests/sim/inside.h"

#define SENDER_RATE    (80.0 * 1024)
#define EXPORT_RATE    (128.0 * 1024) /* 17 MiB in one message come together in time */
#define EXPORT_MESSAGE ((uint64_t)64 << 10)
#define ASKED_MANY     2000
#define ASKED_MESSAGE  ((uint64_t)16 << 10)
#define MANY_PINGS     2000 /* a second */
#define BOMB           "16MiB"
#define PINGS_LESS     10

static void give_up(const struct diag *diag, const char *what)
{
    struct text words;
    text_init(&words);
    diag_add_text(diag, &words);
    fprintf(stderr, "%s:\n%s", what, text_chars(&words));
    abort();
}

struct trace *sim_read(const struct text *lines)
{
    struct diag *diag = diag_new();
    struct trace *trace = trace_parse("trace.jsonl", text_chars(lines), lines->len, diag);
    if (!trace || diag_problems(diag) > 0)
        give_up(diag, "the trace cannot be read");
    diag_free(diag);
    return trace;
}

const struct event *sim_event(const struct trace *trace, enum event_kind kind, int nth)
{
    const struct event *ev = NULL;
    size_t i = 0;
    do
        ev = trace_next(trace, &i, kind);
    while (ev && nth-- > 0);
    return ev;
}

int sim_count(const struct trace *trace, enum event_kind kind)
{
    int count = 0;
    for (size_t i = 0; trace_next(trace, &i, kind);)
        count++;
    return count;
}

void sim_judge(const struct text *lines, struct scenario_result *result)
{
    struct trace *trace = sim_read(lines);
    *result = (struct scenario_result){0};
    judge_trace(trace, NULL, result);
    trace_free(trace);
}

void sim_judge_kept(const struct sim_config *cfg, const struct trace *trace,
                    struct scenario_result *result)
{
    *result = (struct scenario_result){0};
    if (cfg->stage)
        judge_with(cfg->stage->judge, trace, result);
    else
        judge_trace(trace, NULL, result);
}

const char *sim_verdicts(const struct sim_config *cfg, struct scenario_result *result)
{
    struct trace *trace;
    const char *reason = sim_keep(cfg, NULL, &trace);
    sim_judge_kept(cfg, trace, result);
    trace_free(trace);
    return reason;
}

enum verdict sim_verdict(const struct scenario_result *result, const char *rule)
{
    for (size_t i = 0; i < result->rule_count; i++)
        if (strcmp(result->rules[i].rule->name, rule) == 0)
            return result->rules[i].verdict;
    return INCONCLUSIVE;
}

struct plan *sim_plan(const char *path)
{
    struct diag *diag = diag_new();
    struct plan *plan = scenario_load(path, diag);
    if (!plan)
        give_up(diag, path);
    diag_free(diag);
    return plan;
}

struct plan *sim_plan_of(const char *yaml)
{
    struct diag *diag = diag_new();
    struct plan *plan = scenario_parse("scenario.yaml", yaml, strlen(yaml), diag);
    if (!plan)
        give_up(diag, yaml);
    diag_free(diag);
    return plan;
}

static void set(struct fault_step *fault, const char *name, const char *value)
{
    struct text why;
    text_init(&why);
    if (!param_set(param_find(fault->desc->params, name), fault->config, value, &why))
        abort();
    text_fini(&why);
}

static bool is(const struct fault_step *fault, const char *name, const char *value)
{
    struct text words;
    text_init(&words);
    param_add_value(param_find(fault->desc->params, name), fault->config, &words);
    bool same = strcmp(text_chars(&words), value) == 0;
    text_fini(&words);
    return same;
}

/* Of many pings a tenth is enough, likewise. */
static void thin_out_pings(struct fault_step *fault)
{
    struct text rate;
    text_init(&rate);
    param_add_value(param_find(fault->desc->params, "rate"), fault->config, &rate);
    uint64_t pings = strtoull(text_chars(&rate), NULL, 10);
    text_fini(&rate);
    if (pings < MANY_PINGS)
        return;
    char *fewer = xprintf("%llu", (unsigned long long)pings / PINGS_LESS);
    set(fault, "rate", fewer);
    free(fewer);
}

/* Each client inflates it up to its limit, which is lower in this world too. */
static void thin_out(struct fault_step *fault)
{
    if (strcmp(fault->desc->name, "ping_flood") == 0)
        thin_out_pings(fault);
    else if (strcmp(fault->desc->name, "oversize_message") == 0 && is(fault, "form", "deflated"))
        set(fault, "size", BOMB);
}

/* Bytes are dear and masks are all that a seed changes in them: what fills the simulated sockets
 * often enough is enough. Messages are dear too: a tenth of them fills a queue, when they are
 * large. */
static void slow_down(struct plan *plan)
{
    double enough = plan->client.message_bytes < EXPORT_MESSAGE ? SENDER_RATE : EXPORT_RATE;
    if (plan->client.sends > enough)
        plan->client.sends = enough;
    for (size_t i = 0; i < plan->step_count; i++) {
        struct hook_step *hook = &plan->steps[i].hook;
        if (plan->steps[i].kind != STEP_HOOK || hook->count < ASKED_MANY)
            continue;
        hook->count /= 10;
        hook->every *= 10;
        plan->client.message_bytes = ASKED_MESSAGE;
    }
}

static void lighten(struct plan *plan)
{
    slow_down(plan);
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_FAULT)
            thin_out(&plan->steps[i].fault);
}

struct sim_plans sim_plans_load(const char *folder)
{
    struct sim_plans plans = {0};
    struct paths paths;
    struct diag *diag = diag_new();
    char *path = xprintf("scenarios/%s", folder);
    paths_init(&paths);
    if (!find_scenarios(NULL, path, &paths, diag))
        give_up(diag, path);
    plans.list = xcalloc(paths.count + 1, sizeof *plans.list);
    for (size_t i = 0; i < paths.count; i++)
        plans.list[plans.count++] = sim_plan(paths.paths[i]);
    for (size_t i = 0; i < plans.count; i++)
        lighten(plans.list[i]);
    paths_fini(&paths);
    diag_free(diag);
    free(path);
    return plans;
}

void sim_plans_free(struct sim_plans *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        plan_free(plans->list[i]);
    free(plans->list);
    *plans = (struct sim_plans){0};
}

#include "core/plan.h"

#include <stdlib.h>

#include "base/mem.h"

struct plan *plan_new(void)
{
    struct plan *plan = xcalloc(1, sizeof *plan);
    plan->tests = TESTS_CLIENT;
    plan->clients = 1;
    return plan;
}

static void fault_step_fini(struct fault_step *fault)
{
    if (fault->config && fault->desc && fault->desc->params)
        param_free(fault->desc->params, fault->config);
    free(fault->config);
    free(fault->label);
    free(fault->connections.path);
}

static void step_fini(struct step *step)
{
    free(step->what);
    free(step->label);
    switch (step->kind) {
    case STEP_WAIT:
        free(step->wait.since);
        break;
    case STEP_FAULT:
        fault_step_fini(&step->fault);
        break;
    case STEP_CLEAR:
        free(step->clear);
        break;
    case STEP_MARK:
        free(step->mark);
        break;
    case STEP_CLOSE:
        free(step->close.reason);
        break;
    }
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->step_count; i++)
        step_fini(&plan->steps[i]);
    for (size_t i = 0; i < plan->expect_count; i++) {
        free(plan->expect[i].rule);
        free(plan->expect[i].params);
    }
    free(plan->steps);
    free(plan->expect);
    free(plan->name);
    free(plan->story);
    free(plan->file);
    free(plan->path);
    free(plan->protocol);
    free(plan->host);
    free(plan->rewrite_host);
    free(plan->ping_pattern);
    free(plan->pong_pattern);
    free(plan);
}

struct step *plan_add_step(struct plan *plan, enum step_kind kind)
{
    plan->steps = xrealloc(plan->steps, (plan->step_count + 1) * sizeof *plan->steps);
    struct step *step = &plan->steps[plan->step_count++];
    *step = (struct step){.kind = kind};
    if (kind == STEP_FAULT) {
        step->fault.dirs = DIR_BOTH;
        step->fault.probability = 1;
        step->fault.at_most = NEVER;
        step->fault.duration = NEVER;
    }
    if (kind == STEP_WAIT)
        step->wait.at_most = NEVER;
    return step;
}

void plan_add_expectation(struct plan *plan, const char *rule, const char *params_json)
{
    plan->expect = xrealloc(plan->expect, (plan->expect_count + 1) * sizeof *plan->expect);
    plan->expect[plan->expect_count++] =
        (struct expectation){.rule = xstrdup(rule), .params = xstrdup(params_json)};
}

static nsec fault_longest(const struct fault_step *fault)
{
    if (!fault->blocking)
        return 0;
    return fault->moment == AT_ONCE ? fault->duration : nsec_add(fault->duration, fault->at_most);
}

nsec plan_longest(const struct plan *plan)
{
    nsec total = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->kind == STEP_WAIT)
            total =
                nsec_add(total, step->wait.count > 0 ? step->wait.at_most : step->wait.duration);
        else if (step->kind == STEP_FAULT)
            total = nsec_add(total, fault_longest(&step->fault));
    }
    return total;
}

/* A wait for a condition takes a third of its limit, roughly, when the endpoint behaves. */
nsec plan_expected(const struct plan *plan)
{
    nsec total = 0;
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->kind == STEP_WAIT && step->wait.count > 0)
            total = nsec_add(total, step->wait.at_most == NEVER ? 0 : step->wait.at_most / 3);
        else if (step->kind == STEP_WAIT)
            total = nsec_add(total, step->wait.duration);
        else if (step->kind == STEP_FAULT)
            total = nsec_add(total, fault_longest(&step->fault));
    }
    return total;
}

static bool is_unmet(const struct step *step, bool (*has)(enum fault_need))
{
    return step->kind == STEP_FAULT && !has(fault_needs(step->fault.desc, step->fault.config));
}

const struct fault_step *plan_unmet(const struct plan *plan, bool (*has)(enum fault_need))
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (is_unmet(&plan->steps[i], has) && !plan->steps[i].fault.fallback)
            return &plan->steps[i].fault;
    return NULL;
}

static void fall_back(struct fault_step *fault, const char *why)
{
    if (fault->config && fault->desc->params)
        param_free(fault->desc->params, fault->config);
    free(fault->config);
    fault->stands_for = fault->desc->name;
    fault->why_replaced = why;
    fault->desc = fault->fallback;
    fault->dirs &= fault->desc->dirs;
    fault->config = xcalloc(1, fault->desc->config_size + 1);
    if (fault->desc->params)
        param_defaults(fault->desc->params, fault->config);
}

void plan_fall_back(struct plan *plan, bool (*has)(enum fault_need), const char *why)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (is_unmet(&plan->steps[i], has) && plan->steps[i].fault.fallback)
            fall_back(&plan->steps[i].fault, why);
}

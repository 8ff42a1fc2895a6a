#include "core/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/declares.h"

const char *const authenticates_names[] = {"none", "message", "query", "header", "cookie", NULL};

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
    case STEP_REQUEST:
        free(step->request.method);
        free(step->request.url);
        break;
    case STEP_PROMPT:
        free(step->prompt.text);
        break;
    case STEP_ROUTE:
    case STEP_HOOK:
    case STEP_SIGNAL:
    case STEP_RESTART:
        break;
    }
}

static void expectation_fini(struct expectation *expectation)
{
    free(expectation->rule);
    free(expectation->params);
    free(expectation->own);
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->step_count; i++)
        step_fini(&plan->steps[i]);
    for (size_t i = 0; i < plan->expect_count; i++)
        expectation_fini(&plan->expect[i]);
    for (size_t i = 0; i < plan->watch_count; i++) {
        free(plan->watches[i].match);
        free(plan->watches[i].assertion);
    }
    free(plan->watches);
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
    free(plan->message_id);
    free(plan->sessions.subscribe);
    free(plan->sessions.resume);
    free(plan->sessions.state);
    free(plan->auth.message);
    free(plan->auth.ack);
    free(plan->auth.token);
    free(plan->auth.answer);
    for (size_t i = 0; plan->auth.public_keys && plan->auth.public_keys[i]; i++)
        free(plan->auth.public_keys[i]);
    free(plan->auth.public_keys);
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
    if (kind == STEP_HOOK)
        step->hook = (struct hook_step){.count = 1, .of.all = true};
    if (kind == STEP_SIGNAL)
        step->signal = (struct signal_step){.name = "TERM", .of.all = true};
    if (kind == STEP_RESTART)
        step->restart = (struct restart_step){.who = SIDE_CLIENT, .signal = "TERM", .of.all = true};
    return step;
}

void plan_add_expectation(struct plan *plan, const char *rule, const char *params_json)
{
    plan->expect = xrealloc(plan->expect, (plan->expect_count + 1) * sizeof *plan->expect);
    plan->expect[plan->expect_count++] =
        (struct expectation){.rule = xstrdup(rule), .params = xstrdup(params_json)};
}

void plan_add_assertion(struct plan *plan, const char *name, const char *own,
                        const char *params_json)
{
    plan_add_expectation(plan, name, params_json);
    plan->expect[plan->expect_count - 1].own = xstrdup(own);
}

size_t plan_add_watch(struct plan *plan, enum side from, const char *match, const char *assertion)
{
    for (size_t i = 0; i < plan->watch_count && !assertion; i++) {
        const struct lookout *watch = &plan->watches[i];
        if (!watch->assertion && watch->from == from && strcmp(watch->match, match) == 0)
            return i;
    }
    plan->watches = xrealloc(plan->watches, (plan->watch_count + 1) * sizeof *plan->watches);
    plan->watches[plan->watch_count] = (struct lookout){
        .from = from, .match = xstrdup(match), .assertion = assertion ? xstrdup(assertion) : NULL};
    return plan->watch_count++;
}

void plan_drop_expectation(struct plan *plan, size_t index)
{
    assert(index < plan->expect_count);
    expectation_fini(&plan->expect[index]);
    plan->expect_count--;
    memmove(&plan->expect[index], &plan->expect[index + 1],
            (plan->expect_count - index) * sizeof *plan->expect);
}

unsigned plan_backends(const struct plan *plan)
{
    unsigned count = plan->round_robin ? 2 : 1;
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_ROUTE && plan->steps[i].route >= count)
            count = plan->steps[i].route + 1;
    return count;
}

bool plan_sends(const struct plan *plan)
{
    bool asked = false;
    for (size_t i = 0; i < plan->step_count; i++)
        asked =
            asked || (plan->steps[i].kind == STEP_HOOK && plan->steps[i].hook.hook == HOOK_SEND);
    return asked || plan->client.sends > 0;
}

const char *hook_name(enum hook hook)
{
    static const char *const names[] = {
        [HOOK_SEND] = "send", [HOOK_CLOSE] = "close", [HOOK_STATE] = "state"};
    return names[hook];
}

unsigned hook_declared_as(enum hook hook)
{
    static const unsigned declared[] = {
        [HOOK_SEND] = DECLARES_SEND, [HOOK_CLOSE] = DECLARES_CLOSE, [HOOK_STATE] = DECLARES_STATE};
    return declared[hook];
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
        else if (step->kind == STEP_REQUEST)
            total = nsec_add(total, step->request.at_most);
        else if (step->kind == STEP_PROMPT)
            total = nsec_add(total, step->prompt.at_most);
    }
    return total;
}

/* --- What faults need --- */

static const char *lacking(const struct fault_step *fault, plan_why_not *why_not)
{
    return why_not(fault_needs(fault->desc, fault->config));
}

static bool is_unmet(const struct fault_step *fault, plan_why_not *why_not)
{
    return *lacking(fault, why_not) != '\0';
}

const struct fault_step *plan_unmet(const struct plan *plan, plan_why_not *why_not)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct fault_step *fault = &plan->steps[i].fault;
        if (plan->steps[i].kind == STEP_FAULT && !fault->fallback && is_unmet(fault, why_not))
            return fault;
    }
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

void plan_fall_back(struct plan *plan, plan_why_not *why_not)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        struct fault_step *fault = &plan->steps[i].fault;
        if (plan->steps[i].kind == STEP_FAULT && fault->fallback && is_unmet(fault, why_not))
            fall_back(fault, lacking(fault, why_not));
    }
}

const struct step *plan_first(const struct plan *plan, enum step_kind kind)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == kind)
            return &plan->steps[i];
    return NULL;
}

static const struct fault_step *first_fault(const struct plan *plan,
                                            bool (*is_wanted)(const struct fault_step *))
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_FAULT && is_wanted(&plan->steps[i].fault))
            return &plan->steps[i].fault;
    return NULL;
}

static bool wants_tls_to_client(const struct fault_step *fault)
{
    return fault->desc->tls && (fault->dirs & DIR_MASK(TO_CLIENT));
}

static bool wants_tls_to_server(const struct fault_step *fault)
{
    return fault->desc->tls && (fault->dirs & DIR_MASK(TO_SERVER));
}

const struct fault_step *plan_without_tls(const struct plan *plan, bool client_tls, bool server_tls)
{
    const struct fault_step *fault = client_tls ? NULL : first_fault(plan, wants_tls_to_client);
    return fault || server_tls ? fault : first_fault(plan, wants_tls_to_server);
}

static bool is_kernel_timed(const struct fault_step *fault)
{
    return fault->desc->kernel_time;
}

const struct fault_step *plan_kernel_timed(const struct plan *plan)
{
    return first_fault(plan, is_kernel_timed);
}

static bool wants_authority(const struct fault_step *fault)
{
    return fault->desc->authority;
}

const struct fault_step *plan_wants_authority(const struct plan *plan)
{
    return first_fault(plan, wants_authority);
}

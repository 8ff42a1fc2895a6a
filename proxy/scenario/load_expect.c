/* expect: which rules judge the run, and their parameters where they differ from the policy's. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "rules/rule.h"
#include "scenario/load_parts.h"

void load_refuse_rule(struct diag *diag, const char *written, struct place at)
{
    const char *names[1024];
    size_t count = 0;
    for (size_t i = 0; all_rules[i] && count + 2 <= sizeof names / sizeof *names; i++) {
        names[count++] = all_rules[i]->name;
        names[count++] = all_rules[i]->id;
    }
    const char *near = nearest_name(written, names, count);
    diag_error(diag, at, "no rule is called '%s'", written);
    if (near)
        diag_hint(diag, "did you mean '%s'? (halfopen list rules)", near);
    else
        diag_hint(diag, "halfopen list rules");
}

/* The written values that the rule accepts, as JSON. */
static char *write_params(struct loader *l, const struct rule_desc *rule, const struct node *params)
{
    struct text out;
    struct json json;
    void *config = xcalloc(1, rule->config_size > 0 ? rule->config_size : 1);
    char *whose = xprintf("'%s'", rule->name);
    if (rule->params)
        param_defaults(rule->params, config);
    if (params && !field_is_empty(params) && field_is_mapping(params, "{within: 40s}", l->diag))
        fields_params(rule->params, params, config, NULL, whose, l->diag);
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    for (const struct node *child = params ? params->first : NULL; child; child = child->next)
        if (params->kind == NODE_MAPPING && child->kind == NODE_SCALAR)
            json_put_string(&json, child->key, child->text);
    json_object_close(&json);
    if (rule->params)
        param_free(rule->params, config);
    free(config);
    free(whose);
    return text_take(&out);
}

static bool has_fault(const struct plan *plan, bool silencing)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_FAULT &&
            (!silencing || plan->steps[i].fault.desc->silences))
            return true;
    return false;
}

static void warn_of_what_is_missing(struct loader *l, const struct rule_desc *rule, struct place at)
{
    if (rule->needs_silence && !has_fault(l->plan, true))
        diag_warning(l->diag, at,
                     "'%s' needs a fault that silences a side; none does, so it cannot apply",
                     rule->name);
    else if ((rule->needs & NEEDS(FAULT_ON)) && !has_fault(l->plan, false))
        diag_warning(l->diag, at, "'%s' needs a fault; there is none, so it cannot apply",
                     rule->name);
}

static bool is_expected(const struct plan *plan, const char *rule)
{
    for (size_t i = 0; i < plan->expect_count; i++)
        if (strcmp(plan->expect[i].rule, rule) == 0)
            return true;
    return false;
}

/* params: NULL when only the name was given. */
static void load_rule(struct loader *l, const char *name, struct place at,
                      const struct node *params)
{
    if (load_refuse_bare(l, name, at))
        return;
    const struct rule_desc *rule = rule_find(name);
    if (!rule) {
        load_refuse_rule(l->diag, name, at);
        return;
    }
    if (is_expected(l->plan, rule->name)) {
        diag_error(l->diag, at, "'%s' is expected twice", rule->name);
        return;
    }
    char *json = write_params(l, rule, params);
    plan_add_expectation(l->plan, rule->name, json);
    warn_of_what_is_missing(l, rule, at);
    free(json);
}

static const struct node *assertion_in(const struct node *item)
{
    const struct node *child = item->kind == NODE_MAPPING ? item->first : NULL;
    while (child && !is_assertion(child->key))
        child = child->next;
    return child;
}

void load_expect(struct loader *l, const struct node *list)
{
    for (const struct node *item = list->first; item; item = item->next) {
        const struct node *assertion = assertion_in(item);
        if (assertion)
            load_assertion(l, item, assertion);
        else if (item->kind == NODE_SCALAR)
            load_rule(l, item->text, item->place, NULL);
        else if (item->kind == NODE_MAPPING && item->count == 1)
            load_rule(l, item->first->key, item->first->key_place, item->first);
        else if (item->kind != NODE_BROKEN)
            diag_error(l->diag, item->place,
                       "one rule is expected here, as in 'reconnect.backoff' or "
                       "'heartbeat.missing_reply: {within: 40s}'");
    }
}

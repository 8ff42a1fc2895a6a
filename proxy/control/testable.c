#include "control/testable.h"

#include "rules/rule.h"

/* None of the hooks by which it makes the clients act is declared. */
static const struct declaration *lacks_hooks(const struct plan *plan, unsigned declared)
{
    const struct declaration *first = NULL;
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].kind != STEP_HOOK)
            continue;
        unsigned wanted = hook_declared_as(plan->steps[i].hook.hook);
        const struct declaration *lacks = declaration_missing(wanted, declared);
        if (!lacks)
            return NULL;
        first = first ? first : lacks;
    }
    return first;
}

static const struct declaration *lacks_all(const struct plan *plan, unsigned declared)
{
    const struct declaration *first = NULL;
    for (size_t i = 0; i < plan->expect_count; i++) {
        const struct rule_desc *rule = rule_find(plan->expect[i].rule);
        const struct declaration *lacks = rule ? rule_lacks(rule, declared) : NULL;
        if (!lacks)
            return NULL;
        first = first ? first : lacks;
    }
    return first;
}

const struct declaration *plan_lacks(const struct plan *plan, const struct subject *subject)
{
    unsigned declared = declares_read_json(subject->declared);
    const struct declaration *lacks = lacks_all(plan, declared);
    return lacks ? lacks : lacks_hooks(plan, declared);
}

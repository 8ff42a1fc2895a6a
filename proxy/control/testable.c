#include "control/testable.h"

#include "rules/rule.h"

/* It tells of clients that close on purpose, and none can be told to. A client that is not asked to
 * send may send by itself. */
static const struct declaration *lacks_hooks(const struct plan *plan, unsigned declared)
{
    bool closes = false;
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].kind != STEP_HOOK)
            continue;
        if (plan->steps[i].hook.hook != HOOK_CLOSE)
            return NULL;
        closes = true;
    }
    return closes ? declaration_missing(DECLARES_CLOSE, declared) : NULL;
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

#include "control/testable.h"

#include "rules/rule.h"

const struct declaration *plan_lacks(const struct plan *plan, const struct subject *subject)
{
    const struct declaration *first = NULL;
    unsigned declared = declares_read_json(subject->declared);
    for (size_t i = 0; i < plan->expect_count; i++) {
        const struct rule_desc *rule = rule_find(plan->expect[i].rule);
        const struct declaration *lacks = rule ? rule_lacks(rule, declared) : NULL;
        if (!lacks)
            return NULL;
        first = first ? first : lacks;
    }
    return first;
}

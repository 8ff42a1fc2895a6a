#include "control/baseline.h"

#include <string.h>

static bool was_judged(enum verdict verdict)
{
    return verdict != NOT_APPLICABLE && verdict != NOT_TESTED;
}

static enum verdict better_of(enum verdict a, enum verdict b)
{
    return verdict_worst(a, b) == a ? b : a;
}

/* The best that was found under this name: where a name stands twice, no failure hides another. */
static enum verdict verdict_then(const struct earlier *earlier, const char *scenario,
                                 const struct rule_desc *rule)
{
    enum verdict best = NOT_TESTED;
    for (size_t s = 0; s < earlier->scenario_count; s++) {
        const struct earlier_scenario *then = &earlier->scenarios[s];
        for (size_t r = 0; then->whole && r < then->rule_count; r++)
            if (earlier_is(&then->rules[r], rule) && was_judged(then->rules[r].verdict) &&
                strcmp(then->name, scenario) == 0)
                best = was_judged(best) ? better_of(best, then->rules[r].verdict)
                                        : then->rules[r].verdict;
    }
    return best;
}

static enum baseline compare(enum verdict then, enum verdict now)
{
    if (!was_judged(now))
        return BASELINE_NONE;
    if (!was_judged(then))
        return BASELINE_NEW;
    if (then == now)
        return BASELINE_SAME;
    return verdict_worst(then, now) == now ? BASELINE_WORSE : BASELINE_BETTER;
}

void baseline_compare(const struct earlier *earlier, struct scenario_result *result)
{
    for (size_t i = 0; earlier && i < result->rule_count; i++) {
        struct rule_result *rule = &result->rules[i];
        rule->baseline = compare(verdict_then(earlier, result->name, rule->rule), rule->verdict);
    }
}

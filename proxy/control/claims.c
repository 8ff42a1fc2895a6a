#include "control/claims.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DAY_LEN (sizeof "2027-01-31" - 1)

/* --- Accepted failures --- */

static const struct accepted *accepted_of(const struct target *target, const char *rule)
{
    for (size_t i = 0; i < target->accept_count; i++)
        if (strcmp(target->accept[i].rule, rule) == 0)
            return &target->accept[i];
    return NULL;
}

static char *describe(const struct accepted *accepted, bool over)
{
    return xprintf("%s %s%s%s: %s", over ? "no longer accepted: it was until" : "accepted until",
                   accepted->until, accepted->owner ? " by " : "",
                   accepted->owner ? accepted->owner : "", accepted->reason);
}

void claims_accept(const struct target *target, const char *today, struct scenario_result *result)
{
    for (size_t i = 0; target && i < result->rule_count; i++) {
        struct rule_result *rule = &result->rules[i];
        const struct accepted *accepted = accepted_of(target, rule->rule->name);
        if (!accepted || (rule->verdict != FAIL && rule->verdict != WARN))
            continue;
        rule->accepted = strncmp(today, accepted->until, DAY_LEN) <= 0;
        free(rule->acceptance);
        rule->acceptance = describe(accepted, !rule->accepted);
    }
}

/* --- Required decisions --- */

static bool is_expected(const struct rule_desc *rule, struct plan *const *plans, size_t count)
{
    for (size_t p = 0; p < count; p++)
        for (size_t e = 0; e < plans[p]->expect_count; e++)
            if (rule_find(plans[p]->expect[e].rule) == rule)
                return true;
    return false;
}

void claims_require(const struct target *target, struct plan *const *plans, size_t count,
                    enum claims_extent extent, struct results *results)
{
    for (size_t i = 0; target && i < target->require_count; i++) {
        const struct rule_desc *rule = rule_find(target->require[i]);
        if (rule && (extent == CLAIMS_WHOLE || is_expected(rule, plans, count)))
            results_require(results, rule);
    }
}

/* What becomes of a finding that somebody knows already: accepted in the target file, or no worse
 * than in an earlier run. */
#include "base/mem.h"
#include "reports/results.h"

const char *baseline_name(enum baseline baseline)
{
    static const char *const names[] = {"none", "same", "worse", "new", "better"};
    return names[baseline];
}

enum baseline results_baseline(const struct results *results, const struct rule_summary *summary)
{
    static const int weights[] = {[BASELINE_NONE] = 0,
                                  [BASELINE_BETTER] = 1,
                                  [BASELINE_SAME] = 2,
                                  [BASELINE_NEW] = 3,
                                  [BASELINE_WORSE] = 4};
    enum baseline worst = BASELINE_NONE;
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++) {
            const struct rule_result *rule = &results->scenarios[s].rules[r];
            if (rule_is(rule->rule, summary->rule) && rule->verdict == summary->verdict &&
                weights[rule->baseline] > weights[worst])
                worst = rule->baseline;
        }
    return worst;
}

bool rule_is_known(const struct rule_result *rule)
{
    return rule->baseline == BASELINE_SAME || rule->baseline == BASELINE_BETTER;
}

bool rule_is_excused(const struct rule_result *rule)
{
    bool spoils = rule->verdict == FAIL || rule->verdict == WARN || rule->verdict == INCONCLUSIVE;
    return spoils && ((rule->accepted && rule->verdict != INCONCLUSIVE) || rule_is_known(rule));
}

bool rule_fails_run(const struct rule_result *rule, bool strict)
{
    if (rule_is_excused(rule))
        return false;
    if (rule->verdict == FAIL)
        return rule->rule->level == MUST || (strict && rule->rule->level == SHOULD);
    return rule->verdict == WARN && strict;
}

static const char *baseline_words(const struct rule_result *rule)
{
    switch (rule->baseline) {
    case BASELINE_SAME:
        return "known: the same in the baseline";
    case BASELINE_BETTER:
        return "known: worse in the baseline";
    case BASELINE_WORSE:
        return "worse than in the baseline";
    case BASELINE_NEW:
        return "new: the baseline does not decide it";
    case BASELINE_NONE:
        break;
    }
    return NULL;
}

char *rule_remark(const struct rule_result *rule)
{
    if (rule->verdict != FAIL && rule->verdict != WARN && rule->verdict != INCONCLUSIVE)
        return NULL;
    const char *acceptance = rule->verdict == INCONCLUSIVE ? NULL : rule->acceptance;
    const char *compared = baseline_words(rule);
    if (acceptance && compared)
        return xprintf("%s; %s", acceptance, compared);
    if (acceptance || compared)
        return xstrdup(acceptance ? acceptance : compared);
    return rule->accepted && rule->verdict != INCONCLUSIVE ? xstrdup("accepted") : NULL;
}

/* What becomes of a finding that somebody knows already: accepted in the target file, or no worse
 * than in an earlier run. */
#include "base/mem.h"
#include "reports/results.h"

const char *baseline_name(enum baseline baseline)
{
    static const char *const names[] = {"none", "same", "worse", "new", "better"};
    return names[baseline];
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

/* What a run came to, at a glance: a headline, its tone and what the exit code means. */
#include "reports/results.h"

/* Rules by what their verdict does to the run. */
struct counts {
    size_t failed[ADVICE + 1]; /* by level */
    size_t excused, warned, decided, open_must, open_excused;
};

static struct counts count(const struct results *results)
{
    struct counts counts = {.decided = 0};
    for (size_t i = 0; i < results->rule_count; i++) {
        const struct rule_summary *rule = &results->rules[i];
        bool failed = rule->verdict == FAIL, excused = rule->excused;
        bool open = rule->verdict == INCONCLUSIVE && rule->rule->level == MUST;
        counts.failed[rule->rule->level] += failed && !excused;
        counts.excused += failed && excused;
        counts.warned += rule->verdict == WARN;
        counts.decided += failed || rule->verdict == WARN || rule->verdict == PASS;
        counts.open_must += open && !excused;
        counts.open_excused += open && excused;
    }
    return counts;
}

static size_t weak_failures(const struct counts *counts)
{
    return counts->failed[SHOULD] + counts->failed[ADVICE];
}

/* --- Headline --- */

struct part {
    size_t count;
    const char *what; /* one of them */
};

/* "2 MUST failures, 1 SHOULD failure and 3 warnings". */
static void add_parts(struct text *out, const struct counts *counts, const char *before)
{
    const struct part all[] = {{counts->failed[MUST], "MUST failure"},
                               {counts->failed[SHOULD], "SHOULD failure"},
                               {counts->failed[ADVICE], "ADVICE failure"},
                               {counts->excused, "accepted or known failure"},
                               {counts->warned, "warning"}};
    const struct part *some[sizeof all / sizeof *all];
    size_t len = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].count > 0)
            some[len++] = &all[i];
    for (size_t i = 0; i < len; i++)
        text_addf(out, "%s%zu %s%s",
                  i == 0         ? before
                  : i + 1 == len ? " and "
                                 : ", ",
                  some[i]->count, some[i]->what, some[i]->count == 1 ? "" : "s");
}

static void add_complied(struct text *out, const struct results *results,
                         const struct counts *counts)
{
    if (results->scenario_count == 0) {
        text_add(out, "Nothing was run");
    } else if (counts->open_excused > 0) {
        text_add(out, "Not decided, as before");
    } else if (counts->decided == 0) {
        text_add(out, "Nothing was decided");
    } else {
        text_add(out, "Complied");
        add_parts(out, counts, ", with ");
    }
}

void results_add_headline(const struct results *results, struct text *out)
{
    struct counts counts = count(results);
    switch (results->exit_code) {
    case 0:
        add_complied(out, results, &counts);
        break;
    case 1:
        text_add(out, "Did not comply");
        add_parts(out, &counts, ": ");
        break;
    case 130:
        text_add(out, "Interrupted");
        add_parts(out, &counts, ", with ");
        break;
    default:
        text_add(out, "Not decided");
        add_parts(out, &counts, ", with ");
    }
}

/* --- Tone --- */

enum verdict results_tone(const struct results *results)
{
    struct counts counts = count(results);
    if (results->exit_code == 1 || results->exit_code == 3 || counts.failed[MUST] > 0)
        return FAIL;
    if (results->exit_code != 0 || counts.decided == 0 || counts.open_excused > 0)
        return INCONCLUSIVE;
    return weak_failures(&counts) + counts.excused + counts.warned > 0 ? WARN : PASS;
}

/* --- What the exit code means --- */

static const char *complied_words(const struct results *results, const struct counts *counts)
{
    if (results->scenario_count == 0)
        return "nothing was run: no scenario falls to this shard";
    if (results->rule_count == 0)
        return "nothing was judged: no scenario expects a rule";
    if (counts->open_excused > 0)
        return "nothing got worse: what could not be decided was no better in the baseline";
    if (counts->decided == 0)
        return "nothing was decided: no rule could be tested or applies";
    if (weak_failures(counts) > 0)
        return counts->excused > 0
                   ? "complied: what failed is no MUST rule, is accepted, or was known"
                   : "complied: no MUST rule failed";
    return counts->excused > 0 ? "complied: what failed is accepted or was known" : "complied";
}

static const char *failed_words(const struct counts *counts)
{
    if (counts->failed[MUST] > 0)
        return "a MUST rule failed";
    return counts->failed[SHOULD] > 0 ? "a SHOULD rule failed, which --strict counts"
                                      : "a rule warns, which --strict counts";
}

const char *results_exit_words(const struct results *results)
{
    struct counts counts = count(results);
    switch (results->exit_code) {
    case 0:
        return complied_words(results, &counts);
    case 1:
        return failed_words(&counts);
    case 3:
        return "the environment failed";
    case 4:
        return counts.open_must > 0
                   ? "no MUST rule failed, but one could not be decided"
                   : "no MUST rule failed, but a rule the target file requires was not decided";
    case 130:
        return "interrupted";
    default:
        return "the command line or a file is wrong";
    }
}

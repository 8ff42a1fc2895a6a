/* reconnect.backoff: delays between failed attempts grow, geometrically. */
#include <math.h>

#include "rules/lib/backoff_facts.h"

static const char fix[] = "multiply the delay by about 2 after every failed attempt, up to a cap "
                          "of 30 s, then add jitter";

static void say(const struct backoff_facts *facts, struct findings *out, enum verdict verdict,
                const char *sentence)
{
    const struct backoff *b = &facts->estimate;
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    const struct backoff_law *law = &facts->gate.law;
    finding_measured(finding, "growth", law->factor);
    finding_measured(finding, "growth_low", law->lo);
    if (isfinite(law->hi))
        finding_measured(finding, "growth_high", law->hi);
    finding_measured(finding, "clients", (double)b->clients);
    finding_measured(finding, "retries", (double)b->count);
    finding_allowed(finding, "growth_min", BACKOFF_FACTOR_MIN);
    finding_allowed(finding, "growth_max", BACKOFF_FACTOR_MAX);
    finding_evidence(finding, facts->from, facts->to);
    backoff_facts_add_table(facts, finding);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, "%s", fix);
}

static size_t first_counted(const struct backoff *b)
{
    return b->first_left_out ? 1 : 0;
}

/* The delays are all the same, of every client. */
static bool is_constant(const struct backoff *b)
{
    double shortest = INFINITY, longest = 0;
    for (size_t i = first_counted(b); i < b->count; i++) {
        const struct backoff_index *at = &b->index[i];
        shortest = fmin(shortest, at->median);
        longest = fmax(longest, at->median);
        if (b->clients > 1 && !at->tight)
            return false;
    }
    return longest <= 1.02 * shortest + b->window / 2;
}

static void add_expected(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff_policy *policy = &facts->policy;
    text_addf(out, "; expected growth by about %g a retry, from %g s up to %g s", policy->factor,
              policy->base, policy->cap);
}

static void add_constant(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    size_t first = first_counted(b);
    struct backoff_words delay;
    if (first > 0)
        text_add(out, "after an immediate first retry ");
    if (b->clients > 1 && !facts->choice.singles)
        text_addf(out, "%zu clients waited %s before each of %zu retries", b->clients,
                  backoff_seconds(&delay, b->median), b->count - first);
    else
        text_addf(out, "the client waited %s before each of %zu retries%s",
                  backoff_seconds(&delay, b->median), b->count - first,
                  facts->choice.singles ? ", in every outage" : "");
}

static void add_level(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    size_t first = first_counted(b);
    struct backoff_words before, after;
    text_addf(out,
              "the delays do not grow: a median of %s before retry %zu, %s before retry %zu (a "
              "factor of ",
              backoff_seconds(&before, b->index[first].median), first + 1,
              backoff_seconds(&after, b->index[b->count - 1].median), b->count);
    text_addf(out, "%.2f a retry, surely below %.2f; ", b->g, b->g_hi_strict + 0.005);
    backoff_facts_add_size(facts, out);
    text_add(out, ")");
}

static void add_failed(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words delay;
    if (b->hammer == RAW_FAIL) {
        text_addf(
            out,
            "retries come practically without delay: %s after the failure before, the median of ",
            backoff_seconds(&delay, b->median));
        backoff_facts_add_size(facts, out);
    } else if (is_constant(b)) {
        add_constant(facts, out);
    } else {
        add_level(facts, out);
    }
    add_expected(facts, out);
}

static void add_linear(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    text_add(out, "the delays grow in equal steps (");
    for (size_t i = first_counted(b); i < b->count; i++) {
        text_add(out, i > first_counted(b) ? ", " : "");
        backoff_add_seconds(out, b->index[i].median);
    }
    text_addf(out, "), not by a factor of about %g", facts->policy.factor);
}

static void add_growth(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    const struct backoff_law *law = &facts->gate.law;
    bool late = law->from > 1; /* those before follow another law */
    size_t first = late ? law->from : first_counted(b);
    struct backoff_words from, to;
    text_add(out, "the delays ");
    if (late)
        text_addf(out, "from retry %zu on ", first + 1);
    text_addf(out, "grow by a factor of %.2f a retry, from %s to %s (", law->factor,
              backoff_seconds(&from, fmin(b->index[first].median, b->index[first + 1].median)),
              backoff_seconds(&to, b->index[b->count - 1].median));
    backoff_facts_add_size(facts, out);
    text_add(out, ")");
}

/* The first retry comes sooner than all others, and those do not grow. */
static bool rises_once(const struct backoff_facts *facts)
{
    const struct backoff *b = &facts->estimate;
    double first = b->index[0].median, second = b->index[1].median,
           last = b->index[b->count - 1].median;
    bool level = b->later_hi < BACKOFF_GROWTH_MIN && second > 1.5 * first && last < 1.1 * second;
    return (level || (backoff_settles_level(b) && last > 1.5 * first)) &&
           last < 0.9 * facts->policy.cap;
}

static void add_rise(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words first, second, last;
    text_addf(out, "the delays grow only at first: %s, then %s, and %s before retry %zu (",
              backoff_seconds(&first, b->index[0].median),
              backoff_seconds(&second, b->index[1].median),
              backoff_seconds(&last, b->index[b->count - 1].median), b->count);
    backoff_facts_add_size(facts, out);
    text_add(out, ")");
    add_expected(facts, out);
}

static void add_odd_factor(const struct backoff_facts *facts, struct text *out)
{
    add_growth(facts, out);
    text_addf(out, "; expected is about %g, at least %g and at most %g", facts->policy.factor,
              BACKOFF_FACTOR_MIN, BACKOFF_FACTOR_MAX);
}

static void add_doubtful_factor(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff_law *law = &facts->gate.law;
    add_growth(facts, out);
    text_addf(out, "; at least %g is asked, which ", BACKOFF_FACTOR_MIN);
    if (law->hi < 1000)
        text_addf(out, "may be so (%.2f to %.2f is possible)", law->lo, law->hi);
    else
        text_add(out, "may be so");
    backoff_facts_add_enough(facts, &facts->gate.factor, out);
}

static void add_undecided(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    text_add(out, "growth cannot be told from chance with ");
    backoff_facts_add_size(facts, out);
    if (b->g_lo_strict > 0 && b->g_hi_strict < 1000)
        text_addf(out, " (a factor from %.2f to %.2f a retry is possible)", b->g_lo_strict,
                  b->g_hi_strict);
    if (facts->gave_up == facts->clients)
        text_addf(out, "; then %s",
                  facts->exited > 0     ? "the client ended"
                  : facts->clients == 1 ? "the client gave up"
                                        : "the clients gave up");
    backoff_facts_add_enough(facts, &facts->gate.growth, out);
}

static void add_passed(const struct backoff_facts *facts, struct text *out)
{
    add_growth(facts, out);
    if (facts->gate.shape.verdict != RAW_PASS)
        text_add(out, "; whether by a factor or in equal steps cannot be told here");
}

static void add_rushed(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words took, asked;
    text_addf(out, "%zu retries came within %s, practically without delay (", b->count,
              backoff_seconds(&took, b->took));
    backoff_facts_add_size(facts, out);
    text_addf(out, "); the schedule that is asked for takes at least %s",
              backoff_seconds(&asked, b->asked));
}

static enum verdict decide(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff_gate *gate = &facts->gate;
    if (gate->growth.verdict == RAW_FAIL) {
        if (gate->rushed)
            add_rushed(facts, out);
        else
            add_failed(facts, out);
        return FAIL;
    }
    if (gate->growth.verdict == RAW_INCONCLUSIVE && rises_once(facts)) {
        add_rise(facts, out);
        return WARN;
    }
    if (gate->growth.verdict == RAW_INCONCLUSIVE) {
        add_undecided(facts, out);
        return INCONCLUSIVE;
    }
    if (gate->shape.verdict == RAW_FAIL) {
        add_linear(facts, out);
        return WARN;
    }
    if (gate->factor.verdict == RAW_FAIL) {
        add_odd_factor(facts, out);
        return WARN;
    }
    if (gate->factor.verdict == RAW_INCONCLUSIVE) {
        add_doubtful_factor(facts, out);
        return INCONCLUSIVE;
    }
    add_passed(facts, out);
    return PASS;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    static const struct backoff_rule rule = {.decide = decide, .say = say};
    backoff_judge(&rule, trace, config, out);
}

const struct rule_desc reconnect_backoff_rule = {
    .name = "reconnect.backoff",
    .id = "RECON-02",
    .title = "Delays grow exponentially",
    .brief = "delays between failed attempts grow by about 2",
    .doc =
        "Connections of several clients are cut at once and every attempt is refused. Each delay "
        "is "
        "counted from the failure of the attempt before. The delays must grow, geometrically, by a "
        "factor of 1.5 to 3: a client that retries at a constant interval hammers a server that is "
        "trying to recover. Growth in equal steps is a warning. What "
        "so many retries cannot tell from chance is inconclusive. To mend a failure, "
        "multiply the delay by 2 after each failed attempt, up to a cap, and add jitter.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.backoff: {cap: 30s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON),
    .params = backoff_rule_params,
    .config_size = sizeof(struct backoff_config),
    .check = check,
};

/* reconnect.backoff: delays between failed attempts grow, geometrically. */
#include <math.h>

#include "rules/lib/backoff_facts.h"

static const char fix[] =
    "multiply the delay by about 2 after every failed attempt, up to a cap of 30 s, then add jitter";

static void add_numbers(const struct backoff_facts *facts, struct finding *finding)
{
    const struct retry_estimates *b = &facts->estimate;
    finding_measured(finding, "growth", b->gf);
    finding_measured(finding, "growth_low", b->gf_lo);
    finding_measured(finding, "growth_high", b->gf_hi);
    finding_measured(finding, "clients", (double)facts->delays.clients);
    finding_measured(finding, "retries", (double)facts->delays.retries);
    finding_allowed(finding, "growth_min", 1.5);
    finding_allowed(finding, "growth_max", 3);
    finding_evidence(finding, facts->from, facts->to);
    backoff_facts_add_table(facts, finding);
}

static bool is_constant(const struct retry_estimates *b)
{
    double shortest = INFINITY, longest = 0;
    for (size_t i = b->first; i < b->retries; i++) {
        shortest = fmin(shortest, b->index[i].median);
        longest = fmax(longest, b->index[i].median);
    }
    return longest <= 1.05 * shortest + 0.05;
}

static void say_failed(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    struct text delay, cap;
    struct finding *finding;
    text_init(&delay);
    text_init(&cap);
    backoff_add_seconds(&delay, b->index[b->retries / 2].median);
    backoff_add_seconds(&cap, facts->policy.cap);
    if (b->hammer == RETRY_FAIL)
        finding = finding_add(
            out, FAIL,
            "retries come %s apart, without any delay worth the name; expected %g s, "
            "growing by about %g up to %s",
            text_chars(&delay), facts->policy.base, facts->policy.factor, text_chars(&cap));
    else if (is_constant(b))
        finding = finding_add(
            out, FAIL, "%zu of %zu retries came %s apart; expected growth by about %g up to %s",
            b->retries - b->first, b->retries - b->first, text_chars(&delay), facts->policy.factor,
            text_chars(&cap));
    else
        finding =
            finding_add(out, FAIL,
                        "the delays do not grow: x%.2f a retry (at most x%.2f); expected about x%g "
                        "up to %s",
                        b->g, b->g_hi, facts->policy.factor, text_chars(&cap));
    finding_fix(finding, "%s", fix);
    add_numbers(facts, finding);
    text_fini(&delay);
    text_fini(&cap);
}

static void say_linear(const struct backoff_facts *facts, struct findings *out)
{
    struct finding *finding = finding_add(
        out, WARN,
        "the delays grow, but in equal steps rather than geometrically (RFC 6455 is met, the "
        "requirement of about x%g is not)",
        facts->policy.factor);
    finding_fix(finding, "%s", fix);
    add_numbers(facts, finding);
}

static void say_odd_factor(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    struct finding *finding = finding_add(
        out, WARN, "the delays grow by x%.2f a retry (x%.2f to x%.2f); asked is x1.5 to x3", b->gf,
        b->gf_lo, b->gf_hi);
    finding_fix(finding, "%s", fix);
    add_numbers(facts, finding);
}

static void say_passed(const struct backoff_facts *facts, const char *note, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    struct text size;
    text_init(&size);
    backoff_facts_add_size(facts, &size);
    struct finding *finding = finding_add(out, PASS, "the delays grow by x%.1f a retry%s (%s)",
                                          b->gf, note, text_chars(&size));
    add_numbers(facts, finding);
    text_fini(&size);
}

static void say_undecided(const struct backoff_facts *facts, const char *enough,
                          struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    struct text size;
    text_init(&size);
    backoff_facts_add_size(facts, &size);
    struct finding *finding =
        finding_add(out, INCONCLUSIVE,
                    "growth cannot be told from chance: x%.2f to x%.2f a retry with "
                    "%s; %s",
                    b->g_lo, b->g_hi, text_chars(&size), enough);
    add_numbers(facts, finding);
    text_fini(&size);
}

static void decide(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    const char *enough = NULL, *ignored = NULL;
    enum retry_verdict growth = retry_gate_growth(b, &facts->policy, &enough);
    enum retry_verdict shape = retry_gate_shape(b, &facts->policy, &ignored);
    bool as_asked = b->gf_lo <= 3 && b->gf_hi >= 1.5;
    if (growth == RETRY_FAIL)
        say_failed(facts, out);
    else if (growth == RETRY_INCONCLUSIVE)
        say_undecided(facts, enough, out);
    else if (shape == RETRY_FAIL)
        say_linear(facts, out);
    else if (!as_asked)
        say_odd_factor(facts, out);
    else
        say_passed(facts,
                   shape == RETRY_PASS ? "" : ", exponentially or in steps (not resolvable here)",
                   out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct backoff_facts facts;
    if (backoff_facts_of(trace, config, &facts, out))
        decide(&facts, out);
    backoff_facts_fini(&facts);
}

const struct rule_desc reconnect_backoff_rule = {
    .name = "reconnect.backoff",
    .id = "RECON-02",
    .title = "Delays grow exponentially",
    .brief = "delays between failed attempts grow by about 2",
    .doc =
        "Connections of several clients are cut at once and every attempt is refused. Each delay is "
        "counted from the failure of the attempt before. The delays must grow, geometrically, by a "
        "factor of 1.5 to 3: a client that retries at a constant interval hammers a server that is "
        "trying to recover. Growth in equal steps is a warning. Decided at 1 % error with "
        "confidence limits; what the limits cannot separate is inconclusive. To mend a failure, "
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

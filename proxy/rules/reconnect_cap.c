/* reconnect.cap: delays stop growing. */
#include <math.h>

#include "rules/lib/backoff_facts.h"

#define TOLERABLE_CAP 120.0 /* seconds: longer than asked for, but known practice (gRPC) */
#define TOLERABLE     (1.5 * TOLERABLE_CAP)

static void say(const struct backoff_facts *facts, struct findings *out, enum verdict verdict,
                const char *sentence)
{
    const struct backoff *b = &facts->estimate;
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    finding_measured(finding, "longest_delay_s", b->longest);
    finding_measured(finding, "plateau_s", b->plateau);
    finding_allowed(finding, "longest_delay_s", b->cap_limit);
    finding_evidence(finding, facts->from, facts->to);
    backoff_facts_add_table(facts, finding);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, "take the smaller of the delay and %g s before jitter is applied",
                    facts->policy.cap);
}

/* The delays are above what even the longest tolerable cap would give: by single ones, of which one
 * may hide an attempt that nobody saw, or by the last median, further than chance moves it. */
static bool beyond_tolerable(const struct backoff *b, const struct backoff_policy *policy)
{
    double chance = 3 * b->h / sqrt((double)b->clients + 2);
    double last = b->index[b->count - 1].median;
    return b->second_longest > TOLERABLE + policy->eps ||
           (backoff_still_grows(b) && last > TOLERABLE_CAP * (1.02 + chance) + policy->eps);
}

static void add_allowed(const struct backoff_facts *facts, struct text *out)
{
    struct backoff_words limit;
    text_addf(out, "allowed are %s (a cap of %g s with +-%g %% jitter)",
              backoff_seconds(&limit, facts->estimate.cap_limit), facts->policy.cap,
              facts->policy.jitter * 100);
}

static enum verdict decide_exceeded(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words longest, plateau;
    bool beyond = beyond_tolerable(b, &facts->policy);
    text_addf(out, "the longest delay was %s", backoff_seconds(&longest, b->longest));
    if (backoff_still_grows(b))
        text_addf(out, ", and after %zu retries the delays still grow; ", b->count);
    else
        text_addf(out, ", with a cap of about %s; ", backoff_seconds(&plateau, b->plateau));
    add_allowed(facts, out);
    return beyond ? FAIL : WARN;
}

static void add_not_reached(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words longest, plateau, limit;
    if (b->over_cap > 0) {
        text_addf(out,
                  "%zu of the delays, at most %s, lie above the %s that are allowed: too few to "
                  "tell a missing cap from a stall of the host",
                  b->over_cap, backoff_seconds(&longest, b->longest),
                  backoff_seconds(&limit, b->cap_limit));
        backoff_facts_add_enough(facts, &facts->gate.cap, out);
        return;
    }
    text_addf(out,
              "the cap of %g s was not put to the test: %zu retries came to delays of at most %s",
              facts->policy.cap, b->count, backoff_seconds(&longest, b->longest));
    if (facts->gate.growth.verdict == RAW_FAIL)
        text_add(out, ", which do not grow (see reconnect.backoff)");
    else if (facts->gate.growth.verdict == RAW_PASS && !backoff_still_grows(b) &&
             b->plateau < facts->policy.cap / 2)
        text_addf(out, " and settle at about %s", backoff_seconds(&plateau, b->plateau));
    else
        backoff_facts_add_enough(facts, &facts->gate.cap, out);
}

static enum verdict decide(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words words;
    if (facts->gate.cap.verdict == RAW_FAIL)
        return decide_exceeded(facts, out);
    if (facts->unfinished > 0) {
        text_addf(out,
                  "a wait of %s, longer than the longest allowed, was not over when the run ended: "
                  "the client has "
                  "no cap, or it gave up; let the outage last longer to tell",
                  backoff_seconds(&words, facts->unfinished));
        return INCONCLUSIVE;
    }
    if (facts->gate.cap.verdict == RAW_PASS) {
        text_addf(out, "no delay was longer than %s; ", backoff_seconds(&words, b->longest));
        add_allowed(facts, out);
        return PASS;
    }
    add_not_reached(facts, out);
    return INCONCLUSIVE;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    static const struct backoff_rule rule = {.decide = decide, .say = say};
    backoff_judge(&rule, trace, config, out);
}

const struct rule_desc reconnect_cap_rule = {
    .name = "reconnect.cap",
    .id = "RECON-04",
    .title = "Cap",
    .brief = "delays stop growing at a cap",
    .doc = "In the outage of reconnect.backoff no delay may exceed the cap, 30 s, with its jitter "
           "45 s, and "
           "the plateau must really be reached. A longer plateau, up to 120 s, is a warning; "
           "delays that "
           "grow without bound fail: after a long outage such a client stays away for hours. To "
           "mend a "
           "failure, take the smaller of the delay and the cap before jitter is applied.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.cap: {cap: 30s}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON),
    .params = backoff_rule_params,
    .config_size = sizeof(struct backoff_config),
    .check = check,
};

/* reconnect.cap: delays stop growing. */
#include "rules/lib/backoff_facts.h"

#define TOLERABLE (120.0 * 1.5) /* seconds: a documented longer cap, with jitter */

static double limit_of(const struct backoff_facts *facts)
{
    const struct retry_policy *policy = &facts->policy;
    return policy->cap * (1 + policy->jitter) * 1.02 + policy->noise;
}

/* The longest wait that was still under way when the outage ended; 0: none longer than the
 * limit. */
static double unfinished_wait(const struct backoff_facts *facts)
{
    double longest = 0;
    for (size_t i = 0; i < facts->outage->count; i++) {
        const struct retries *at = &facts->outage->clients[i];
        double wait = nsec_to_seconds(at->observed - at->last_failed);
        double last = at->count > 0 ? at->delays[at->count - 1] : 0;
        double limit = limit_of(facts), patience = 2 * (limit > 3 * last ? limit : 3 * last);
        /* Silent for longer than that, it gave up: no delay at all. */
        if (!at->reopened && wait > limit && wait < patience && wait > longest)
            longest = wait;
    }
    return longest;
}

static struct finding *say(const struct backoff_facts *facts, struct findings *out,
                           enum verdict verdict, const char *sentence)
{
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    finding_measured(finding, "longest_delay_s", facts->estimate.longest);
    finding_measured(finding, "plateau_s", facts->estimate.plateau);
    finding_allowed(finding, "longest_delay_s", limit_of(facts));
    finding_evidence(finding, facts->from, facts->to);
    backoff_facts_add_table(facts, finding);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, "take the smaller of the delay and %g s before jitter is applied",
                    facts->policy.cap);
    return finding;
}

static void decide(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    const char *enough = NULL;
    enum retry_verdict cap = retry_gate_cap(b, &facts->policy, &enough);
    double wait = unfinished_wait(facts);
    struct text sentence;
    text_init(&sentence);
    enum verdict verdict = INCONCLUSIVE;
    if (cap == RETRY_FAIL) {
        verdict =
            b->longest <= TOLERABLE && b->plateau_from + b->first + 1 < b->retries ? WARN : FAIL;
        text_addf(&sentence,
                  "the longest delay was %.1f s; allowed are %.1f s (a cap of %g s with jitter)",
                  b->longest, limit_of(facts), facts->policy.cap);
    } else if (wait > 0) {
        text_addf(
            &sentence,
            "a wait of %.0f s was still under way at the end: a client without a cap, or one that "
            "gave up; watch longer to tell",
            wait);
    } else if (cap == RETRY_PASS) {
        verdict = PASS;
        text_addf(&sentence, "no delay was longer than %.1f s; allowed are %.1f s", b->longest,
                  limit_of(facts));
    } else {
        text_addf(&sentence, "the cap was not reached: the longest delay was %.1f s%s%s",
                  b->longest, enough ? "; " : "", enough ? enough : "");
    }
    (void)say(facts, out, verdict, text_chars(&sentence));
    text_fini(&sentence);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct backoff_facts facts;
    if (backoff_facts_of(trace, config, &facts, out))
        decide(&facts, out);
    backoff_facts_fini(&facts);
}

const struct rule_desc reconnect_cap_rule = {
    .name = "reconnect.cap",
    .id = "RECON-04",
    .title = "Cap",
    .brief = "delays stop growing at a cap",
    .doc =
        "In the outage of reconnect.backoff no delay may exceed the cap, 30 s, with its jitter 45 s, and "
        "the plateau must really be reached. A longer plateau, up to 120 s, is a warning; delays that "
        "grow without bound fail: after a long outage such a client stays away for hours. To mend a "
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

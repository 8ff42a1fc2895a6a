/* reconnect.jitter: clients that were cut together do not come back together. */
#include <math.h>

#include "rules/lib/backoff_facts.h"

#define STRONG 0.2 /* half width that passes clean */

static const char fix[] =
    "multiply each delay by a random number from 0.5 to 1.5, after the cap too, drawn anew for every "
    "attempt and seeded differently in every process";

static struct finding *say(const struct backoff_facts *facts, struct findings *out,
                           enum verdict verdict, const char *sentence)
{
    const struct retry_estimates *b = &facts->estimate;
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    finding_measured(finding, "half_width", b->h);
    finding_measured(finding, "half_width_low", b->h_lo);
    finding_measured(finding, "half_width_high", b->h_hi);
    finding_measured(finding, "tight_share", b->tight);
    finding_measured(finding, "client_share", b->client_share);
    finding_allowed(finding, "half_width_min", 0.05);
    finding_allowed(finding, "half_width_asked", facts->policy.jitter);
    finding_evidence(finding, facts->from, facts->to);
    backoff_facts_add_table(facts, finding);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, "%s", fix);
    return finding;
}

static size_t tight_indices(const struct retry_estimates *b, size_t *judged)
{
    size_t tight = 0;
    *judged = 0;
    for (size_t i = 0; i < b->retries; i++) {
        *judged += b->index[i].judged;
        tight += b->index[i].judged && b->index[i].tight;
    }
    return tight;
}

static void say_failed(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    struct text sentence;
    size_t judged, tight = tight_indices(b, &judged);
    text_init(&sentence);
    text_addf(
        &sentence,
        "%zu clients cut together came back together: at %zu of %zu retries 80 %% of them waited the "
        "same within %.0f ms (spread %.0f %%, need more than 5 %%, asked %.0f %%)",
        facts->delays.clients, tight, judged, 4000 * facts->policy.noise, b->h * 100,
        facts->policy.jitter * 100);
    if (b->residual > 0.1)
        text_add(&sentence,
                 "; their delays are irregular yet equal, as from one seed of the random "
                 "numbers in every process");
    (void)say(facts, out, FAIL, text_chars(&sentence));
    text_fini(&sentence);
}

static void say_repeated(const struct backoff_facts *facts, struct findings *out)
{
    struct text sentence;
    text_init(&sentence);
    text_addf(
        &sentence,
        "one client waited the same in each of %zu outages: no jitter per attempt; whether it draws "
        "one number per process cannot be seen with one client (run with --clients 5)",
        facts->delays.clients);
    (void)say(facts, out, INCONCLUSIVE, text_chars(&sentence));
    text_fini(&sentence);
}

static void say_partly(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    struct text sentence;
    text_init(&sentence);
    if (b->first_only)
        text_addf(&sentence,
                  "only the first delay is random: from retry 3 on the %zu clients wait the "
                  "same, so the next loss of a common connection sends them back together",
                  facts->delays.clients);
    else
        text_addf(
            &sentence,
            "the jitter is lost at the cap: from retry %zu on every client waits exactly %.2f s",
            b->plateau_from + b->first + 1, b->plateau);
    (void)say(facts, out, WARN, text_chars(&sentence));
    text_fini(&sentence);
}

static void say_passed(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    struct text sentence;
    bool weak = b->h < STRONG;
    text_init(&sentence);
    text_addf(&sentence, "delays differ by a random +-%.0f %% between %s (+-%.0f to +-%.0f %%)%s",
              b->h * 100, facts->repeated ? "outages" : "clients", b->h_lo * 100, b->h_hi * 100,
              weak ? "; asked is at least 20 %" : "");
    if (b->client_share > 0.8)
        text_add(&sentence, "; most of it is one draw per client, not per attempt");
    (void)say(facts, out, weak ? WARN : PASS, text_chars(&sentence));
    text_fini(&sentence);
}

static void say_undecided(const struct backoff_facts *facts, const char *enough,
                          struct findings *out)
{
    struct text sentence, size;
    text_init(&sentence);
    text_init(&size);
    backoff_facts_add_size(facts, &size);
    if (facts->estimate.hammer == RETRY_FAIL)
        text_add(&sentence,
                 "the delays are too short to tell jitter from noise (see reconnect.backoff)");
    else
        text_addf(&sentence, "jitter cannot be told from chance with %s; %s", text_chars(&size),
                  enough ? enough : "more would be needed");
    (void)say(facts, out, INCONCLUSIVE, text_chars(&sentence));
    text_fini(&size);
    text_fini(&sentence);
}

static void decide(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    const char *enough = NULL;
    enum retry_verdict jitter = retry_gate_jitter(b, &facts->policy, &enough);
    bool judged = facts->delays.clients >= 3 && !enough;
    if (facts->repeated && jitter == RETRY_FAIL)
        say_repeated(facts, out);
    else if (judged && (b->first_only || b->lost_at_cap))
        say_partly(facts, out);
    else if (jitter == RETRY_FAIL)
        say_failed(facts, out);
    else if (jitter == RETRY_PASS)
        say_passed(facts, out);
    else
        say_undecided(facts, enough, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct backoff_facts facts;
    if (backoff_facts_of(trace, config, &facts, out))
        decide(&facts, out);
    backoff_facts_fini(&facts);
}

const struct rule_desc reconnect_jitter_rule = {
    .name = "reconnect.jitter",
    .id = "RECON-03",
    .title = "Jitter",
    .brief = "delays of clients cut together differ at random",
    .doc =
        "Several clients lose their connections at the same moment and are refused. Their delays must "
        "differ by a random factor: asked is 0.5 to 1.5, more than 5 % passes, less than 20 % is a "
        "warning. Jitter of the first delay only, or lost once the cap is reached, is a warning: the next "
        "common event puts the clients in step again. Without jitter every outage ends in a wave of "
        "connections in the same second. To mend a failure, multiply each delay by a random number after "
        "the cap is applied.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.jitter",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON),
    .params = backoff_rule_params,
    .config_size = sizeof(struct backoff_config),
    .check = check,
};

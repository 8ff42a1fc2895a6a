/* reconnect.jitter: clients that were cut together do not come back together. */
#include "rules/lib/backoff_facts.h"

static const char fix[] = "multiply each delay by a random number from 0.5 to 1.5, after the cap "
                          "too, drawn anew for every "
                          "attempt and seeded differently in every process";

static void say(const struct backoff_facts *facts, struct findings *out, enum verdict verdict,
                const char *sentence)
{
    const struct backoff *b = &facts->estimate;
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    finding_measured(finding, "half_width", b->h);
    finding_measured(finding, "half_width_low", b->h_lo);
    finding_measured(finding, "half_width_high", b->h_hi);
    finding_measured(finding, "tight_share", b->tight_share);
    finding_measured(finding, "client_share", b->client_share);
    finding_allowed(finding, "half_width_min", BACKOFF_JITTER_MIN);
    finding_allowed(finding, "half_width_asked", facts->policy.jitter);
    finding_evidence(finding, facts->from, facts->to);
    backoff_facts_add_table(facts, finding);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, "%s", fix);
}

static const char *of_what(const struct backoff_facts *facts)
{
    return facts->choice.singles ? "outages" : "clients";
}

static size_t tight_retries(const struct backoff *b)
{
    size_t tight = 0;
    for (size_t i = 0; i < b->count; i++)
        tight += b->index[i].tight;
    return tight;
}

static size_t fewest_together(const struct backoff *b, size_t from)
{
    size_t fewest = b->clients;
    for (size_t i = from; i < b->count; i++)
        if (b->index[i].tight && b->index[i].together < fewest)
            fewest = b->index[i].together;
    return fewest;
}

static void add_within(const struct backoff *b, struct text *out)
{
    struct backoff_words window;
    text_addf(out, "within %s of each other", backoff_seconds(&window, b->window));
}

/* "all 10 clients", "at least 8 of 10 clients" */
static void add_together(const struct backoff_facts *facts, size_t from, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    size_t fewest = fewest_together(b, from);
    if (fewest == b->clients)
        text_addf(out, "all %zu %s", b->clients, of_what(facts));
    else
        text_addf(out, "at least %zu of %zu %s", fewest, b->clients, of_what(facts));
}

static void add_failed(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    text_addf(out, "before %zu of %zu retries ", tight_retries(b), b->judged);
    add_together(facts, 0, out);
    text_add(out, " waited the same time, ");
    add_within(b, out);
    text_addf(out, "; expected random delays of +-%g %%, at least +-%g %%",
              facts->policy.jitter * 100, BACKOFF_JITTER_MIN * 100);
    if (facts->notes.same_seed)
        text_add(out, " (they go up and down as random numbers do: every process seems to start "
                      "from the same "
                      "seed)");
}

static void add_repeated(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    text_addf(
        out,
        "the client waited the same in each of %zu outages, so it draws no random number for each "
        "attempt; whether each process draws its own cannot be seen with one (run with --clients "
        "10)",
        b->clients);
}

static void add_partly(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    size_t from = facts->notes.same_from;
    struct backoff_words delay;
    if (facts->notes.first_only)
        text_addf(out, "only the first %s random: from retry %zu on ",
                  from == 1 ? "delay is" : "delays are", from + 1);
    else
        text_addf(out, "the jitter is lost at the cap of %s: from retry %zu on ",
                  backoff_seconds(&delay, b->index[b->count - 1].median), from + 1);
    add_together(facts, from, out);
    text_add(out, " waited the same time, ");
    add_within(b, out);
    if (facts->notes.first_only)
        text_add(out, "; the next common failure puts them in step again");
}

static void add_passed(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    text_addf(
        out,
        "the delays of %zu %s differ by a random +-%.0f %% (surely between +-%.0f and +-%.0f %%)",
        b->clients, of_what(facts), b->h * 100, b->h_lo * 100, b->h_hi * 100);
    if (facts->notes.weak)
        text_addf(out, "; +-%g %% is asked, less than +-%g %% spreads the clients little",
                  facts->policy.jitter * 100, BACKOFF_JITTER_WEAK * 100);
    if (facts->notes.own_base && !facts->choice.singles)
        text_add(out, "; each client seems to draw it once, not for every retry");
}

static void add_undecided(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words delay, noise, needed;
    if (b->clients < 3 && !facts->choice.singles) {
        text_addf(out,
                  "%zu client%s cannot show whether delays are random: run 10 (--clients 10)%s",
                  b->clients, b->clients == 1 ? "" : "s",
                  b->clients == 1 ? ", or repeat the outage (repeat: {times: 7, pause: 65s})" : "");
        backoff_facts_add_left_out(facts, out);
        return;
    }
    if (b->judged == 0) {
        text_addf(
            out,
            "the delays (a median of %s) are too short to tell jitter from the timing noise of %s: "
            "that takes delays of %s",
            backoff_seconds(&delay, b->median), backoff_seconds(&noise, facts->policy.eps),
            backoff_seconds(&needed, BACKOFF_JUDGED * facts->policy.eps));
        return;
    }
    text_add(out, "whether the delays are random cannot be told with ");
    backoff_facts_add_size(facts, out);
    backoff_facts_add_enough(facts, &facts->gate.jitter, out);
}

static enum verdict decide(const struct backoff_facts *facts, struct text *out)
{
    enum raw_verdict jitter = facts->gate.jitter.verdict;
    if (facts->choice.singles && jitter == RAW_FAIL) {
        add_repeated(facts, out);
        return INCONCLUSIVE;
    }
    if (facts->notes.first_only || facts->notes.lost_at_cap) {
        add_partly(facts, out);
        return WARN;
    }
    if (jitter == RAW_FAIL) {
        add_failed(facts, out);
        return FAIL;
    }
    if (jitter == RAW_PASS) {
        add_passed(facts, out);
        return facts->notes.weak ? WARN : PASS;
    }
    add_undecided(facts, out);
    return INCONCLUSIVE;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    static const struct backoff_rule rule = {.decide = decide, .say = say};
    backoff_judge(&rule, trace, config, out);
}

const struct rule_desc reconnect_jitter_rule = {
    .name = "reconnect.jitter",
    .id = "RECON-03",
    .title = "Jitter",
    .brief = "delays of clients cut together differ at random",
    .doc =
        "Several clients lose their connections at the same moment and are refused. Their delays "
        "must "
        "differ by a random factor: asked is 0.5 to 1.5, more than 5 % passes, less than 20 % is a "
        "warning. Jitter of the first delay only, or lost once the cap is reached, is a warning: "
        "the next "
        "common event puts the clients in step again. Without jitter every outage ends in a wave "
        "of "
        "connections in the same second. To mend a failure, multiply each delay by a random number "
        "after "
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

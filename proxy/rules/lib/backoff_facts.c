#include "rules/lib/backoff_facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/connection.h"

#define LEAST_NOISE   0.025 /* seconds (RULES 2: eps) */
#define LEAST_RETRIES 2
#define QUIETER       0.8 /* each noise that is tried, as a share of the one before */
#define FROM_POLICY   ""  /* as a default: the policy's value */

const struct param backoff_rule_params[] = {
    P_DURATION(backoff_config, base, .def = FROM_POLICY, .min = "10ms", .max = "5m",
               .doc = "delay before the first retry; default: the policy's backoff.base"),
    P_DURATION(backoff_config, cap, .def = FROM_POLICY, .min = "100ms", .max = "1h",
               .doc = "longest delay before jitter; default: the policy's backoff.cap"),
    P_RATIO(backoff_config, factor, .def = FROM_POLICY, .min = "1.1", .max = "10",
            .doc = "growth of each delay; default: the policy's backoff.factor"),
    P_RATIO(backoff_config, jitter, .def = FROM_POLICY, .min = "0", .max = "1",
            .doc = "half width of the random factor; default: the policy's backoff.jitter"),
    P_END,
};

static struct backoff_policy policy_of(const struct trace *trace,
                                       const struct backoff_config *config)
{
    const struct policy *policy = &trace->policy;
    double noise = nsec_to_seconds(trace->noise);
    return (struct backoff_policy){
        .base = nsec_to_seconds(config->base > 0 ? config->base : policy->backoff_base),
        .cap = nsec_to_seconds(config->cap > 0 ? config->cap : policy->backoff_cap),
        .factor = config->factor > 0 ? config->factor : policy->backoff_factor,
        .jitter = config->jitter > 0 ? config->jitter : policy->backoff_jitter,
        .eps = noise > LEAST_NOISE ? noise : LEAST_NOISE,
        .stall = nsec_to_seconds(trace_likely_stall(trace))};
}

/* --- Lists for the estimator --- */

struct lists {
    struct backoff_client clients[BACKOFF_CLIENTS_LIMIT];
    double starts[BACKOFF_CLIENTS_LIMIT][BACKOFF_DELAYS_LIMIT]; /* since the outage began */
    size_t count;
};

static void add_list(struct lists *lists, const struct retries *retries, nsec began)
{
    if (retries->count == 0 || lists->count == BACKOFF_CLIENTS_LIMIT)
        return;
    double *starts = lists->starts[lists->count];
    for (size_t i = 0; i < retries->count && i < BACKOFF_DELAYS_LIMIT; i++)
        starts[i] = nsec_to_seconds(retries->lost - began) + retries->starts[i];
    lists->clients[lists->count++] = (struct backoff_client){
        .delays = retries->delays, .starts = starts, .count = retries->count};
}

/* How that client ended by itself while it was down; NULL: it did not. */
static const char *exit_of(const struct trace *trace, const struct retries *retries)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_EXIT));)
        if (ev->client == retries->client && strcmp(ev->process_exit.role, "client") == 0 &&
            !ev->process_exit.asked && ev->at >= retries->lost && ev->at <= retries->observed)
            return ev->process_exit.how;
    return NULL;
}

/* RULES 4.2: silent for longer than twice the longest delay that can be expected, it gave up. */
static void note_silence(struct backoff_facts *facts, const struct retries *retries)
{
    const struct backoff_policy *policy = &facts->policy;
    double wait = nsec_to_seconds(retries->observed - retries->last_failed);
    double last = retries->count > 0 ? retries->delays[retries->count - 1] : 0;
    double limit = backoff_cap_limit(policy), patience = 2 * fmax(limit, 3 * last);
    if (retries->reopened)
        return;
    facts->gave_up += wait >= patience;
    if (wait > limit && wait < patience)
        facts->unfinished = fmax(facts->unfinished, wait);
}

static void note_client(struct backoff_facts *facts, const struct trace *trace,
                        const struct retries *retries)
{
    const char *how = exit_of(trace, retries);
    facts->clients++;
    facts->returned += retries->count > 0;
    facts->watched = fmax(facts->watched, nsec_to_seconds(retries->observed - retries->lost));
    if (facts->from == 0 || retries->from < facts->from)
        facts->from = retries->from;
    if (retries->to > facts->to)
        facts->to = retries->to;
    if (!how) {
        note_silence(facts, retries);
        return;
    }
    facts->how = facts->how ? facts->how : how;
    facts->exited++;
    facts->gave_up++;
}

static void take_outage(struct backoff_facts *facts, const struct trace *trace,
                        const struct outage *outage, struct lists *lists)
{
    for (size_t i = 0; i < outage->count; i++) {
        note_client(facts, trace, &outage->clients[i]);
        if (backoff_begins_anew(&outage->clients[i], facts->stable_after))
            add_list(lists, &outage->clients[i], outage->at);
    }
}

static bool is_anew(const struct backoff_facts *facts, const struct outage *single)
{
    return backoff_begins_anew(&single->clients[0], facts->stable_after);
}

static void take(struct backoff_facts *facts, const struct trace *trace, struct lists *lists)
{
    if (!facts->choice.singles) {
        take_outage(facts, trace, facts->choice.outage, lists);
        return;
    }
    for (size_t i = 0; i < facts->outages.count; i++)
        if (is_anew(facts, &facts->outages.list[i]))
            take_outage(facts, trace, &facts->outages.list[i], lists);
}

/* --- Nothing to estimate --- */

static bool say_nothing_lost(struct findings *out)
{
    (void)finding_add(out, INCONCLUSIVE,
                      "no open connection was cut by a fault, so nobody had to come back");
    return false;
}

static void add_exits(const struct backoff_facts *facts, struct text *out)
{
    if (facts->exited > 0 && facts->clients == 1)
        text_addf(out, "; the client had ended (%s)", facts->how);
    else if (facts->exited > 0)
        text_addf(out, "; %zu of %zu clients had ended (%s)", facts->exited, facts->clients,
                  facts->how);
}

static bool say_none_begins(const struct backoff_facts *facts, struct findings *out)
{
    struct backoff_words stable;
    (void)finding_add(out, INCONCLUSIVE,
                      "no schedule from its beginning: each connection was lost before it had been "
                      "open for %s, so that delays may go on from earlier failures",
                      backoff_seconds(&stable, nsec_to_seconds(facts->stable_after)));
    return false;
}

static bool say_nobody_returned(const struct backoff_facts *facts, struct findings *out)
{
    struct backoff_words words;
    struct text exits;
    text_init(&exits);
    add_exits(facts, &exits);
    struct finding *finding = finding_add(
        out, INCONCLUSIVE,
        "no delay to measure: %s made no attempt in the %s after the connection was lost%s",
        facts->clients == 1 ? "the client" : "the clients", backoff_seconds(&words, facts->watched),
        text_chars(&exits));
    finding_evidence(finding, facts->from, facts->to);
    text_fini(&exits);
    return false;
}

static bool say_too_few(const struct backoff_facts *facts, struct findings *out)
{
    const struct backoff *b = &facts->estimate;
    struct text size, exits;
    text_init(&size);
    text_init(&exits);
    backoff_facts_add_size(facts, &size);
    add_exits(facts, &exits);
    struct finding *finding = finding_add(
        out, INCONCLUSIVE,
        "too few retries to see a schedule: %s%s%s; 10 clients with 8 each "
        "would show it",
        b->count > 0 ? text_chars(&size) : "not every client came back", text_chars(&exits),
        facts->exited == 0 && facts->gave_up == facts->clients ? ", then they gave up" : "");
    finding_evidence(finding, facts->from, facts->to);
    text_fini(&size);
    text_fini(&exits);
    return false;
}

/* --- Would less noise have been enough --- */

static void gates_of(struct backoff_gate *gate, struct gated *gates[BACKOFF_GATES])
{
    memcpy(gates,
           (struct gated *[]){&gate->growth, &gate->factor, &gate->shape, &gate->jitter, &gate->cap,
                              &gate->storm},
           BACKOFF_GATES * sizeof *gates);
}

static void note_decided(struct backoff_gate *gate, struct backoff_gate *quieter, double noise)
{
    struct gated *gates[BACKOFF_GATES], *decided[BACKOFF_GATES];
    gates_of(gate, gates);
    gates_of(quieter, decided);
    for (int i = 0; i < BACKOFF_GATES; i++)
        if (gates[i]->verdict == RAW_INCONCLUSIVE && gates[i]->noise == 0 &&
            decided[i]->verdict != RAW_INCONCLUSIVE)
            gates[i]->noise = noise;
}

/* The same delays on a quieter host. They would only lie nearer to what the clients meant. */
static void seek_enough(struct backoff_facts *facts, const struct lists *lists)
{
    struct backoff_policy policy = facts->policy;
    while (policy.eps > LEAST_NOISE) {
        struct backoff estimate;
        struct backoff_gate gate;
        policy.eps = fmax(LEAST_NOISE, QUIETER * policy.eps);
        backoff_estimate(lists->clients, lists->count, &policy, &estimate);
        backoff_gate(&estimate, &gate);
        note_decided(&facts->gate, &gate, policy.eps);
    }
}

bool backoff_facts_of(const struct trace *trace, const struct backoff_config *config,
                      struct backoff_facts *facts, struct findings *out)
{
    struct lists lists = {.count = 0};
    *facts = (struct backoff_facts){.policy = policy_of(trace, config),
                                    .speed = trace->start->speed,
                                    .stable_after = trace->policy.stable_after};
    outages_of(trace, &facts->outages);
    facts->choice = backoff_choose(&facts->outages, facts->stable_after, facts->policy.eps);
    if (facts->outages.count == 0)
        return say_nothing_lost(out);
    if (!facts->choice.outage)
        return say_none_begins(facts, out);
    take(facts, trace, &lists);
    if (facts->returned == 0)
        return say_nobody_returned(facts, out);
    backoff_estimate(lists.clients, lists.count, &facts->policy, &facts->estimate);
    if (facts->estimate.count < LEAST_RETRIES)
        return say_too_few(facts, out);
    backoff_gate(&facts->estimate, &facts->gate);
    backoff_notes(&facts->estimate, &facts->notes);
    seek_enough(facts, &lists);
    return true;
}

void backoff_facts_fini(struct backoff_facts *facts)
{
    outages_fini(&facts->outages);
}

/* --- Words --- */

void backoff_add_seconds(struct text *out, double seconds)
{
    struct backoff_words words;
    text_add(out, backoff_seconds(&words, seconds));
}

const char *backoff_seconds(struct backoff_words *words, double seconds)
{
    double shown = seconds < 0.9995 ? seconds * 1000 : seconds;
    const char *unit = seconds < 0.9995 ? "ms" : "s";
    int digits = shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0;
    if (seconds < 0.9995)
        digits = shown < 9.95 ? 1 : 0;
    (void)snprintf(words->chars, sizeof words->chars, "%.*f %s", digits, shown, unit);
    return words->chars;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

void backoff_facts_add_size(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    const char *what = facts->choice.singles ? "outage" : "client";
    const char *retries = b->count == 1 ? "retry" : "retries";
    if (b->clients < facts->clients)
        text_addf(out, "%zu of %zu %ss", b->clients, facts->clients, what);
    else
        text_addf(out, "%zu %s%s", b->clients, what, plural(b->clients));
    text_addf(out, ", %zu %s%s", b->count, retries, b->clients == 1 ? "" : " each");
}

void backoff_facts_add_left_out(const struct backoff_facts *facts, struct text *out)
{
    struct backoff_words stable;
    const char *each = facts->choice.left_out == 1 ? "" : "s";
    if (facts->choice.left_out == 0)
        return;
    if (facts->choice.goes_on)
        text_addf(out, "; in %zu later outage%s it went on where it had got to",
                  facts->choice.left_out, each);
    else
        text_addf(out, "; %zu outage%s that came before a connection was %s old cannot be used",
                  facts->choice.left_out, each,
                  backoff_seconds(&stable, nsec_to_seconds(facts->stable_after)));
}

void backoff_facts_add_enough(const struct backoff_facts *facts, const struct gated *gated,
                              struct text *out)
{
    struct backoff_words noise, enough;
    if (gated->noise == 0) {
        text_addf(out, "; %s", gated->enough);
        return;
    }
    text_addf(out, "; the timing noise of %s stands in the way, %s would not",
              backoff_seconds(&noise, facts->policy.eps), backoff_seconds(&enough, gated->noise));
    text_add(out, facts->speed > 1 ? ": take a quieter host or a lower --speed"
                                   : ": take a quieter host");
}

static void add_cells(struct text *line, const struct backoff *b, bool spreads)
{
    for (size_t i = 0; i < b->count; i++) {
        struct backoff_words cell = {"-"};
        if (!spreads)
            (void)backoff_seconds(&cell, b->index[i].median);
        else if (b->index[i].judged)
            (void)snprintf(cell.chars, sizeof cell.chars, "+-%.0f%%", b->index[i].half_width * 100);
        text_addf(line, " %8s", cell.chars);
    }
    text_add(line, "\n");
}

void backoff_facts_add_table(const struct backoff_facts *facts, struct finding *finding)
{
    struct text lines;
    text_init(&lines);
    text_add(&lines, "retry       ");
    for (size_t i = 0; i < facts->estimate.count; i++)
        text_addf(&lines, " %8zu", i + 1);
    text_add(&lines, "\nmedian delay");
    add_cells(&lines, &facts->estimate, false);
    if (facts->estimate.clients > 1) {
        text_add(&lines, "jitter      ");
        add_cells(&lines, &facts->estimate, true);
    }
    finding_table(finding, text_chars(&lines));
    text_fini(&lines);
}

void backoff_judge(const struct backoff_rule *rule, const struct trace *trace,
                   const struct backoff_config *config, struct findings *out)
{
    struct backoff_facts facts;
    struct text sentence;
    text_init(&sentence);
    if (backoff_facts_of(trace, config, &facts, out)) {
        enum verdict verdict = rule->decide(&facts, &sentence);
        rule->say(&facts, out, verdict, text_chars(&sentence));
    }
    text_fini(&sentence);
    backoff_facts_fini(&facts);
}

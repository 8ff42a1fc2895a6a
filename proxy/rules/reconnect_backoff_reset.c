/* reconnect.backoff_reset: failures are forgotten after a connection that lasted, not by its
 * opening. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/backoff_gate.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define LEAST_NOISE   0.025 /* seconds (RULES 2: eps) */
#define LEAST_FLAPS   3     /* fewer are no run */
#define OPENED_SHARE  0.75  /* of the run have to open: else it is an ordinary outage */
#define FIRST_AT_MOST 2     /* times the base and its jitter, RULES RECON-10 */

struct config {
    nsec stable_after;
};

static const struct param params[] = {
    P_DURATION(config, stable_after, .def = "", .min = "10ms", .max = "24h",
               .doc = "a connection that lasted so long may make the client forget its failures; "
                      "left out: the policy's"),
    P_END,
};

/* What one client did: the delays over a run of connections that opened and were lost at once, and
 * the one after the connection that lasted in the end. */
struct run {
    double delays[BACKOFF_DELAYS_LIMIT]; /* seconds; [0] after the loss that began the run */
    size_t count, opened;
    bool heard;   /* the server said something on one of them */
    bool several; /* the client has other connections: whose the delays are is not known */
    nsec after;   /* NEVER: none was seen */
    uint64_t from, to;
};

struct runs {
    struct run *list;
    size_t count;
    size_t several; /* clients left out for having other connections */
};

static void add_delay(struct run *run, const struct ending *ending)
{
    if (ending->next == NEVER || run->count == BACKOFF_DELAYS_LIMIT)
        return;
    run->delays[run->count++] = nsec_to_seconds(ending->next - ending->at);
    run->from = run->from ? run->from : ending->from;
    run->to = ending->to;
}

static bool is_run(const struct run *run)
{
    return run->count > LEAST_FLAPS && run->opened >= LEAST_FLAPS &&
           (double)run->opened >= OPENED_SHARE * (double)(run->count - 1);
}

/* A loss of a connection that lasted: it ends a run, or begins one. */
static void take_stable(struct run *run, const struct ending *ending)
{
    if (ending->at == NEVER || ending->own)
        return;
    if (!is_run(run)) {
        *run = (struct run){.after = NEVER, .several = run->several};
        add_delay(run, ending);
    } else if (ending->next != NEVER && run->after == NEVER) {
        run->after = ending->next - ending->at;
        run->to = ending->to;
    }
}

static struct run run_of(const struct endings *endings, size_t first, size_t end, nsec stable_after)
{
    struct run run = {.after = NEVER};
    bool over = false;
    run.several = endings->list[first].kept > 1;
    for (size_t i = first; i < end && run.after == NEVER; i++) {
        const struct ending *ending = &endings->list[i];
        if (ending_was_stable(ending, stable_after)) {
            over = is_run(&run);
            take_stable(&run, ending);
        } else if (!over && ending->at != NEVER && !ending->own) {
            bool flap = ending->attempt.opened != NEVER;
            run.opened += flap;
            run.heard = run.heard || (flap && ending->heard);
            add_delay(&run, ending);
        }
    }
    return run;
}

static struct runs runs_of(const struct endings *endings, nsec stable_after)
{
    struct runs runs = {.list = xcalloc(endings->count + 1, sizeof *runs.list)};
    for (size_t i = 0; i < endings->count;) {
        size_t end = endings_of_client_end(endings, i);
        struct run run = run_of(endings, i, end, stable_after);
        i = end;
        runs.several += is_run(&run) && run.several;
        if (is_run(&run) && !run.several && runs.count < BACKOFF_CLIENTS_LIMIT)
            runs.list[runs.count++] = run;
    }
    return runs;
}

/* --- What the runs say together --- */

struct facts {
    const struct runs *runs;
    struct backoff estimate;
    struct backoff_gate gate;
    nsec allowed;
    nsec noise;
    nsec after; /* upper median of the clients; NEVER: none was seen */
    size_t after_count;
    bool heard;
    uint64_t from, to;
};

static int by_length(const void *a, const void *b)
{
    nsec x = *(const nsec *)a, y = *(const nsec *)b;
    return (x > y) - (x < y);
}

static nsec median_after(const struct runs *runs, size_t *count)
{
    nsec after[BACKOFF_CLIENTS_LIMIT] = {0};
    *count = 0;
    for (size_t i = 0; i < runs->count; i++)
        if (runs->list[i].after != NEVER)
            after[(*count)++] = runs->list[i].after;
    qsort(after, *count, sizeof *after, by_length);
    return *count > 0 ? after[*count / 2] : NEVER;
}

static void estimate(struct facts *facts, const struct trace *trace)
{
    const struct policy *policy = &trace->policy;
    struct backoff_client clients[BACKOFF_CLIENTS_LIMIT];
    double noise = nsec_to_seconds(trace->noise);
    struct backoff_policy backoff = {.base = nsec_to_seconds(policy->backoff_base),
                                     .cap = nsec_to_seconds(policy->backoff_cap),
                                     .factor = policy->backoff_factor,
                                     .jitter = policy->backoff_jitter,
                                     .eps = noise > LEAST_NOISE ? noise : LEAST_NOISE};
    for (size_t i = 0; i < facts->runs->count; i++) {
        const struct run *run = &facts->runs->list[i];
        clients[i] = (struct backoff_client){.delays = run->delays, .count = run->count};
        facts->heard = facts->heard || run->heard;
        facts->from = facts->from == 0 || run->from < facts->from ? run->from : facts->from;
        facts->to = run->to > facts->to ? run->to : facts->to;
    }
    backoff_estimate(clients, facts->runs->count, &backoff, &facts->estimate);
    backoff_gate(&facts->estimate, &facts->gate);
    double own = facts->estimate.count > 0 ? facts->estimate.index[0].median : 0;
    double longest = backoff.base * (1 + backoff.jitter);
    facts->allowed = nsec_from_seconds(FIRST_AT_MOST * (own > longest ? own : longest));
}

static struct facts facts_of(const struct runs *runs, const struct trace *trace)
{
    struct facts facts = {.runs = runs, .noise = trace->noise};
    estimate(&facts, trace);
    facts.after = median_after(runs, &facts.after_count);
    return facts;
}

/* --- Sentences --- */

static void add_delays(const struct facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    text_addf(out,
              "from %.2f s to %.2f s over %zu connections in a row that opened and were lost at "
              "once (medians of %zu client%s)",
              b->index[0].median, b->index[b->count - 1].median, b->count - 1, b->clients,
              b->clients == 1 ? "" : "s");
}

static enum verdict say_grows(const struct facts *facts, struct text *out)
{
    text_add(out, "the delays grow ");
    add_delays(facts, out);
    if (facts->after == NEVER) {
        text_add(out, "; no connection that lasted was lost after that, which would show whether "
                      "they become short again");
        return INCONCLUSIVE;
    }
    bool forgets = facts->after <= nsec_add(facts->allowed, facts->noise);
    text_add(out, forgets
                      ? ", and after a connection that lasted the client was back in "
                      : ", but the loss of a connection that lasted was followed by a delay of ");
    units_add_duration(out, facts->after);
    text_add(out, "; allowed ");
    units_add_duration(out, facts->allowed);
    return forgets ? PASS : WARN;
}

static enum verdict say_level(const struct facts *facts, struct text *out)
{
    text_add(out, "the delays do not grow: ");
    add_delays(facts, out);
    if (!facts->heard) {
        text_add(out, ": the failures are forgotten as soon as a connection opens");
        return FAIL;
    }
    text_add(out, "; the server had said something on them, which the client may have taken for a "
                  "sign that all is well");
    return WARN;
}

static enum verdict decide(const struct facts *facts, struct text *out)
{
    if (facts->estimate.count > 0 && facts->gate.growth.verdict == RAW_FAIL)
        return say_level(facts, out);
    if (facts->estimate.count > 0 && facts->gate.growth.verdict == RAW_PASS)
        return say_grows(facts, out);
    text_add(out, "whether the delays grow ");
    if (facts->estimate.count > 0)
        add_delays(facts, out);
    else
        text_add(out, "over connections that opened and were lost at once");
    text_addf(out, " cannot be told; %s",
              facts->gate.growth.enough ? facts->gate.growth.enough
                                        : "more of them would be needed");
    return INCONCLUSIVE;
}

static void report(const struct facts *facts, struct findings *out)
{
    const struct backoff *b = &facts->estimate;
    struct text text;
    text_init(&text);
    enum verdict verdict = decide(facts, &text);
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "growth", b->g);
    finding_measured(finding, "clients", (double)b->clients);
    finding_measured(finding, "connections", (double)(b->count > 0 ? b->count - 1 : 0));
    finding_allowed(finding, "growth_min", BACKOFF_GROWTH_MIN);
    if (facts->after != NEVER) {
        finding_measured(finding, "after_stable_s", nsec_to_seconds(facts->after));
        finding_allowed(finding, "after_stable_s", nsec_to_seconds(facts->allowed));
    }
    finding_evidence(finding, facts->from, facts->to);
    if (facts->gate.growth.verdict == RAW_FAIL)
        finding_fix(finding,
                    "reset the failure count when a connection has been open for 5 s, by a "
                    "timer that its end stops, and not in the open handler");
    else if (verdict == WARN)
        finding_fix(finding, "reset the failure count when a connection has been open for 5 s; the "
                             "next loss is a new trouble and not the old one");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    nsec stable_after = cfg->stable_after > 0 ? cfg->stable_after : trace->policy.stable_after;
    struct endings endings;
    endings_of(trace, &endings);
    struct runs runs = runs_of(&endings, stable_after);
    struct facts facts = facts_of(&runs, trace);
    if (endings.count == 0 && endings.builtin)
        finding_own_client(out);
    else if (runs.count == 0 && runs.several > 0)
        (void)finding_add(
            out, INCONCLUSIVE,
            "the clients keep several connections: which of them a delay belongs to is "
            "not seen");
    else if (runs.count == 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no client came back from %d connections in a row that opened and were "
                          "lost at once, so there are no delays to judge",
                          LEAST_FLAPS);
    else
        report(&facts, out);
    free(runs.list);
    endings_fini(&endings);
}

const struct rule_desc reconnect_backoff_reset_rule = {
    .name = "reconnect.backoff_reset",
    .id = "RECON-10",
    .title = "Backoff resets only after a stable connection",
    .brief = "failures are forgotten only once a connection lasted",
    .doc =
        "Provoked by a server that flaps: each connection opens and is lost half a second later, eight "
        "times; then one lasts, and is lost as well. Observed are the delays between the "
        "connections and the one after the last loss. The delays have to grow as in any outage: a "
        "client that forgets its failures when a connection opens hammers a server that crashes on "
        "start, and fails; where the server had said something on those connections, which may "
        "have meant more to the client than the opening, it is a warning. After the connection "
        "that lasted the first delay has to be short again, at most twice the longest first one; a "
        "client that never forgets is warned. To mend a failure reset the count by a timer some "
        "seconds after opening.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.backoff_reset: {stable_after: 5s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

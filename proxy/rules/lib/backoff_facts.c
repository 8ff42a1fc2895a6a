#include "rules/lib/backoff_facts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"

#define LEAST_NOISE   0.025 /* seconds (RULES 2: eps) */
#define LEAST_RETRIES 2
#define FROM_POLICY   "" /* as a default: the policy's value */

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

static struct retry_policy policy_of(const struct trace *trace, const struct backoff_config *config)
{
    const struct policy *policy = &trace->policy;
    double noise = nsec_to_seconds(trace->noise);
    return (struct retry_policy){
        .base = nsec_to_seconds(config->base > 0 ? config->base : policy->backoff_base),
        .cap = nsec_to_seconds(config->cap > 0 ? config->cap : policy->backoff_cap),
        .factor = config->factor > 0 ? config->factor : policy->backoff_factor,
        .jitter = config->jitter > 0 ? config->jitter : policy->backoff_jitter,
        .noise = noise > LEAST_NOISE ? noise : LEAST_NOISE};
}

/* --- Which outage --- */

static size_t retries_in(const struct outage *outage)
{
    size_t retries = 0;
    for (size_t i = 0; i < outage->count; i++)
        retries += outage->clients[i].count;
    return retries;
}

static const struct outage *biggest(const struct outages *outages)
{
    const struct outage *best = NULL;
    for (size_t i = 0; i < outages->count; i++) {
        const struct outage *at = &outages->list[i];
        bool more = !best || at->count > best->count ||
                    (at->count == best->count && retries_in(at) > retries_in(best));
        if (more)
            best = at;
    }
    return best;
}

/* --- Lists for the estimator --- */

struct lists {
    const double *delays[RETRY_CLIENTS_LIMIT];
    size_t counts[RETRY_CLIENTS_LIMIT], count;
};

static void add_list(struct lists *lists, const struct retries *retries)
{
    if (retries->count == 0 || lists->count == RETRY_CLIENTS_LIMIT)
        return;
    lists->delays[lists->count] = retries->delays;
    lists->counts[lists->count++] = retries->count;
}

static void note_client(struct backoff_facts *facts, const struct retries *retries)
{
    double watched = nsec_to_seconds(retries->observed - retries->lost);
    facts->clients++;
    facts->returned += retries->count > 0;
    facts->reopened += retries->reopened;
    facts->watched = watched > facts->watched ? watched : facts->watched;
    if (facts->from == 0 || retries->from < facts->from)
        facts->from = retries->from;
    if (retries->to > facts->to)
        facts->to = retries->to;
}

static void take_outage(struct backoff_facts *facts, const struct outage *outage,
                        struct lists *lists)
{
    for (size_t i = 0; i < outage->count; i++) {
        note_client(facts, &outage->clients[i]);
        add_list(lists, &outage->clients[i]);
    }
}

static void take(struct backoff_facts *facts, struct lists *lists)
{
    facts->repeated = facts->outage->count == 1 && facts->outages.count > 1;
    if (!facts->repeated) {
        take_outage(facts, facts->outage, lists);
        return;
    }
    for (size_t i = 0; i < facts->outages.count; i++)
        take_outage(facts, &facts->outages.list[i], lists);
}

static bool say_nothing_lost(struct findings *out)
{
    (void)finding_add(out, INCONCLUSIVE,
                      "no open connection was cut by a fault, so nobody had to come back");
    return false;
}

static bool say_nobody_returned(const struct backoff_facts *facts, struct findings *out)
{
    struct text watched;
    text_init(&watched);
    backoff_add_seconds(&watched, facts->watched);
    struct finding *finding = finding_add(
        out, INCONCLUSIVE,
        "no delay to measure: %s made no attempt in the %s after the connection was cut",
        facts->clients == 1 ? "the client" : "the clients", text_chars(&watched));
    finding_evidence(finding, facts->from, facts->to);
    text_fini(&watched);
    return false;
}

static bool say_too_few(const struct backoff_facts *facts, struct findings *out)
{
    struct finding *finding = finding_add(
        out, INCONCLUSIVE,
        "only %zu of %zu clients came back, with %zu retr%s in common; at least %d are needed",
        facts->returned, facts->clients, facts->delays.retries,
        facts->delays.retries == 1 ? "y" : "ies", LEAST_RETRIES);
    finding_evidence(finding, facts->from, facts->to);
    return false;
}

bool backoff_facts_of(const struct trace *trace, const struct backoff_config *config,
                      struct backoff_facts *facts, struct findings *out)
{
    struct lists lists = {.count = 0};
    *facts = (struct backoff_facts){.policy = policy_of(trace, config)};
    outages_of(trace, &facts->outages);
    facts->outage = biggest(&facts->outages);
    if (!facts->outage)
        return say_nothing_lost(out);
    take(facts, &lists);
    if (facts->returned == 0)
        return say_nobody_returned(facts, out);
    retry_delays_of(lists.delays, lists.counts, lists.count, &facts->delays);
    if (facts->delays.retries < LEAST_RETRIES)
        return say_too_few(facts, out);
    retry_estimate(&facts->delays, &facts->policy, &facts->estimate);
    return true;
}

void backoff_facts_fini(struct backoff_facts *facts)
{
    outages_fini(&facts->outages);
}

/* --- Words --- */

void backoff_add_seconds(struct text *out, double seconds)
{
    if (seconds < 0.9995)
        text_addf(out, "%.0f ms", seconds * 1000);
    else
        text_addf(out, seconds < 9.995 ? "%.2f s" : seconds < 99.95 ? "%.1f s" : "%.0f s", seconds);
}

void backoff_facts_add_size(const struct backoff_facts *facts, struct text *out)
{
    const char *many = facts->repeated ? "outages" : "clients";
    if (facts->delays.clients == 1)
        text_addf(out, "1 %s, %zu retries", facts->repeated ? "outage" : "client",
                  facts->delays.retries);
    else
        text_addf(out, "%zu %s, %zu retries each", facts->delays.clients, many,
                  facts->delays.retries);
}

static void add_cells(struct text *line, const struct backoff_facts *facts, bool spreads)
{
    for (size_t i = 0; i < facts->delays.retries; i++) {
        const struct retry_index *at = &facts->estimate.index[i];
        struct text cell;
        text_init(&cell);
        if (!spreads)
            backoff_add_seconds(&cell, at->median);
        else if (at->judged)
            text_addf(&cell, "%.0f%%", at->half_width * 100);
        else
            text_add(&cell, "-");
        text_addf(line, " %8s", text_chars(&cell));
        text_fini(&cell);
    }
    text_add(line, "\n");
}

void backoff_facts_add_table(const struct backoff_facts *facts, struct finding *finding)
{
    struct text lines;
    text_init(&lines);
    text_add(&lines, "retry ");
    for (size_t i = 0; i < facts->delays.retries; i++)
        text_addf(&lines, " %8zu", i + 1);
    text_add(&lines, "\nmedian");
    add_cells(&lines, facts, false);
    if (facts->delays.clients > 1) {
        text_add(&lines, "spread");
        add_cells(&lines, facts, true);
    }
    finding_table(finding, text_chars(&lines));
    text_fini(&lines);
}

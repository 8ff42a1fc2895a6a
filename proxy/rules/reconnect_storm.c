/* reconnect.storm: after a common outage attempts do not arrive in waves. */
#include <stdlib.h>

#include "base/mem.h"
#include "rules/lib/backoff_facts.h"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Most attempts of all clients that start within a window. */
static size_t peak(const struct outage *outage, double window)
{
    size_t count = 0, most = 0;
    for (size_t i = 0; i < outage->count; i++)
        count += outage->clients[i].count;
    double *starts = xcalloc(count + 1, sizeof *starts);
    count = 0;
    for (size_t i = 0; i < outage->count; i++)
        for (size_t k = 0; k < outage->clients[i].count; k++)
            starts[count++] =
                nsec_to_seconds(outage->clients[i].lost) + outage->clients[i].starts[k];
    qsort(starts, count, sizeof *starts, compare);
    for (size_t low = 0, high = 0; high < count; high++) {
        while (starts[high] - starts[low] > window)
            low++;
        most = high - low + 1 > most ? high - low + 1 : most;
    }
    free(starts);
    return most;
}

static void say(const struct backoff_facts *facts, struct findings *out, enum verdict verdict,
                const char *sentence)
{
    const struct backoff *b = &facts->estimate;
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    finding_measured(finding, "synchronised_waves", (double)b->synchronised);
    finding_measured(finding, "waves", (double)b->waves);
    finding_measured(finding, "peak_100ms", (double)peak(facts->choice.outage, 0.1));
    finding_measured(finding, "peak_1s", (double)peak(facts->choice.outage, 1));
    size_t allowed = b->waves / 4;
    finding_allowed(finding, "synchronised_waves", (double)allowed);
    finding_evidence(finding, facts->from, facts->to);
    if (verdict == FAIL)
        finding_fix(finding,
                    "add jitter to every delay, so that clients that lose their server together "
                    "do not return together");
}

static size_t fewest_arrived(const struct backoff *b)
{
    size_t fewest = b->clients;
    for (size_t i = 0; i < b->count; i++)
        if (b->index[i].synchronised && b->index[i].arrived < fewest)
            fewest = b->index[i].arrived;
    return fewest;
}

static void add_waves(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words window;
    size_t together = b->synchronised > 0 ? fewest_arrived(b) : (b->clients * 4 + 4) / 5;
    text_addf(out, "in %zu of %zu waves of retries ", b->synchronised, b->waves);
    text_addf(out, together == b->clients ? "all %zu clients" : "at least %zu of %zu clients",
              together, b->clients);
    text_addf(out, " arrived within %s", backoff_seconds(&window, b->window));
}

static void add_undecided(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    struct backoff_words delay, needed;
    if (b->waves < 2) {
        text_addf(out,
                  "%s of %zu retries came after delays long enough for waves to be told apart: "
                  "that takes %s, and two such retries (the median delay was %s)",
                  b->waves == 0 ? "none" : "only one", b->count,
                  backoff_seconds(&needed, 5 * b->window), backoff_seconds(&delay, b->median));
        return;
    }
    add_waves(facts, out);
    text_add(out, ", too little to tell habit from chance");
    backoff_facts_add_enough(facts, &facts->gate.storm, out);
}

static enum verdict decide(const struct backoff_facts *facts, struct text *out)
{
    const struct backoff *b = &facts->estimate;
    if (facts->choice.singles || facts->clients < 3) {
        size_t clients = facts->choice.repeated ? 1 : facts->clients;
        text_addf(out,
                  facts->choice.singles && !facts->choice.repeated
                      ? "%zu clients were not cut together, so they cannot come back together"
                      : "%zu client%s cannot make a storm; at least three are needed",
                  clients, clients == 1 ? "" : "s");
        return NOT_APPLICABLE;
    }
    if (facts->gate.storm.verdict == RAW_INCONCLUSIVE) {
        add_undecided(facts, out);
        return INCONCLUSIVE;
    }
    add_waves(facts, out);
    text_addf(out, "; at most %zu may", b->waves / 4);
    return facts->gate.storm.verdict == RAW_FAIL ? FAIL : PASS;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    static const struct backoff_rule rule = {.decide = decide, .say = say};
    backoff_judge(&rule, trace, config, out);
}

const struct rule_desc reconnect_storm_rule = {
    .name = "reconnect.storm",
    .id = "RECON-05",
    .title = "No reconnection storm",
    .brief = "clients do not come back in synchronised waves",
    .doc = "Looks at the same outage as reconnect.backoff by the clock on the wall: at each retry, "
           "how many "
           "clients arrive within the same 100 ms. When 80 % do at half of the retries, a server "
           "that comes "
           "back is met by all of its clients at once, and goes down again. To mend a failure, add "
           "jitter "
           "to every delay.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.storm",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON),
    .params = backoff_rule_params,
    .config_size = sizeof(struct backoff_config),
    .check = check,
};

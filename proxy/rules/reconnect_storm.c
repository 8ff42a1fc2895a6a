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
    const struct retry_estimates *b = &facts->estimate;
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    finding_measured(finding, "synchronised_waves", (double)b->synchronised_waves);
    finding_measured(finding, "waves", (double)b->waves);
    finding_measured(finding, "peak_100ms", (double)peak(facts->outage, 0.1));
    finding_measured(finding, "peak_1s", (double)peak(facts->outage, 1));
    size_t allowed = b->waves / 4;
    finding_allowed(finding, "synchronised_waves", (double)allowed);
    finding_evidence(finding, facts->from, facts->to);
    if (verdict == FAIL)
        finding_fix(finding,
                    "add jitter to every delay, so that clients that lose their server together "
                    "do not return together");
}

static void decide(const struct backoff_facts *facts, struct findings *out)
{
    const struct retry_estimates *b = &facts->estimate;
    const char *enough = NULL;
    enum retry_verdict storm = retry_gate_storm(b, &facts->policy, &enough);
    double window = 4000 * facts->policy.noise;
    struct text sentence;
    text_init(&sentence);
    if (storm == RETRY_FAIL) {
        text_addf(&sentence,
                  "%zu of %zu waves of %zu clients arrived within %.0f ms; at most a quarter may",
                  b->synchronised_waves, b->waves, facts->delays.clients, window);
        say(facts, out, FAIL, text_chars(&sentence));
    } else if (storm == RETRY_PASS) {
        text_addf(&sentence,
                  "%zu of %zu waves of %zu clients arrived within %.0f ms; at most a quarter may",
                  b->synchronised_waves, b->waves, facts->delays.clients, window);
        say(facts, out, PASS, text_chars(&sentence));
    } else {
        text_addf(&sentence,
                  "%zu of %zu waves of %zu clients were synchronised, which decides nothing%s%s",
                  b->synchronised_waves, b->waves, facts->delays.clients, enough ? "; " : "",
                  enough ? enough : "");
        say(facts, out, INCONCLUSIVE, text_chars(&sentence));
    }
    text_fini(&sentence);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct backoff_facts facts;
    bool estimated = backoff_facts_of(trace, config, &facts, out);
    if (estimated && (facts.repeated || facts.clients < 3))
        (void)finding_add(out, NOT_APPLICABLE,
                          "%zu client%s cannot make a storm; at least three are needed",
                          facts.repeated ? (size_t)1 : facts.clients,
                          facts.repeated || facts.clients == 1 ? "" : "s");
    else if (estimated)
        decide(&facts, out);
    backoff_facts_fini(&facts);
}

const struct rule_desc reconnect_storm_rule = {
    .name = "reconnect.storm",
    .id = "RECON-05",
    .title = "No reconnection storm",
    .brief = "clients do not come back in synchronised waves",
    .doc =
        "Looks at the same outage as reconnect.backoff by the clock on the wall: at each retry, how many "
        "clients arrive within the same 100 ms. When 80 % do at half of the retries, a server that comes "
        "back is met by all of its clients at once, and goes down again. To mend a failure, add jitter "
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

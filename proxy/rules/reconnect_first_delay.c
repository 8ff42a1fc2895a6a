/* reconnect.first_delay: the first attempt after a loss comes after a random delay. */
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define AT_ONCE       (100 * NSEC_PER_MSEC) /* RULES RECON-09 */
#define SPREAD        (250 * NSEC_PER_MSEC)
#define ALIKE         (50 * NSEC_PER_MSEC)
#define LEAST_CLIENTS 3
/* With fewer, delays of 1 s +- 50 % lie within ALIKE, or SPREAD, of each other by chance in more
 * than 1 of 1000 runs. */
#define ALIKE_CLIENTS  5
#define SPREAD_CLIENTS 8

/* On a loud host processes that start at one moment get their turn one after another, and their
 * work is drawn out more than timers tell: ten that retried at once came 20 to 480 ms later at a
 * noise of 82 ms. RULES 4.3 calls a host loud above this. */
#define LOUD        (40 * NSEC_PER_MSEC)
#define LOUD_FACTOR 6

struct config {
    nsec at_most;
};

static const struct param params[] = {
    P_DURATION(config, at_most, .def = "", .min = "10ms", .max = "1h",
               .doc = "longest first delay; left out: twice the policy's first_delay"),
    P_END,
};

struct sight {
    struct tally delays;
    size_t lost;    /* connections, or clients, that were lost */
    size_t at_once; /* of the delays */
    bool repeated;  /* one client, each of its losses counts */
    nsec watched;   /* the longest that one who did not return was watched */
    nsec dispersed; /* so far apart is chance of the client's and not of the host's */
};

static void add(struct sight *sight, const struct ending *ending)
{
    sight->lost++;
    if (ending->next == NEVER) {
        sight->watched = nsec_max(sight->watched, ending->watched - ending->at);
        return;
    }
    nsec delay = ending->next - ending->at;
    sight->at_once += delay < AT_ONCE;
    tally_add(&sight->delays, delay, ending->from, ending->to);
}

/* The delay after it is a first one, and its own: nothing had failed before, or the connection had
 * lasted. */
static bool counts(const struct ending *ending, bool first, const struct trace *trace)
{
    return ending_is_abnormal(ending) && ending->alone &&
           (first || ending_was_stable(ending, trace->policy.stable_after));
}

/* What a spread may owe to the host, and the longest that it kept the run: clients that one loss
 * wakes come late by different times. */
static nsec spread_by_choice(const struct trace *trace, bool alone)
{
    nsec noise = trace->noise * (trace->noise > LOUD ? LOUD_FACTOR : 2);
    return nsec_max(SPREAD + noise, alone ? 0 : trace_likely_stall(trace));
}

/* The first loss of each client; of a single client all of them. */
static struct sight look(const struct endings *endings, const struct trace *trace)
{
    bool alone = endings_clients(endings) == 1;
    struct sight sight = {.repeated = alone, .dispersed = spread_by_choice(trace, alone)};
    for (size_t i = 0; i < endings->count;) {
        size_t end = endings_of_client_end(endings, i);
        size_t first = i;
        bool done = false;
        for (; i < end; i++) {
            if (done || !counts(&endings->list[i], i == first, trace))
                continue;
            add(&sight, &endings->list[i]);
            done = !sight.repeated;
        }
    }
    return sight;
}

/* --- Verdict --- */

enum said { NOBODY, ALL_AT_ONCE, QUICK, ALONE, RANDOM, LONG, SAME, NEAR, SAIDS };

static const enum verdict verdicts[SAIDS] = {
    [NOBODY] = INCONCLUSIVE, [ALL_AT_ONCE] = FAIL, [QUICK] = WARN, [ALONE] = INCONCLUSIVE,
    [RANDOM] = PASS,         [LONG] = WARN,        [SAME] = WARN,  [NEAR] = INCONCLUSIVE,
};

static enum said decide(const struct sight *sight, nsec at_most, nsec noise)
{
    const struct tally *delays = &sight->delays;
    nsec spread = delays->most - delays->least;
    bool fleet = !sight->repeated && delays->count >= LEAST_CLIENTS;
    if (delays->count == 0)
        return NOBODY;
    if (sight->at_once == delays->count)
        return fleet ? ALL_AT_ONCE : QUICK;
    if (delays->most > nsec_add(at_most, noise))
        return LONG;
    if (delays->count < LEAST_CLIENTS)
        return ALONE;
    if (spread >= sight->dispersed)
        return RANDOM;
    if (delays->count >= SPREAD_CLIENTS && spread < SPREAD - 2 * noise)
        return SAME;
    return delays->count >= ALIKE_CLIENTS && spread <= ALIKE && 2 * noise <= ALIKE ? SAME : NEAR;
}

static void add_range(const struct tally *delays, struct text *out)
{
    units_add_duration(out, delays->least);
    if (delays->most > delays->least) {
        text_add(out, " to ");
        units_add_duration(out, delays->most);
    }
}

static void add_delays(const struct sight *sight, struct text *out)
{
    size_t count = sight->delays.count;
    if (sight->repeated)
        text_addf(out, "%zu %s followed by a first attempt ", count,
                  count == 1 ? "loss was" : "losses were");
    else
        text_addf(out, "%zu client%s made %s first attempt ", count, count == 1 ? "" : "s",
                  count == 1 ? "its" : "their");
    add_range(&sight->delays, out);
    text_add(out, sight->repeated ? " later" : " after the loss");
}

static void add_sentence(const struct sight *sight, enum said said, nsec at_most, nsec noise,
                         struct text *out)
{
    if (said == NOBODY) {
        text_addf(out, "%zu connection%s %s lost without a Close", sight->lost,
                  sight->lost == 1 ? "" : "s", sight->lost == 1 ? "was" : "were");
        if (sight->lost > 0) {
            text_add(out, ", and nobody came back within ");
            units_add_duration(out, sight->watched);
        }
        text_add(out, ": there is no first delay to judge");
        return;
    }
    add_delays(sight, out);
    switch (said) {
    case ALL_AT_ONCE:
        text_add(out,
                 ", all of them at once: after a restart of the server the whole fleet arrives "
                 "together");
        break;
    case QUICK:
        text_add(out, ": at once, which is harmless for one client and not for a thousand");
        break;
    case LONG:
        text_add(out, "; allowed ");
        units_add_duration(out, at_most);
        break;
    case SAME:
        text_addf(out, ": all but the same delay; a spread of %g s is asked for",
                  nsec_to_seconds(SPREAD));
        break;
    case NEAR:
        text_add(out, ", closer together than the ");
        units_add_duration(out, sight->dispersed);
        text_add(out, " that would show chance at a timing noise of ");
        units_add_duration(out, noise);
        text_addf(out, "; %d clients and a quiet host would tell", SPREAD_CLIENTS);
        break;
    case ALONE:
        text_addf(out, "; %d clients would show whether it is random", ALIKE_CLIENTS);
        break;
    case RANDOM:
        text_addf(out, "; at least %g s apart is asked for, and at most ", nsec_to_seconds(SPREAD));
        units_add_duration(out, at_most);
        break;
    case NOBODY:
    case SAIDS:
        break;
    }
}

static void report(const struct sight *sight, enum said said, nsec at_most, nsec noise,
                   struct findings *out)
{
    struct text text;
    text_init(&text);
    add_sentence(sight, said, at_most, noise, &text);
    struct finding *finding = finding_add(out, verdicts[said], "%s", text_chars(&text));
    text_fini(&text);
    if (sight->delays.count == 0)
        return;
    finding_measured(finding, "spread_s",
                     nsec_to_seconds(sight->delays.most - sight->delays.least));
    finding_measured(finding, "longest_s", nsec_to_seconds(sight->delays.most));
    finding_allowed(finding, "spread_s_min", nsec_to_seconds(SPREAD));
    finding_allowed(finding, "longest_s", nsec_to_seconds(at_most));
    finding_evidence(finding, sight->delays.from, sight->delays.to);
    if (verdicts[said] == FAIL || verdicts[said] == WARN)
        finding_fix(finding, "wait a random time before the first attempt too, such as "
                             "base * (0.5 + random) or anything from 0 to 5 s");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    nsec at_most = cfg->at_most > 0 ? cfg->at_most : 2 * trace->policy.first_delay;
    struct endings endings;
    endings_of(trace, &endings);
    if (endings.count == 0 && endings.builtin) {
        finding_own_client(out);
    } else {
        struct sight sight = look(&endings, trace);
        report(&sight, decide(&sight, at_most, trace->noise), at_most, trace->noise, out);
    }
    endings_fini(&endings);
}

const struct rule_desc reconnect_first_delay_rule = {
    .name = "reconnect.first_delay",
    .id = "RECON-09",
    .title = "First reconnect is randomly delayed",
    .brief = "the first attempt after a loss is randomly delayed",
    .doc = "When many clients lose their connections in one moment without a Close, the first "
           "attempt of each should come after a random delay; RFC 6455 suggests 0 to 5 s. Observed "
           "are the first delays of all clients. Delays that differ by 0.25 s and are at most 10 s "
           "long pass; delays that do not differ are a warning; all within 0.1 s is a failure, "
           "for whatever backoff follows, the first wave has hit the server by then. Three clients "
           "are needed; of a single one only an immediate first attempt can be told, a "
           "warning. To mend a failure draw the first delay too from the jittered schedule.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.first_delay: {at_most: 10s}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

/* reconnect.recovery_time: once the service is back every client is, soon and not all at once. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define CONNECTING   (5 * NSEC_PER_SEC) /* on top of the longest delay */
#define PEAK_SHARE   0.5                /* of the clients, within one second */
#define PEAK_CLIENTS 10                 /* fewer come together by chance */

struct config {
    nsec within, warn_within;
};

static const struct param params[] = {
    P_DURATION(config, within, .def = "", .min = "10ms", .max = "24h",
               .doc = "how soon every client has to be back; left out: the policy's cap with its "
                      "jitter, and 5 s"),
    P_DURATION(config, warn_within, .def = "120s", .min = "10ms", .max = "24h",
               .doc = "coming back later than that, or never, is a failure"),
    P_END,
};

struct limits {
    nsec pass, warn, noise;
    uint64_t retries; /* after so many in vain a client may give up; 0: never */
};

/* GAVE_UP: before the service was back, after as many attempts as the policy asks for at most. */
enum fate { EXITED, GAVE_UP, TOO_SHORT, IN_TIME, LATE, TOO_LATE, NEVER_BACK, FATES };

static const enum verdict verdicts[FATES] = {
    [EXITED] = INCONCLUSIVE, [GAVE_UP] = INCONCLUSIVE, [TOO_SHORT] = INCONCLUSIVE, [IN_TIME] = PASS,
    [LATE] = WARN,           [TOO_LATE] = FAIL,        [NEVER_BACK] = FAIL,
};

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    const struct policy *policy = &trace->policy;
    double longest = nsec_to_seconds(policy->backoff_cap) * (1 + policy->backoff_jitter);
    struct limits limits = {.noise = trace->noise, .retries = policy->retry_limit};
    limits.pass = cfg->within > 0 ? cfg->within : nsec_add(nsec_from_seconds(longest), CONNECTING);
    limits.warn = nsec_max(cfg->warn_within, limits.pass);
    return limits;
}

/* --- When the service came back --- */

/* A fault that made this attempt fail. */
static bool was_failed_by(const struct trace *trace, const struct ending *ending, const char *label)
{
    const struct attempt *attempt = &ending->attempt;
    const struct event *end = trace->events + trace->count;
    if (attempt->opened != NEVER)
        return false;
    for (const struct event *ev = trace_at_seq(trace, attempt->from);
         ev && ev < end && ev->seq <= attempt->to; ev++)
        if (ev->conn == attempt->conn && ev->kind == EV_FAULT_ACT &&
            strcmp(ev->fault_act.label, label) == 0)
            return true;
    return false;
}

static bool made_attempts_fail(const struct trace *trace, const struct endings *endings,
                               const char *label, nsec before)
{
    for (size_t i = 0; i < endings->count; i++)
        if (endings->list[i].attempt.start < before &&
            was_failed_by(trace, &endings->list[i], label))
            return true;
    return false;
}

/* The last end of a fault that had kept clients out, for all connections; NULL: none ended. */
static const struct event *restored(const struct trace *trace, const struct endings *endings)
{
    const struct event *last = NULL;
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_FAULT_OFF));)
        if (ev->conn == 0 && strcmp(ev->fault_off.why, "run ended") != 0 &&
            made_attempts_fail(trace, endings, ev->fault_off.label, ev->at))
            last = ev;
    return last;
}

/* --- One client --- */

struct sight {
    enum fate fate;
    nsec took;
    bool was_down;
    uint64_t to;
};

static bool was_open(const struct ending *ending, nsec at)
{
    return ending->attempt.opened < at && ending->at > at;
}

/* All its attempts were made before the service was back, and as many as it may make. */
static bool gave_up(const struct endings *endings, size_t first, size_t end, nsec back,
                    uint64_t retries)
{
    uint64_t in_vain = 0;
    for (size_t i = first; i < end; i++) {
        const struct attempt *attempt = &endings->list[i].attempt;
        if (attempt->start >= back)
            return false;
        in_vain = attempt->opened == NEVER ? in_vain + 1 : 0;
    }
    return retries > 0 && in_vain >= retries;
}

static struct sight sight_of(const struct endings *endings, size_t first, size_t end, nsec back,
                             const struct limits *limits)
{
    struct sight sight = {.fate = TOO_SHORT, .was_down = true};
    const struct ending *last = &endings->list[end - 1];
    sight.took = last->watched - back;
    sight.to = last->to;
    for (size_t i = first; i < end; i++) {
        const struct ending *ending = &endings->list[i];
        sight.was_down = sight.was_down && !was_open(ending, back);
        if (ending->attempt.opened == NEVER || ending->attempt.opened < back)
            continue;
        sight.took = ending->attempt.opened - back;
        sight.to = ending->attempt.to;
        sight.fate = sight.took <= nsec_add(limits->pass, limits->noise)   ? IN_TIME
                     : sight.took <= nsec_add(limits->warn, limits->noise) ? LATE
                                                                           : TOO_LATE;
        return sight;
    }
    if (last->exit)
        sight.fate = EXITED;
    else if (gave_up(endings, first, end, back, limits->retries))
        sight.fate = GAVE_UP;
    else if (sight.took > nsec_add(limits->warn, limits->noise))
        sight.fate = NEVER_BACK;
    return sight;
}

/* --- The fleet --- */

struct fleet {
    struct tally tallies[FATES];
    size_t count; /* clients that were down */
    nsec *took;   /* of those that came back */
    size_t back;
};

static int by_length(const void *a, const void *b)
{
    nsec x = *(const nsec *)a, y = *(const nsec *)b;
    return (x > y) - (x < y);
}

static void fleet_of(const struct endings *endings, const struct event *back,
                     const struct limits *limits, struct fleet *out)
{
    *out = (struct fleet){.took = xcalloc(endings->count + 1, sizeof(nsec))};
    for (size_t i = 0; i < endings->count;) {
        size_t end = endings_of_client_end(endings, i);
        struct sight sight = sight_of(endings, i, end, back->at, limits);
        i = end;
        if (!sight.was_down)
            continue;
        out->count++;
        tally_add(&out->tallies[sight.fate], sight.took, back->seq,
                  sight.to > back->seq ? sight.to : back->seq);
        if (sight.fate == IN_TIME || sight.fate == LATE || sight.fate == TOO_LATE)
            out->took[out->back++] = sight.took;
    }
    qsort(out->took, out->back, sizeof *out->took, by_length);
}

/* Most clients that came back within one second. */
static size_t peak_of(const struct fleet *fleet)
{
    size_t peak = 0, first = 0;
    for (size_t i = 0; i < fleet->back; i++) {
        while (fleet->took[i] - fleet->took[first] > NSEC_PER_SEC)
            first++;
        peak = i - first + 1 > peak ? i - first + 1 : peak;
    }
    return peak;
}

/* --- Sentences --- */

static void add_sentence(enum fate fate, const struct fleet *fleet, const struct limits *limits,
                         struct text *out)
{
    const struct tally *tally = &fleet->tallies[fate];
    tally_add_who(tally, fleet->count, out);
    switch (fate) {
    case IN_TIME:
    case LATE:
    case TOO_LATE:
        text_add(out, fate == IN_TIME ? " came back " : " came back only ");
        tally_add_range(tally, out);
        text_add(out, " after the service did");
        if (fate == IN_TIME && fleet->back > 2)
            text_addf(out, " (median %.1f s)", nsec_to_seconds(fleet->took[fleet->back / 2]));
        text_add(out, "; allowed ");
        units_add_duration(out, limits->pass);
        break;
    case NEVER_BACK:
        text_add(out, " did not come back in the ");
        tally_add_range(tally, out);
        text_add(out, " that were watched after the service was back; allowed ");
        units_add_duration(out, limits->pass);
        break;
    case TOO_SHORT:
        text_add(out, " had not come back ");
        tally_add_range(tally, out);
        text_add(out, " after the service did, when the run ended; ");
        units_add_duration(out, limits->warn);
        text_add(out, " would tell whether that comes at all");
        break;
    case GAVE_UP:
        text_addf(
            out,
            " had made the %llu attempts that the policy asks for at most and given up before "
            "the service was back",
            (unsigned long long)limits->retries);
        break;
    case EXITED:
        text_add(out, " had ended its process; whether something starts it again is not seen here");
        break;
    case FATES:
        break;
    }
}

static void report(struct findings *out, enum fate fate, const struct fleet *fleet,
                   const struct limits *limits)
{
    const struct tally *tally = &fleet->tallies[fate];
    struct text text;
    text_init(&text);
    add_sentence(fate, fleet, limits, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "last_back_s", nsec_to_seconds(tally->most));
    if (fleet->back > 0) {
        size_t high = (size_t)(0.95 * (double)(fleet->back - 1) + 0.5);
        finding_measured(finding, "median_s", nsec_to_seconds(fleet->took[fleet->back / 2]));
        finding_measured(finding, "p95_s", nsec_to_seconds(fleet->took[high]));
    }
    finding_allowed(finding, "last_back_s", nsec_to_seconds(limits->pass));
    finding_evidence(finding, tally->from, tally->to);
    if (fate == LATE || fate == TOO_LATE || fate == NEVER_BACK)
        finding_fix(finding, "go on trying for as long as the application runs, and limit the "
                             "delay (30 s is usual) so that no client is away for minutes when the "
                             "service is back");
}

static void report_peak(struct findings *out, const struct fleet *fleet)
{
    size_t peak = peak_of(fleet);
    if (fleet->back < PEAK_CLIENTS || (double)peak <= PEAK_SHARE * (double)fleet->back)
        return;
    struct finding *finding =
        finding_add(out, WARN,
                    "%zu of %zu clients came back within one second of each other; a service that "
                    "has just started meets them all at once",
                    peak, fleet->back);
    finding_measured(finding, "peak_share", (double)peak / (double)fleet->back);
    finding_allowed(finding, "peak_share", PEAK_SHARE);
    finding_evidence(finding, fleet->tallies[IN_TIME].from, fleet->tallies[IN_TIME].to);
    finding_fix(finding, "multiply each delay by a random number from 0.5 to 1.5, also at the cap");
}

static void judge(const struct endings *endings, const struct event *back,
                  const struct limits *limits, struct findings *out)
{
    struct fleet fleet;
    fleet_of(endings, back, limits, &fleet);
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (fleet.tallies[fate].count > 0)
            report(out, (enum fate)fate, &fleet, limits);
    report_peak(out, &fleet);
    if (fleet.count == 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no client was without a connection when the service came back");
    free(fleet.took);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct limits limits = limits_of(trace, config);
    struct endings endings;
    endings_of(trace, &endings);
    const struct event *back = restored(trace, &endings);
    if (endings.count == 0 && endings.builtin)
        finding_own_client(out);
    else if (!back)
        (void)finding_add(out, INCONCLUSIVE,
                          "no outage ended during the run: a fault that makes attempts fail and is "
                          "cleared again would be needed");
    else
        judge(&endings, back, &limits, out);
    endings_fini(&endings);
}

const struct rule_desc reconnect_recovery_time_rule = {
    .name = "reconnect.recovery_time",
    .id = "RECON-18",
    .title = "Recovery time",
    .brief = "clients are back soon after the service is",
    .doc =
        "Provoked by an outage in which attempts fail until it is over. Observed is how long after "
        "its end each client has an open connection. All within the longest delay that the "
        "policy allows plus 5 s (50 s) pass; up to 120 s is a warning; later or never fails. Of "
        "ten clients or more not more than half may arrive within one second, which is a warning: "
        "a service that has just started is the least able to bear it. The median and the "
        "95th percentile are reported. To mend a failure put a limit on the delay, and do not "
        "stop trying while the application runs.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.recovery_time: {within: 50s}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(TCP_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

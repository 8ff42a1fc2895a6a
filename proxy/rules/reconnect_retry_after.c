/* reconnect.retry_after: what an HTTP status says about coming back is respected. */
#include "base/units.h"
#include "rules/lib/endings.h"
#include "rules/lib/refusals.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define EARLY          (500 * NSEC_PER_MSEC) /* RULES RECON-13 */
#define SPREAD         (250 * NSEC_PER_MSEC)
#define SPREAD_CLIENTS 5
#define WATCH          (60 * NSEC_PER_SEC)
#define PER_MINUTE     12
#define WAVES_LIMIT    16 /* of answers to one client that are compared with the others' */

/* How an answer that named a time was taken, and how a client took a refusal, the best first. */
enum fate {
    TOO_SHORT,
    REFUSED_SHORT,
    WAITED,
    STOPPED,
    RENEWED,
    BACKED_OFF,
    RETRIED,
    TOO_EARLY,
    HAMMERED,
    FATES
};

static const enum verdict verdicts[FATES] = {
    [TOO_SHORT] = INCONCLUSIVE,
    [REFUSED_SHORT] = INCONCLUSIVE,
    [WAITED] = PASS,
    [STOPPED] = PASS,
    [RENEWED] = PASS,
    [BACKED_OFF] = PASS,
    [RETRIED] = WARN,
    [TOO_EARLY] = FAIL,
    [HAMMERED] = FAIL,
};

/* RFC 9110 15.5: the request is wrong and will be wrong again; the three others pass. */
static bool is_refusal(uint64_t status)
{
    return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

struct facts {
    struct tally tallies[FATES];
    struct tally waves[WAVES_LIMIT]; /* how much later than told, answer by answer */
    size_t timed, refused;           /* answers with a time; clients that were refused */
    nsec told, shortest;             /* told: the longest of them */
    uint64_t status, refusal;
    size_t browsers, answered;
    size_t several; /* answers to clients with other connections, whose attempts may be theirs */
};

/* --- Retry-After --- */

/* Each answer is a case of its own; how the client was told the time before does not matter. */
static void take_time(struct facts *facts, const struct ending *ending, size_t wave, nsec noise)
{
    nsec told = ending->retry_after;
    nsec took = ending->watched - ending->at;
    bool back = ending->next != NEVER;
    bool waited = took >= told - EARLY - noise;
    enum fate fate = !waited ? (back ? TOO_EARLY : TOO_SHORT) : WAITED;
    if (fate == TOO_SHORT && ending->exit)
        fate = WAITED; /* it is gone, and cannot come too early */
    facts->timed++;
    facts->told = nsec_max(facts->told, told);
    facts->status = ending->status;
    tally_add(&facts->tallies[fate], took, ending->from, ending->to);
    if (back && fate == WAITED && wave < WAVES_LIMIT)
        tally_add(&facts->waves[wave], took - told, ending->from, ending->to);
}

/* All that were told the same moment came back in the same moment, whenever it was seen. */
static bool is_lock_step(const struct facts *facts, nsec noise)
{
    size_t seen = 0;
    for (size_t i = 0; i < WAVES_LIMIT; i++) {
        const struct tally *wave = &facts->waves[i];
        if (wave->count < SPREAD_CLIENTS)
            continue;
        seen++;
        if (wave->most - wave->least >= SPREAD - 2 * noise)
            return false;
    }
    return seen > 0;
}

/* --- Refusals --- */

struct refused {
    size_t count, within_minute;
    nsec first, shortest, watched;
    uint64_t from, to;
    bool exited;
};

/* An attempt that brings another credential is no repetition, and may come as after any loss. */
static void take_refusal(struct refused *all, const struct ending *ending, bool renewed)
{
    if (all->count++ == 0) {
        *all = (struct refused){
            .count = 1, .first = ending->at, .shortest = NEVER, .from = ending->from};
    }
    all->watched = ending->watched;
    all->to = ending->to;
    all->exited = ending->exit != NULL;
    if (ending->next == NEVER)
        return;
    if (!renewed)
        all->shortest = nsec_min(all->shortest, ending->next - ending->at);
    all->within_minute += ending->next - all->first <= WATCH;
}

static enum fate fate_of_refused(const struct refused *all, const struct trace *trace)
{
    const struct policy *policy = &trace->policy;
    nsec patient =
        nsec_from_seconds(nsec_to_seconds(policy->backoff_cap) * (1 - policy->backoff_jitter));
    bool long_enough = all->watched - all->first >= WATCH - trace->noise || all->exited;
    if (all->within_minute > PER_MINUTE)
        return HAMMERED;
    if (all->shortest != NEVER && all->shortest < patient - trace->noise)
        return RETRIED;
    if (!long_enough)
        return REFUSED_SHORT;
    if (all->shortest != NEVER)
        return BACKED_OFF;
    return all->within_minute > 0 ? RENEWED : STOPPED;
}

/* --- All of it --- */

static void take_client(struct facts *facts, const struct endings *endings,
                        const struct credentials *credentials, size_t first, size_t end,
                        const struct trace *trace)
{
    struct refused refusals = {.count = 0};
    size_t wave = 0;
    for (size_t i = first; i < end; i++) {
        const struct ending *ending = &endings->list[i];
        if (ending->status == 0)
            continue;
        facts->answered++;
        facts->browsers += ending->browser;
        facts->several += !ending->browser && !ending->alone;
        if (ending->browser || !ending->alone)
            continue;
        if (ending->retry_after > 0) {
            take_time(facts, ending, wave++, trace->noise);
        } else if (is_refusal(ending->status)) {
            take_refusal(&refusals, ending, ending_is_followed_by_renewal(endings, credentials, i));
            facts->refusal = ending->status;
        }
    }
    if (refusals.count == 0)
        return;
    facts->refused++;
    enum fate fate = fate_of_refused(&refusals, trace);
    tally_add(&facts->tallies[fate], (nsec)refusals.within_minute * NSEC_PER_SEC, refusals.from,
              refusals.to);
    facts->shortest = facts->shortest > 0 && facts->shortest < refusals.shortest
                          ? facts->shortest
                          : refusals.shortest;
}

/* --- Sentences --- */

static void add_times(const struct facts *facts, enum fate fate, struct text *out)
{
    const struct tally *tally = &facts->tallies[fate];
    text_addf(out, "after %zu of %zu answers of %u with Retry-After the client ", tally->count,
              facts->timed, (unsigned)facts->status);
    text_add(out, fate == TOO_EARLY ? "came back already " : "stayed away for ");
    tally_add_range(tally, out);
    text_add(out, fate == TOO_EARLY ? " later; asked for were " : "; asked for were ");
    units_add_duration(out, facts->told);
    if (fate == TOO_SHORT)
        text_add(out, ", which the run did not last");
}

static void add_refused(const struct facts *facts, enum fate fate, struct text *out)
{
    const struct tally *tally = &facts->tallies[fate];
    tally_add_who(tally, facts->refused, out);
    text_addf(out, " answered with %u", (unsigned)facts->refusal);
    if (fate == STOPPED) {
        text_add(out, " made no further attempt for a minute");
    } else if (fate == REFUSED_SHORT) {
        text_add(out, " made no quick attempt, but was watched for less than the minute needed");
    } else {
        text_addf(out, " made up to %.0f attempt%s in the next minute",
                  nsec_to_seconds(tally->most), tally->most == NSEC_PER_SEC ? "" : "s");
        text_add(out, fate == BACKED_OFF ? ", at the longest delays"
                      : fate == RENEWED  ? ", each with another credential"
                                         : ", on the schedule of any other failure: the shortest "
                                           "delay was ");
        if (fate != BACKED_OFF && fate != RENEWED)
            units_add_duration(out, facts->shortest);
    }
}

static void report(struct findings *out, const struct facts *facts, enum fate fate)
{
    const struct tally *tally = &facts->tallies[fate];
    bool timed = fate == TOO_SHORT || fate == WAITED || fate == TOO_EARLY;
    struct text text;
    text_init(&text);
    if (timed)
        add_times(facts, fate, &text);
    else
        add_refused(facts, fate, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    if (timed) {
        finding_measured(finding, "away_s", nsec_to_seconds(tally->least));
        finding_allowed(finding, "away_s_min", nsec_to_seconds(facts->told));
    } else {
        finding_measured(finding, "attempts_per_minute", nsec_to_seconds(tally->most));
        finding_allowed(finding, "attempts_per_minute", PER_MINUTE);
    }
    finding_evidence(finding, tally->from, tally->to);
    if (fate == TOO_EARLY)
        finding_fix(finding, "read Retry-After (seconds, or a date) of the failed handshake and "
                             "wait at least as long, plus a random second or two");
    else if (fate == RETRIED || fate == HAMMERED)
        finding_fix(finding,
                    "after %u do not repeat the same request: get new credentials or "
                    "tell the user, and else retry only at the longest delay",
                    (unsigned)facts->refusal);
}

static void report_lock_step(struct findings *out, const struct facts *facts)
{
    const struct tally *tally = &facts->tallies[WAITED];
    struct finding *finding =
        finding_add(out, WARN,
                    "all clients that were told the same Retry-After came back together, less than "
                    "%g s apart",
                    nsec_to_seconds(SPREAD));
    finding_allowed(finding, "spread_s_min", nsec_to_seconds(SPREAD));
    finding_evidence(finding, tally->from, tally->to);
    finding_fix(finding, "add a random second or two to what Retry-After asks for");
}

static void report_all(struct findings *out, const struct facts *facts, nsec noise)
{
    for (int fate = FATES - 1; fate >= 0; fate--) {
        /* What the end of the run cut off hides nothing that other answers show. */
        bool hidden =
            fate == TOO_SHORT && facts->tallies[WAITED].count + facts->tallies[TOO_EARLY].count > 0;
        if (facts->tallies[fate].count > 0 && !hidden)
            report(out, facts, (enum fate)fate);
    }
    if (is_lock_step(facts, noise))
        report_lock_step(out, facts);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct facts facts = {.timed = 0};
    struct endings endings;
    struct credentials credentials;
    (void)config;
    if (!trace->policy.sees_status) {
        (void)finding_add(out, NOT_APPLICABLE,
                          "the client is told no status of a handshake that failed (the policy's "
                          "sees_status: false)");
        return;
    }
    endings_of(trace, &endings);
    credentials_of(trace, &credentials);
    for (size_t i = 0; i < endings.count;) {
        size_t end = endings_of_client_end(&endings, i);
        take_client(&facts, &endings, &credentials, i, end, trace);
        i = end;
    }
    report_all(out, &facts, trace->noise);
    if (!out->first && facts.browsers > 0)
        (void)finding_add(out, NOT_APPLICABLE,
                          "a browser tells its script neither the status nor the headers of a "
                          "handshake that failed");
    else if (!out->first && endings.count == 0 && endings.builtin)
        finding_own_client(out);
    else if (!out->first && facts.several > 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "the clients keep several connections: whether an attempt answers the "
                          "status or belongs to another connection is not seen");
    else if (!out->first)
        (void)finding_add(
            out, INCONCLUSIVE,
            facts.answered > 0
                ? "no handshake was answered with a status that says when, or that it "
                  "is no use, to come back"
                : "no handshake was answered with a status other than 101");
    credentials_fini(&credentials);
    endings_fini(&endings);
}

const struct rule_desc reconnect_retry_after_rule = {
    .name = "reconnect.retry_after",
    .id = "RECON-13",
    .title = "Retry-After and HTTP status respected",
    .brief = "what a refused handshake says about retrying is heeded",
    .doc =
        "Provoked by answers to the handshake other than 101. After 503 or 429 with a Retry-After "
        "the next attempt may come half a second early at most; earlier is a failure. When five "
        "clients or more are told the same moment they must not all come back in it, a "
        "warning. After 401, 403, 404, 426 and their like the same request will be refused again: "
        "no attempt for a minute passes, and so do attempts at the policy's longest delay, or with "
        "another credential; the ordinary backoff is a warning, more than 12 attempts in a minute are a failure. Browsers "
        "tell a script nothing of this: not applicable to them, and where the policy says "
        "sees_status: false (the profile browser). To mend a failure read the status and the "
        "header in the handler of failed handshakes; where the library hides them, use one that "
        "does not.",
    .source = "RFC 9110 10.2.3",
    .example = "reconnect.retry_after",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(TCP_OPEN),
    .check = check,
};

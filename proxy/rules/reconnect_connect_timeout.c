/* reconnect.connect_timeout: an attempt that nobody answers is given up in bounded time. */
#include "base/units.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define GRACE         NSEC_PER_SEC /* a timer set to the limit itself passes (RULES 0.4) */
#define SHORTEST_HANG NSEC_PER_SEC /* an answer that came sooner says nothing of a timeout */

struct config {
    nsec within, warn_within;
};

static const struct param params[] = {
    P_DURATION(config, within, .def = "", .min = "10ms", .max = "24h",
               .doc = "how soon an attempt without an answer has to be given up; left out: the "
                      "policy's connect timeout"),
    P_DURATION(config, warn_within, .def = "60s", .min = "10ms", .max = "24h",
               .doc = "waiting longer than that is a failure"),
    P_END,
};

struct limits {
    nsec pass, warn, noise; /* noise: what is added before either convicts */
};

/* How an attempt fared, the best first. */
enum fate { NOT_HELD, TOO_SHORT, DIED, IN_TIME, LATE, LEAKED, TOO_LATE, FATES };

static const enum verdict verdicts[FATES] = {
    [NOT_HELD] = INCONCLUSIVE,
    [TOO_SHORT] = INCONCLUSIVE,
    [DIED] = INCONCLUSIVE,
    [IN_TIME] = PASS,
    [LATE] = WARN,
    [LEAKED] = WARN,
    [TOO_LATE] = FAIL,
};

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    struct limits limits = {.noise = nsec_add(GRACE, 2 * trace->noise)};
    limits.pass = cfg->within > 0 ? cfg->within : trace->policy.connect_timeout;
    limits.warn = nsec_max(cfg->warn_within, limits.pass);
    return limits;
}

/* So long the client went without an answer: until it gave up, the answer came, or we looked
 * away. */
static nsec waited(const struct ending *ending)
{
    const struct attempt *attempt = &ending->attempt;
    nsec until = nsec_min(attempt->opened, attempt->failed);
    return nsec_min(until, ending->watched) - attempt->start;
}

/* It went on with another attempt and left this one open. */
static bool is_left_open(const struct endings *endings, size_t of)
{
    const struct ending *ending = &endings->list[of];
    nsec end = ending->attempt.start + waited(ending);
    for (size_t i = of + 1; i < endings->count; i++) {
        const struct attempt *later = &endings->list[i].attempt;
        if (later->client != ending->attempt.client || later->start >= end)
            return false;
        if (later->start > ending->attempt.start + SHORTEST_HANG)
            return true;
    }
    return false;
}

static enum fate fate_of(const struct endings *endings, size_t of, const struct limits *limits)
{
    const struct ending *ending = &endings->list[of];
    nsec took = waited(ending);
    if (!ending->held)
        return NOT_HELD;
    if (took > nsec_add(limits->warn, limits->noise))
        return is_left_open(endings, of) ? LEAKED : TOO_LATE;
    if (ending->attempt.outcome != ATTEMPT_ABANDONED)
        return TOO_SHORT;
    if (ending->exit)
        return DIED;
    return took > nsec_add(limits->pass, limits->noise) ? LATE : IN_TIME;
}

/* --- Sentences --- */

static void add_who(const struct tally *tally, size_t of, struct text *out)
{
    if (of == 1)
        text_add(out, "the attempt that got no answer");
    else
        text_addf(out, "%zu of %zu attempts that got no answer", tally->count, of);
}

static void add_limit(struct text *out, const char *before, nsec limit)
{
    text_add(out, before);
    units_add_duration(out, limit);
}

static void add_sentence(enum fate fate, const struct tally *tally, size_t of,
                         const struct limits *limits, struct text *out)
{
    const char *were = of == 1 ? " was" : " were";
    add_who(tally, of, out);
    switch (fate) {
    case IN_TIME:
    case LATE:
        text_addf(out, "%s given up after ", were);
        tally_add_range(tally, out);
        add_limit(out, "; allowed ", limits->pass);
        break;
    case TOO_LATE:
        text_addf(out, "%s still waited for after ", were);
        tally_add_range(tally, out);
        add_limit(out, "; it should be given up after ", limits->pass);
        break;
    case LEAKED:
        text_addf(out, "%s left open for ", were);
        tally_add_range(tally, out);
        text_add(out, " while the client went on to its next attempt");
        break;
    case DIED:
        text_addf(out, "%s ended by the end of the process, after ", were);
        tally_add_range(tally, out);
        break;
    case TOO_SHORT:
        text_addf(out, "%s waited for as long as the answer stayed away, which was only ", were);
        tally_add_range(tally, out);
        add_limit(out, "; more than ", limits->warn);
        text_add(out, " would be needed");
        break;
    case NOT_HELD:
    case FATES:
        break;
    }
}

static void report(struct findings *out, enum fate fate, const struct tally *tally, size_t of,
                   const struct limits *limits)
{
    struct text text;
    text_init(&text);
    add_sentence(fate, tally, of, limits, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "waited_s", nsec_to_seconds(tally->most));
    finding_measured(finding, "attempts", (double)tally->count);
    finding_allowed(finding, "waited_s", nsec_to_seconds(limits->pass));
    finding_evidence(finding, tally->from, tally->to);
    if (fate == LEAKED)
        finding_fix(finding, "close the socket of an attempt when it is given up, before the next "
                             "one begins");
    else if (fate == LATE || fate == TOO_LATE)
        finding_fix(finding,
                    "start one timer when an attempt begins and stop it when the WebSocket is "
                    "open, not when TCP is connected; when it fires, drop the socket and count a "
                    "failure");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct limits limits = limits_of(trace, config);
    struct tally tallies[FATES] = {{0}};
    struct endings endings;
    size_t held = 0;
    endings_of(trace, &endings);
    for (size_t i = 0; i < endings.count; i++) {
        const struct ending *ending = &endings.list[i];
        enum fate fate = fate_of(&endings, i, &limits);
        /* An answer that came soon, or an end of ours, shows no timeout of the client's. */
        if (fate == NOT_HELD || (fate == TOO_SHORT && waited(ending) < SHORTEST_HANG))
            continue;
        tally_add(&tallies[fate], waited(ending), ending->from, ending->attempt.to);
        held++;
    }
    /* The last one is often cut short by the end of the outage: it hides nothing that others show.
     */
    bool decided = tallies[IN_TIME].count + tallies[LATE].count + tallies[LEAKED].count +
                       tallies[TOO_LATE].count >
                   0;
    held -= decided ? tallies[TOO_SHORT].count + tallies[DIED].count : 0;
    for (int fate = FATES - 1; fate > NOT_HELD; fate--)
        if (tallies[fate].count > 0 && (!decided || fate > DIED))
            report(out, (enum fate)fate, &tallies[fate], held, &limits);
    if (!out->first && endings.count == 0 && endings.builtin)
        finding_own_client(out);
    else if (!out->first)
        (void)finding_add(out, INCONCLUSIVE,
                          "no attempt was left without an answer, so nothing had to be given up");
    endings_fini(&endings);
}

const struct rule_desc reconnect_connect_timeout_rule = {
    .name = "reconnect.connect_timeout",
    .id = "RECON-12",
    .title = "Connect and handshake timeout",
    .brief = "an attempt that nobody answers is given up",
    .doc =
        "Provoked by connections that are accepted and never answered (accept_stall, tls_stall), or "
        "of which the answer to the handshake is kept back (upgrade_delay, upgrade_dribble). "
        "Observed is how long the client waits before it ends such an attempt itself. Up to the "
        "policy's connect timeout, 20 s and a second for a timer that is late, passes; up to 60 s is a warning; more is a failure, for a "
        "client without a limit stays in CONNECTING until somebody restarts it. A client that goes "
        "on to its next attempt and keeps the old socket open is warned. Connects that the kernel "
        "does not answer are not seen here. To mend a failure run one timer from the beginning of "
        "an attempt until the WebSocket is open; a timeout of the library that covers TCP alone, "
        "or that each byte starts anew, is not enough.",
    .source = "gRPC connection backoff, MIN_CONNECT_TIMEOUT",
    .example = "reconnect.connect_timeout: {within: 20s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(TCP_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

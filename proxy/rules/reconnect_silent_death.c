/* reconnect.silent_death: a peer that is gone without a word is noticed, and the client comes
 * back. */
#include <assert.h>

#include "base/units.h"
#include "rules/lib/death.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

/* as long as the longest delay between retries, and more */
#define COMES_BACK (60 * NSEC_PER_SEC)

struct config {
    nsec within, warn_within;
};

static const struct param params[] = {
    P_DURATION(config, within, .def = "", .min = "10ms", .max = "24h",
               .doc =
                   "how soon the silence has to be noticed; left out: the policy's ping interval "
                   "plus pong timeout plus 5 s"),
    P_DURATION(config, warn_within, .def = "90s", .min = "10ms", .max = "24h",
               .doc = "noticing it later than that, or never, is a failure"),
    P_END,
};

struct limits {
    struct death_limits death;
    nsec ping, pong;
};

/* How a client fared, the best first. */
enum fate {
    IN_TIME,
    LATE,
    TOO_SHORT,
    BACK_UNKNOWN,
    OWN_WISH,
    TOO_LATE,
    NEVER_NOTICED,
    NOT_BACK,
    DIED,
    FATES
};

static const enum verdict verdicts[FATES] = {
    [IN_TIME] = PASS,          [LATE] = WARN,     [TOO_SHORT] = INCONCLUSIVE,
    [OWN_WISH] = INCONCLUSIVE, [TOO_LATE] = FAIL, [BACK_UNKNOWN] = INCONCLUSIVE,
    [NEVER_NOTICED] = FAIL,    [NOT_BACK] = FAIL, [DIED] = FAIL,
};

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    return (struct limits){.death = death_limits_of(trace, cfg->within, cfg->warn_within),
                           .ping = trace->policy.ping,
                           .pong = trace->policy.pong};
}

/* Who noticed must also come back. */
static enum fate fate_of(const struct death *death, const struct death_limits *limits)
{
    enum death_notice notice = death_notice(death, limits);
    if (notice == NOTICE_NEVER)
        return NEVER_NOTICED;
    if (notice == NOTICE_TOO_SHORT)
        return TOO_SHORT;
    if (notice == NOTICE_OWN_WISH)
        return OWN_WISH;
    if (death->back == NEVER && death->exit)
        return DIED;
    if (death->back == NEVER && death->end - death->noticed >= COMES_BACK - limits->noise)
        return NOT_BACK;
    if (notice == NOTICE_TOO_LATE)
        return TOO_LATE;
    if (death->back == NEVER)
        return BACK_UNKNOWN;
    return notice == NOTICE_LATE ? LATE : IN_TIME;
}

/* --- Sentences --- */

static void add_seconds(struct text *out, const char *before, nsec time)
{
    text_add(out, before);
    units_add_duration(out, time);
}

static const char *about_beats(enum death_beats beats, bool alone)
{
    switch (beats) {
    case BEATS_NONE:
        return alone ? "; it sends no heartbeat" : "; they send no heartbeat";
    case BEATS_UNCLEAR:
        return alone ? "; nothing it sends is recognised as a heartbeat"
                     : "; nothing they send is recognised as a heartbeat";
    case BEATS_OF_SERVER:
        return alone ? "; it sends no heartbeat and does not miss the server's"
                     : "; they send no heartbeat and do not miss the server's";
    case BEATS_OWN:
        return alone ? "; it sends heartbeats and does not miss the answers"
                     : "; they send heartbeats and do not miss the answers";
    }
    return "";
}

static void add_undecided(struct text *out, enum fate fate, const struct tally *tally,
                          const struct death *example, const struct limits *limits)
{
    if (fate == OWN_WISH) {
        text_addf(out, " closed with %u after ", (unsigned)example->code);
        tally_add_range(tally, out);
        text_add(out,
                 " of silence, before any heartbeat went unanswered: the application's own wish, "
                 "which does not show whether a dead peer is noticed");
    } else if (fate == BACK_UNKNOWN) {
        text_add(out, " noticed after ");
        tally_add_range(tally, out);
        add_seconds(out, " that the peer was gone, but the run ended ",
                    example->end - example->noticed);
        add_seconds(out, " later without a new connection; ", COMES_BACK);
        text_add(out, " would have shown whether one comes");
    } else {
        text_add(out, " did nothing during the silence, which lasted only ");
        tally_add_range(tally, out);
        add_seconds(out, "; ", limits->death.patience);
        text_add(out, " would have been needed");
    }
}

static void add_sentence(struct text *out, enum fate fate, const struct tally *tally, size_t of,
                         const struct death *example, const struct limits *limits)
{
    assert(example);
    tally_add_who(tally, of, out);
    switch (fate) {
    case IN_TIME:
        text_add(out, " noticed after ");
        tally_add_range(tally, out);
        add_seconds(out, " that the peer was gone, and reconnected; allowed ", limits->death.pass);
        break;
    case LATE:
    case TOO_LATE:
        text_add(out, " gave the dead connection up only after ");
        tally_add_range(tally, out);
        add_seconds(out, "; allowed ", limits->death.pass);
        break;
    case NEVER_NOTICED:
        add_seconds(out, " never noticed within ", tally->least);
        text_add(out, " that the peer was gone");
        text_add(out, about_beats(example->beats, of <= 1));
        break;
    case NOT_BACK:
        text_add(out, " gave the dead connection up after ");
        tally_add_range(tally, out);
        add_seconds(out, " and made no new one within ", example->end - example->noticed);
        break;
    case DIED:
        text_add(out, " noticed after ");
        tally_add_range(tally, out);
        text_addf(out, " that the peer was gone and does not come back: the process ended (%s)",
                  example->exit);
        break;
    case OWN_WISH:
    case BACK_UNKNOWN:
    case TOO_SHORT:
        add_undecided(out, fate, tally, example, limits);
        break;
    case FATES:
        break;
    }
}

static void add_fix(struct finding *finding, enum fate fate, const struct limits *limits)
{
    struct text ping, pong;
    text_init(&ping);
    text_init(&pong);
    units_add_duration(&ping, limits->ping);
    units_add_duration(&pong, limits->pong);
    if (fate == NOT_BACK || fate == DIED)
        finding_fix(finding,
                    "start the reconnect loop wherever a connection is given up, also after "
                    "the heartbeat's own timeout, and not only when the peer closes");
    else if (fate == LATE || fate == TOO_LATE || fate == NEVER_NOTICED)
        finding_fix(
            finding,
            "send a ping every %s; when no pong has come %s later, drop the socket at once "
            "(terminate, not close: a closing handshake waits for the dead peer) and reconnect",
            text_chars(&ping), text_chars(&pong));
    else if (fate == OWN_WISH)
        finding_fix(finding, "keep the application connected for the whole scenario");
    text_fini(&ping);
    text_fini(&pong);
}

static void report(struct findings *out, enum fate fate, const struct tally *tally, size_t of,
                   const struct death *example, const struct limits *limits)
{
    struct text text;
    text_init(&text);
    add_sentence(&text, fate, tally, of, example, limits);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    bool noticed = fate != NEVER_NOTICED && fate != TOO_SHORT;
    finding_measured(finding, noticed ? "noticed_after_s" : "silence_s",
                     nsec_to_seconds(noticed ? tally->most : tally->least));
    finding_measured(finding, "connections", (double)tally->count);
    finding_allowed(finding, "noticed_after_s", nsec_to_seconds(limits->death.pass));
    finding_evidence(finding, tally->from, tally->to);
    add_fix(finding, fate, limits);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct limits limits = limits_of(trace, config);
    struct tally tallies[FATES] = {{0}};
    const struct death *examples[FATES] = {NULL};
    struct deaths deaths;
    deaths_of(trace, &deaths);
    for (size_t i = 0; i < deaths.count; i++) {
        const struct death *death = &deaths.list[i];
        enum fate fate = fate_of(death, &limits.death);
        nsec until = death->noticed != NEVER ? death->noticed : death->watched;
        tally_add(&tallies[fate], until - death->began, death->from, death->to);
        examples[fate] = examples[fate] ? examples[fate] : death;
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (tallies[fate].count > 0)
            report(out, (enum fate)fate, &tallies[fate], deaths.count, examples[fate], &limits);
    if (deaths.count == 0 && deaths.builtin)
        finding_own_client(out);
    else if (deaths.count == 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no open connection was silenced towards its client, so nothing could be "
                          "noticed");
    deaths_fini(&deaths);
}

const struct rule_desc reconnect_silent_death_rule = {
    .name = "reconnect.silent_death",
    .id = "RECON-01",
    .title = "Silent death is noticed",
    .brief = "a peer that vanishes silently is noticed and replaced",
    .doc =
        "Provoked by a fault that silences an open connection towards the client: drop, where the "
        "bytes vanish and TCP still acknowledges them, or stall, where the window closes. There is "
        "no FIN, no RST and no Close frame. Observed is the time from there to the first of the "
        "client's Close frame, its FIN or RST on that connection, and its next connection. Allowed "
        "is the ping interval plus the pong timeout plus 5 s (45 s by default); up to 90 s is a "
        "warning. Who notices must also come back: no new connection within 60 s is a failure, and "
        "so is a process that ends. A client that closes with 1000, 1001 or no code before "
        "anything of its peer could be missed did so for reasons of its own, and the run decides "
        "nothing. The remedy is a heartbeat with a timeout, after which the socket is dropped "
        "without waiting for a closing handshake.",
    .source = "RFC 6455 7.2.1",
    .example = "reconnect.silent_death: {within: 45s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .needs_silence = true,
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

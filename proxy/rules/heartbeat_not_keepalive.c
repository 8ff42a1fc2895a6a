/* heartbeat.not_keepalive: that the peer is alive is known from the peer, not from TCP. */
#include "base/units.h"
#include "rules/lib/death.h"
#include "rules/lib/tally.h"
#include "rules/lib/words.h"
#include "rules/rule.h"

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

/* How a client fared in silences during which its TCP saw nothing wrong, the best first. */
enum fate {
    IN_TIME,
    LATE,
    TOO_SHORT,
    OWN_WISH,
    PROCESS_ENDED,
    TOO_LATE,
    NEVER_NOTICED,
    TCP_ONLY,
    FATES
};

static const enum verdict verdicts[FATES] = {
    [IN_TIME] = PASS,          [LATE] = WARN,     [TOO_SHORT] = INCONCLUSIVE,
    [OWN_WISH] = INCONCLUSIVE, [TOO_LATE] = FAIL, [PROCESS_ENDED] = INCONCLUSIVE,
    [NEVER_NOTICED] = FAIL,    [TCP_ONLY] = FAIL,
};

/* A death of the same client that its TCP could notice, and that it did notice; NULL: none. */
static const struct death *noticed_by_tcp(const struct deaths *deaths, int client)
{
    for (size_t i = 0; i < deaths->count; i++) {
        const struct death *death = &deaths->list[i];
        if (death->client == client && death->tcp != TCP_ACKED && death->noticed != NEVER &&
            !death->unprompted && !death->exit)
            return death;
    }
    return NULL;
}

static enum fate fate_of(const struct deaths *deaths, const struct death *death,
                         const struct death_limits *limits)
{
    if (death->exit)
        return PROCESS_ENDED;
    switch (death_notice(death, limits)) {
    case NOTICE_IN_TIME:
        return IN_TIME;
    case NOTICE_LATE:
        return LATE;
    case NOTICE_OWN_WISH:
        return OWN_WISH;
    case NOTICE_TOO_LATE:
        return noticed_by_tcp(deaths, death->client) ? TCP_ONLY : TOO_LATE;
    case NOTICE_NEVER:
        return noticed_by_tcp(deaths, death->client) ? TCP_ONLY : NEVER_NOTICED;
    case NOTICE_TOO_SHORT:
        return TOO_SHORT;
    }
    return TOO_SHORT;
}

/* --- Sentences --- */

/* The clients of one fate, and the first of them. */
struct group {
    struct tally tally;
    const struct death *first;
};

static const char *about_beats(enum death_beats beats)
{
    switch (beats) {
    case BEATS_NONE:
        return "no heartbeat is sent";
    case BEATS_UNCLEAR:
        return "nothing that is sent is recognised as a heartbeat";
    case BEATS_OF_SERVER:
        return "the server's heartbeat is not missed";
    case BEATS_OWN:
        return "the answers to the heartbeat are not missed";
    }
    return "";
}

static void add_undecided(struct text *out, enum fate fate, const struct group *group,
                          const struct death_limits *limits)
{
    if (fate == OWN_WISH) {
        text_addf(out, " closed with %u", (unsigned)group->first->code);
        words_add_range(out, " after ", &group->tally, "");
        text_add(out, " of silence, before any heartbeat went unanswered, which does not show "
                      "whether a dead peer is noticed");
    } else if (fate == PROCESS_ENDED) {
        text_addf(out, " ended (%s) during the silence, which does not show why",
                  group->first->exit);
    } else {
        words_add_range(out, " did nothing during the silence, which lasted only ", &group->tally,
                        "");
        words_add_time(out, "; ", limits->patience, "");
        text_add(out, " would have been needed");
    }
}

static void add_sentence(struct text *out, enum fate fate, const struct group *group,
                         const struct deaths *deaths, const struct death_limits *limits)
{
    const struct death *tcp = noticed_by_tcp(deaths, group->first->client);
    switch (fate) {
    case IN_TIME:
    case LATE:
    case TOO_LATE:
        text_add(out, fate == IN_TIME ? " noticed" : " noticed only");
        words_add_range(out, " after ", &group->tally, "");
        text_add(out, " that the peer was gone, while TCP acknowledged everything");
        words_add_time(out, "; allowed ", limits->pass, "");
        break;
    case NEVER_NOTICED:
        words_add_time(out, " never noticed within ", group->tally.least, "");
        text_addf(out,
                  " that the peer was gone, while TCP acknowledged everything: %s, and TCP "
                  "keepalive sees only the next hop",
                  about_beats(group->first->beats));
        break;
    case TCP_ONLY:
        words_add_time(
            out,
            " noticed only what TCP can tell: TCP-level liveness. A peer that was gone while "
            "TCP acknowledged everything was not noticed within ",
            group->tally.least, "");
        if (tcp)
            words_add_time(out, ", one of which nothing was acknowledged after ",
                           tcp->noticed - tcp->began, "");
        break;
    default:
        add_undecided(out, fate, group, limits);
        break;
    }
}

static void add_fix(struct finding *finding, const struct policy *policy)
{
    struct text ping, pong;
    text_init(&ping);
    text_init(&pong);
    units_add_duration(&ping, policy->ping);
    units_add_duration(&pong, policy->pong);
    finding_fix(finding,
                "send a ping every %s and drop the connection when no pong has come %s later; "
                "SO_KEEPALIVE and TCP_USER_TIMEOUT may stay, but they ask the next proxy, not the "
                "peer",
                text_chars(&ping), text_chars(&pong));
    text_fini(&ping);
    text_fini(&pong);
}

static void report(struct findings *out, enum fate fate, const struct group *group, size_t of,
                   const struct trace *trace, const struct deaths *deaths,
                   const struct death_limits *limits)
{
    struct text text;
    text_init(&text);
    tally_add_who(&group->tally, of, &text);
    add_sentence(&text, fate, group, deaths, limits);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    bool noticed = group->first->noticed != NEVER;
    finding_measured(finding, noticed ? "noticed_after_s" : "silence_s",
                     nsec_to_seconds(noticed ? group->tally.most : group->tally.least));
    finding_allowed(finding, "noticed_after_s", nsec_to_seconds(limits->pass));
    finding_evidence(finding, group->tally.from, group->tally.to);
    if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
        add_fix(finding, &trace->policy);
}

/* --- The rule --- */

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct death_limits limits = death_limits_of(trace, cfg->within, cfg->warn_within);
    struct group groups[FATES] = {{.first = NULL}};
    struct deaths deaths;
    size_t acked = 0;
    deaths_of(trace, &deaths);
    for (size_t i = 0; i < deaths.count; i++) {
        const struct death *death = &deaths.list[i];
        if (death->tcp != TCP_ACKED)
            continue;
        struct group *group = &groups[fate_of(&deaths, death, &limits)];
        nsec until = death->noticed != NEVER ? death->noticed : death->watched;
        acked++;
        tally_add(&group->tally, until - death->began, death->from, death->to);
        group->first = group->first ? group->first : death;
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].first)
            report(out, (enum fate)fate, &groups[fate], acked, trace, &deaths, &limits);
    if (acked == 0 && deaths.builtin)
        finding_own_client(out);
    else if (acked == 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no open connection was silenced towards its client while TCP went on "
                          "acknowledging what it sent");
    deaths_fini(&deaths);
}

const struct rule_desc heartbeat_not_keepalive_rule = {
    .name = "heartbeat.not_keepalive",
    .id = "HEART-06",
    .title = "Not TCP keepalive",
    .brief = "a dead peer is noticed although TCP sees nothing wrong",
    .doc =
        "Provoked by a fault that silences an open connection towards the client while TCP goes on "
        "acknowledging what it sends, keepalive probes included: drop, or half_open. So it is with "
        "every proxy or load balancer in between whose server is gone. Observed is the time until "
        "the client ends that connection or makes a new one. Allowed is what reconnect.silent_death "
        "allows, the ping interval plus the pong timeout plus 5 s (45 s by default); up to 90 s is a "
        "warning, later or never a failure. Where the same client noticed another silence, in which "
        "nothing was acknowledged (blackhole) or its writes blocked (stall), the failure says that it "
        "has only TCP-level liveness: such silences show nothing else, and are not judged here. "
        "Whether the client comes back is reconnect.silent_death's business. The remedy is a "
        "heartbeat that the peer itself has to answer: TCP keepalive is off by default, waits two "
        "hours when it is on, and is answered by the next hop.",
    .source = "RFC 9293 3.8.4",
    .example = "heartbeat.not_keepalive: {within: 45s}",
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

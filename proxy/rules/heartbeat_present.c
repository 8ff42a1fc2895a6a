/* heartbeat.present: an idle connection is not left to itself. */
#include <string.h>

#include "base/units.h"
#include "rules/lib/sights.h"
#include "rules/lib/words.h"

#define INTERVALS_SEEN 5 /* observed idle that long, in ping intervals: none is none */

struct config {
    nsec idle;
};

static const struct param params[] = {
    P_DURATION(config, idle, .def = "", .min = "10ms", .max = "24h",
               .doc = "no heartbeat in that much idle time is none; left out: five of the policy's "
                      "ping intervals"),
    P_END,
};

struct limits {
    nsec enough, noise, ping;
    bool can_ping;
};

enum show {
    TOO_SHORT = SIGHT_FIRST,
    NEVER_IDLE,
    CLIENT_BEATS,
    SERVER_BEATS,
    BOTH_BEAT,  /* unasked: each may miss the other's */
    REPLY_LOST, /* by our own doing */
    REPLY_UNKNOWN,
    REPLY_UNCLEAR, /* the other side says something, and not as answers come */
    UNANSWERED,
    NO_BEATS_MUTE, /* and the server is halfopen's, which sends none */
    NO_BEATS,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {

    [TOO_SHORT] = INCONCLUSIVE,
    [NEVER_IDLE] = INCONCLUSIVE,
    [CLIENT_BEATS] = PASS,
    [SERVER_BEATS] = PASS,
    [BOTH_BEAT] = PASS,
    [REPLY_LOST] = INCONCLUSIVE,
    [REPLY_UNKNOWN] = NOT_TESTED,
    [REPLY_UNCLEAR] = INCONCLUSIVE,
    [UNANSWERED] = WARN,
    [NO_BEATS_MUTE] = FAIL,
    [NO_BEATS] = FAIL,
};

/* --- One connection --- */

static enum show show_of_silent(const struct connection *c, const struct limits *limits)
{
    nsec enough = limits->enough - limits->noise;
    if (connection_longest_idle(c) >= enough)
        return c->server_by == BY_ENDPOINT ? NO_BEATS : NO_BEATS_MUTE;
    return c->to - c->from >= enough ? NEVER_IDLE : TOO_SHORT;
}

/* Half as many words of the other side as there are beats may be answers that a busy host made
 * late. */
static bool may_be_answered(const struct connection *c, const struct heartbeat_group *group)
{
    uint64_t words = 0;
    for (const struct event *ev = c->open; ev < c->end; ev++)
        words += ev->kind == EV_WS_FRAME && ev->conn == c->conn && ev->side != group->from &&
                 ev->at >= group->first;
    return words * 2 >= group->beats;
}

/* A single ping is no heartbeat. */
static const struct heartbeat_group *beating(const struct heartbeats *beats, enum side side)
{
    const struct heartbeat_group *group = heartbeats_best(beats, side);
    return group && group->beats > 1 ? group : NULL;
}

/* STOMP: each side beats by a timer of its own. Which of two beats in the same second came first is
 * chance, so that they may look like answers of one another now and then. */
static bool both_beat(const struct connection *c, const struct heartbeats *beats,
                      const struct heartbeat_group *group)
{
    enum side other = side_other(group->from);
    uint64_t words = 0;
    if (c->server_by != BY_ENDPOINT || group->kind != HEARTBEAT_APPLICATION)
        return false;
    for (const struct event *ev = c->open; ev < c->end; ev++)
        words += ev->kind == EV_WS_FRAME && ev->conn == c->conn && ev->side == other &&
                 strcmp(ev->ws_frame.kind, "ping") == 0;
    return beating(beats, other) || (words > 1 && words * 2 >= group->beats);
}

/* What one side's heartbeat amounts to. Halfopen's own server answers a ping, and an application
 * it does not understand: an echo of its beat is no answer. */
static enum show show_of_group(const struct connection *c, const struct heartbeats *beats,
                               const struct heartbeat_group *group)
{
    if (group->kind == HEARTBEAT_APPLICATION && c->server_by != BY_ENDPOINT)
        return REPLY_UNKNOWN;
    if (heartbeat_is_answered(group))
        return group->from == SIDE_CLIENT ? CLIENT_BEATS : SERVER_BEATS;
    if (both_beat(c, beats, group))
        return BOTH_BEAT;
    if (connection_is_tampered_with(c))
        return REPLY_LOST;
    return may_be_answered(c, group) ? REPLY_UNCLEAR : UNANSWERED;
}

/* Of both sides' the one that is answered. NULL: none beats. Pings of halfopen's own server are
 * nobody's. */
static const struct heartbeat_group *better_of(const struct heartbeats *beats,
                                               const struct connection *c)
{
    const struct heartbeat_group *client = beating(beats, SIDE_CLIENT);
    const struct heartbeat_group *server =
        c->server_by == BY_ENDPOINT ? beating(beats, SIDE_SERVER) : NULL;
    if (!client || (server && !heartbeat_is_answered(client) && heartbeat_is_answered(server)))
        return server;
    return client;
}

static struct sight look(const struct trace *trace, const struct connection *c, const void *given)
{
    struct sight sight = {.from = c->open->seq, .to = c->end->seq};
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *group = better_of(beats, c);
    sight.show = group ? (int)show_of_group(c, beats, group) : (int)show_of_silent(c, given);
    sight.measured = group                     ? group->median
                     : sight.show == TOO_SHORT ? c->to - c->from
                                               : connection_longest_idle(c);
    heartbeats_free(beats);
    return sight;
}

/* --- Sentences --- */

static void add_undecided(struct text *out, enum show show, const struct tally *tally, bool alone,
                          const struct limits *limits)
{
    const char *has = alone ? " has" : " have";
    if (show == REPLY_LOST) {
        text_add(out, has);
        words_add_range(
            out, " a heartbeat every ", tally,
            ", and a fault kept answers to it away; a run without faults would tell whether "
            "it is answered");
    } else if (show == REPLY_UNCLEAR) {
        text_add(out, has);
        words_add_range(
            out, " a heartbeat every ", tally,
            ", and what the other side says meanwhile cannot be told from late answers; a "
            "quieter host or connection would tell");
    } else if (show == REPLY_UNKNOWN) {
        text_add(out, has);
        words_add_range(
            out, " an application heartbeat every ", tally,
            ", which halfopen's own server cannot answer; whether it is answered shows with "
            "the real one (server in the target file)");
    } else if (show == NEVER_IDLE) {
        text_add(out, alone ? " was" : " were");
        words_add_time(out, " never idle for ", limits->enough, "");
        words_add_range(
            out, " (the longest pause was ", tally,
            ") and no message is recognised as a heartbeat; declare heartbeat.ping in the "
            "target file if one of them is");
    } else {
        text_add(out, alone ? " was" : " were");
        words_add_range(out, " observed for only ", tally, "");
        words_add_time(out, "; ", limits->enough,
                       " of undisturbed connection would have been needed");
    }
}

static void add_words(struct text *out, enum show show, const struct tally *tally, bool alone,
                      const struct limits *limits)
{
    const char *has = alone ? " has" : " have";
    switch (show) {
    case BOTH_BEAT:
        text_add(out, has);
        words_add_range(out, " a heartbeat every ", tally, ", and so has the server");
        break;
    case CLIENT_BEATS:
    case SERVER_BEATS:
        text_add(out, has);
        words_add_range(out, " a heartbeat every ", tally, ", sent by the ");
        text_add(out, show == CLIENT_BEATS ? "client and answered by the server"
                                           : "server and answered by the client");
        break;
    case UNANSWERED:
        text_add(out, has);
        words_add_range(
            out, " a sign of life every ", tally,
            " in one direction, which goes unanswered: its sender does not learn whether "
            "anybody hears it");
        break;
    case NO_BEATS:
    case NO_BEATS_MUTE:
        text_add(out, has);
        words_add_range(out, " no heartbeat: in ", tally,
                        " of idle connection neither side sent one");
        if (show == NO_BEATS_MUTE)
            text_add(out, " (halfopen's own server, in place of yours, never does)");
        break;
    default:
        add_undecided(out, show, tally, alone, limits);
        break;
    }
}

static void add_sentence(struct text *out, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    add_words(out, show, &sights->tally, sights->clients <= 1, limits);
    if (!limits->can_ping && verdicts[show] > PASS)
        text_add(out, "; protocol pings of the client do not count (can_ping: false)");
}

static void add_fix(struct finding *finding, enum show show, const struct limits *limits)
{
    struct text ping;
    text_init(&ping);
    units_add_duration(&ping, limits->ping);
    if (verdicts[show] == FAIL)
        finding_fix(
            finding, "send %s every %s while the connection is open%s, and expect its answer%s",
            limits->can_ping ? "a ping" : "an application message", text_chars(&ping),
            limits->can_ping ? " (an application message in a browser, which has no ping)" : "",
            show == NO_BEATS_MUTE ? "; if your server is the one that pings, test with it "
                                    "(server in the target file)"
                                  : "");
    else if (show == UNANSWERED)
        finding_fix(finding, "%slet the server answer the application's beat",
                    limits->can_ping ? "use pings, which RFC 6455 wants answered, instead of "
                                       "unsolicited pongs, or "
                                     : "");
    else if (show == REPLY_UNKNOWN)
        finding_fix(finding, "add to halfopen.yaml: server: {command: 'node server.js {port}'}");
    text_fini(&ping);
}

static void add_facts(struct finding *finding, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    bool idle = verdicts[show] == FAIL || show == NEVER_IDLE || show == TOO_SHORT;
    finding_measured(finding, idle ? "without_heartbeat_s" : "interval_s",
                     nsec_to_seconds(sights->tally.most));
    if (idle)
        finding_allowed(finding, "without_heartbeat_s", nsec_to_seconds(limits->enough));
    add_fix(finding, show, limits);
}

static const struct sights_rule sights_rule = {.shows = SHOWS,
                                               .verdicts = verdicts,
                                               .look = look,
                                               .add_sentence = add_sentence,
                                               .add_facts = add_facts};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct limits limits = {.noise = trace->noise, .can_ping = trace->policy.can_ping};
    limits.enough = cfg->idle > 0 ? cfg->idle : trace->policy.ping * INTERVALS_SEEN;
    limits.ping = trace->policy.ping;
    sights_judge(&sights_rule, trace, &limits, out);
}

const struct rule_desc heartbeat_present_rule = {
    .name = "heartbeat.present",
    .id = "HEART-01",
    .title = "There is a heartbeat",
    .brief = "an idle connection carries pings that are answered",
    .doc =
        "Provoked by nothing but time: the application is left alone for five ping intervals. "
        "Observed are pings, unsolicited pongs and regular application messages of either side, "
        "and what answers them. One side that asks and one that answers is enough, and so are two that "
        "beat each by itself; how often, and what happens without an answer, are other rules' business. Where the policy says "
        "can_ping: false (the profile browser) protocol pings of the client do not count. A sign of life that nothing "
        "answers is a warning: it keeps proxies content and tells its sender nothing. None in "
        "five intervals of an idle connection is a failure: such a connection can be dead for "
        "hours while both sides believe in it. halfopen's own server never pings unless a scenario "
        "says so, and then its pings do not count: a client whose server does the pinging is to be "
        "tested with that server. The remedy is a timer that pings for as long as the connection "
        "is open.",
    .source = "RFC 6455 5.5.2",
    .example = "heartbeat.present: {idle: 150s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

/* heartbeat.application: a script in a browser, which has no ping, has a heartbeat all the same. */
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
    NO_BROWSER = SIGHT_FIRST,
    TOO_SHORT,
    NEVER_IDLE,
    CLIENT_BEATS,
    CLIENT_BEATS_ALONE, /* and the server is halfopen's, which does not answer */
    SERVER_BEATS,
    REPLY_LOST, /* by our own doing */
    UNANSWERED,
    ONLY_PINGS,    /* of the server: the script does not see them */
    NO_BEATS_MUTE, /* and the server is halfopen's, which sends none */
    NO_BEATS,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {
    [NO_BROWSER] = NOT_APPLICABLE, [TOO_SHORT] = INCONCLUSIVE,  [NEVER_IDLE] = INCONCLUSIVE,
    [CLIENT_BEATS] = PASS,         [CLIENT_BEATS_ALONE] = PASS, [SERVER_BEATS] = PASS,
    [REPLY_LOST] = INCONCLUSIVE,   [UNANSWERED] = WARN,         [ONLY_PINGS] = WARN,
    [NO_BEATS_MUTE] = FAIL,        [NO_BEATS] = FAIL,
};

/* --- One connection --- */

static const struct event *request_of(const struct trace *trace, const struct connection *c)
{
    for (const struct event *ev = c->open; ev >= trace->events; ev--)
        if (ev->conn == c->conn && ev->kind == EV_HTTP_REQUEST)
            return ev;
    return NULL;
}

/* A heartbeat of pings proves that it is none, whatever it says of itself: scripts cannot send
 * them (WHATWG). */
static bool is_browser(const struct trace *trace, const struct connection *c,
                       const struct heartbeats *beats, const struct limits *limits)
{
    const struct heartbeat_group *own = heartbeats_best(beats, SIDE_CLIENT);
    const struct event *request = request_of(trace, c);
    if (!limits->can_ping)
        return true;
    if (own && own->kind == HEARTBEAT_PROTOCOL && own->beats > 1)
        return false;
    return request && agent_is_browser(request->http_request.agent);
}

static enum show show_of_silent(const struct connection *c, const struct limits *limits)
{
    nsec enough = limits->enough - limits->noise;
    if (connection_longest_idle(c) >= enough)
        return c->server_by == BY_ENDPOINT ? NO_BEATS : NO_BEATS_MUTE;
    return c->to - c->from >= enough ? NEVER_IDLE : TOO_SHORT;
}

/* What the two sides' heartbeats of the application amount to; any may be NULL. */
struct beats_of {
    const struct heartbeat_group *client, *server, *pings;
};

static bool counts(const struct heartbeat_group *group)
{
    return group && group->beats > 1;
}

static struct beats_of beats_of(const struct connection *c, const struct heartbeats *beats)
{
    struct beats_of of = {.client = heartbeats_best_application(beats, SIDE_CLIENT)};
    if (c->server_by != BY_ENDPOINT)
        return of; /* what halfopen's own server sends is nobody's */
    of.server = heartbeats_best_application(beats, SIDE_SERVER);
    of.pings = heartbeats_best(beats, SIDE_SERVER);
    return of;
}

static enum show show_of(const struct connection *c, const struct beats_of *of, bool browser,
                         const struct limits *limits)
{
    if (counts(of->client) && c->server_by != BY_ENDPOINT)
        return CLIENT_BEATS_ALONE;
    if (counts(of->client) && heartbeat_is_answered(of->client))
        return CLIENT_BEATS;
    if (counts(of->server))
        return SERVER_BEATS;
    if (!browser)
        return NO_BROWSER;
    if (counts(of->client))
        return connection_is_tampered_with(c) ? REPLY_LOST : UNANSWERED;
    return counts(of->pings) ? ONLY_PINGS : show_of_silent(c, limits);
}

static nsec median_of(const struct heartbeat_group *group)
{
    return group ? group->median : 0;
}

static nsec measured(const struct connection *c, const struct beats_of *of, enum show show)
{
    switch (show) {
    case CLIENT_BEATS:
    case CLIENT_BEATS_ALONE:
    case REPLY_LOST:
    case UNANSWERED:
        return median_of(of->client);
    case SERVER_BEATS:
        return median_of(of->server);
    case ONLY_PINGS:
        return median_of(of->pings);
    case TOO_SHORT:
        return c->to - c->from;
    default:
        return connection_longest_idle(c);
    }
}

static struct sight look(const struct trace *trace, const struct connection *c, const void *given)
{
    struct sight sight = {.from = c->open->seq, .to = c->end->seq};
    struct heartbeats *beats = connection_heartbeats(trace, c);
    struct beats_of of = beats_of(c, beats);
    enum show show = show_of(c, &of, is_browser(trace, c, beats, given), given);
    sight.show = (int)show;
    sight.measured = measured(c, &of, show);
    heartbeats_free(beats);
    return sight;
}

/* --- Sentences --- */

static void add_undecided(struct text *out, enum show show, const struct tally *tally, bool alone,
                          const struct limits *limits)
{
    if (show == NO_BROWSER) {
        text_add(out, alone ? " is no browser: it can send pings, and has"
                            : " are no browsers: they can send pings, and have");
        text_add(out, " no heartbeat of its application");
    } else if (show == REPLY_LOST) {
        words_add_range(out, alone ? " sends a heartbeat every " : " send a heartbeat every ",
                        tally, ", and a fault may have kept the answers away");
    } else if (show == NEVER_IDLE) {
        text_add(out, alone ? " was" : " were");
        words_add_time(out, " never idle for ", limits->enough, "");
        words_add_range(out, " (the longest pause was ", tally,
                        ") and no message is recognised as a heartbeat; declare heartbeat.ping in "
                        "the target file if one of them is");
    } else {
        text_add(out, alone ? " was" : " were");
        words_add_range(out, " observed for only ", tally, "");
        words_add_time(out, "; ", limits->enough,
                       " of undisturbed connection would have been needed");
    }
}

static void add_sentence(struct text *out, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    const struct tally *tally = &sights->tally;
    enum show show = (enum show)sights->show;
    bool alone = sights->clients <= 1;
    const char *sends = alone ? " sends a message of its application as a heartbeat every "
                              : " send a message of their application as a heartbeat every ";
    switch (show) {
    case CLIENT_BEATS:
        words_add_range(out, sends, tally, ", and the server answers it");
        break;
    case CLIENT_BEATS_ALONE:
        words_add_range(out, sends, tally,
                        "; halfopen's own server does not answer it, whether yours does shows with "
                        "yours (server in the target file)");
        break;
    case SERVER_BEATS:
        words_add_range(out,
                        alone ? " gets a heartbeat of the application every "
                              : " get a heartbeat of the application every ",
                        tally, " from the server, which a script can miss");
        break;
    case UNANSWERED:
        words_add_range(out, sends, tally,
                        ", which nothing answers: no script can miss what never comes");
        break;
    case ONLY_PINGS:
        words_add_range(out, alone ? " gets pings every " : " get pings every ", tally,
                        " from the server, which the browser answers and no script sees: it cannot "
                        "notice that they stop");
        break;
    case NO_BEATS:
    case NO_BEATS_MUTE:
        words_add_range(out,
                        alone ? " has no heartbeat of its application: in "
                              : " have no heartbeat of their application: in ",
                        tally, " of idle connection neither side sent one");
        if (show == NO_BEATS_MUTE)
            text_add(out, " (halfopen's own server, in place of yours, never does)");
        break;
    default:
        add_undecided(out, show, tally, alone, limits);
        break;
    }
}

static void add_fix(struct finding *finding, enum show show, const struct limits *limits)
{
    struct text ping;
    text_init(&ping);
    words_add_time(&ping, "", limits->ping, "");
    if (verdicts[show] == FAIL || show == ONLY_PINGS)
        finding_fix(finding,
                    "send {\"type\":\"ping\"} every %s from a timer, let the server answer it, and "
                    "close the connection and make a new one when no answer has come in time%s",
                    text_chars(&ping),
                    show == NO_BEATS_MUTE ? "; if your server sends such messages, test with it "
                                            "(server in the target file)"
                                          : "");
    else if (show == UNANSWERED)
        finding_fix(finding, "let the server answer the application's heartbeat");
    text_fini(&ping);
}

static void add_facts(struct finding *finding, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    bool idle = verdicts[show] == FAIL || show == NEVER_IDLE || show == TOO_SHORT;
    if (show == NO_BROWSER)
        return;
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

const struct rule_desc heartbeat_application_rule = {
    .name = "heartbeat.application",
    .id = "HEART-08",
    .title = "Application-level ping for browsers",
    .brief = "a page in a browser has a heartbeat that its script sees",
    .doc =
        "Provoked by nothing but time: the application is left alone for five ping intervals. A "
        "script in a browser can send no ping, and the pings that its server sends are answered "
        "behind its back, so that it notices neither their coming nor their end. Observed are "
        "messages of the application that come regularly, or are declared as a heartbeat "
        "(heartbeat.ping in the target file), and what answers them. One from the page passes when "
        "the server answers it, and so does one from the server, which a script can miss; whether "
        "it does is shown by reconnect.silent_death. One that nothing answers is a warning, and so "
        "are protocol pings of the server alone. Neither in five intervals of an idle connection is "
        "a failure. A client is a browser when the policy says can_ping: false (the profile "
        "browser) or when it calls itself one (User-Agent: Mozilla/...) and sends no pings; to "
        "others the rule does not apply, unless they have such a heartbeat. Browsers run the timers "
        "of hidden tabs once a minute at best, so that a heartbeat may then come every 60 s: take "
        "that into account on the server. The remedy is a timer that sends a small message for as "
        "long as the connection is open.",
    .source = "WHATWG WebSockets, ping and pong frames",
    .example = "heartbeat.application: {idle: 150s}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

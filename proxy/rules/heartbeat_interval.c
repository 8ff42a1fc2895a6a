/* heartbeat.interval: the client beats often enough by itself. */
#include "base/units.h"
#include "rules/lib/sights.h"
#include "rules/lib/words.h"
#include "rules/rule.h"

#define CHATTY         (5 * NSEC_PER_SEC)
#define ENOUGH_GAPS    4 /* RULES 5.1: this many intervals tell a heartbeat from chance */
#define REGULAR        1.25
#define INTERVALS_SEEN 5 /* observed that long, in ping intervals: none is none */

struct config {
    nsec at_most;
};

static const struct param params[] = {
    P_DURATION(
        config, at_most, .def = "", .min = "10ms", .max = "24h",
        .doc = "longest median interval that passes; left out: the policy's ping interval and a "
               "tenth"),
    P_END,
};

struct limits {
    nsec pass, warn, enough, noise, ping;
    bool can_ping;
};

enum show {
    TOO_SHORT = SIGHT_FIRST,
    NEVER_IDLE,
    SERVER_PINGS,
    REGULAR_BEATS,
    CHATTY_BEATS,
    GAP_IN_BEATS,
    SLOW_BEATS,
    TOO_SLOW,
    TOO_FEW,
    NO_BEATS,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {
    [TOO_SHORT] = INCONCLUSIVE, [NEVER_IDLE] = INCONCLUSIVE, [SERVER_PINGS] = NOT_APPLICABLE,
    [REGULAR_BEATS] = PASS,     [CHATTY_BEATS] = PASS,       [GAP_IN_BEATS] = WARN,
    [SLOW_BEATS] = WARN,        [TOO_SLOW] = FAIL,           [TOO_FEW] = FAIL,
    [NO_BEATS] = FAIL,
};

/* How late a fault made the answer to a beat: who waits for it before the next one beats less often
 * by our doing. */
static nsec kept_back(const struct trace *trace)
{
    nsec longest[SIDE_SERVER + 1] = {0};
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        const struct event *frame =
            ev->kind == EV_WS_DELIVERED ? trace_at_seq(trace, ev->ws_delivered.frame) : NULL;
        if (frame)
            longest[ev->side] = nsec_max(longest[ev->side], ev->at - frame->at);
    }
    return nsec_min(nsec_add(longest[SIDE_CLIENT], longest[SIDE_SERVER]), trace->policy.pong);
}

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    struct limits limits = {.noise = trace->noise, .can_ping = trace->policy.can_ping};
    limits.pass = cfg->at_most > 0 ? cfg->at_most : trace->policy.ping / 10 * 11;
    limits.ping = limits.pass / 11 * 10;
    limits.warn = limits.ping / 2 * 3;
    limits.enough = limits.ping * INTERVALS_SEEN;
    nsec late = kept_back(trace);
    limits.pass = nsec_add(limits.pass, late);
    limits.warn = nsec_add(limits.warn, late);
    return limits;
}

/* --- One connection --- */

static struct sight look_without_beats(const struct connection *c, const struct limits *limits)
{
    nsec idle = connection_longest_idle(c), enough = limits->enough - limits->noise;
    if (idle >= enough)
        return (struct sight){.show = NO_BEATS, .measured = idle};
    if (c->to - c->from >= enough)
        return (struct sight){.show = NEVER_IDLE, .measured = idle};
    return (struct sight){.show = TOO_SHORT, .measured = c->to - c->from};
}

static bool is_regular(const struct heartbeat_group *group)
{
    return group->shortest > 0 && (double)group->longest <= REGULAR * (double)group->shortest;
}

static enum show show_of_median(const struct heartbeat_group *own, const struct limits *limits)
{
    if (own->median > nsec_add(limits->warn, limits->noise))
        return TOO_SLOW;
    if (own->median > nsec_add(limits->pass, limits->noise))
        return SLOW_BEATS;
    return own->median < CHATTY && limits->ping > CHATTY ? CHATTY_BEATS : REGULAR_BEATS;
}

static struct sight look_at_beats(const struct trace *trace, const struct connection *c,
                                  const struct heartbeat_group *own, const struct limits *limits)
{
    nsec length = c->to - c->from;
    if (own->beats <= ENOUGH_GAPS && length < limits->enough - limits->noise)
        return (struct sight){.show = TOO_SHORT, .measured = length};
    nsec silence = heartbeats_longest_silence(trace, c->conn, SIDE_CLIENT, c->from, c->to);
    bool quiet = silence > nsec_add(limits->warn, limits->noise);
    if (own->beats < 2)
        return (struct sight){.show = quiet ? TOO_FEW : NEVER_IDLE, .measured = silence};
    struct sight sight = {.show = show_of_median(own, limits), .measured = own->median};
    /* A beat is skipped where data was just sent: then intervals differ and nothing is ever
     * silent. */
    if (sight.show > CHATTY_BEATS && !is_regular(own) && !quiet)
        return (struct sight){.show = NEVER_IDLE, .measured = connection_longest_idle(c)};
    if (sight.show <= CHATTY_BEATS && quiet)
        return (struct sight){.show = GAP_IN_BEATS, .measured = silence};
    return sight;
}

static struct sight look(const struct trace *trace, const struct connection *c, const void *given)
{
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *own = heartbeats_best(beats, SIDE_CLIENT);
    const struct heartbeat_group *servers = heartbeats_best(beats, SIDE_SERVER);
    struct sight sight = own ? look_at_beats(trace, c, own, given) : look_without_beats(c, given);
    /* Built-in peers never earn an endpoint a pass: only the server of the system pings for it. */
    if (servers && c->server_by == BY_ENDPOINT &&
        (!own || sight.show >= GAP_IN_BEATS || sight.show < SERVER_PINGS))
        sight = (struct sight){.show = SERVER_PINGS, .measured = servers->median};
    heartbeats_free(beats);
    sight.from = c->open->seq;
    sight.to = c->end->seq;
    return sight;
}

/* --- Sentences --- */

static void add_undecided(struct text *out, enum show show, const struct tally *tally, size_t of,
                          const struct limits *limits)
{
    text_add(out, of <= 1 ? " was" : " were");
    if (show == NEVER_IDLE) {
        words_add_time(out, " never idle for ", limits->enough, "");
        words_add_range(
            out, " (the longest pause was ", tally,
            ") and no message is recognised as a heartbeat; declare heartbeat.ping in the "
            "target file if one of them is");
    } else {
        words_add_range(out, " observed for only ", tally, "");
        words_add_time(out, "; ", limits->enough,
                       " of undisturbed connection would have been needed");
    }
}

static void add_words(struct text *out, enum show show, const struct tally *tally, size_t of,
                      const struct limits *limits)
{
    const char *sends = of <= 1 ? " sends" : " send";
    switch (show) {
    case REGULAR_BEATS:
    case CHATTY_BEATS:
    case SLOW_BEATS:
    case TOO_SLOW:
        text_add(out, sends);
        words_add_range(out, " a heartbeat every ", tally, "");
        words_add_time(out, "; allowed ", limits->pass, "");
        if (show == CHATTY_BEATS)
            text_add(out, " (chatty: more often than every 5 s costs traffic and battery)");
        break;
    case GAP_IN_BEATS:
        text_add(out, sends);
        words_add_range(out, " heartbeats often enough, but once nothing for ", tally, "");
        break;
    case TOO_FEW:
        text_add(out, sends);
        words_add_range(out, " a single heartbeat and then nothing for ", tally, "");
        words_add_time(out, "; asked is one every ", limits->ping, "");
        break;
    case NO_BEATS:
        words_add_range(out, " sent no heartbeat in ", tally, " of idle connection");
        words_add_time(out, "; asked is one every ", limits->ping, "");
        break;
    case SERVER_PINGS:
        text_add(out, of <= 1 ? " leaves" : " leave");
        text_add(out, " the heartbeat to the server, which pings; see reconnect.silent_death for "
                      "what happens when that stops");
        break;
    default:
        add_undecided(out, show, tally, of, limits);
        break;
    }
}

static void add_sentence(struct text *out, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    add_words(out, show, &sights->tally, sights->clients, limits);
    if (!limits->can_ping && verdicts[show] > PASS)
        text_add(out, "; protocol pings do not count (can_ping: false)");
}

static void add_fix(struct finding *finding, enum show show, const struct limits *limits)
{
    struct text ping;
    text_init(&ping);
    units_add_duration(&ping, limits->ping);
    if (verdicts[show] == FAIL || verdicts[show] == WARN)
        finding_fix(
            finding,
            "send %s every %s while the connection is open%s, whether or not anything else is "
            "being sent",
            limits->can_ping ? "a ping" : "an application message", text_chars(&ping),
            limits->can_ping ? " (an application message in a browser, which has no ping)" : "");
    text_fini(&ping);
}

static void add_facts(struct finding *finding, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    bool interval =
        show == REGULAR_BEATS || show == CHATTY_BEATS || show == SLOW_BEATS || show == TOO_SLOW;
    if (show != SERVER_PINGS)
        finding_measured(finding, interval ? "interval_s" : "silence_s",
                         nsec_to_seconds(sights->tally.most));
    finding_allowed(finding, "interval_s", nsec_to_seconds(limits->pass));
    add_fix(finding, show, limits);
}

static const struct sights_rule sights_rule = {.shows = SHOWS,
                                               .verdicts = verdicts,
                                               .look = look,
                                               .add_sentence = add_sentence,
                                               .add_facts = add_facts};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct limits limits = limits_of(trace, config);
    sights_judge(&sights_rule, trace, &limits, out);
}

const struct rule_desc heartbeat_interval_rule = {
    .name = "heartbeat.interval",
    .id = "HEART-02",
    .title = "Client heartbeat interval",
    .brief = "an idle client sends a heartbeat at least every 30 s",
    .doc =
        "Provoked by nothing but time: the application is left alone for five intervals. Observed "
        "are protocol pings, unsolicited pongs and application messages that are declared as a "
        "heartbeat (heartbeat.ping in the target file) or give themselves away by regularity. "
        "Allowed is a median interval of the policy's ping interval and a tenth (33 s by default), "
        "up to half as much again (45 s) with a warning; to both is added how late a fault made the "
        "answers, up to the pong timeout. Where the policy says can_ping: false "
        "(the profile browser) protocol pings do not count. The time after a fault has silenced or "
        "cut a connection does not count. Where the server of the system does the pinging the rule "
        "does not apply; whether the client then misses those pings is shown by "
        "reconnect.silent_death. The remedy is a timer that pings for as long as the connection is "
        "open.",
    .source = "RFC 6455 5.5.2",
    .example = "heartbeat.interval: {at_most: 33s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

/* heartbeat.interval: the client beats often enough by itself. */
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"
#include "ws/frame.h"

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

/* What one connection shows. The order is that of their weight: of several connections of a client
 * the last in this list counts. */
enum show {
    NOTHING,
    OWN_CLIENT, /* halfopen's, not under test */
    TOO_SHORT,
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
    [OWN_CLIENT] = NOT_APPLICABLE,
    [TOO_SHORT] = INCONCLUSIVE,
    [NEVER_IDLE] = INCONCLUSIVE,
    [SERVER_PINGS] = NOT_APPLICABLE,
    [REGULAR_BEATS] = PASS,
    [CHATTY_BEATS] = PASS,
    [GAP_IN_BEATS] = WARN,
    [SLOW_BEATS] = WARN,
    [TOO_SLOW] = FAIL,
    [TOO_FEW] = FAIL,
    [NO_BEATS] = FAIL,
};

struct sight {
    enum show show;
    nsec measured; /* what its sentence gives a range of */
    uint64_t from, to;
};

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    struct limits limits = {.noise = trace->noise, .can_ping = trace->policy.can_ping};
    limits.pass = cfg->at_most > 0 ? cfg->at_most : trace->policy.ping / 10 * 11;
    limits.ping = limits.pass / 11 * 10;
    limits.warn = limits.ping / 2 * 3;
    limits.enough = limits.ping * INTERVALS_SEEN;
    return limits;
}

/* --- One connection --- */

static bool is_application_data(const struct event *ev, uint32_t conn)
{
    return ev->kind == EV_WS_FRAME && ev->conn == conn && ev->ws_frame.opcode < OPCODE_CLOSE &&
           !*ev->ws_frame.kind;
}

/* The longest time without a word of the application in either direction. */
static nsec longest_idle(const struct connection *c)
{
    nsec last = c->from, longest = 0;
    for (const struct event *ev = c->open; ev < c->end; ev++)
        if (is_application_data(ev, c->conn)) {
            longest = nsec_max(longest, ev->at - last);
            last = ev->at;
        }
    return nsec_max(longest, c->to - last);
}

static struct sight look_without_beats(const struct connection *c, const struct limits *limits)
{
    nsec idle = longest_idle(c), enough = limits->enough - limits->noise;
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
        return (struct sight){.show = NEVER_IDLE, .measured = longest_idle(c)};
    if (sight.show <= CHATTY_BEATS && quiet)
        return (struct sight){.show = GAP_IN_BEATS, .measured = silence};
    return sight;
}

static struct sight look_at(const struct trace *trace, const struct connection *c,
                            const struct limits *limits)
{
    struct sight sight = {.show = OWN_CLIENT};
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *own = heartbeats_best(beats, SIDE_CLIENT);
    const struct heartbeat_group *servers = heartbeats_best(beats, SIDE_SERVER);
    if (c->client_by != BY_BUILTIN) {
        sight = own ? look_at_beats(trace, c, own, limits) : look_without_beats(c, limits);
        /* Built-in peers never earn an endpoint a pass: only the server of the system pings for
         * it. */
        if (servers && c->server_by == BY_ENDPOINT &&
            (!own || sight.show >= GAP_IN_BEATS || sight.show < SERVER_PINGS))
            sight = (struct sight){.show = SERVER_PINGS, .measured = servers->median};
    }
    heartbeats_free(beats);
    sight.from = c->open->seq;
    sight.to = c->end->seq;
    return sight;
}

/* --- Sentences --- */

static void add_time(struct text *out, const char *before, nsec time, const char *behind)
{
    text_add(out, before);
    units_add_duration(out, time);
    text_add(out, behind);
}

static void add_range(struct text *out, const char *before, const struct tally *tally,
                      const char *behind)
{
    text_add(out, before);
    tally_add_range(tally, out);
    text_add(out, behind);
}

static void add_undecided(struct text *out, enum show show, const struct tally *tally, size_t of,
                          const struct limits *limits)
{
    text_add(out, of <= 1 ? " was" : " were");
    if (show == NEVER_IDLE) {
        add_time(out, " never idle for ", limits->enough, "");
        add_range(out, " (the longest pause was ", tally,
                  ") and no message is recognised as a heartbeat; declare heartbeat.ping in the "
                  "target file if one of them is");
    } else {
        add_range(out, " observed for only ", tally, "");
        add_time(out, "; ", limits->enough, " of undisturbed connection would have been needed");
    }
}

static void add_sentence(struct text *out, enum show show, const struct tally *tally, size_t of,
                         const struct limits *limits)
{
    const char *sends = of <= 1 ? " sends" : " send";
    if (show == OWN_CLIENT) {
        text_add(out, "the client is halfopen's own and not under test");
        return;
    }
    tally_add_who(tally, of, out);
    switch (show) {
    case REGULAR_BEATS:
    case CHATTY_BEATS:
    case SLOW_BEATS:
    case TOO_SLOW:
        text_add(out, sends);
        add_range(out, " a heartbeat every ", tally, "");
        add_time(out, "; allowed ", limits->pass, "");
        if (show == CHATTY_BEATS)
            text_add(out, " (chatty: more often than every 5 s costs traffic and battery)");
        break;
    case GAP_IN_BEATS:
        text_add(out, sends);
        add_range(out, " heartbeats often enough, but once nothing for ", tally, "");
        break;
    case TOO_FEW:
        text_add(out, sends);
        add_range(out, " a single heartbeat and then nothing for ", tally, "");
        add_time(out, "; asked is one every ", limits->ping, "");
        break;
    case NO_BEATS:
        add_range(out, " sent no heartbeat in ", tally, " of idle connection");
        add_time(out, "; asked is one every ", limits->ping, "");
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

static void report(struct findings *out, enum show show, const struct tally *tally, size_t of,
                   const struct limits *limits)
{
    struct text text;
    text_init(&text);
    add_sentence(&text, show, tally, of, limits);
    if (!limits->can_ping && verdicts[show] > PASS)
        text_add(&text, "; protocol pings do not count (can_ping: false)");
    struct finding *finding = finding_add(out, verdicts[show], "%s", text_chars(&text));
    text_fini(&text);
    bool interval =
        show == REGULAR_BEATS || show == CHATTY_BEATS || show == SLOW_BEATS || show == TOO_SLOW;
    if (show != OWN_CLIENT && show != SERVER_PINGS)
        finding_measured(finding, interval ? "interval_s" : "silence_s",
                         nsec_to_seconds(tally->most));
    if (show != OWN_CLIENT)
        finding_allowed(finding, "interval_s", nsec_to_seconds(limits->pass));
    finding_evidence(finding, tally->from, tally->to);
    add_fix(finding, show, limits);
}

/* --- The rule --- */

static struct sight look_at_client(const struct trace *trace, const struct connections *all,
                                   size_t first, size_t end, const struct limits *limits)
{
    struct sight worst = {.show = NOTHING};
    for (size_t i = first; i < end; i++) {
        struct sight sight = look_at(trace, &all->list[i], limits);
        bool longer = sight.show == worst.show && sight.measured > worst.measured;
        if (sight.show > worst.show || longer)
            worst = sight;
    }
    return worst;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct limits limits = limits_of(trace, config);
    struct tally tallies[SHOWS] = {{0}};
    struct connections all;
    size_t clients = 0, end;
    connections_of(trace, &all);
    for (size_t first = 0; first < all.count; first = end) {
        end = connections_of_client_end(&all, first);
        struct sight sight = look_at_client(trace, &all, first, end, &limits);
        clients++;
        tally_add(&tallies[sight.show], sight.measured, sight.from, sight.to);
    }
    for (int show = SHOWS - 1; show > NOTHING; show--)
        if (tallies[show].count > 0)
            report(out, (enum show)show, &tallies[show], clients, &limits);
    connections_fini(&all);
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
        "up to half as much again (45 s) with a warning. Where the policy says can_ping: false "
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

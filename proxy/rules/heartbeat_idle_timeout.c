/* heartbeat.idle_timeout: no silence is long enough for an intermediary to end the connection. */
#include <jansson.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define ROOM 0.75 /* share of the timeout that passes: one late beat is forgiven */

struct config {
    nsec timeout;
};

static const struct param params[] = {
    P_DURATION(
        config, timeout, .def = "", .min = "10ms", .max = "24h",
        .doc = "idle timeout to judge against where no fault with an idle timer is at work; left "
               "out: that of behind in the target file, else the policy's"),
    P_END,
};

/* Whose bytes restart the timer; the words of the fault. */
enum counts { COUNTS_ANY, COUNTS_FROM_CLIENT, COUNTS_FROM_SERVER, COUNTS_PER_DIRECTION };

static const char *const counts_words[] = {"any", "from_client", "from_server", "per_direction"};

struct timer {
    nsec timeout;
    enum counts counts;
    bool at_work;      /* a fault ends the connection; else it is only asked what one would do */
    const char *label; /* of that fault */
    nsec from, to;     /* when, within the undisturbed time of the connection */
};

/* What one connection shows. The order is that of their weight: of several connections of a client
 * the last in this list counts. */
enum show {
    NOTHING,
    OWN_ENDS, /* halfopen's on both sides */
    TOO_SHORT,
    BY_CHANCE,
    BY_OWN_END,
    ROOMY,
    TIGHT,
    RACE,
    TOO_LONG,
    CUT_IDLE,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {
    [OWN_ENDS] = NOT_APPLICABLE,
    [TOO_SHORT] = INCONCLUSIVE,
    [BY_CHANCE] = INCONCLUSIVE,
    [BY_OWN_END] = INCONCLUSIVE,
    [ROOMY] = PASS,
    [TIGHT] = WARN,
    [RACE] = WARN,
    [TOO_LONG] = FAIL,
    [CUT_IDLE] = FAIL,
};

struct sight {
    enum show show;
    struct timer timer;
    nsec observed, silence, from_client, from_server;
    nsec beat; /* median interval of the endpoints' own heartbeat; 0: none was recognised */
    uint64_t from, to;
};

/* --- The timer --- */

/* Of a fault's parameters, or of what the target file is behind. false: it has no idle timer. */
static bool read_timer(const json_t *values, struct timer *timer)
{
    const char *why;
    nsec after = 0;
    const char *text = json_string_value(json_object_get(values, "after"));
    const char *counts = json_string_value(json_object_get(values, "counts"));
    text = text ? text : json_string_value(json_object_get(values, "idle"));
    if (!counts || !text || !units_duration(text, &after, &why) || after <= 0)
        return false;
    for (size_t i = 0; i < sizeof counts_words / sizeof *counts_words; i++)
        if (strcmp(counts, counts_words[i]) == 0) {
            timer->counts = (enum counts)i;
            timer->timeout = after;
            return true;
        }
    return false;
}

/* A fault with an idle timer begins on the connection. */
static bool begins_timer(const struct event *ev, uint32_t conn, struct timer *timer)
{
    if (ev->kind != EV_FAULT_ON || ev->conn != conn)
        return false;
    json_t *values = json_loads(ev->fault_on.params, 0, NULL);
    bool has = read_timer(values, timer);
    json_decref(values);
    return has;
}

/* The shortest timeout at work on the connection; it may have begun when it was accepted. */
static struct timer timer_of(const struct trace *trace, const struct connection *c, nsec asked)
{
    struct timer timer = {.timeout = asked, .from = c->from, .to = c->to};
    for (const struct event *ev = trace->events; ev < c->end; ev++) {
        struct timer found = {.at_work = true, .to = c->to};
        if (begins_timer(ev, c->conn, &found)) {
            found.from = nsec_max(c->from, ev->at);
            found.label = ev->fault_on.label;
            if (!timer.at_work || found.timeout < timer.timeout)
                timer = found;
        } else if (ev->kind == EV_FAULT_OFF && ev->conn == c->conn && timer.label &&
                   strcmp(ev->fault_off.label, timer.label) == 0) {
            timer.to = nsec_max(timer.from, ev->at);
        }
    }
    return timer;
}

static bool was_cut_by(const struct connection *c, const struct timer *timer)
{
    return timer->at_work && c->end->kind == EV_FAULT_ACT &&
           strcmp(c->end->fault_act.label, timer->label) == 0;
}

/* --- One connection --- */

static nsec silence_that_counts(const struct trace *trace, const struct connection *c,
                                const struct sight *sight)
{
    const struct timer *timer = &sight->timer;
    switch (timer->counts) {
    case COUNTS_ANY:
        return heartbeats_longest_silence(trace, c->conn, SIDE_NONE, timer->from, timer->to);
    case COUNTS_FROM_CLIENT:
        return sight->from_client;
    case COUNTS_FROM_SERVER:
        return sight->from_server;
    case COUNTS_PER_DIRECTION:
        return nsec_max(sight->from_client, sight->from_server);
    }
    return 0;
}

static nsec shorter_beat(nsec a, const struct heartbeat_group *group)
{
    if (!group || group->median == 0)
        return a;
    return a == 0 ? group->median : nsec_min(a, group->median);
}

struct beats {
    nsec endpoints, builtin; /* median intervals; 0: none */
};

static struct beats beats_of(const struct trace *trace, const struct connection *c)
{
    struct heartbeats *heartbeats = connection_heartbeats(trace, c);
    const struct heartbeat_group *client = heartbeats_best(heartbeats, SIDE_CLIENT);
    const struct heartbeat_group *server = heartbeats_best(heartbeats, SIDE_SERVER);
    struct beats beats = {0};
    nsec *clients = c->client_by == BY_BUILTIN ? &beats.builtin : &beats.endpoints;
    *clients = shorter_beat(*clients, client);
    nsec *servers = c->server_by == BY_BUILTIN ? &beats.builtin : &beats.endpoints;
    *servers = shorter_beat(*servers, server);
    heartbeats_free(heartbeats);
    return beats;
}

static enum show show_of_cut(const struct sight *sight, nsec noise)
{
    nsec apart = sight->beat - sight->timer.timeout;
    bool races = sight->beat > 0 && apart <= noise && apart >= -noise;
    return races ? RACE : CUT_IDLE;
}

static enum show show_of_life(const struct sight *sight, nsec builtin_beat, nsec noise)
{
    nsec timeout = sight->timer.timeout;
    nsec room = nsec_add((nsec)(ROOM * (double)timeout), noise);
    nsec longest = nsec_max(sight->silence, sight->beat);
    if (!sight->timer.at_work && sight->silence > nsec_add(timeout, noise))
        return TOO_LONG;
    if (sight->observed < nsec_add(timeout, timeout) - noise)
        return TOO_SHORT;
    if (builtin_beat > 0 && (sight->beat == 0 || sight->beat > room))
        return BY_OWN_END;
    if (sight->beat == 0 || sight->beat > nsec_add(timeout, noise))
        return BY_CHANCE;
    return longest <= room ? ROOMY : TIGHT;
}

/* The silence at whose end it was cut was as long as the timer waits: not for another reason. */
static bool was_silent_so_long(const struct trace *trace, const struct connection *c,
                               const struct sight *sight)
{
    nsec before = c->end->at - sight->timer.timeout + trace->noise;
    for (const struct event *ev = c->end; ev > trace->events && ev->at > before; ev--)
        if (ev->conn == c->conn && (ev->kind == EV_WS_FRAME || ev->kind == EV_WS_OPEN))
            return sight->timer.counts != COUNTS_ANY;
    return true;
}

static struct sight look_with(const struct trace *trace, const struct connection *c,
                              const struct timer *timer, const struct beats *beats)
{
    struct sight sight = {.show = OWN_ENDS, .from = c->open->seq, .to = c->end->seq};
    sight.timer = *timer;
    sight.beat = beats->endpoints;
    sight.observed = timer->to - timer->from;
    sight.from_client =
        heartbeats_longest_silence(trace, c->conn, SIDE_CLIENT, timer->from, timer->to);
    sight.from_server =
        heartbeats_longest_silence(trace, c->conn, SIDE_SERVER, timer->from, timer->to);
    sight.silence = silence_that_counts(trace, c, &sight);
    /* What the timer let live was not silent for as long: bytes came that make no whole frame. */
    if (timer->at_work)
        sight.silence = nsec_min(sight.silence, timer->timeout);
    if (was_cut_by(c, timer) && was_silent_so_long(trace, c, &sight))
        sight.show = show_of_cut(&sight, trace->noise);
    else
        sight.show = show_of_life(&sight, beats->builtin, trace->noise);
    return sight;
}

/* By the timer at work, and by the one the target file says is on the path in production: the worse
 * counts. */
static struct sight look_at(const struct trace *trace, const struct connection *c,
                            const struct timer *asked)
{
    struct sight sight = {.show = OWN_ENDS, .from = c->open->seq, .to = c->end->seq};
    if (c->client_by == BY_BUILTIN && c->server_by != BY_ENDPOINT)
        return sight;
    struct beats beats = beats_of(trace, c);
    struct timer timer = timer_of(trace, c, asked->timeout);
    if (!timer.at_work)
        timer.counts = asked->counts;
    sight = look_with(trace, c, &timer, &beats);
    if (!asked->label || !timer.at_work)
        return sight;
    struct timer declared = *asked;
    declared.from = c->from;
    declared.to = c->to;
    struct sight there = look_with(trace, c, &declared, &beats);
    return there.show > sight.show ? there : sight;
}

/* --- Sentences --- */

static void add_time(struct text *out, const char *before, nsec time, const char *behind)
{
    text_add(out, before);
    units_add_duration(out, time);
    text_add(out, behind);
}

static void add_subject(struct text *out, size_t count, size_t of)
{
    if (of <= 1)
        text_add(out, "the connection");
    else
        text_addf(out, "the connections of %zu of %zu clients", count, of);
}

static void add_beat(struct text *out, const struct sight *sight)
{
    if (sight->beat == 0)
        text_add(out, "; no heartbeat was recognised");
    else
        add_time(out, "; a heartbeat came only every ", sight->beat, "");
}

static void add_undecided(struct text *out, const struct sight *sight, size_t of)
{
    const char *was = of <= 1 ? " was" : " were";
    if (sight->show == BY_CHANCE) {
        text_add(out, " lived on traffic that nobody guarantees");
        add_beat(out, sight);
        text_add(out, "; leave the application idle, or declare heartbeat.ping in the target file");
    } else if (sight->show == BY_OWN_END) {
        text_addf(out, "%s kept alive by the heartbeat of halfopen's own end", was);
        add_beat(out, sight);
    } else if (sight->show == TOO_SHORT) {
        text_addf(out, "%s open and undisturbed for only ", was);
        add_time(out, "", sight->observed, "");
        add_time(out, "; ", nsec_add(sight->timer.timeout, sight->timer.timeout),
                 " would have been needed");
    } else {
        text_add(out, of <= 1 ? " has" : " have");
        text_add(out, " halfopen's own ends on both sides: nothing is under test");
    }
}

static void add_sentence(struct text *out, const struct sight *sight, const struct tally *tally,
                         size_t of)
{
    nsec timeout = sight->timer.timeout;
    const char *was = of <= 1 ? " was" : " were";
    add_subject(out, tally->count, of);
    switch (sight->show) {
    case ROOMY:
    case TIGHT:
        text_addf(out, "%s never silent for longer than ", was);
        tally_add_range(tally, out);
        add_time(out, "; a proxy that waits ", timeout, "");
        if (sight->show == ROOMY)
            add_time(out, " asks for at most ", (nsec)(ROOM * (double)timeout), "");
        else
            text_add(out, " ends it when one beat is late");
        break;
    case RACE:
        text_addf(out, "%s cut at an idle timeout of ", was);
        add_time(out, "", timeout, "");
        add_time(out, " although a heartbeat comes every ", sight->beat, ": the two race");
        break;
    case TOO_LONG:
        text_addf(out, "%s silent for ", was);
        tally_add_range(tally, out);
        add_time(out, "; a proxy with an idle timeout of ", timeout, " ends that");
        add_beat(out, sight);
        break;
    case CUT_IDLE:
        text_addf(out, "%s cut after ", was);
        add_time(out, "", timeout, " in which nothing was said");
        add_beat(out, sight);
        break;
    default:
        add_undecided(out, sight, of);
        break;
    }
}

static void add_fix(struct finding *finding, const struct sight *sight)
{
    struct text often;
    text_init(&often);
    units_add_duration(&often, sight->timer.timeout / 2);
    if (verdicts[sight->show] == FAIL || verdicts[sight->show] == WARN)
        finding_fix(
            finding,
            "send a heartbeat at least every %s while the connection is idle, so that one may "
            "be late or lost; or raise the idle timeout of the proxy",
            text_chars(&often));
    text_fini(&often);
}

static void report(struct findings *out, const struct sight *sight, const struct tally *tally,
                   size_t of)
{
    struct text text;
    text_init(&text);
    add_sentence(&text, sight, tally, of);
    struct finding *finding = finding_add(out, verdicts[sight->show], "%s", text_chars(&text));
    text_fini(&text);
    finding_evidence(finding, tally->from, tally->to);
    add_fix(finding, sight);
    if (sight->show == OWN_ENDS)
        return;
    finding_measured(finding, "silence_s", nsec_to_seconds(tally->most));
    finding_measured(finding, "silence_from_client_s", nsec_to_seconds(sight->from_client));
    finding_measured(finding, "silence_from_server_s", nsec_to_seconds(sight->from_server));
    finding_allowed(finding, "silence_s", ROOM * nsec_to_seconds(sight->timer.timeout));
    finding_allowed(finding, "timeout_s", nsec_to_seconds(sight->timer.timeout));
}

/* --- The rule --- */

static struct sight look_at_client(const struct trace *trace, const struct connections *all,
                                   size_t first, size_t end, const struct timer *asked)
{
    struct sight worst = {.show = NOTHING};
    for (size_t i = first; i < end; i++) {
        struct sight sight = look_at(trace, &all->list[i], asked);
        bool more =
            sight.show == worst.show && (sight.show == TOO_SHORT ? sight.observed > worst.observed
                                                                 : sight.silence > worst.silence);
        if (sight.show > worst.show || more)
            worst = sight;
    }
    return worst;
}

/* The rule's own parameter, else what the target file is behind (label says so), else the policy.
 */
static struct timer asked_of(const struct trace *trace, const struct config *cfg)
{
    struct timer asked = {.timeout = trace->policy.idle_timeout};
    json_t *target = json_loads(trace->start->target, 0, NULL);
    if (cfg->timeout > 0)
        asked.timeout = cfg->timeout;
    else if (read_timer(json_object_get(target, "behind"), &asked))
        asked.label = "behind";
    json_decref(target);
    return asked;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct timer asked = asked_of(trace, cfg);
    struct tally tallies[SHOWS] = {{0}};
    struct sight worst[SHOWS] = {{.show = NOTHING}};
    struct connections all;
    size_t clients = 0, end;
    connections_of(trace, &all);
    for (size_t first = 0; first < all.count; first = end) {
        end = connections_of_client_end(&all, first);
        struct sight sight = look_at_client(trace, &all, first, end, &asked);
        clients++;
        tally_add(&tallies[sight.show], sight.silence, sight.from, sight.to);
        if (worst[sight.show].show == NOTHING || sight.silence > worst[sight.show].silence)
            worst[sight.show] = sight;
    }
    for (int show = SHOWS - 1; show > NOTHING; show--)
        if (tallies[show].count > 0)
            report(out, &worst[show], &tallies[show], clients);
    connections_fini(&all);
}

const struct rule_desc heartbeat_idle_timeout_rule = {
    .name = "heartbeat.idle_timeout",
    .id = "HEART-05",
    .title = "Faster than idle timeouts",
    .brief = "heartbeats keep idle connections alive through proxies",
    .doc =
        "Provoked by the fault idle_timeout, which ends a connection that was silent for too long, "
        "as proxies and load balancers do, while the application is left alone. Observed is the "
        "longest silence of the connection, or of each direction where the fault counts them "
        "apart. Allowed is three quarters of the timeout, so that one beat may be late; up to the "
        "timeout is a warning, and a connection that was cut is a failure. Without such a fault "
        "the silence is judged against the policy's idle timeout. A connection that only lives on "
        "traffic which happens to come shows nothing: it takes a heartbeat that is recognised. The "
        "remedy is a heartbeat at half the timeout or faster.",
    .source = "RFC 6455 5.5.2",
    .example = "heartbeat.idle_timeout: {timeout: 60s}",
    .level = MUST,
    .applies = APPLIES_CLIENT | APPLIES_SERVER | APPLIES_PATH,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

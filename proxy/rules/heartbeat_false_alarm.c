/* heartbeat.false_alarm: a slow peer is not taken for a dead one. */
#include <string.h>

#include "base/units.h"
#include "rules/lib/sights.h"
#include "rules/lib/words.h"
#include "ws/frame.h"

#define SLOW_SHARE 10 /* an answer is slow from a tenth of what it may take */
#define ENOUGH     3  /* slow answers that were waited for */
#define TWICE      2  /* an end once, while an answer is under way, may be chance */
/* nobody takes an answer for missing sooner */
#define PATIENCE_LEAST NSEC_PER_SEC

struct config {
    nsec patience;
};

static const struct param params[] = {
    P_DURATION(config, patience, .def = "", .min = "10ms", .max = "24h",
               .doc = "an answer may take that long without being missed; left out: the policy's "
                      "pong timeout"),
    P_END,
};

struct limits {
    nsec allowed, least, slow, noise;
    size_t alarms; /* of all connections */
};

enum show {
    SERVER_PINGS = SIGHT_FIRST,
    MUTE_SERVER, /* halfopen's own, which does not know the application's pings */
    NOT_SLOW,
    TOO_FEW,
    SERVER_ENDED,
    OTHER_REASON,
    PATIENT,
    ALARM_ONCE,
    ALARM,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {

    [MUTE_SERVER] = NOT_TESTED, [SERVER_PINGS] = NOT_APPLICABLE, [NOT_SLOW] = INCONCLUSIVE,
    [TOO_FEW] = INCONCLUSIVE,   [SERVER_ENDED] = INCONCLUSIVE,   [OTHER_REASON] = INCONCLUSIVE,
    [PATIENT] = PASS,           [ALARM_ONCE] = INCONCLUSIVE,     [ALARM] = FAIL,
};

/* --- Pings and how long their answers take --- */

#define PINGS_LIMIT 64 /* that wait for an answer; of more the oldest are forgotten */

struct ping {
    nsec at;
    const char *hash; /* borrowed from the trace */
};

struct answers {
    struct heartbeats *beats;
    const char *reply; /* sig of what answers messages that are no known word, or NULL */
    struct ping pings[PINGS_LIMIT]; /* the oldest first */
    size_t waiting;
    nsec slowest;  /* answer that was waited for */
    size_t slow;   /* answers */
    bool delaying; /* a fault kept something back */
    bool answered;
};

static void forget(struct answers *answers, size_t pings)
{
    answers->waiting -= pings;
    memmove(answers->pings, answers->pings + pings, answers->waiting * sizeof *answers->pings);
}

static void note_ping(struct answers *answers, const struct event *ev)
{
    if (answers->waiting == PINGS_LIMIT)
        forget(answers, 1);
    answers->pings[answers->waiting++] = (struct ping){.at = ev->at, .hash = ev->ws_frame.hash};
}

/* A pong answers the ping of its payload and all before it (RFC 6455 5.5.3), a word the oldest, a
 * message the newest that came before it. Returns waiting when it answers none. */
static size_t answered_by(const struct answers *answers, const struct event *frame)
{
    size_t which = 0;
    if (frame->ws_frame.opcode == OPCODE_PONG)
        while (which < answers->waiting &&
               strcmp(answers->pings[which].hash, frame->ws_frame.hash) != 0)
            which++;
    else if (!*frame->ws_frame.kind)
        while (which + 1 < answers->waiting && answers->pings[which + 1].at <= frame->at)
            which++;
    return which;
}

static void note_answer(struct answers *answers, const struct event *frame, nsec at,
                        const struct limits *limits)
{
    size_t which = answered_by(answers, frame);
    if (which >= answers->waiting)
        return;
    nsec took = at - answers->pings[which].at;
    answers->answered = true;
    answers->slowest = nsec_max(answers->slowest, took);
    answers->slow += took >= limits->slow - limits->noise;
    forget(answers, which + 1);
}

static bool is_beat(const struct answers *answers, enum side from, const struct event *ev)
{
    const struct heartbeat_group *best = heartbeats_best(answers->beats, from);
    return best && best->last_seq == ev->seq;
}

/* Messages that come regularly and are not answered ask nothing. */
static bool is_ping(const struct answers *answers, const struct event *ev)
{
    return ev->ws_frame.opcode == OPCODE_PING || strcmp(ev->ws_frame.kind, "ping") == 0 ||
           (is_beat(answers, SIDE_CLIENT, ev) &&
            heartbeat_is_answered(heartbeats_best(answers->beats, SIDE_CLIENT)));
}

static bool is_pong(const struct answers *answers, const struct event *ev)
{
    if (ev->kind != EV_WS_FRAME || ev->side != SIDE_SERVER)
        return false;
    return ev->ws_frame.opcode == OPCODE_PONG || strcmp(ev->ws_frame.kind, "pong") == 0 ||
           (answers->reply && strcmp(answers->reply, ev->ws_frame.sig) == 0);
}

/* What answers a heartbeat that is known by its regularity. */
static void note_reply(struct answers *answers, const struct event *ev)
{
    if (ev->side == SIDE_SERVER && !frame_is_control((uint8_t)ev->ws_frame.opcode) &&
        !*ev->ws_frame.kind && !is_beat(answers, SIDE_SERVER, ev))
        answers->reply = ev->ws_frame.sig;
}

static bool keeps_back(const struct event *ev)
{
    return strcmp(ev->fault_act.verb, "hold") == 0 || strcmp(ev->fault_act.verb, "set_aside") == 0;
}

static void note(struct answers *answers, const struct trace *trace, const struct event *ev,
                 const struct limits *limits)
{
    const struct event *frame = NULL;
    if (heartbeats_feed(answers->beats, ev) && ev->kind == EV_WS_FRAME)
        note_reply(answers, ev);
    if (ev->kind == EV_WS_FRAME && ev->side == SIDE_CLIENT && is_ping(answers, ev))
        note_ping(answers, ev);
    else if (is_pong(answers, ev) && ev->ws_frame.passed)
        note_answer(answers, ev, ev->at, limits);
    else if (ev->kind == EV_WS_DELIVERED && ev->side == SIDE_CLIENT)
        frame = trace_at_seq(trace, ev->ws_delivered.frame);
    else if (ev->kind == EV_FAULT_ACT)
        answers->delaying = answers->delaying || keeps_back(ev);
    if (frame && is_pong(answers, frame))
        note_answer(answers, frame, ev->at, limits);
}

/* --- One connection --- */

/* Its server does the pinging, or both beat and none answers, as in STOMP: what the client waits
 * for are the server's beats. */
static bool is_asked(const struct trace *trace, const struct connection *c)
{
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *own = heartbeats_best(beats, SIDE_CLIENT);
    bool asked = c->server_by == BY_ENDPOINT && heartbeats_best(beats, SIDE_SERVER) &&
                 (!own || own->kind == HEARTBEAT_APPLICATION);
    heartbeats_free(beats);
    return asked;
}

static bool asks_in_vain(const struct trace *trace, const struct connection *c)
{
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *own = heartbeats_best(beats, SIDE_CLIENT);
    bool vain = c->server_by == BY_BUILTIN && own && own->kind == HEARTBEAT_APPLICATION;
    heartbeats_free(beats);
    return vain;
}

/* A client that has waited longer before did not give up for want of this answer. */
static bool is_alarm(const struct answers *answers, nsec age, const struct limits *limits)
{
    return answers->delaying && age >= limits->least && age < limits->allowed - limits->noise &&
           age > nsec_add(answers->slowest, limits->noise);
}

static enum show show_of(const struct answers *answers, const struct connection *c, nsec age,
                         const struct limits *limits)
{
    bool ended = connection_ended_by_endpoint(c->end);
    if (ended && c->end->side == SIDE_CLIENT && answers->waiting > 0 &&
        is_alarm(answers, age, limits))
        return limits->alarms >= TWICE ? ALARM : ALARM_ONCE;
    if (answers->slow >= ENOUGH)
        return PATIENT;
    if (ended && answers->delaying)
        return c->end->side == SIDE_CLIENT ? OTHER_REASON : SERVER_ENDED;
    return answers->slow > 0 ? TOO_FEW : NOT_SLOW;
}

static struct sight look(const struct trace *trace, const struct connection *c, const void *given)
{
    struct sight sight = {.from = c->open->seq, .to = c->end->seq};
    struct answers answers = {.beats = heartbeats_of_rules(trace)};
    for (const struct event *ev = c->open; ev < c->end; ev++)
        if (ev->conn == c->conn)
            note(&answers, trace, ev, given);
    heartbeats_free(answers.beats);
    bool pinged = !answers.answered && is_asked(trace, c);
    nsec age = answers.waiting > 0 ? c->to - answers.pings[0].at : 0;
    sight.show = pinged ? SERVER_PINGS : (int)show_of(&answers, c, age, given);
    if (sight.show == NOT_SLOW && !answers.answered && asks_in_vain(trace, c))
        sight.show = MUTE_SERVER;
    sight.measured = sight.show >= ALARM_ONCE                                   ? age
                     : sight.show == OTHER_REASON || sight.show == SERVER_ENDED ? c->to - c->from
                                                                                : answers.slowest;
    return sight;
}

static size_t count_alarms(const struct trace *trace, const struct limits *limits)
{
    struct connections all;
    size_t alarms = 0;
    connections_of(trace, &all);
    for (size_t i = 0; i < all.count; i++)
        alarms += all.list[i].client_by != BY_BUILTIN &&
                  look(trace, &all.list[i], limits).show == ALARM_ONCE;
    connections_fini(&all);
    return alarms;
}

/* --- Sentences --- */

static void add_sentence(struct text *out, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    const struct tally *tally = &sights->tally;
    enum show show = (enum show)sights->show;
    switch (show) {
    case PATIENT:
        words_add_range(out, " kept the connection while answers to its pings took up to ", tally,
                        "");
        words_add_time(out, "; they may take ", limits->allowed, "");
        break;
    case ALARM:
    case ALARM_ONCE:
        words_add_range(out, " gave a living connection up ", tally,
                        " after a ping whose answer was late");
        words_add_time(out, "; it may take ", limits->allowed, "");
        if (show == ALARM)
            text_addf(out, " (%zu times in all)", limits->alarms);
        else
            text_add(out, " (once, which may be chance: a second time would tell)");
        break;
    case SERVER_PINGS:
        text_add(out, " sends no pings that are answered, so that no answer can be late; see "
                      "reconnect.silent_death for the server's");
        break;
    case MUTE_SERVER:
        text_add(out, words_mute_server);
        break;
    case SERVER_ENDED:
        words_add_range(out, " was left by the server after ", tally, " of the slow connection");
        break;
    case OTHER_REASON:
        words_add_range(out, " ended the slow connection after ", tally,
                        ", and not for want of an answer to a ping");
        break;
    case TOO_FEW:
        words_add_range(out, " waited for answers that took up to ", tally, "");
        text_addf(out, ", fewer than %d times; a longer run would do", ENOUGH);
        break;
    default:
        words_add_time(out, " had no ping answered later than ", limits->slow, "");
        text_add(out, ", so that its patience was not asked for");
        break;
    }
}

static void add_facts(struct finding *finding, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    finding_measured(
        finding, show >= ALARM_ONCE ? "gave_up_after_s" : "slowest_answer_s",
        nsec_to_seconds(show >= ALARM_ONCE ? sights->tally.least : sights->tally.most));
    finding_allowed(finding, "answer_s", nsec_to_seconds(limits->allowed));
    struct text text;
    if (show != ALARM)
        return;
    text_init(&text);
    units_add_duration(&text, limits->allowed);
    finding_fix(finding,
                "wait %s for the answer to a ping, or take any frame that arrives meanwhile for a "
                "sign of life: each needless reconnect costs the user and the server more than "
                "the delay",
                text_chars(&text));
    text_fini(&text);
}

static const struct sights_rule sights_rule = {.shows = SHOWS,
                                               .verdicts = verdicts,
                                               .look = look,
                                               .add_sentence = add_sentence,
                                               .add_facts = add_facts};

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct limits limits = {.noise = trace->noise};
    limits.allowed = cfg->patience > 0 ? cfg->patience : trace->policy.pong;
    limits.slow = limits.allowed / SLOW_SHARE;
    limits.least = nsec_min(PATIENCE_LEAST, limits.allowed / 2);
    limits.alarms = count_alarms(trace, &limits);
    sights_judge(&sights_rule, trace, &limits, out);
}

const struct rule_desc heartbeat_false_alarm_rule = {
    .name = "heartbeat.false_alarm",
    .id = "HEART-09",
    .title = "No false alarms",
    .brief = "a slow but living connection is not given up",
    .doc =
        "Provoked by faults that keep answers back for less than the policy's pong timeout: "
        "delay_pong, latency, bandwidth. Observed is how long the client waits for the answer to "
        "each ping, and whether it ends the connection while one is on its way. Three answers of a "
        "second or more (a tenth of the pong timeout) that were waited for are enough. Ending the "
        "connection earlier than the pong timeout allows, while an answer is under way that took "
        "longer than any before, is a false alarm; two of them are a failure, one may be an "
        "application that closes for reasons of its own. The remedy is a pong timeout that fits "
        "the slowest path the users have.",
    .source = "RFC 6455 5.5.2",
    .example = "heartbeat.false_alarm: {patience: 10s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

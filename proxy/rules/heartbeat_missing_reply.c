/* heartbeat.missing_reply: a ping without an answer has consequences. */
#include <assert.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/sights.h"
#include "rules/lib/words.h"
#include "trace/attempts.h"
#include "ws/frame.h"

#define GRACE (5 * NSEC_PER_SEC) /* on top of the pong timeout, and of the next beat */
/* The timer of the answer, and that of the beat that asked; each may be late. */
#define TIMERS 2
/* nobody takes an answer for missing sooner: an ordinary Close before is the application's wish */
#define PATIENCE_LEAST NSEC_PER_SEC

struct config {
    nsec within;
};

static const struct param params[] = {
    P_DURATION(config, within, .def = "", .min = "10ms", .max = "24h",
               .doc = "how soon after its unanswered ping the client has to give the connection "
                      "up; left out: the policy's pong timeout plus 5 s"),
    P_END,
};

struct limits {
    nsec pass, warn, pong, patience, noise;
};

enum show {
    UNTOUCHED = SIGHT_FIRST, /* no answer was ever kept from it */
    SERVER_PINGS,
    MUTE_SERVER, /* halfopen's own, which does not know the application's pings */
    NO_PING,
    TOO_SHORT,
    OWN_WISH,
    EXITED,
    OTHER_LIFE, /* other traffic showed that the peer lives */
    IN_TIME,
    LATE,
    TOO_LATE,
    NEVER_NOTICED,
    SHOWS
};

static const enum verdict verdicts[SHOWS] = {

    [UNTOUCHED] = INCONCLUSIVE, [SERVER_PINGS] = NOT_APPLICABLE,
    [MUTE_SERVER] = NOT_TESTED, [NO_PING] = INCONCLUSIVE,
    [TOO_SHORT] = INCONCLUSIVE, [OWN_WISH] = INCONCLUSIVE,
    [EXITED] = INCONCLUSIVE,    [OTHER_LIFE] = INCONCLUSIVE,
    [IN_TIME] = PASS,           [LATE] = WARN,
    [TOO_LATE] = FAIL,          [NEVER_NOTICED] = FAIL,
};

/* One connection on which the first answer was lost. */
struct watch {
    const struct trace *trace;
    const struct connection *c;
    struct heartbeats *beats;
    const char *label;        /* of the fault that keeps answers away; NULL: none yet */
    bool silence;             /* it keeps everything away */
    const struct event *beat; /* the client's newest */
    const struct event *asked, *end;
    nsec watched; /* until here giving it up would have been its own doing */
    bool ordinary, exited, alive, server_pings, over;
};

/* --- What is lost --- */

static bool is_delivered_later(const struct trace *trace, const struct event *frame)
{
    const struct event *end = trace->events + trace->count;
    for (const struct event *ev = frame + 1; ev < end; ev++)
        if (ev->kind == EV_WS_DELIVERED && ev->conn == frame->conn &&
            ev->ws_delivered.frame == frame->seq)
            return true;
    return false;
}

static bool keeps_answers(const struct event *ev)
{
    return ev->kind == EV_FAULT_ON && ev->side == SIDE_CLIENT &&
           (ev->fault_on.silences || strcmp(ev->fault_on.fault, "drop_pong") == 0);
}

static bool is_beat(const struct watch *watch, const struct event *ev)
{
    const struct heartbeat_group *own = heartbeats_best(watch->beats, SIDE_CLIENT);
    return ev->side == SIDE_CLIENT && own && own->last_seq == ev->seq;
}

static void note_frame(struct watch *watch, const struct event *ev)
{
    (void)heartbeats_feed(watch->beats, ev);
    if (is_beat(watch, ev)) {
        watch->beat = ev;
        if (watch->silence && !watch->asked)
            watch->asked = ev;
    }
    if (ev->kind != EV_WS_FRAME || ev->side != SIDE_SERVER || !watch->label)
        return;
    if (ev->ws_frame.passed)
        watch->alive = watch->alive || watch->asked;
    else if (!watch->asked && watch->beat && !is_delivered_later(watch->trace, ev))
        watch->asked = watch->beat;
}

/* --- What the client does --- */

static bool is_ordinary(uint64_t code)
{
    return code == 1000 || code == 1001 || code == 1005;
}

static void be_over(struct watch *watch, const struct event *ev)
{
    watch->watched = ev->at;
    watch->over = true;
}

static void note_end(struct watch *watch, const struct event *ev)
{
    watch->end = ev;
    watch->ordinary = ev->kind == EV_WS_CLOSE && is_ordinary(ev->ws_close.code);
    be_over(watch, ev);
}

static bool ends_the_watch(const struct watch *watch, const struct event *ev)
{
    switch (ev->kind) {
    case EV_FAULT_OFF:
        return watch->label && strcmp(ev->fault_off.label, watch->label) == 0;
    case EV_TCP_CLOSE:
    case EV_TCP_SHUT:
        return ev->side == SIDE_CLIENT;
    case EV_WS_CLOSE:
    case EV_CONN_END:
        return true;
    default:
        return false;
    }
}

static void note(struct watch *watch, const struct event *ev)
{
    if (ev->side == SIDE_CLIENT && connection_ended_by_endpoint(ev))
        note_end(watch, ev);
    else if (ends_the_watch(watch, ev))
        be_over(watch, ev);
    else if (keeps_answers(ev) && !watch->label) {
        watch->label = ev->fault_on.label;
        watch->silence = ev->fault_on.silences;
    } else if (ev->kind == EV_WS_FRAME || ev->kind == EV_WS_MESSAGE)
        note_frame(watch, ev);
    else if ((ev->kind == EV_WS_DELIVERED && ev->side == SIDE_CLIENT) ||
             (ev->kind == EV_WS_INJECTED && ev->side == SIDE_SERVER))
        watch->alive = watch->alive || watch->asked;
}

static void note_exit(struct watch *watch, const struct event *ev)
{
    if (ev->client != watch->c->client || strcmp(ev->process_exit.role, "client") != 0)
        return;
    watch->exited = !ev->process_exit.asked;
    be_over(watch, ev);
}

/* A new connection beside the old one is as good as its end; one that could not be seen is not held
 * against anybody. */
static void look_for_return(struct watch *watch)
{
    struct attempts attempts;
    nsec asked = watch->asked->at;
    nsec blind = attempts_hidden(watch->trace, watch->c->client, asked, watch->watched);
    if (blind < watch->watched && !watch->end)
        watch->watched = blind;
    attempts_of(watch->trace, watch->c->client, &attempts);
    for (size_t i = 0; i < attempts.count; i++) {
        const struct attempt *attempt = &attempts.list[i];
        if (attempt->conn == watch->c->conn || attempt->from <= watch->asked->seq ||
            attempt->start >= watch->watched)
            continue;
        watch->end = trace_at_seq(watch->trace, attempt->from);
        watch->ordinary = watch->exited = false;
        break;
    }
    attempts_fini(&attempts);
}

static void observe(struct watch *watch, const struct event *last)
{
    watch->watched = last->at;
    for (const struct event *ev = watch->c->open; ev <= last && !watch->over; ev++) {
        if (ev->conn == watch->c->conn)
            note(watch, ev);
        else if (ev->kind == EV_PROCESS_EXIT)
            note_exit(watch, ev);
        else if (ev->kind == EV_TRACE_FULL)
            be_over(watch, ev);
    }
    const struct heartbeat_group *servers = heartbeats_best(watch->beats, SIDE_SERVER);
    watch->server_pings = servers && watch->c->server_by == BY_ENDPOINT;
    if (watch->asked)
        look_for_return(watch);
}

/* --- What it shows --- */

static enum show show_of_end(const struct watch *watch, const struct limits *limits)
{
    nsec took = watch->end->at - watch->asked->at;
    if (watch->ordinary && took < limits->patience)
        return OWN_WISH;
    if (took <= nsec_add(limits->pass, limits->noise))
        return IN_TIME;
    if (watch->alive)
        return OTHER_LIFE;
    return took <= nsec_add(limits->warn, limits->noise) ? LATE : TOO_LATE;
}

static bool asks_in_vain(const struct watch *watch)
{
    const struct heartbeat_group *own = heartbeats_best(watch->beats, SIDE_CLIENT);
    return watch->c->server_by == BY_BUILTIN && own && own->kind == HEARTBEAT_APPLICATION;
}

static enum show show_of(const struct watch *watch, const struct limits *limits)
{
    if (!watch->label)
        return UNTOUCHED;
    if (!watch->asked && watch->server_pings && !watch->beat)
        return SERVER_PINGS;
    if (!watch->asked)
        return asks_in_vain(watch) ? MUTE_SERVER : NO_PING;
    if (watch->end)
        return show_of_end(watch, limits);
    if (watch->exited)
        return EXITED;
    if (watch->alive)
        return OTHER_LIFE;
    bool enough = watch->watched - watch->asked->at > nsec_add(limits->warn, limits->noise);
    return enough ? NEVER_NOTICED : TOO_SHORT;
}

static struct sight look(const struct trace *trace, const struct connection *c, const void *given)
{
    const struct event *last = trace_last_counting(trace);
    struct sight sight = {.from = c->open->seq, .to = c->end->seq};
    struct watch watch = {.trace = trace, .c = c, .beats = heartbeats_new(trace->policy.pong)};
    if (!trace->policy.can_ping)
        heartbeats_ignore_pings(watch.beats);
    observe(&watch, last);
    sight.show = (int)show_of(&watch, given);
    if (watch.asked) {
        sight.from = watch.asked->seq;
        sight.to = watch.end ? watch.end->seq : last->seq;
        sight.measured = (watch.end ? watch.end->at : watch.watched) - watch.asked->at;
    }
    heartbeats_free(watch.beats);
    return sight;
}

/* --- Sentences --- */

static void add_undecided(struct text *out, enum show show, const struct tally *tally,
                          const struct limits *limits)
{
    switch (show) {
    case UNTOUCHED:
        text_add(out, " had every answer: no fault kept one away");
        break;
    case SERVER_PINGS:
        text_add(out, " waited for the server's pings and sent none; reconnect.silent_death shows "
                      "whether those are missed");
        break;
    case MUTE_SERVER:
        text_add(out, words_mute_server);
        break;
    case NO_PING:
        text_add(out, " sent no ping whose answer could be lost");
        break;
    case OWN_WISH:
        words_add_range(
            out, " closed in the ordinary way ", tally,
            " after its ping, too soon for anybody to miss the answer: the application's own "
            "wish");
        break;
    case EXITED:
        words_add_range(out, " ended as a process ", tally, " after its unanswered ping");
        break;
    case OTHER_LIFE:
        words_add_range(
            out, " kept the connection for ", tally,
            " without an answer to its ping, while other traffic of the server arrived, which "
            "proves as much; an idle connection would tell");
        break;
    default:
        words_add_range(out, " did nothing for the ", tally,
                        " that were seen after an unanswered ping");
        words_add_time(out, "; ", limits->warn, " would have been needed");
        break;
    }
}

static void add_sentence(struct text *out, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    const struct tally *tally = &sights->tally;
    enum show show = (enum show)sights->show;
    switch (show) {
    case IN_TIME:
    case LATE:
    case TOO_LATE:
        words_add_range(
            out, show == IN_TIME ? " gave the connection up " : " gave the connection up only ",
            tally, " after the ping that was not answered");
        words_add_time(out, "; allowed ", limits->pass, "");
        break;
    case NEVER_NOTICED:
        words_add_range(out, " went on for ", tally, " after a ping that was not answered");
        words_add_time(out, "; allowed ", limits->pass, "");
        break;
    default:
        add_undecided(out, show, tally, limits);
        break;
    }
}

static void add_fix(struct finding *finding, enum show show, const struct limits *limits)
{
    struct text pong;
    text_init(&pong);
    units_add_duration(&pong, limits->pong);
    if (show == NEVER_NOTICED)
        finding_fix(finding,
                    "start a timer of %s with each ping; when it ends before the pong, drop the "
                    "socket (terminate, not close: a closing handshake waits for the dead peer) "
                    "and reconnect",
                    text_chars(&pong));
    else if (show == LATE || show == TOO_LATE)
        finding_fix(finding,
                    "wait %s for each pong and not until the next beat, and terminate the socket "
                    "then instead of waiting for a closing handshake",
                    text_chars(&pong));
    text_fini(&pong);
}

static void add_facts(struct finding *finding, const struct sights *sights, const void *given)
{
    const struct limits *limits = given;
    enum show show = (enum show)sights->show;
    if (show >= TOO_SHORT)
        finding_measured(finding, "unanswered_s", nsec_to_seconds(sights->tally.most));
    finding_allowed(finding, "unanswered_s", nsec_to_seconds(limits->pass));
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
    const struct policy *policy = &trace->policy;
    struct limits limits = {.pong = policy->pong, .noise = TIMERS * trace->noise};
    limits.pass = cfg->within > 0 ? cfg->within : nsec_add(policy->pong, GRACE);
    limits.warn = nsec_max(nsec_add(policy->ping, GRACE), limits.pass);
    limits.patience = nsec_min(PATIENCE_LEAST, policy->pong / 2);
    sights_judge(&sights_rule, trace, &limits, out);
}

const struct rule_desc heartbeat_missing_reply_rule = {
    .name = "heartbeat.missing_reply",
    .id = "HEART-03",
    .title = "A missing answer means a dead peer",
    .brief = "a ping that is not answered ends the connection",
    .doc =
        "Provoked by a fault that lets pings out and no pong back in (drop_pong), or lets nothing "
        "in at all. Observed is the time from the first ping whose answer was lost to the client's "
        "Close, FIN or RST on that connection or its next connection. Allowed is the policy's pong "
        "timeout and 5 s (15 s by default); up to the next beat and 5 s (35 s) is a warning: that "
        "is what asking at each beat about the last one comes to. Later or never is a failure. "
        "Where other traffic of the server arrives meanwhile it proves the peer alive, and "
        "nothing is decided. The rule does not apply to a client that leaves the pinging to its "
        "server. The remedy is a timer per ping, after which the socket is dropped without waiting "
        "for a closing handshake.",
    .source = "RFC 6455 5.5.2",
    .example = "heartbeat.missing_reply: {within: 15s}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

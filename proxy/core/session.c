/* A connection: what comes in is observed, walks through the chain of faults and goes out; endings
 * and back-pressure travel with it. */
#include "core/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/upgrade.h"

/* --- Sides and directions --- */

enum side dir_from(enum dir d)
{
    return d == TO_SERVER ? SIDE_CLIENT : SIDE_SERVER;
}

enum side dir_to(enum dir d)
{
    return d == TO_SERVER ? SIDE_SERVER : SIDE_CLIENT;
}

enum dir dir_of_source(enum side from)
{
    return from == SIDE_CLIENT ? TO_SERVER : TO_CLIENT;
}

enum cause session_cause(const struct session *s, enum side side)
{
    const struct run_options *options = &s->run->options;
    bool builtin = side == SIDE_CLIENT ? options->client_builtin : options->server_builtin;
    return builtin ? BY_BUILTIN : BY_ENDPOINT;
}

uint64_t session_emit(struct session *s, struct event ev)
{
    ev.at = s->now;
    ev.conn = s->conn;
    ev.client = (int)s->number;
    return run_emit(s->run, ev);
}

static void ask_driver(struct session *s, struct action action)
{
    if (s->ops->on_action)
        s->ops->on_action(s->driver, action);
}

void session_act(struct session *s, enum action_kind kind, enum side side, enum cut how)
{
    ask_driver(s, (struct action){.kind = kind, .side = side, .how = how, .backend = s->backend});
}

/* --- Turns --- */

void session_enter(struct session *s, nsec now)
{
    assert(now >= s->now);
    s->now = now;
    s->run->now = nsec_max(s->run->now, now);
    s->depth++;
}

void session_leave(struct session *s)
{
    if (--s->depth == 0)
        session_update(s);
}

/* --- Endings --- */

static bool side_is_finished(const struct session *s, enum side side)
{
    if (s->gone[side] || s->legs[side] == LEG_NONE)
        return true;
    return s->legs[side] == LEG_SHUT && s->lanes[dir_of_source(side)].ended;
}

static void note_shut(struct session *s, enum side side, enum cut how, enum cause by)
{
    struct event ev = {.kind = EV_TCP_SHUT, .side = side, .by = by};
    ev.tcp_shut = (struct ev_tcp_shut){
        .how = cut_name(how), .bytes = s->lanes[dir_of_source(side_other(side))].bytes_out};
    session_emit(s, ev);
}

/* After these the endpoint's own direction still comes. */
static bool leaves_half_open(enum cut how)
{
    return how == CUT_FIN || how == CUT_TRUNCATE;
}

static void note_lost_websocket(struct session *s)
{
    if (!s->open)
        return;
    s->open = false;
    run_note(s->run, s, NOTE_CLOSED);
}

static void shut_now(struct session *s, enum side side)
{
    struct lane *lane = &s->lanes[dir_of_source(side_other(side))];
    lane->end_pending = false;
    if (s->legs[side] != LEG_OPEN && s->legs[side] != LEG_CONNECTING)
        return;
    s->legs[side] = leaves_half_open(lane->end_how) ? LEG_SHUT : LEG_CUT;
    s->gone[side] = s->gone[side] || !leaves_half_open(lane->end_how);
    note_shut(s, side, lane->end_how, lane->end_by);
    session_act(s, ACTION_CUT, side, lane->end_how);
    if (side == SIDE_CLIENT && !leaves_half_open(lane->end_how))
        note_lost_websocket(s);
}

/* Ends that wait for what was accepted before. */
static void cut_in_order(struct session *s, enum side side, enum cut how, enum cause by)
{
    struct lane *towards = &s->lanes[dir_of_source(side_other(side))];
    bool shut = s->legs[side] == LEG_SHUT;
    if (shut && how != CUT_CLOSE)
        return;
    towards->end_pending = !shut;
    towards->end_how = how;
    towards->end_by = by;
    if (shut) {
        s->legs[side] = LEG_CUT;
        s->gone[side] = true;
        session_act(s, ACTION_CUT, side, how);
    } else if (buf_len(&towards->out) == 0) {
        shut_now(s, side);
    }
}

void session_cut(struct session *s, enum side side, enum cut how, enum cause by, const char *fault,
                 const char *label)
{
    struct lane *towards = &s->lanes[dir_of_source(side_other(side))];
    (void)fault;
    (void)label;
    if (s->legs[side] == LEG_CUT || s->legs[side] == LEG_NONE)
        return;
    if (leaves_half_open(how) || how == CUT_CLOSE) {
        cut_in_order(s, side, how, by);
        return;
    }
    buf_clear(&towards->out);
    towards->end_pending = false;
    s->legs[side] = LEG_CUT;
    s->gone[side] = how != CUT_SILENT;
    note_shut(s, side, how, by);
    session_act(s, ACTION_CUT, side, how);
    if (side == SIDE_CLIENT)
        note_lost_websocket(s);
}

static void note_end(struct session *s, enum side from, enum cut how, const char *words)
{
    struct event ev = {.kind = EV_TCP_CLOSE, .side = from, .by = session_cause(s, from)};
    ev.tcp_close =
        (struct ev_tcp_close){.how = words, .bytes = s->lanes[dir_of_source(from)].bytes_in};
    session_emit(s, ev);
    (void)how;
}

void session_note_attempt(struct session *s)
{
    if (s->request.noted || s->admission != ADMIT)
        return;
    s->request.noted = true;
    run_note(s->run, s, NOTE_ATTEMPT);
}

void session_end(struct session *s, enum side from, enum cut how, const char *words, nsec now)
{
    struct lane *lane = &s->lanes[dir_of_source(from)];
    session_enter(s, now);
    if (!(lane->ended && (how == CUT_FIN || s->gone[from])) && !s->over) {
        if (!s->end_told[from])
            note_end(s, from, how, words);
        bool first = !lane->ended;
        lane->ended = true;
        lane->end = how;
        if (how == CUT_RST) {
            s->gone[from] = true;
            s->legs[from] = LEG_CUT;
            buf_clear(&s->lanes[dir_of_source(side_other(from))].out);
        } else if (s->legs[from] == LEG_CUT) {
            s->gone[from] = true;
        }
        if (from == SIDE_CLIENT)
            note_lost_websocket(s);
        if (first)
            observer_end(s, lane);
        if (from == SIDE_CLIENT && s->tls_trouble != TLS_FINE)
            session_note_attempt(s);
        if (s->admission == HANG)
            s->over = true;
        else if (first || how == CUT_RST)
            chain_feed(
                s, &(struct unit){.kind = UNIT_END, .dir = lane->dir, .arrived = now, .end = how});
    }
    session_leave(s);
}

void session_seen_ended(struct session *s, enum side side, const char *how, nsec now)
{
    struct lane *lane = &s->lanes[dir_of_source(side)];
    session_enter(s, now);
    if (!s->end_told[side] && !lane->ended && !s->over) {
        s->end_told[side] = true;
        note_end(s, side, CUT_FIN, how);
        if (side == SIDE_CLIENT)
            note_lost_websocket(s);
    }
    session_leave(s);
}

/* --- Towards the sink --- */

void session_cork(struct session *s)
{
    s->corks++;
}

static void flush(struct session *s, struct lane *lane)
{
    enum side to = dir_to(lane->dir);
    if (s->legs[to] != LEG_OPEN || buf_len(&lane->out) == 0)
        return;
    size_t taken = s->ops->on_output(s->driver, to, buf_bytes(&lane->out), buf_len(&lane->out));
    buf_consume(&lane->out, taken);
    if (buf_len(&lane->out) == 0)
        buf_clear(&lane->out);
}

void session_uncork(struct session *s)
{
    if (--s->corks > 0)
        return;
    for (int d = 0; d < DIRS; d++) {
        flush(s, &s->lanes[d]);
        if (s->lanes[d].end_pending && buf_len(&s->lanes[d].out) == 0)
            shut_now(s, dir_to((enum dir)d));
    }
}

void session_writable(struct session *s, enum side to, nsec now)
{
    struct lane *lane = &s->lanes[dir_of_source(side_other(to))];
    session_enter(s, now);
    flush(s, lane);
    if (lane->end_pending && buf_len(&lane->out) == 0)
        shut_now(s, to);
    chain_release(s);
    session_leave(s);
}

/* --- From the source --- */

void session_input(struct session *s, enum side from, const uint8_t *bytes, size_t len, nsec now)
{
    struct lane *lane = &s->lanes[dir_of_source(from)];
    session_enter(s, now);
    if (s->legs[from] != LEG_CUT && !lane->ended && len > 0) {
        lane->bytes_in += len;
        run_note(s->run, s, NOTE_TRAFFIC);
        chain_traffic(s, lane->dir);
        chain_release(s);
        observer_input(s, lane, bytes, len);
    }
    session_leave(s);
}

bool session_wants_input(const struct session *s, enum side from)
{
    const struct lane *lane = &s->lanes[dir_of_source(from)];
    if (s->over || s->admission != ADMIT || lane->ended || lane->stalls > 0)
        return false;
    if (s->legs[from] == LEG_CUT || s->legs[from] == LEG_CONNECTING || s->legs[from] == LEG_NONE)
        return false;
    return buf_len(&lane->out) < OUT_HIGH_BYTES && !chain_holds_too_much(s, lane->dir);
}

bool session_is_held_back(const struct session *s, enum side from)
{
    return !s->over && chain_holds_too_much(s, dir_of_source(from));
}

static void note_queues(struct session *s, enum side from)
{
    uint64_t ours = 0, theirs = 0;
    if (!s->ops->on_queues)
        return;
    bool known = s->ops->on_queues(s->driver, from, &ours, &theirs);
    struct event ev = {.kind = EV_TCP_QUEUES, .side = from, .by = BY_PROXY};
    ev.tcp_queues = (struct ev_tcp_queues){.ours = ours, .theirs = theirs, .known = known};
    session_emit(s, ev);
}

void session_stall(struct session *s, enum dir d, bool on, enum cause by)
{
    struct lane *lane = &s->lanes[d];
    enum side from = dir_from(d);
    lane->stalls += on ? 1 : -1;
    assert(lane->stalls >= 0);
    if (lane->stalls > 1 || (on && lane->stalls != 1))
        return;
    note_queues(s, from);
    struct event ev = {.kind = EV_TCP_PAUSE, .side = from, .by = by};
    ev.tcp_pause = (struct ev_tcp_pause){.on = on, .why = "fault"};
    session_emit(s, ev);
    session_act(s, on ? ACTION_CLOSE_WINDOW : ACTION_OPEN_WINDOW, from, CUT_FIN);
}

/* Losses are independent: what two faults leave is what both let through. A side that was cut stays
 * as it is: its silence is for good. */
void session_deafen(struct session *s, enum side side)
{
    double heard = 1;
    for (size_t i = 0; i < s->instance_count; i++)
        heard *= 1 - s->instances[i]->deaf[side];
    if (s->legs[side] == LEG_CUT || s->deaf[side] == 1 - heard)
        return;
    s->deaf[side] = 1 - heard;
    ask_driver(s, (struct action){.kind = ACTION_DEAFEN, .side = side, .ratio = 1 - heard});
}

static bool deafens(const struct instance *in)
{
    return !in->stopping && (in->deaf[SIDE_CLIENT] > 0 || in->deaf[SIDE_SERVER] > 0);
}

/* A fault whose loss the kernel refuses is not at work, and must not be taken for it. */
static void give_up_deafening(struct session *s)
{
    for (size_t i = 0; i < s->instance_count; i++)
        if (deafens(s->instances[i]))
            chain_stop(s, s->instances[i], "refused");
    chain_release(s);
}

void session_answer(struct session *s, const char *action, const char *answer, const char *detail,
                    nsec now)
{
    session_enter(s, now);
    struct event ev = {.kind = EV_FAULT_ANSWER, .by = BY_PROXY};
    ev.fault_answer =
        (struct ev_fault_answer){.action = action, .answer = answer, .detail = detail};
    session_emit(s, ev);
    if (strcmp(action, "deafen") == 0 && strcmp(answer, "refused") == 0)
        give_up_deafening(s);
    session_leave(s);
}

/* --- Life --- */

enum admission session_admission(const struct session *s)
{
    return s->admission;
}

enum cut session_refusal(const struct session *s)
{
    return s->refusal;
}

enum tls_trouble session_tls_trouble(const struct session *s, unsigned *value)
{
    *value = s->tls_value;
    return s->tls_trouble;
}

static void note_pressure(struct session *s, struct lane *lane)
{
    enum side from = dir_from(lane->dir);
    bool waits = s->admission == ADMIT && !s->over && !lane->ended && lane->stalls == 0 &&
                 s->legs[from] == LEG_OPEN && s->legs[dir_to(lane->dir)] == LEG_OPEN &&
                 !session_wants_input(s, from);
    if (waits == lane->paused)
        return;
    lane->paused = waits;
    struct event ev = {.kind = EV_TCP_PAUSE, .side = from, .by = BY_PROXY};
    const char *why = chain_holds_too_much(s, lane->dir) ? "a fault holds as much as it may"
                                                         : "the other side does not read";
    ev.tcp_pause = (struct ev_tcp_pause){.on = waits, .why = why};
    session_emit(s, ev);
}

/* After every turn: is it over, what may be read, when is it due. */
void session_update(struct session *s)
{
    run_touch(s->run, s);
    /* While it hangs there is no server's side: LEG_NONE is finished. */
    if (!s->over && side_is_finished(s, SIDE_CLIENT) && side_is_finished(s, SIDE_SERVER))
        s->over = true;
    if (s->over && s->admission == HANG)
        s->gone[SIDE_CLIENT] = true;
    for (int d = 0; d < DIRS; d++)
        note_pressure(s, &s->lanes[d]);
    if (s->ops->on_interest && !s->over) {
        s->ops->on_interest(s->driver, SIDE_CLIENT);
        s->ops->on_interest(s->driver, SIDE_SERVER);
    }
    nsec at = s->over ? s->now : chain_deadline(s);
    if (s->admission == HANG && !s->over)
        at = nsec_min(at, s->hang_until);
    deadlines_set(&s->run->deadlines, &s->deadline, at);
}

struct session *session_new(struct run *run, unsigned client, const struct session_ops *ops,
                            void *driver, nsec now)
{
    struct session *s = xcalloc(1, sizeof *s);
    s->run = run;
    s->client = client;
    s->number = run->clients[client].number;
    s->conn = ++run->conns;
    s->ops = ops;
    s->driver = driver;
    s->accepted = s->now = now;
    s->legs[SIDE_CLIENT] = LEG_OPEN;
    for (int d = 0; d < DIRS; d++) {
        s->lanes[d].dir = (enum dir)d;
        buf_init(&s->lanes[d].out, OUT_LIMIT_BYTES);
    }
    observer_init(s);
    return s;
}

void session_free(struct session *s)
{
    assert(!s->dirty);
    deadlines_set(&s->run->deadlines, &s->deadline, NEVER);
    observer_fini(s);
    free(s->begun);
    for (int d = 0; d < DIRS; d++)
        buf_fini(&s->lanes[d].out);
    free(s);
}

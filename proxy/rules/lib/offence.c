#include "rules/lib/offence.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/deflated.h"
#include "ws/close.h"
#include "ws/frame.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct {
    const char *name;
    enum offence_fault fault;
} faults[] = {
    {"bad_frame", OFFENCE_BAD_FRAME},
    {"oversize_message", OFFENCE_OVERSIZE},
    {"close_with", OFFENCE_CLOSE},
};

nsec offence_wall(const struct trace *trace, nsec length)
{
    double speed = trace->start->speed > 1 ? trace->start->speed : 1;
    return nsec_add((nsec)((double)length * speed), trace->noise);
}

/* --- Finding them --- */

const struct event *offences_last_counting(const struct trace *trace)
{
    const struct event *last = trace_last_counting(trace), *step = NULL;
    if (!last || last->kind != EV_RUN_END)
        return last;
    for (const struct event *ev = trace->events; ev < last; ev++)
        if (ev->kind == EV_STEP_END)
            step = ev;
    return step ? step : last;
}

const struct event *offence_fault_on(const struct trace *trace, const struct event *act)
{
    for (const struct event *ev = act; ev-- > trace->events;)
        if (ev->kind == EV_FAULT_ON && (ev->conn == act->conn || ev->conn == 0) &&
            strcmp(ev->fault_on.label, act->fault_act.label) == 0)
            return ev;
    return NULL;
}

static uint64_t number(json_t *params, const char *key)
{
    const char *text = json_string_value(json_object_get(params, key));
    return text ? strtoull(text, NULL, 10) : 0;
}

static void read_params(const struct event *on, struct offence *offence)
{
    json_t *params = json_loads(on->fault_on.params, 0, NULL);
    const char *what = json_string_value(json_object_get(params, "what"));
    for (size_t i = 0; what && what[i] && i + 1 < sizeof offence->what; i++)
        offence->what[i] = what[i];
    const char *form = json_string_value(json_object_get(params, "form"));
    if (offence->fault == OFFENCE_OVERSIZE && form && strcmp(form, "deflated") == 0)
        offence->fault = OFFENCE_BOMB;
    offence->code = number(params, "code");
    offence->size = number(params, "size");
    json_decref(params);
}

static bool is_offence(const struct event *ev, enum offence_fault *fault)
{
    if (ev->kind != EV_FAULT_ACT || ev->conn == 0 || ev->side != SIDE_CLIENT ||
        strcmp(ev->fault_act.verb, "inject") != 0)
        return false;
    for (size_t i = 0; i < COUNT(faults); i++)
        if (strcmp(ev->fault_act.fault, faults[i].name) == 0) {
            *fault = faults[i].fault;
            return true;
        }
    return false;
}

/* Acts of the same kind are counted together: only the first shows when. */
static bool acted_before(const struct trace *trace, const struct event *on, const struct event *act)
{
    for (const struct event *ev = act; ev-- > trace->events && ev > on;)
        if (ev->kind == EV_FAULT_ACT && ev->conn == act->conn && ev->side == SIDE_CLIENT &&
            strcmp(ev->fault_act.label, act->fault_act.label) == 0)
            return true;
    return false;
}

/* Behind an offence that was accepted nobody knows what the client makes of the bytes. */
static bool is_spoiled(const struct offences *all, uint32_t conn)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].conn == conn)
            return true;
    return false;
}

/* The connection was already on its way out: what is sent then need not be answered. */
static bool was_closing(const struct trace *trace, const struct event *act)
{
    for (const struct event *ev = trace->events; ev < act; ev++)
        if (ev->conn == act->conn &&
            (ev->kind == EV_WS_CLOSE || ev->kind == EV_TCP_CLOSE || ev->kind == EV_TCP_SHUT))
            return true;
    return false;
}

/* --- What came of them --- */

/* Its own fault's Close is the offence; what another sends afterwards would be answered too. */
static bool ends_watch(const struct event *ev, const struct offence *offence)
{
    if (ev->kind == EV_TRACE_FULL)
        return true;
    if (ev->conn != offence->conn)
        return false;
    switch (ev->kind) {
    case EV_TCP_SHUT:
        return ev->side == SIDE_CLIENT;
    case EV_TCP_PAUSE: /* we do not read from the client, or it does not read */
        return ev->tcp_pause.on;
    case EV_CONN_END:
    case EV_TCP_CLOSE:
        return true;
    case EV_WS_CLOSE:
        return ev->by != BY_FAULT || ev->at > offence->at;
    default:
        return false;
    }
}

static void note_end(struct offence *offence, const struct event *ev)
{
    bool close = ev->kind == EV_WS_CLOSE;
    if (close && offence->close_code == 0 && offence->ended == NEVER)
        offence->close_code = ev->ws_close.code;
    if (!close && offence->ended == NEVER)
        offence->ended = ev->at;
    if (offence->closed == NEVER) {
        offence->closed = ev->at;
        offence->to = ev->seq;
    }
}

static void note_exit(struct offence *offence, const struct event *ev)
{
    if (!offence->exit && !ev->process_exit.asked && strcmp(ev->process_exit.how, "exit 0") != 0)
        offence->exit = ev->process_exit.how;
}

static void follow(const struct trace *trace, const struct event *act, const struct event *last,
                   struct offence *offence)
{
    nsec until = nsec_add(act->at, offence_wall(trace, OFFENCE_PATIENT));
    for (const struct event *ev = act + 1; ev <= last; ev++) {
        bool theirs =
            ev->conn == act->conn && ev->side == SIDE_CLIENT && connection_ended_by_endpoint(ev);
        /* What comes of our own fault's answer to a Close is recorded before that Close. */
        if (theirs &&
            (offence->watched == NEVER || offence->watched == ev->at || offence->closed != NEVER))
            note_end(offence, ev);
        if (offence->watched == NEVER && ends_watch(ev, offence))
            offence->watched = ev->at;
        if (ev->kind == EV_PROCESS_EXIT && ev->client == act->client && ev->at <= until)
            note_exit(offence, ev);
    }
    if (offence->watched == NEVER)
        offence->watched = last->at;
    if (offence->to == 0)
        offence->to = last->seq;
}

/* --- Whether a client reads: it answered a ping, or an offence --- */

static bool is_ping_to(const struct event *ev, int client)
{
    if (ev->client != client || ev->side != SIDE_SERVER)
        return false;
    return (ev->kind == EV_WS_FRAME && ev->ws_frame.opcode == OPCODE_PING) ||
           (ev->kind == EV_WS_INJECTED && ev->ws_injected.opcode == OPCODE_PING);
}

static bool answers_pings(const struct trace *trace, int client)
{
    bool asked = false;
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        asked = asked || is_ping_to(ev, client);
        if (asked && ev->client == client && ev->kind == EV_WS_FRAME && ev->side == SIDE_CLIENT &&
            ev->by == BY_ENDPOINT && ev->ws_frame.opcode == OPCODE_PONG)
            return true;
    }
    return false;
}

static bool answers_offences(const struct trace *trace, const struct offences *all, int client)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].client == client && all->list[i].closed != NEVER &&
            all->list[i].closed - all->list[i].at <= offence_wall(trace, OFFENCE_PROMPT))
            return true;
    return false;
}

static void settle(const struct trace *trace, struct offences *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct offence *offence = &all->list[i];
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            if (all->list[j].client == offence->client) {
                first = false;
                offence->reads = all->list[j].reads;
            }
        if (first) {
            all->clients++;
            offence->reads = answers_pings(trace, offence->client) ||
                             answers_offences(trace, all, offence->client);
        }
    }
}

/* --- All of them --- */

static bool is_builtin(const struct trace *trace, const struct event *act)
{
    for (const struct event *ev = trace->events; ev < act; ev++)
        if (ev->conn == act->conn && ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN)
            return true;
    return false;
}

static void add(const struct trace *trace, const struct event *act, const struct event *last,
                enum offence_fault fault, struct offences *out)
{
    const struct event *on = offence_fault_on(trace, act);
    if (!on || acted_before(trace, on, act) || was_closing(trace, act) ||
        is_spoiled(out, act->conn))
        return;
    if (is_builtin(trace, act)) {
        out->builtin = true;
        return;
    }
    struct offence offence = {.fault = fault,
                              .client = act->client,
                              .conn = act->conn,
                              .deflate = deflate_state_of(trace, act->conn) == DEFLATE_AGREED,
                              .at = act->at,
                              .closed = NEVER,
                              .ended = NEVER,
                              .watched = NEVER,
                              .from = on->seq};
    read_params(on, &offence);
    follow(trace, act, last, &offence);
    out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
    out->list[out->count++] = offence;
}

void offences_of(const struct trace *trace, struct offences *out)
{
    const struct event *last = offences_last_counting(trace);
    enum offence_fault fault;
    *out = (struct offences){0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++)
        if (is_offence(ev, &fault))
            add(trace, ev, last, fault, out);
    settle(trace, out);
}

void offences_fini(struct offences *all)
{
    free(all->list);
    *all = (struct offences){0};
}

enum reaction offence_reaction(const struct trace *trace, const struct offence *offence)
{
    nsec took = offence->closed - offence->at;
    nsec patient = offence_wall(trace, OFFENCE_PATIENT);
    if (offence->exit && (offence->closed == NEVER || took <= patient))
        return REACTION_DIED;
    if (offence->closed != NEVER && took <= offence_wall(trace, OFFENCE_PROMPT))
        return REACTION_CLOSED;
    if (offence->closed != NEVER && took <= patient)
        return REACTION_LATE;
    nsec seen = offence->closed != NEVER ? offence->closed : offence->watched;
    if (seen - offence->at < patient)
        return REACTION_UNSEEN;
    return offence->reads ? REACTION_ACCEPTED : REACTION_UNREAD;
}

#include "rules/lib/segments.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "rules/lib/offence.h"
#include "ws/frame.h"

#define WAITING_LIMIT 256 /* pings; of more the oldest are forgotten */

struct ping {
    nsec at;
    enum travel travel;
    const char *hash; /* borrowed from the trace */
};

/* One connection while it is read. */
struct view {
    const struct trace *trace;
    struct segmented *out;
    bool slices, dribbles, joins; /* at work now */
    bool held;                    /* its 101 waited, and is written with what follows it */
    bool over;                    /* what comes later is not looked at */
    struct ping waiting[WAITING_LIMIT];
    size_t waiting_count;
};

/* --- Pings --- */

static enum travel travel_of(const struct view *view, const struct event *ev)
{
    if (view->held && ev->at == view->out->opened)
        return WITH_THE_101;
    return view->slices ? IN_PIECES : view->joins ? JOINED : AS_SENT;
}

static void note_ping(struct view *view, const struct event *ev, const char *hash)
{
    enum travel travel = travel_of(view, ev);
    struct pinged *pings = &view->out->pings[travel];
    if (view->waiting_count == WAITING_LIMIT)
        memmove(view->waiting, view->waiting + 1, --view->waiting_count * sizeof *view->waiting);
    view->waiting[view->waiting_count++] =
        (struct ping){.at = ev->at, .travel = travel, .hash = hash};
    pings->count++;
    pings->from = pings->from ? pings->from : ev->seq;
    pings->to = ev->seq;
}

/* RFC 6455 5.5.3: of pings that came together only the newest need be answered. */
static void settle_ping(struct view *view, const struct ping *ping, nsec answered,
                        const struct event *pong)
{
    struct pinged *pings = &view->out->pings[ping->travel];
    if (answered - ping->at >= offence_wall(view->trace, OFFENCE_PROMPT))
        pings->lost++;
    else
        pings->answered++;
    pings->to = pong->seq;
}

static void note_pong(struct view *view, const struct event *ev)
{
    size_t which = view->waiting_count;
    while (which > 0 && strcmp(view->waiting[which - 1].hash, ev->ws_frame.hash) != 0)
        which--;
    if (which == 0)
        return;
    for (size_t i = 0; i < which; i++)
        settle_ping(view, &view->waiting[i], view->waiting[which - 1].at, ev);
    view->waiting_count -= which;
    memmove(view->waiting, view->waiting + which, view->waiting_count * sizeof *view->waiting);
}

static void note_frame(struct view *view, const struct event *ev)
{
    const struct event *frame = NULL;
    if (ev->kind == EV_WS_DELIVERED && ev->side == SIDE_CLIENT)
        frame = trace_at_seq(view->trace, ev->ws_delivered.frame);
    else if (ev->kind == EV_WS_FRAME && ev->side == SIDE_SERVER && ev->ws_frame.passed)
        frame = ev;
    if (frame && frame->kind == EV_WS_FRAME && frame->ws_frame.opcode == OPCODE_PING)
        note_ping(view, ev, frame->ws_frame.hash);
    if (ev->kind == EV_WS_INJECTED && ev->side == SIDE_SERVER &&
        ev->ws_injected.opcode == OPCODE_PING)
        note_ping(view, ev, ev->ws_injected.hash);
    if (ev->kind == EV_WS_FRAME && ev->side == SIDE_CLIENT && ev->ws_frame.opcode == OPCODE_PONG)
        note_pong(view, ev);
}

/* --- Faults --- */

static bool *switch_of(struct view *view, const char *fault)
{
    if (strcmp(fault, "slice") == 0)
        return &view->slices;
    if (strcmp(fault, "upgrade_dribble") == 0)
        return &view->dribbles;
    return strcmp(fault, "coalesce") == 0 ? &view->joins : NULL;
}

/* What may go with it: it says pings, or lets the answer and what follows it come together. */
static bool is_harmless(const char *fault)
{
    return strcmp(fault, "ping_flood") == 0 || strcmp(fault, "upgrade_delay") == 0;
}

static void stop_watching(struct view *view, const struct event *ev)
{
    view->over = true;
    view->out->watched = ev->at;
}

static void note_on(struct view *view, const struct event *ev)
{
    bool *on = switch_of(view, ev->fault_on.fault);
    bool to_client = ev->side == SIDE_CLIENT;
    if (!on && !is_harmless(ev->fault_on.fault))
        stop_watching(view, ev);
    if (!on || !to_client)
        return;
    *on = true;
    if (view->out->opened != NEVER && view->out->touched == NEVER && !view->dribbles)
        view->out->touched = ev->at;
}

static void note_off(struct view *view, const struct event *ev)
{
    bool *on = switch_of(view, ev->fault_off.fault);
    if (on)
        *on = false;
}

static void note_open(struct view *view, const struct event *ev)
{
    struct segmented *out = view->out;
    out->opened = ev->at;
    out->head_in_pieces = view->slices || view->dribbles;
    if (out->head_in_pieces || view->held || view->joins)
        out->touched = ev->at;
}

/* --- Endings --- */

static bool is_theirs(const struct event *ev)
{
    return ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT;
}

static bool ends(const struct event *ev)
{
    return ev->kind == EV_WS_CLOSE || ev->kind == EV_TCP_CLOSE || ev->kind == EV_TCP_SHUT ||
           ev->kind == EV_CONN_END;
}

static void note_end(struct view *view, const struct event *ev)
{
    if (is_theirs(ev) && connection_ended_by_endpoint(ev)) {
        view->out->ended = ev->at;
        view->out->code = ev->kind == EV_WS_CLOSE ? ev->ws_close.code : 0;
    }
    view->out->to = ev->seq;
    stop_watching(view, ev);
}

static void note(struct view *view, const struct event *ev)
{
    if (ev->kind == EV_FAULT_ON)
        note_on(view, ev);
    else if (ev->kind == EV_FAULT_OFF)
        note_off(view, ev);
    else if (ev->kind == EV_FAULT_ACT)
        view->held = view->held || (strcmp(ev->fault_act.fault, "upgrade_delay") == 0 &&
                                    ev->side == SIDE_CLIENT && view->out->opened == NEVER);
    else if (ev->kind == EV_HTTP_REQUEST && is_theirs(ev) && ev->http_request.counts)
        view->out->asked = ev->at;
    else if (ev->kind == EV_HTTP_RESPONSE)
        view->out->head_in_pieces = view->slices || view->dribbles;
    else if (ev->kind == EV_WS_OPEN)
        note_open(view, ev);
    else if (ends(ev))
        note_end(view, ev);
    else
        note_frame(view, ev);
}

/* --- All of them --- */

static void look(const struct trace *trace, const struct event *open, const struct event *last,
                 struct segmented *out)
{
    struct view *view = xcalloc(1, sizeof *view);
    view->trace = trace;
    view->out = out;
    *out = (struct segmented){.conn = open->conn,
                              .client = open->client,
                              .asked = NEVER,
                              .opened = NEVER,
                              .touched = NEVER,
                              .ended = NEVER,
                              .from = open->seq,
                              .to = last->seq};
    for (const struct event *ev = open; ev <= last && !view->over; ev++) {
        if (ev->kind == EV_TRACE_FULL)
            stop_watching(view, ev);
        else if (ev->conn == open->conn)
            note(view, ev);
    }
    if (!view->over)
        out->watched = last->at;
    for (size_t i = view->waiting_count; i-- > 0;)
        out->pings[view->waiting[i].travel].waits = out->watched - view->waiting[i].at;
    free(view);
}

static bool is_new_client(const struct segments *all, int client)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].client == client)
            return false;
    return true;
}

void segments_of(const struct trace *trace, struct segments *out)
{
    const struct event *last = offences_last_counting(trace);
    size_t i = 0;
    *out = (struct segments){0};
    for (const struct event *ev; last && (ev = trace_next(trace, &i, EV_TCP_OPEN)) && ev <= last;) {
        if (ev->by != BY_ENDPOINT) {
            out->builtin = out->builtin || ev->by == BY_BUILTIN;
            continue;
        }
        out->clients += is_new_client(out, ev->client);
        out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
        look(trace, ev, last, &out->list[out->count++]);
    }
}

void segments_fini(struct segments *all)
{
    free(all->list);
    *all = (struct segments){0};
}

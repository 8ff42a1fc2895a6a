#include "rules/lib/pings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/frame.h"

#define RECENT 256 /* payloads that a pong may still carry without being strange */

struct ping {
    nsec at;
    const char *hash; /* borrowed from the trace */
};

struct view {
    struct pings *out;
    struct ping waiting[PINGS_WAITING_LIMIT]; /* the oldest first */
    const char *recent[RECENT];               /* a ring */
    bool clouded;
};

static void note_ping(struct view *view, const struct event *ev, const char *hash)
{
    struct pings *out = view->out;
    if (out->waiting == PINGS_WAITING_LIMIT)
        memmove(view->waiting, view->waiting + 1, --out->waiting * sizeof *view->waiting);
    view->waiting[out->waiting++] = (struct ping){.at = ev->at, .hash = hash};
    view->recent[out->count++ % RECENT] = hash;
    out->from = out->from > 0 ? out->from : ev->seq;
    out->to = ev->seq;
    out->last = ev->at;
}

static bool is_strange(const struct view *view, const char *hash)
{
    uint64_t kept = view->out->count < RECENT ? view->out->count : RECENT;
    for (uint64_t i = 0; i < kept; i++)
        if (strcmp(view->recent[i], hash) == 0)
            return false;
    return true;
}

static void note_pong(struct view *view, const struct event *ev)
{
    struct pings *out = view->out;
    size_t which = out->waiting;
    if (out->count == 0)
        return; /* unsolicited: a one-way heartbeat */
    while (which > 0 && strcmp(view->waiting[which - 1].hash, ev->ws_frame.hash) != 0)
        which--;
    out->pongs++;
    out->strange += is_strange(view, ev->ws_frame.hash);
    out->to = ev->seq;
    if (which == 0)
        return;
    out->slowest = nsec_max(out->slowest, ev->at - view->waiting[which - 1].at);
    out->waiting -= which;
    memmove(view->waiting, view->waiting + which, out->waiting * sizeof *view->waiting);
}

/* Whatever else a fault does towards the client may keep a ping of ours from it. */
static void note_act(struct view *view, const struct event *ev)
{
    if (ev->side != SIDE_CLIENT || strcmp(ev->fault_act.verb, "inject") == 0 || view->clouded)
        return;
    view->clouded = true;
    view->out->waiting = 0;
}

static void note(struct view *view, const struct trace *trace, const struct event *ev)
{
    const struct event *frame = NULL;
    if (ev->kind == EV_FAULT_ACT) {
        note_act(view, ev);
    } else if (ev->kind == EV_WS_INJECTED) {
        if (ev->side == SIDE_SERVER && ev->ws_injected.opcode == OPCODE_PING && !view->clouded)
            note_ping(view, ev, ev->ws_injected.hash);
    } else if (ev->kind == EV_WS_DELIVERED && ev->side == SIDE_CLIENT) {
        frame = trace_at_seq(trace, ev->ws_delivered.frame);
    } else if (ev->kind == EV_WS_FRAME && ev->side == SIDE_CLIENT) {
        if (ev->ws_frame.opcode == OPCODE_PONG)
            note_pong(view, ev);
    } else if (ev->kind == EV_WS_FRAME && ev->ws_frame.passed) {
        frame = ev;
    }
    if (frame && frame->kind == EV_WS_FRAME && frame->ws_frame.opcode == OPCODE_PING)
        note_ping(view, ev, frame->ws_frame.hash);
}

void pings_of(const struct trace *trace, const struct connection *c, struct pings *out)
{
    struct view *view = xcalloc(1, sizeof *view);
    *out = (struct pings){.last = NEVER};
    view->out = out;
    for (const struct event *ev = c->open; ev < c->end; ev++)
        if (ev->conn == c->conn)
            note(view, trace, ev);
    if (out->waiting > 0)
        out->waiting_for = c->to - view->waiting[0].at;
    free(view);
}

#include "rules/lib/deflated.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "rules/lib/offence.h"
#include "ws/close.h"
#include "ws/frame.h"
#include "ws/upgrade.h"

/* --- What was agreed on --- */

static bool names_deflate(const char *extensions)
{
    struct upgrade_deflate deflate;
    upgrade_read_deflate(extensions ? extensions : "", &deflate);
    return deflate.on;
}

static bool takes_out(const struct trace *trace, const struct event *act)
{
    const struct event *on = offence_fault_on(trace, act);
    json_t *params = on ? json_loads(on->fault_on.params, 0, NULL) : NULL;
    const char *how = json_string_value(json_object_get(params, "how"));
    bool taken = how && strcmp(how, "missing") == 0;
    json_decref(params);
    return taken;
}

static bool is_answer_changed(const struct event *ev)
{
    return ev->kind == EV_FAULT_ACT && ev->side == SIDE_CLIENT &&
           strcmp(ev->fault_act.verb, "replace") == 0 &&
           (strcmp(ev->fault_act.fault, "upgrade_extension") == 0 ||
            strcmp(ev->fault_act.fault, "upgrade_rewrite") == 0);
}

/* An event of the handshake. */
static enum deflate_state next_state(const struct trace *trace, enum deflate_state state,
                                     const struct event *ev)
{
    if (ev->kind == EV_HTTP_REQUEST && ev->side == SIDE_CLIENT)
        return names_deflate(ev->http_request.extensions) ? DEFLATE_NOT_AGREED
                                                          : DEFLATE_NOT_OFFERED;
    if (ev->kind == EV_HTTP_RESPONSE && ev->by != BY_FAULT && state == DEFLATE_NOT_AGREED)
        return names_deflate(ev->http_response.extensions) ? DEFLATE_AGREED : DEFLATE_NOT_AGREED;
    if (!is_answer_changed(ev) || state == DEFLATE_NOT_OFFERED)
        return state;
    if (state == DEFLATE_AGREED && strcmp(ev->fault_act.fault, "upgrade_extension") == 0 &&
        takes_out(trace, ev))
        return DEFLATE_TAKEN_OUT;
    return DEFLATE_CHANGED;
}

enum deflate_state deflate_state_of(const struct trace *trace, uint32_t conn)
{
    enum deflate_state state = DEFLATE_NOT_OFFERED;
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++)
        if (ev->conn == conn)
            state = next_state(trace, state, ev);
    return state;
}

/* --- What was sent --- */

struct view {
    const struct trace *trace;
    struct deflated *out;
    bool over; /* what the server sends is no longer looked at */
    enum sort last;
    nsec last_at;
};

static enum sort sort_of(const struct event *frame)
{
    return frame->ws_frame.rsv & RSV1 ? SORT_COMPRESSED : SORT_PLAIN;
}

static bool begins_message(const struct event *ev)
{
    return ev->kind == EV_WS_FRAME &&
           (ev->ws_frame.opcode == OPCODE_TEXT || ev->ws_frame.opcode == OPCODE_BINARY);
}

static void note_wrong(struct deflated *out, const struct event *ev, const char *what)
{
    if (out->wrong++ == 0) {
        out->what = what;
        out->wrong_from = ev->seq;
    }
    out->wrong_to = ev->seq;
}

static bool is_about_deflate(const char *what)
{
    return strstr(what, "reserved bit") || strstr(what, "does not inflate");
}

static void note_theirs(struct view *view, const struct event *ev)
{
    struct deflated *out = view->out;
    bool known = out->state != DEFLATE_NOT_OFFERED && out->state != DEFLATE_CHANGED;
    if (known && ev->kind == EV_WS_ERROR && is_about_deflate(ev->ws_error.what)) {
        note_wrong(out, ev, ev->ws_error.what);
    } else if (begins_message(ev)) {
        bool compressed = sort_of(ev) == SORT_COMPRESSED;
        out->sent_compressed += compressed;
        out->sent_plain += !compressed;
        if (compressed && out->state == DEFLATE_TAKEN_OUT)
            note_wrong(out, ev, "a compressed message that nobody agreed to");
    }
}

/* --- What it got --- */

static void note_got(struct view *view, const struct event *frame, nsec at)
{
    struct deflated *out = view->out;
    view->last = sort_of(frame);
    view->last_at = at;
    out->got_compressed += view->last == SORT_COMPRESSED;
    out->got_plain += view->last == SORT_PLAIN;
    if (view->last == SORT_COMPRESSED && out->surprised == NEVER)
        out->surprised = at;
}

static void note_server(struct view *view, const struct event *ev)
{
    const struct event *frame = NULL;
    if (ev->kind == EV_WS_DELIVERED && ev->side == SIDE_CLIENT)
        frame = trace_at_seq(view->trace, ev->ws_delivered.frame);
    else if (ev->kind == EV_WS_FRAME && ev->side == SIDE_SERVER && ev->ws_frame.passed)
        frame = ev;
    if (frame && begins_message(frame))
        note_got(view, frame, ev->at);
}

/* What a fault puts in, changes or keeps back may break the server's stream, or its own: what it
 * was is for other rules to say. Pings do no harm. */
static bool interferes(const struct event *ev)
{
    if (ev->kind == EV_WS_ERROR && ev->side == SIDE_SERVER)
        return true;
    return ev->kind == EV_FAULT_ACT && ev->side == SIDE_CLIENT && !is_answer_changed(ev) &&
           strcmp(ev->fault_act.fault, "ping_flood") != 0;
}

static bool ends(const struct event *ev)
{
    return ev->kind == EV_WS_CLOSE || ev->kind == EV_TCP_CLOSE || ev->kind == EV_TCP_SHUT ||
           ev->kind == EV_CONN_END;
}

static bool is_violation(uint64_t code)
{
    return code == CLOSE_PROTOCOL_ERROR || code == CLOSE_INVALID_PAYLOAD;
}

static void note_end(struct view *view, const struct event *ev)
{
    struct deflated *out = view->out;
    out->to = ev->seq;
    out->watched = ev->at;
    view->over = true;
    if (ev->side != SIDE_CLIENT || !connection_ended_by_endpoint(ev))
        return;
    out->ended = ev->at;
    if (ev->kind != EV_WS_CLOSE || !is_violation(ev->ws_close.code) || view->last == SORT_NONE ||
        ev->at - view->last_at > offence_wall(view->trace, OFFENCE_PROMPT))
        return;
    out->refused = view->last;
    out->code = ev->ws_close.code;
}

static void note(struct view *view, const struct event *ev)
{
    if (ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT)
        note_theirs(view, ev);
    if (view->over)
        return;
    if (interferes(ev)) {
        view->over = true;
        view->out->watched = ev->at;
    } else if (ends(ev)) {
        note_end(view, ev);
    } else {
        note_server(view, ev);
    }
}

/* --- All of them --- */

static void look(const struct trace *trace, const struct event *open, const struct event *last,
                 struct deflated *out)
{
    struct view view = {.trace = trace, .out = out};
    *out = (struct deflated){.conn = open->conn,
                             .client = open->client,
                             .state = deflate_state_of(trace, open->conn),
                             .surprised = NEVER,
                             .ended = NEVER,
                             .watched = NEVER,
                             .from = open->seq};
    for (const struct event *ev = open; ev <= last; ev++) {
        if (ev->kind == EV_TRACE_FULL && !view.over) {
            view.over = true;
            out->watched = ev->at;
        } else if (ev->conn == open->conn) {
            note(&view, ev);
        }
    }
    if (out->watched == NEVER)
        out->watched = last->at;
    if (out->to == 0)
        out->to = last->seq;
}

static bool is_builtin(const struct trace *trace, const struct event *open)
{
    for (const struct event *ev = open; ev-- > trace->events;)
        if (ev->conn == open->conn && ev->kind == EV_HTTP_REQUEST)
            return ev->by == BY_BUILTIN;
    return false;
}

void deflated_of(const struct trace *trace, struct deflated_list *out)
{
    const struct event *last = offences_last_counting(trace);
    size_t i = 0;
    *out = (struct deflated_list){0};
    for (const struct event *ev; last && (ev = trace_next(trace, &i, EV_WS_OPEN)) && ev <= last;) {
        if (is_builtin(trace, ev)) {
            out->builtin = true;
            continue;
        }
        out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
        struct deflated *fresh = &out->list[out->count++];
        look(trace, ev, last, fresh);
        out->offered += fresh->state != DEFLATE_NOT_OFFERED;
        out->agreed += fresh->state == DEFLATE_AGREED;
    }
}

void deflated_fini(struct deflated_list *all)
{
    free(all->list);
    *all = (struct deflated_list){0};
}

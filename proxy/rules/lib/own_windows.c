/* When an assertion of a scenario is to hold for a client, and how far that could be seen. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "rules/lib/own_parts.h"

static void add(struct windows *out, nsec at, uint64_t seq, uint32_t conn)
{
    out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
    out->list[out->count++] = (struct window){.from = at, .seq = seq, .conn = conn};
}

/* --- The moments --- */

static void add_openings(const struct own_view *view, bool again, struct windows *out)
{
    bool opened = false;
    for (size_t i = 0; i < view->attempts->count; i++) {
        const struct attempt *attempt = &view->attempts->list[i];
        if (attempt->client != view->client || attempt->opened == NEVER)
            continue;
        if (opened || !again)
            add(out, attempt->opened, attempt->from, attempt->conn);
        opened = true;
    }
}

static void add_losses(const struct own_view *view, struct windows *out)
{
    for (size_t i = 0; i < view->attempts->count; i++) {
        const struct attempt *attempt = &view->attempts->list[i];
        if (attempt->client == view->client && attempt->opened != NEVER && attempt->lost != NEVER)
            add(out, attempt->lost, attempt->from, 0);
    }
}

static bool concerns(const struct event *ev, int client)
{
    return ev->client == client || ev->client < 0;
}

static bool is_step(const struct event *ev, const char *label)
{
    return ev->kind == EV_STEP_START && strcmp(ev->step_start.label, label) == 0;
}

static bool is_fault(const struct event *ev, const char *label)
{
    return (ev->kind == EV_FAULT_ARMED && strcmp(ev->fault_armed.label, label) == 0) ||
           (ev->kind == EV_FAULT_ON && strcmp(ev->fault_on.label, label) == 0);
}

static bool any_fault(const struct trace *trace, const char *label)
{
    for (size_t i = 0; i < trace->count; i++)
        if (is_fault(&trace->events[i], label))
            return true;
    return false;
}

/* A fault's label is where it first began on this client, once for each such step; another step's
 * is the beginning of the step. */
static void add_label(const struct own_view *view, const char *label, struct windows *out)
{
    bool faulty = any_fault(view->trace, label), waits = true;
    for (const struct event *ev = view->trace->events;
         ev < view->trace->events + view->trace->count; ev++) {
        bool begins =
            is_fault(ev, label) && ev->kind == EV_FAULT_ON && waits && concerns(ev, view->client);
        bool marked = ev->kind == EV_MARK && strcmp(ev->mark.text, label) == 0;
        if (marked || begins || (!faulty && is_step(ev, label)))
            add(out, ev->at, ev->seq, 0);
        waits = (waits && !begins) || is_step(ev, label);
    }
}

static void find(const struct own_view *view, struct windows *out)
{
    const char *after = view->assertion->after ? view->assertion->after : "";
    if (!*after)
        add(out, 0, 1, 0);
    else if (strcmp(after, "open") == 0)
        add_openings(view, false, out);
    else if (strcmp(after, "reopened") == 0)
        add_openings(view, true, out);
    else if (strcmp(after, "closed") == 0)
        add_losses(view, out);
    else
        add_label(view, after, out);
}

/* --- How far it could be seen --- */

static void stop(struct window *window, nsec at, const char *why)
{
    at = nsec_max(at, window->from);
    if (at >= window->seen || at >= window->to)
        return;
    window->seen = at;
    window->blind = why;
}

static void cut(struct window *window, nsec at, const char *by)
{
    if (at >= window->cut)
        return;
    window->cut = at;
    window->cut_by = by;
}

static bool is_fault_verb(const struct event *ev, const char *verb)
{
    return ev->kind == EV_FAULT_ACT && strcmp(ev->fault_act.verb, verb) == 0;
}

/* By whom the connection that opened is ended first: what is missed after that is their doing. A
 * Close is to be answered, and somebody who hears nothing need not speak. */
static void follow_connection(const struct own_view *view, struct window *window,
                              const struct event *ev)
{
    bool messages = view->counted == OWN_MESSAGES;
    bool ends = ev->kind == EV_TCP_CLOSE || (ev->kind == EV_WS_CLOSE && messages);
    bool silences = ev->kind == EV_FAULT_ON && ev->fault_on.silences && messages;
    if (window->conn == 0 || ev->conn != window->conn || window->left)
        return;
    if (silences && ev->side == view->side)
        cut(window, ev->at, "a fault kept all from it");
    else if (ev->kind == EV_TCP_SHUT && ev->side == view->side)
        cut(window, ev->at, "its connection was ended, and not by itself,");
    else if (ends && ev->side == view->side && connection_ended_by_endpoint(ev))
        window->left = window->cut == NEVER;
    else if (ends)
        cut(window, ev->at, "its connection was ended, and not by itself,");
}

/* One reading of the trace for all windows: each stops at the first of these behind its start. */
static void look(const struct own_view *view, const struct event *ev, struct windows *out)
{
    const char *why = NULL;
    bool theirs = ev->client == view->client && ev->side == view->side;
    bool process = ev->kind == EV_PROCESS_EXIT && ev->process_exit.asked &&
                   (strcmp(ev->process_exit.role, "client") == 0) == (view->side == SIDE_CLIENT) &&
                   concerns(ev, view->client);
    if (ev->kind == EV_TRACE_FULL && view->counted == OWN_MESSAGES)
        why = "the trace was full, and no longer every frame was recorded";
    else if (theirs && ev->kind == EV_TCP_PAUSE && ev->tcp_pause.on &&
             view->counted != OWN_ATTEMPTS)
        why = "nothing was read from it any more";
    else if (theirs && is_fault_verb(ev, "deafen") && view->counted != OWN_ATTEMPTS)
        why = "what it sent was thrown away";
    for (size_t i = 0; i < out->count; i++) {
        struct window *window = &out->list[i];
        if (ev->at < window->from || ev->seq < window->seq)
            continue;
        if (why)
            stop(window, ev->at, why);
        if (process)
            cut(window, ev->at, "the scenario ended its process");
        else
            follow_connection(view, window, ev);
    }
}

static void settle(const struct own_view *view, struct windows *out)
{
    nsec within = view->assertion->within;
    for (size_t i = 0; i < out->count; i++) {
        struct window *window = &out->list[i];
        nsec next = i + 1 < out->count ? out->list[i + 1].from : view->end;
        window->bounded = within > 0;
        window->to = within > 0 ? nsec_add(window->from, within) : next;
        window->seen = window->to;
        window->cut = NEVER;
        stop(window, view->end, "the run was over");
        nsec hidden = view->counted == OWN_ATTEMPTS
                          ? attempts_hidden(view->trace, view->client, window->from, window->to)
                          : NEVER;
        if (hidden != NEVER)
            stop(window, hidden, "its connects could not be seen");
    }
}

/* When the process of this client began: 0 for those that were there when the run did. */
static nsec born(const struct own_view *view)
{
    size_t i = 0;
    if ((uint64_t)view->client < view->trace->start->clients)
        return 0;
    for (const struct event *ev; (ev = trace_next(view->trace, &i, EV_PROCESS_START));)
        if (ev->client == view->client)
            return ev->at;
    return 0;
}

/* What happened when its process was not there does not concern it. */
static void leave_out_absence(const struct own_view *view, struct windows *out)
{
    nsec from = born(view), to = trace_dismissed(view->trace, view->client);
    const char *after = view->assertion->after ? view->assertion->after : "";
    size_t kept = 0;
    for (size_t i = 0; *after && i < out->count; i++)
        if (out->list[i].from >= from && out->list[i].from < to)
            out->list[kept++] = out->list[i];
    out->count = *after ? kept : out->count;
}

void own_windows(const struct own_view *view, struct windows *out)
{
    *out = (struct windows){0};
    find(view, out);
    leave_out_absence(view, out);
    settle(view, out);
    const struct event *last = trace_last_counting(view->trace);
    for (const struct event *ev = view->trace->events; last && ev <= last; ev++)
        look(view, ev, out);
}

void own_windows_fini(struct windows *windows)
{
    free(windows->list);
    *windows = (struct windows){0};
}

bool own_is_passing(const struct own_view *view)
{
    size_t i = 0;
    if (view->client >= 0 && (uint64_t)view->client >= view->trace->start->clients)
        return true;
    for (const struct event *ev; (ev = trace_next(view->trace, &i, EV_PROCESS_EXIT));)
        if (ev->client == view->client && ev->process_exit.asked)
            return true;
    return false;
}

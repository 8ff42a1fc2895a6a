#include "rules/lib/connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/frame.h"

#define STALL_NOISE 32           /* the longest stall of a run is seldom where it matters */
#define PAUSE_LONG  NSEC_PER_SEC /* a shorter one hides no beat worth the name */

static bool is_application_data(const struct event *ev, uint32_t conn)
{
    return ev->kind == EV_WS_FRAME && ev->conn == conn && ev->ws_frame.opcode < OPCODE_CLOSE;
}

nsec connection_longest_idle(const struct connection *c)
{
    nsec last = c->from, longest = 0;
    for (const struct event *ev = c->open; ev < c->end; ev++)
        if (is_application_data(ev, c->conn)) {
            longest = nsec_max(longest, ev->at - last);
            last = ev->at;
        }
    return nsec_max(longest, c->to - last);
}

const struct event *trace_last_counting(const struct trace *trace)
{
    size_t i = 0;
    const struct event *end = trace_next(trace, &i, EV_RUN_END);
    if (end || trace->count == 0)
        return end;
    return &trace->events[trace->count - 1];
}

/* Connections are numbered as they come, so that new ones nearly always go to the end. */
static struct connection *find(struct connections *all, size_t *room, const struct event *ev)
{
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->list[middle].conn < ev->conn)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < all->count && all->list[low].conn == ev->conn)
        return &all->list[low];
    if (all->count == *room) {
        *room = *room ? *room * 2 : 16;
        all->list = xrealloc(all->list, *room * sizeof *all->list);
    }
    struct connection *fresh = &all->list[low];
    memmove(fresh + 1, fresh, (all->count - low) * sizeof *fresh);
    *fresh = (struct connection){
        .conn = ev->conn, .client = ev->client, .client_by = BY_PROXY, .server_by = BY_PROXY};
    all->count++;
    return fresh;
}

static bool disturbs(const struct event *ev)
{
    switch (ev->kind) {
    case EV_FAULT_ON:
        return ev->fault_on.silences;
    case EV_FAULT_ACT:
        return strcmp(ev->fault_act.verb, "cut") == 0;
    case EV_WS_CLOSE:
    case EV_TCP_CLOSE:
    case EV_TCP_SHUT:
    case EV_CONN_END:
        return true;
    default:
        return false;
    }
}

static void note_cause(struct connection *c, const struct event *ev)
{
    if (ev->by != BY_ENDPOINT && ev->by != BY_BUILTIN)
        return;
    if (ev->side == SIDE_CLIENT)
        c->client_by = ev->by;
    else if (ev->side == SIDE_SERVER)
        c->server_by = ev->by;
}

/* While we do not read from the client, what it sends waits in its own socket: a beat that is not
 * seen then was perhaps sent. */
static void note_pause(struct connection *c, const struct event *ev)
{
    if (ev->tcp_pause.on) {
        c->paused = ev;
        return;
    }
    if (c->paused && ev->at - c->paused->at > PAUSE_LONG && (!c->end || c->paused < c->end))
        c->end = c->paused;
    c->paused = NULL;
}

/* A silence that began before the connection opened disturbs it from its first moment. */
static void note(struct connection *c, const struct event *ev)
{
    note_cause(c, ev);
    if (ev->kind == EV_TCP_PAUSE && ev->side == SIDE_CLIENT)
        note_pause(c, ev);
    if (ev->kind == EV_WS_OPEN && !c->open) {
        c->open = ev;
        c->client = ev->client;
    } else if (!c->end && disturbs(ev)) {
        c->end = ev;
    }
}

static int by_client(const void *a, const void *b)
{
    const struct connection *x = a, *y = b;
    if (x->client != y->client)
        return x->client < y->client ? -1 : 1;
    return (x->conn > y->conn) - (x->conn < y->conn);
}

/* Once frames are left out nothing can be told from their absence. */
static void settle(struct connections *all, const struct event *full, const struct event *last)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        struct connection *c = &all->list[i];
        if (!c->open)
            continue;
        if (c->paused && (!c->end || c->paused < c->end))
            c->end = c->paused;
        if (!c->end)
            c->end = last;
        if (full && c->end > full)
            c->end = full > c->open ? full : c->open;
        c->from = c->open->at;
        c->to = nsec_max(c->from, c->end->at);
        all->list[kept++] = *c;
    }
    all->count = kept;
    if (kept > 0)
        qsort(all->list, kept, sizeof *all->list, by_client);
}

void connections_of(const struct trace *trace, struct connections *out)
{
    const struct event *last = trace_last_counting(trace);
    size_t room = 0, i = 0;
    *out = (struct connections){0};
    if (!last)
        return;
    const struct event *full = trace_next(trace, &i, EV_TRACE_FULL);
    for (const struct event *ev = trace->events; ev <= last; ev++)
        if (ev->conn != 0)
            note(find(out, &room, ev), ev);
    settle(out, full, last);
}

void connections_fini(struct connections *all)
{
    free(all->list);
    *all = (struct connections){0};
}

size_t connections_of_client_end(const struct connections *all, size_t first)
{
    size_t end = first;
    while (end < all->count && all->list[end].client == all->list[first].client)
        end++;
    return end;
}

bool connection_ended_by_endpoint(const struct event *ev)
{
    if (ev->by != BY_ENDPOINT)
        return false;
    if (ev->kind == EV_WS_CLOSE)
        return true;
    return ev->kind == EV_TCP_CLOSE && strcmp(ev->tcp_close.how, "timeout") != 0 &&
           strcmp(ev->tcp_close.how, "error") != 0;
}

nsec trace_worst_stall(const struct trace *trace)
{
    size_t i = 0;
    const struct event *noise = trace_next(trace, &i, EV_RUN_NOISE);
    return noise ? noise->run_noise.worst : 0;
}

nsec trace_likely_stall(const struct trace *trace)
{
    return nsec_min(trace_worst_stall(trace), STALL_NOISE * trace->noise);
}

struct heartbeats *heartbeats_of_rules(const struct trace *trace)
{
    struct heartbeats *beats = heartbeats_new(trace->policy.pong);
    heartbeats_tolerate(beats, trace_worst_stall(trace));
    if (!trace->policy.can_ping)
        heartbeats_ignore_pings(beats);
    return beats;
}

struct heartbeats *connection_heartbeats(const struct trace *trace, const struct connection *c)
{
    struct heartbeats *beats = heartbeats_of_rules(trace);
    for (const struct event *ev = c->open; ev < c->end; ev++)
        if (ev->conn == c->conn &&
            (ev->kind == EV_WS_FRAME || ev->kind == EV_WS_MESSAGE || ev->kind == EV_WS_INJECTED))
            (void)heartbeats_feed(beats, ev);
    return beats;
}

bool connection_is_tampered_with(const struct connection *c)
{
    for (const struct event *ev = c->open; ev < c->end; ev++)
        if (ev->conn == c->conn && ev->kind == EV_FAULT_ACT)
            return true;
    return false;
}

bool agent_is_browser(const char *agent)
{
    return agent && strncmp(agent, "Mozilla/", strlen("Mozilla/")) == 0;
}

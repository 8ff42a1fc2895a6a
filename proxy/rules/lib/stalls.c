#include "rules/lib/stalls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"

/* Quiet seconds after which nothing more is to come: of the wall clock, since it is kernels and
 * processors that make a backlog come late and in pieces (a closed window is probed at growing
 * intervals, RFC 9293 3.8.6.1), and no speed shortens those. */
#define QUIET_AT_LAST 2
#define BACK_TO_USUAL 2.0

static bool is_pause(const struct event *ev, enum side side)
{
    return ev->kind == EV_TCP_PAUSE && ev->side == side && ev->by == BY_FAULT;
}

static bool is_end_of(const struct event *ev, const struct stall *stall)
{
    return ev->conn == stall->conn && ev->kind == EV_CONN_END;
}

static bool is_own_end(const struct event *ev, const struct stall *stall, enum side side)
{
    return ev->conn == stall->conn && ev->side == side && connection_ended_by_endpoint(ev);
}

static bool tells_to_go(const struct event *ev, const struct stall *stall, enum side side)
{
    if (ev->conn != stall->conn)
        return false;
    return (ev->kind == EV_TCP_SHUT && ev->side == side) ||
           (ev->kind == EV_WS_CLOSE && ev->side == side_other(side));
}

static void note(struct stall *stall, const struct event *ev, enum side side)
{
    const char *role = side_name(side);
    if (ev->kind == EV_TCP_QUEUES && ev->conn == stall->conn && ev->side == side) {
        stall->measured = true;
        stall->held = ev->tcp_queues.ours + ev->tcp_queues.theirs;
    } else if (tells_to_go(ev, stall, side)) {
        stall->told_to_go = true;
    } else if (is_own_end(ev, stall, side) && stall->closed == NEVER && !stall->told_to_go) {
        stall->closed = ev->at;
    } else if (ev->kind == EV_PROCESS_EXIT && ev->client == stall->client &&
               strcmp(ev->process_exit.role, role) == 0 && !ev->process_exit.asked) {
        stall->exit = ev->process_exit.how;
    }
}

static struct stall stall_from(const struct event *on, const struct event *last, enum side side)
{
    struct stall stall = {.conn = on->conn,
                          .client = on->client,
                          .began = on->at,
                          .ended = last->at,
                          .closed = NEVER,
                          .from = on->seq,
                          .to = last->seq};
    for (const struct event *ev = on + 1; ev <= last; ev++) {
        note(&stall, ev, side);
        bool released = ev->conn == stall.conn && is_pause(ev, side) && !ev->tcp_pause.on;
        if (!released && !is_end_of(ev, &stall))
            continue;
        stall.ended = ev->at;
        stall.to = ev->seq;
        stall.released = released && stall.closed == NEVER;
        break;
    }
    return stall;
}

/* Who an endpoint is shows in what it did on the connection. */
static bool is_builtin(const struct trace *trace, uint32_t conn, enum side side)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->conn == conn && ev->side == side && (ev->by == BY_BUILTIN || ev->by == BY_ENDPOINT))
            return ev->by == BY_BUILTIN;
    }
    return false;
}

void stalls_of(const struct trace *trace, enum side side, struct stalls *out)
{
    const struct event *last = trace_last_counting(trace);
    *out = (struct stalls){0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        if (!is_pause(ev, side) || !ev->tcp_pause.on)
            continue;
        if (is_builtin(trace, ev->conn, side)) {
            out->builtin = true;
            continue;
        }
        out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
        out->list[out->count++] = stall_from(ev, last, side);
    }
}

void stalls_fini(struct stalls *stalls)
{
    free(stalls->list);
    *stalls = (struct stalls){0};
}

/* --- Bytes --- */

static double bytes_of(const struct event *ev)
{
    uint64_t len = ev->ws_frame.len;
    return (double)len + 2 + (len > 125 ? 2 : 0) + (len > 65535 ? 6 : 0) +
           (ev->ws_frame.masked ? 4 : 0);
}

static bool is_frame_of(const struct event *ev, uint32_t conn, enum side side)
{
    return ev->kind == EV_WS_FRAME && ev->conn == conn && ev->side == side;
}

double stalls_rate(const struct trace *trace, uint32_t conn, enum side side, nsec from, nsec to)
{
    double bytes = 0;
    if (to <= from)
        return 0;
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (is_frame_of(ev, conn, side) && ev->at >= from && ev->at < to)
            bytes += bytes_of(ev);
    }
    return bytes / nsec_to_seconds(to - from);
}

/* One second after another while the backlog drains. */
struct drain {
    double usual, second, bytes;
    nsec until;          /* end of the second under way */
    int quiet, patience; /* quiet seconds in a row, and those that end it */
    bool over;
};

static void end_second(struct drain *drain)
{
    bool quiet = drain->second <= BACK_TO_USUAL * drain->usual;
    drain->bytes += drain->second - drain->usual;
    drain->quiet = quiet ? drain->quiet + 1 : 0;
    drain->over = drain->quiet >= drain->patience;
    drain->second = 0;
    drain->until = nsec_add(drain->until, NSEC_PER_SEC);
}

static void advance(struct drain *drain, nsec now)
{
    while (!drain->over && now >= drain->until)
        end_second(drain);
}

static bool stops(const struct event *ev, const struct stall *stall, enum side side)
{
    if (ev->conn != stall->conn)
        return false;
    return (is_pause(ev, side) && ev->tcp_pause.on) || ev->kind == EV_CONN_END ||
           ev->kind == EV_TCP_SHUT || (ev->kind == EV_TCP_CLOSE && ev->side == side);
}

bool stalls_backlog(const struct trace *trace, const struct stall *stall, enum side side,
                    double usual, double *bytes)
{
    const struct event *last = trace_last_counting(trace);
    struct drain drain = {.usual = usual,
                          .until = nsec_add(stall->ended, NSEC_PER_SEC),
                          .patience = (int)ceil(QUIET_AT_LAST * fmax(1, trace->start->speed))};
    for (const struct event *ev = trace->events; last && ev <= last && !drain.over; ev++) {
        if (ev->seq <= stall->to)
            continue;
        advance(&drain, ev->at);
        if (drain.over || stops(ev, stall, side))
            break;
        if (is_frame_of(ev, stall->conn, side))
            drain.second += bytes_of(ev);
    }
    *bytes = drain.bytes + (drain.over ? 0 : drain.second);
    *bytes = *bytes > 0 ? *bytes : 0;
    return drain.over;
}

#include "rules/lib/floods.h"

#include <stdlib.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "ws/frame.h"

#define FLOOD_LEAST 1000               /* pings: fewer in a row are a burst */
#define PAUSE       (5 * NSEC_PER_SEC) /* without a ping it is over */

static bool is_flooding(const struct event *ev)
{
    return ev->kind == EV_WS_INJECTED && ev->side == SIDE_SERVER &&
           ev->ws_injected.opcode == OPCODE_PING;
}

static struct flood *flood_under_way(struct floods *floods, const struct event *ev)
{
    for (size_t i = floods->count; i-- > 0;)
        if (floods->list[i].conn == ev->conn)
            return ev->at - floods->list[i].ended <= PAUSE ? &floods->list[i] : NULL;
    return NULL;
}

static void note_ping(struct floods *floods, const struct event *ev)
{
    struct flood *flood = flood_under_way(floods, ev);
    if (!flood) {
        floods->list = xrealloc(floods->list, (floods->count + 1) * sizeof *floods->list);
        flood = &floods->list[floods->count++];
        *flood = (struct flood){
            .conn = ev->conn, .client = ev->client, .began = ev->at, .from = ev->seq};
    }
    flood->pings++;
    flood->ended = ev->at;
    flood->to = ev->seq;
}

void floods_of(const struct trace *trace, struct floods *out)
{
    const struct event *last = trace_last_counting(trace);
    size_t kept = 0;
    *out = (struct floods){0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++)
        if (is_flooding(ev))
            note_ping(out, ev);
    for (size_t i = 0; i < out->count; i++)
        if (out->list[i].pings >= FLOOD_LEAST)
            out->list[kept++] = out->list[i];
    out->count = kept;
}

void floods_fini(struct floods *floods)
{
    free(floods->list);
    *floods = (struct floods){0};
}

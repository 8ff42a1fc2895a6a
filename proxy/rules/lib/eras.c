#include "rules/lib/eras.h"

#include <stdlib.h>

#include "base/mem.h"
#include "rules/lib/connection.h"

nsec era_window(const struct trace *trace)
{
    double speed = trace->start ? trace->start->speed : 1;
    return nsec_add(ERA_WINDOW, nsec_from_seconds(0.3 * speed) + 2 * trace->noise);
}

nsec era_opened(const struct eras *eras, const struct era *era, uint32_t conn)
{
    for (size_t i = era->first; i < era->end; i++)
        if (eras->endings.list[i].attempt.conn == conn)
            return eras->endings.list[i].attempt.opened;
    return NEVER;
}

static void extend(struct era *era, const struct ending *ending, nsec last)
{
    nsec to = ending->at == NEVER ? last : ending->at;
    if (to >= era->to) {
        era->to = to;
        era->left = ending->own;
    }
    era->from = nsec_min(era->from, ending->attempt.opened);
    if (ending->attempt.to > era->to_seq)
        era->to_seq = ending->attempt.to;
}

/* The same instant is no time without a connection. */
static bool goes_on(const struct era *era, const struct ending *ending)
{
    return era->client == ending->attempt.client && ending->attempt.opened <= era->to;
}

static void add(struct eras *out, size_t i, nsec last)
{
    const struct ending *ending = &out->endings.list[i];
    if (out->count == 0 || !goes_on(&out->list[out->count - 1], ending))
        out->list[out->count++] = (struct era){.client = ending->attempt.client,
                                               .from = ending->attempt.opened,
                                               .target = ending->target,
                                               .first = i,
                                               .from_seq = ending->attempt.from};
    out->list[out->count - 1].end = i + 1;
    extend(&out->list[out->count - 1], ending, last);
}

/* A fault that is at work on a connection, or lets what it said before come late. */
static void note_tampering(struct eras *eras, const struct trace *trace)
{
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        if (ev->kind != EV_FAULT_ACT || ev->conn == 0)
            continue;
        for (size_t i = 0; i < eras->count; i++) {
            struct era *era = &eras->list[i];
            nsec opened = ev->client == era->client ? era_opened(eras, era, ev->conn) : NEVER;
            if (opened != NEVER && ev->at < nsec_add(opened, era_window(trace)))
                era->tampered = true;
        }
    }
}

static void note_restarts(struct eras *eras, const struct trace *trace)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_EXIT));)
        for (size_t e = 1; e < eras->count; e++)
            if (eras->list[e].client == ev->client && ev->at >= eras->list[e - 1].from &&
                ev->at <= eras->list[e].from && eras->list[e - 1].client == ev->client)
                eras->list[e].restarted = true;
}

void eras_of(const struct trace *trace, struct eras *out)
{
    const struct event *last = trace_last_counting(trace);
    *out = (struct eras){0};
    endings_of(trace, &out->endings);
    out->list = xcalloc(out->endings.count + 1, sizeof *out->list);
    for (size_t i = 0; i < out->endings.count; i++)
        if (out->endings.list[i].attempt.opened != NEVER)
            add(out, i, last ? last->at : trace->end);
    note_tampering(out, trace);
    note_restarts(out, trace);
}

void eras_fini(struct eras *eras)
{
    endings_fini(&eras->endings);
    free(eras->list);
    *eras = (struct eras){0};
}

size_t eras_of_client_end(const struct eras *eras, size_t first)
{
    size_t end = first;
    while (end < eras->count && eras->list[end].client == eras->list[first].client)
        end++;
    return end;
}

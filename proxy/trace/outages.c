/* Outages: what clients do after a fault took their connections (RULES 3). */
#include <stdlib.h>

#include "base/mem.h"
#include "trace/attempts.h"

#define SAME_OUTAGE (5 * NSEC_PER_SEC) /* losses this near are one outage */

/* The time up to which a trace shows what clients do. */
static nsec end_of(const struct trace *trace)
{
    size_t i = 0;
    const struct event *end = trace_next(trace, &i, EV_RUN_END);
    return end ? end->at : trace->end;
}

static void add_delay(struct retries *retries, const struct attempt *attempt, nsec failed)
{
    size_t size = (retries->count + 1) * sizeof(double);
    retries->delays = xrealloc(retries->delays, size);
    retries->starts = xrealloc(retries->starts, size);
    retries->delays[retries->count] = nsec_to_seconds(attempt->start - failed);
    retries->starts[retries->count] = nsec_to_seconds(attempt->start - retries->lost);
    retries->count++;
    retries->to = attempt->to;
}

/* Returns when the attempt failed. */
static nsec add_attempt(struct retries *retries, const struct attempt *attempt, nsec failed)
{
    add_delay(retries, attempt, failed);
    if (attempt->failed != NEVER) {
        retries->last_failed = attempt->failed;
        return attempt->failed;
    }
    /* It opened, or is under way: nothing is silent from here on. */
    retries->observed = attempt->start;
    if (attempt->opened == NEVER)
        retries->last_failed = attempt->start;
    return NEVER;
}

/* What the client did after it lost the attempt at index `lost` by our doing, until one opens. */
static struct retries retries_after(const struct attempts *attempts, size_t lost, nsec end)
{
    const struct attempt *before = &attempts->list[lost];
    nsec failed = nsec_min(before->lost, before->noticed);
    struct retries retries = {.client = before->client,
                              .lost = failed,
                              .stood = before->opened == NEVER ? 0 : failed - before->opened,
                              .first = lost == 0 || before[-1].client != before->client,
                              .last_failed = failed,
                              .observed = end,
                              .from = before->from,
                              .to = before->to};
    for (size_t i = lost + 1; i < attempts->count && !retries.reopened; i++) {
        const struct attempt *attempt = &attempts->list[i];
        if (attempt->client != before->client)
            break;
        if (attempt->start < retries.lost)
            continue;
        retries.reopened = attempt->opened != NEVER;
        /* One that began before its predecessor had failed does not answer that failure. */
        if (attempt->start >= failed)
            failed = add_attempt(&retries, attempt, failed);
    }
    return retries;
}

static bool has_client(const struct outage *outage, int client)
{
    for (size_t i = 0; i < outage->count; i++)
        if (outage->clients[i].client == client)
            return true;
    return false;
}

/* The nearest outage that this client is not in yet; else a new one. */
static struct outage *outage_at(struct outages *outages, int client, nsec at)
{
    struct outage *nearest = NULL;
    nsec least = SAME_OUTAGE;
    for (size_t i = 0; i < outages->count; i++) {
        struct outage *outage = &outages->list[i];
        nsec apart = at > outage->at ? at - outage->at : outage->at - at;
        if (apart > least || has_client(outage, client))
            continue;
        least = apart;
        nearest = outage;
    }
    if (nearest)
        return nearest;
    outages->list = xrealloc(outages->list, (outages->count + 1) * sizeof *outages->list);
    outages->list[outages->count] = (struct outage){.at = at};
    return &outages->list[outages->count++];
}

static void add_retries(struct outages *outages, struct retries retries, nsec at)
{
    struct outage *outage = outage_at(outages, retries.client, at);
    outage->clients = xrealloc(outage->clients, (outage->count + 1) * sizeof *outage->clients);
    outage->clients[outage->count++] = retries;
    outage->at = nsec_min(outage->at, at);
}

static int by_time(const void *a, const void *b)
{
    const struct outage *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* When our doing began that cost the client this connection; NEVER: it was not ours. */
static nsec taken_at(const struct attempt *attempt)
{
    if (attempt->noticed != NEVER)
        return attempt->silenced;
    return attempt->lost != NEVER && attempt->lost_by == BY_FAULT ? attempt->lost : NEVER;
}

static void retries_fini(struct retries *retries)
{
    free(retries->delays);
    free(retries->starts);
}

void outages_of(const struct trace *trace, struct outages *out)
{
    nsec end = end_of(trace);
    struct attempts attempts;
    *out = (struct outages){0};
    attempts_of_all(trace, &attempts);
    for (size_t i = 0; i < attempts.count; i++) {
        nsec taken = taken_at(&attempts.list[i]);
        if (taken == NEVER)
            continue;
        nsec dismissed = trace_dismissed(trace, attempts.list[i].client);
        struct retries retries =
            retries_after(&attempts, i, dismissed >= taken ? nsec_min(end, dismissed) : end);
        /* Delays between attempts of which some were not seen are no delays of the client's. */
        if (attempts_hidden(trace, retries.client, retries.lost, retries.observed) == NEVER)
            add_retries(out, retries, taken);
        else
            retries_fini(&retries);
    }
    attempts_fini(&attempts);
    if (out->count > 0)
        qsort(out->list, out->count, sizeof *out->list, by_time);
}

void outages_fini(struct outages *outages)
{
    for (size_t i = 0; i < outages->count; i++) {
        for (size_t k = 0; k < outages->list[i].count; k++)
            retries_fini(&outages->list[i].clients[k]);
        free(outages->list[i].clients);
    }
    free(outages->list);
    *outages = (struct outages){0};
}

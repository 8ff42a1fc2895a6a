#include "trace/attempts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HAPPY_EYEBALLS (300 * NSEC_PER_MSEC) /* RULES 3 */
#define PRECONNECT     (50 * NSEC_PER_MSEC)
#define SAME_OUTAGE    (5 * NSEC_PER_SEC) /* losses this near are one outage */

/* --- Connections --- */

/* What one connection of the client came to; becomes an attempt unless it was none. */
struct trial {
    struct attempt attempt; /* must stay first */
    bool ipv6, asked, counts, held, no_attempt;
};

struct trials {
    struct trial *list;
    size_t count, room;
};

static struct trial *trial_of(struct trials *trials, uint32_t conn)
{
    for (size_t i = trials->count; i-- > 0;)
        if (trials->list[i].attempt.conn == conn)
            return &trials->list[i];
    return NULL;
}

static void add_trial(struct trials *trials, const struct event *ev)
{
    if (trials->count == trials->room) {
        trials->room = trials->room ? trials->room * 2 : 16;
        trials->list = xrealloc(trials->list, trials->room * sizeof *trials->list);
    }
    trials->list[trials->count++] = (struct trial){
        .attempt = {.client = ev->client,
                    .conn = ev->conn,
                    .start = ev->at,
                    .failed = NEVER,
                    .opened = NEVER,
                    .lost = NEVER,
                    .outcome = ATTEMPT_PENDING,
                    .from = ev->seq,
                    .to = ev->seq},
        .ipv6 = ev->tcp_open.family && strcmp(ev->tcp_open.family, "ipv6") == 0};
}

static void fail(struct attempt *attempt, const struct event *ev, enum attempt_outcome outcome)
{
    if (attempt->failed != NEVER || attempt->opened != NEVER)
        return;
    attempt->failed = ev->at;
    attempt->outcome = outcome;
}

static void lose(struct attempt *attempt, const struct event *ev)
{
    if (attempt->opened == NEVER || attempt->lost != NEVER)
        return;
    attempt->lost = ev->at;
    attempt->lost_by = ev->by;
}

static void note_act(struct trial *trial, const struct event *ev)
{
    if (strcmp(ev->fault_act.verb, "refuse") == 0)
        fail(&trial->attempt, ev, ATTEMPT_REFUSED);
    else if (strcmp(ev->fault_act.verb, "hang") == 0)
        trial->held = true;
}

/* The client ended its side. A socket that never carried a byte and that it closed at once was opened
 * in advance by a browser. */
static void note_close(struct trial *trial, const struct event *ev)
{
    struct attempt *attempt = &trial->attempt;
    bool unused = ev->tcp_close.bytes == 0 && !trial->held && attempt->failed == NEVER &&
                  attempt->opened == NEVER;
    if (unused && ev->by == BY_ENDPOINT && ev->at - attempt->start < PRECONNECT)
        trial->no_attempt = true;
    lose(attempt, ev);
    fail(attempt, ev, ATTEMPT_ABANDONED);
}

static void note_shut(struct trial *trial, const struct event *ev)
{
    bool by_server = ev->by == BY_PROXY;
    lose(&trial->attempt, ev);
    fail(&trial->attempt, ev, by_server ? ATTEMPT_REFUSED : ATTEMPT_CUT);
}

static void note_request(struct trial *trial, const struct event *ev)
{
    trial->asked = true;
    trial->counts = trial->counts || ev->http_request.counts;
}

static void note(struct trial *trial, const struct event *ev)
{
    struct attempt *attempt = &trial->attempt;
    switch ((int)ev->kind) {
    case EV_FAULT_ACT:
        note_act(trial, ev);
        break;
    case EV_HTTP_REQUEST:
        note_request(trial, ev);
        break;
    case EV_HTTP_RESPONSE:
        if (trial->counts && ev->http_response.status >= 200)
            fail(attempt, ev, ATTEMPT_STATUS);
        break;
    case EV_WS_OPEN:
        if (attempt->failed == NEVER && attempt->opened == NEVER) {
            attempt->opened = ev->at;
            attempt->outcome = ATTEMPT_OPENED;
        }
        break;
    case EV_TCP_CLOSE:
        if (ev->side == SIDE_CLIENT)
            note_close(trial, ev);
        break;
    case EV_TCP_SHUT:
        if (ev->side == SIDE_CLIENT)
            note_shut(trial, ev);
        break;
    default:
        break;
    }
    attempt->to = ev->seq;
}

/* --- Happy eyeballs --- */

static bool is_pair(const struct trial *first, const struct trial *second)
{
    const struct attempt *a = &first->attempt;
    return first->ipv6 != second->ipv6 && second->attempt.start - a->start <= HAPPY_EYEBALLS &&
           (a->failed == NEVER || a->failed > second->attempt.start);
}

/* The one that opened counts, else the later; the attempt began with the first. */
static struct attempt merged(const struct attempt *a, const struct attempt *b)
{
    struct attempt both = a->opened != NEVER ? *a : *b;
    both.start = a->start;
    if (both.opened == NEVER)
        both.failed = a->failed > b->failed ? a->failed : b->failed;
    both.from = a->from;
    both.to = a->to > b->to ? a->to : b->to;
    return both;
}

static bool is_attempt(const struct trial *trial)
{
    return !trial->no_attempt && (!trial->asked || trial->counts);
}

static void keep_attempts(const struct trials *trials, struct attempts *out)
{
    const struct trial *previous = NULL;
    out->list = xcalloc(trials->count + 1, sizeof *out->list);
    for (size_t i = 0; i < trials->count; i++) {
        const struct trial *trial = &trials->list[i];
        if (!is_attempt(trial))
            continue;
        if (previous && is_pair(previous, trial)) {
            struct attempt *last = &out->list[out->count - 1];
            *last = merged(last, &trial->attempt);
            previous = NULL; /* at most one connection of each family */
            continue;
        }
        out->list[out->count++] = trial->attempt;
        previous = trial;
    }
}

void attempts_of(const struct trace *trace, int client, struct attempts *out)
{
    struct trials trials = {0};
    *out = (struct attempts){0};
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->kind == EV_RUN_END)
            break;
        if (ev->client != client || ev->conn == 0)
            continue;
        if (ev->kind == EV_TCP_OPEN) {
            add_trial(&trials, ev);
            continue;
        }
        struct trial *trial = trial_of(&trials, ev->conn);
        if (trial)
            note(trial, ev);
    }
    keep_attempts(&trials, out);
    free(trials.list);
}

void attempts_fini(struct attempts *attempts)
{
    free(attempts->list);
    *attempts = (struct attempts){0};
}

/* --- Outages --- */

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

/* What the client did after it lost the attempt at index `lost` by our doing, until one opens. */
static struct retries retries_after(const struct attempts *attempts, size_t lost, nsec end)
{
    const struct attempt *before = &attempts->list[lost];
    nsec failed = before->lost;
    struct retries retries = {.client = before->client,
                              .lost = before->lost,
                              .last_failed = before->lost,
                              .observed = end,
                              .from = before->from,
                              .to = before->to};
    for (size_t i = lost + 1; i < attempts->count; i++) {
        const struct attempt *attempt = &attempts->list[i];
        /* An attempt that began before the loss, or before the one before it had failed, overlaps. */
        if (attempt->start < failed)
            continue;
        add_delay(&retries, attempt, failed);
        if (attempt->opened != NEVER) {
            retries.reopened = true;
            retries.observed = attempt->start;
            break;
        }
        if (attempt->failed == NEVER) {
            retries.last_failed = retries.observed = attempt->start;
            break;
        }
        failed = retries.last_failed = attempt->failed;
    }
    return retries;
}

static struct outage *outage_at(struct outages *outages, const struct retries *retries)
{
    for (size_t i = 0; i < outages->count; i++) {
        struct outage *outage = &outages->list[i];
        nsec apart = retries->lost > outage->at ? retries->lost - outage->at
                                                : outage->at - retries->lost;
        bool there = false;
        for (size_t k = 0; k < outage->count; k++)
            there = there || outage->clients[k].client == retries->client;
        if (apart <= SAME_OUTAGE && !there)
            return outage;
    }
    outages->list = xrealloc(outages->list, (outages->count + 1) * sizeof *outages->list);
    outages->list[outages->count] = (struct outage){.at = retries->lost};
    return &outages->list[outages->count++];
}

static void add_retries(struct outages *outages, struct retries retries)
{
    struct outage *outage = outage_at(outages, &retries);
    outage->clients =
        xrealloc(outage->clients, (outage->count + 1) * sizeof *outage->clients);
    outage->clients[outage->count++] = retries;
    outage->at = nsec_min(outage->at, retries.lost);
}

static int by_time(const void *a, const void *b)
{
    const struct outage *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

void outages_of(const struct trace *trace, struct outages *out)
{
    nsec end = end_of(trace);
    *out = (struct outages){0};
    for (size_t client = 0; client < trace_clients(trace); client++) {
        struct attempts attempts;
        attempts_of(trace, (int)client, &attempts);
        for (size_t i = 0; i < attempts.count; i++)
            if (attempts.list[i].lost != NEVER && attempts.list[i].lost_by == BY_FAULT)
                add_retries(out, retries_after(&attempts, i, end));
        attempts_fini(&attempts);
    }
    if (out->count > 0)
        qsort(out->list, out->count, sizeof *out->list, by_time);
}

void outages_fini(struct outages *outages)
{
    for (size_t i = 0; i < outages->count; i++) {
        for (size_t k = 0; k < outages->list[i].count; k++) {
            free(outages->list[i].clients[k].delays);
            free(outages->list[i].clients[k].starts);
        }
        free(outages->list[i].clients);
    }
    free(outages->list);
    *outages = (struct outages){0};
}

#include "trace/attempts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HAPPY_EYEBALLS (300 * NSEC_PER_MSEC) /* RULES 3 */
#define PRECONNECT     (50 * NSEC_PER_MSEC)

/* --- Connections --- */

/* What one connection of a client came to; becomes an attempt unless it was none. */
struct trial {
    struct attempt attempt;
    const char *label; /* of the fault that silences it; NULL: none */
    bool ipv6, asked, counts, no_attempt;
    bool held; /* it met something of ours before it could ask: no preconnect */
};

struct trials {
    struct trial *list; /* by conn */
    size_t count, room;
};

/* Where a connection is or would be. They are numbered as they come: nearly always at the end. */
static size_t place_of(const struct trials *trials, uint32_t conn)
{
    size_t low = 0, high = trials->count;
    if (high > 0 && trials->list[high - 1].attempt.conn < conn)
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (trials->list[middle].attempt.conn < conn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct trial *trial_of(struct trials *trials, uint32_t conn)
{
    size_t place = place_of(trials, conn);
    bool there = place < trials->count && trials->list[place].attempt.conn == conn;
    return there ? &trials->list[place] : NULL;
}

static void add_trial(struct trials *trials, const struct event *ev)
{
    size_t place = place_of(trials, ev->conn);
    if (trials->count == trials->room) {
        trials->room = trials->room ? trials->room * 2 : 16;
        trials->list = xrealloc(trials->list, trials->room * sizeof *trials->list);
    }
    struct trial *trial = &trials->list[place];
    memmove(trial + 1, trial, (trials->count - place) * sizeof *trial);
    trials->count++;
    *trial = (struct trial){.ipv6 = strcmp(ev->tcp_open.family, "ipv6") == 0};
    trial->attempt = (struct attempt){.client = ev->client,
                                      .conn = ev->conn,
                                      .start = ev->at,
                                      .failed = NEVER,
                                      .opened = NEVER,
                                      .lost = NEVER,
                                      .silenced = NEVER,
                                      .noticed = NEVER,
                                      .outcome = ATTEMPT_PENDING,
                                      .from = ev->seq,
                                      .to = ev->seq};
}

static bool is_open(const struct attempt *attempt)
{
    return attempt->opened != NEVER && attempt->lost == NEVER;
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
    if (!is_open(attempt))
        return;
    attempt->lost = ev->at;
    attempt->lost_by = ev->by;
}

/* A server that answered the upgrade with a status may let the next request on the connection
 * in. */
static void open(struct attempt *attempt, const struct event *ev)
{
    bool failed = attempt->failed != NEVER && attempt->outcome != ATTEMPT_STATUS;
    if (failed || attempt->opened != NEVER)
        return;
    attempt->failed = NEVER;
    attempt->opened = ev->at;
    attempt->outcome = ATTEMPT_OPENED;
}

static void note_act(struct trial *trial, const struct event *ev)
{
    if (strcmp(ev->fault_act.verb, "refuse") == 0)
        fail(&trial->attempt, ev, ATTEMPT_REFUSED);
    else if (strcmp(ev->fault_act.verb, "hang") == 0 || strcmp(ev->fault_act.verb, "tls") == 0)
        trial->held = true;
}

/* --- Silence --- */

static void silence(struct trial *trial, const struct event *ev, const char *label)
{
    if (trial->label || trial->attempt.lost != NEVER)
        return;
    trial->label = label;
    trial->attempt.silenced = ev->at;
}

static void end_silence(struct trial *trial, const char *label)
{
    bool missed = trial->attempt.noticed != NEVER || trial->attempt.lost != NEVER;
    if (!trial->label || missed || strcmp(trial->label, label) != 0)
        return;
    trial->label = NULL;
    trial->attempt.silenced = NEVER;
}

static void notice(struct attempt *attempt, nsec at)
{
    if (attempt->silenced != NEVER && attempt->opened != NEVER)
        attempt->noticed = nsec_min(attempt->noticed, at);
}

/* --- Endings --- */

/* A socket that never carried a byte and that the client closed at once was opened in advance by a
 * browser (RULES 0.2: only when nobody refused it). */
static bool is_preconnect(const struct trial *trial, const struct event *ev)
{
    const struct attempt *attempt = &trial->attempt;
    return ev->tcp_close.bytes == 0 && !trial->held && attempt->failed == NEVER &&
           attempt->opened == NEVER && ev->at - attempt->start < PRECONNECT;
}

static void note_close(struct trial *trial, const struct event *ev)
{
    struct attempt *attempt = &trial->attempt;
    if (is_preconnect(trial, ev))
        trial->no_attempt = true;
    if (is_open(attempt))
        notice(attempt, ev->at);
    lose(attempt, ev);
    fail(attempt, ev, ATTEMPT_ABANDONED);
}

static bool is_without_a_word(const char *how)
{
    return strcmp(how, "silent") == 0 || strcmp(how, "vanish") == 0;
}

/* A connection that we leave without a word is no loss to the client until it notices. */
static void note_shut(struct trial *trial, const struct event *ev)
{
    bool ours = ev->by == BY_FAULT;
    if (is_without_a_word(ev->tcp_shut.how)) {
        trial->held = true;
        silence(trial, ev, "");
        return;
    }
    lose(&trial->attempt, ev);
    fail(&trial->attempt, ev, ours ? ATTEMPT_CUT : ATTEMPT_REFUSED);
}

static void note_request(struct trial *trial, const struct event *ev)
{
    trial->asked = true;
    trial->counts = trial->counts || ev->http_request.counts;
}

static void note_of_client(struct trial *trial, const struct event *ev)
{
    switch ((int)ev->kind) {
    case EV_FAULT_ON:
        if (ev->fault_on.silences)
            silence(trial, ev, ev->fault_on.label);
        break;
    case EV_WS_CLOSE:
        if (is_open(&trial->attempt))
            notice(&trial->attempt, ev->at);
        break;
    case EV_TCP_CLOSE:
        note_close(trial, ev);
        break;
    case EV_TCP_SHUT:
        note_shut(trial, ev);
        break;
    case EV_TLS_FAILED:
        trial->held = true;
        fail(&trial->attempt, ev, ATTEMPT_TLS);
        break;
    default:
        break;
    }
}

static void note(struct trial *trial, const struct event *ev)
{
    switch ((int)ev->kind) {
    case EV_FAULT_ACT:
        note_act(trial, ev);
        break;
    case EV_FAULT_OFF:
        end_silence(trial, ev->fault_off.label);
        break;
    case EV_HTTP_REQUEST:
        note_request(trial, ev);
        break;
    case EV_HTTP_RESPONSE:
        if (trial->counts && ev->http_response.status >= 200)
            fail(&trial->attempt, ev, ATTEMPT_STATUS);
        break;
    case EV_WS_OPEN:
        open(&trial->attempt, ev);
        break;
    default:
        if (ev->side == SIDE_CLIENT)
            note_of_client(trial, ev);
        break;
    }
    trial->attempt.to = ev->seq;
}

/* --- Happy eyeballs --- */

static bool settled_before(const struct attempt *a, nsec at)
{
    return (a->failed != NEVER && a->failed <= at) || (a->opened != NEVER && a->opened <= at);
}

/* Two that both open are two connections that the client wanted. */
static bool is_pair(const struct trial *first, const struct trial *second)
{
    const struct attempt *a = &first->attempt, *b = &second->attempt;
    bool both = a->opened != NEVER && b->opened != NEVER;
    return a->client == b->client && first->ipv6 != second->ipv6 &&
           b->start - a->start <= HAPPY_EYEBALLS && !both && !settled_before(a, b->start);
}

/* The one that opened counts, else the one that failed last; the attempt began with the first. */
static struct attempt merged(const struct attempt *a, const struct attempt *b)
{
    bool first = a->opened != NEVER || (b->opened == NEVER && a->failed > b->failed);
    struct attempt both = first ? *a : *b;
    both.start = a->start;
    both.from = a->from;
    both.to = a->to > b->to ? a->to : b->to;
    return both;
}

static bool is_attempt(const struct trial *trial)
{
    return !trial->no_attempt && (!trial->asked || trial->counts);
}

/* --- Attempts --- */

/* The client's first attempt after it could not hear the server any more; NULL: none. */
static const struct attempt *successor(const struct attempts *attempts, size_t of)
{
    const struct attempt *attempt = &attempts->list[of];
    for (size_t i = of + 1; i < attempts->count; i++) {
        const struct attempt *next = &attempts->list[i];
        if (next->client != attempt->client)
            return NULL;
        if (next->start > attempt->silenced)
            return next;
    }
    return NULL;
}

/* A client that opens a new connection while the old one is silent has given it up. */
static void notice_by_successors(struct attempts *attempts)
{
    for (size_t i = 0; i + 1 < attempts->count; i++) {
        struct attempt *attempt = &attempts->list[i];
        const struct attempt *next = successor(attempts, i);
        if (attempt->silenced != NEVER && next && next->start < attempt->lost)
            notice(attempt, next->start);
    }
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
    notice_by_successors(out);
}

static int by_client_and_start(const void *a, const void *b)
{
    const struct trial *x = a, *y = b;
    if (x->attempt.client != y->attempt.client)
        return x->attempt.client < y->attempt.client ? -1 : 1;
    return (x->attempt.from > y->attempt.from) - (x->attempt.from < y->attempt.from);
}

#define ANY_CLIENT (-1)

static bool concerns(const struct event *ev, int client)
{
    return ev->conn != 0 && ev->client >= 0 && (client == ANY_CLIENT || ev->client == client);
}

/* The connections of a client or of all, client by client. After run.end we end them ourselves. */
static struct trials trials_of(const struct trace *trace, int client)
{
    struct trials trials = {0};
    for (size_t i = 0; i < trace->count && trace->events[i].kind != EV_RUN_END; i++) {
        const struct event *ev = &trace->events[i];
        if (!concerns(ev, client))
            continue;
        struct trial *trial = trial_of(&trials, ev->conn);
        if (trial && trial->attempt.client == ev->client)
            note(trial, ev);
        else if (!trial && ev->kind == EV_TCP_OPEN)
            add_trial(&trials, ev);
    }
    if (trials.count > 0)
        qsort(trials.list, trials.count, sizeof *trials.list, by_client_and_start);
    return trials;
}

static void attempts_of_clients(const struct trace *trace, int client, struct attempts *out)
{
    struct trials trials = trials_of(trace, client);
    keep_attempts(&trials, out);
    free(trials.list);
}

void attempts_of(const struct trace *trace, int client, struct attempts *out)
{
    *out = (struct attempts){0};
    if (client >= 0)
        attempts_of_clients(trace, client, out);
}

void attempts_of_all(const struct trace *trace, struct attempts *out)
{
    *out = (struct attempts){0};
    attempts_of_clients(trace, ANY_CLIENT, out);
}

/* Connects of the client go unseen from here on (true), or are seen again. false: neither. */
static bool hides(const struct event *ev, int client, bool *hidden)
{
    if (ev->client != client)
        return false;
    if (ev->kind == EV_TCP_DOOR)
        *hidden = ev->tcp_door.hangs;
    else if (ev->kind == EV_TCP_ADDRESS && !*ev->tcp_address.why_not)
        *hidden = ev->tcp_address.refused; /* those to one address, but it may prefer that */
    else
        return false;
    return true;
}

nsec attempts_hidden(const struct trace *trace, int client, nsec from, nsec to)
{
    nsec since = NEVER;
    bool hidden = false;
    for (size_t i = 0; i < trace->count && trace->events[i].at <= to; i++) {
        const struct event *ev = &trace->events[i];
        if (!hides(ev, client, &hidden))
            continue;
        if (hidden)
            since = since == NEVER ? ev->at : since;
        else if (since != NEVER && ev->at >= from)
            break;
        else
            since = NEVER;
    }
    return since == NEVER ? NEVER : nsec_max(since, from);
}

void attempts_fini(struct attempts *attempts)
{
    free(attempts->list);
    *attempts = (struct attempts){0};
}

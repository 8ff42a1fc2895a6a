#include "rules/lib/endings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/connection.h"

/* --- What happened on one connection --- */

static bool said_close(const struct event *ev, enum side side)
{
    return ev->kind == EV_WS_CLOSE && ev->side == side;
}

static void note_close(struct ending *ending, const struct event *ev, bool *spoke)
{
    if (ev->kind == EV_WS_CLOSE)
        ending->closing = nsec_min(ending->closing, ev->at);
    if (said_close(ev, SIDE_CLIENT) && ev->by == BY_ENDPOINT)
        *spoke = true;
    else if (said_close(ev, SIDE_SERVER) && !*spoke && !ending->close)
        ending->close = ev;
}

/* A fault that answered the upgrade says how long to stay away. A date has whole seconds, and may
 * be up to one early. */
static nsec retry_after_of(const struct event *ev)
{
    const char *why;
    nsec after = 0;
    json_t *params = json_loads(ev->fault_on.params, 0, NULL);
    const char *text = json_string_value(json_object_get(params, "retry_after"));
    const char *form = json_string_value(json_object_get(params, "form"));
    if (!text || !*text || !units_duration(text, &after, &why))
        after = 0;
    if (after > 0 && form && strcmp(form, "date") == 0)
        after = nsec_max(after - NSEC_PER_SEC, 0);
    json_decref(params);
    return after;
}

static bool keeps_back(const struct event *ev)
{
    static const char *const verbs[] = {"hang", "hold", "set_aside", "drop", "stall"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(ev->fault_act.verb, verbs[i]) == 0)
            return true;
    return false;
}

static void note_fault(struct ending *ending, const struct event *ev)
{
    bool before_open = ending->attempt.opened == NEVER || ev->at < ending->attempt.opened;
    if (ev->kind == EV_FAULT_ON && strcmp(ev->fault_on.fault, "upgrade_status") == 0)
        ending->retry_after = retry_after_of(ev);
    else if (ev->kind == EV_FAULT_ACT && before_open && keeps_back(ev))
        ending->held = true;
}

static void note(struct ending *ending, const struct event *ev, bool *spoke)
{
    note_close(ending, ev, spoke);
    note_fault(ending, ev);
    if (ev->kind == EV_HTTP_REQUEST) {
        ending->target = ev->http_request.target;
        ending->browser = ending->browser || agent_is_browser(ev->http_request.agent);
    }
    if (ev->kind == EV_HTTP_RESPONSE && ending->attempt.outcome == ATTEMPT_STATUS)
        ending->status = ev->http_response.status;
    if (event_is_message(ev) && ev->side == SIDE_SERVER && ending->attempt.opened != NEVER)
        ending->heard = true;
}

/* The client was the first to end it: its Close, or its end, and no one else's. */
static bool is_own(const struct ending *ending, bool spoke)
{
    const struct attempt *attempt = &ending->attempt;
    if (attempt->opened == NEVER || ending->close || attempt->silenced != NEVER)
        return false;
    return spoke || (attempt->lost != NEVER && attempt->lost_by == BY_ENDPOINT);
}

static void look(const struct trace *trace, struct ending *ending)
{
    const struct attempt *attempt = &ending->attempt;
    const struct event *end = trace->events + trace->count;
    bool spoke = false;
    for (const struct event *ev = trace_at_seq(trace, attempt->from);
         ev && ev < end && ev->seq <= attempt->to; ev++)
        if (ev->conn == attempt->conn)
            note(ending, ev, &spoke);
    ending->own = is_own(ending, spoke);
    ending->at =
        attempt->opened == NEVER ? attempt->failed : nsec_min(attempt->lost, attempt->noticed);
    if (ending->status == 0)
        ending->retry_after = 0;
}

/* --- What came next --- */

static nsec over(const struct attempt *attempt)
{
    return attempt->opened == NEVER ? attempt->failed : nsec_min(attempt->lost, attempt->noticed);
}

static bool is_under_way(const struct attempt *attempt, nsec at)
{
    return attempt->start <= at && over(attempt) > at;
}

static const struct attempt *next_of(const struct attempts *attempts, size_t of, nsec at)
{
    int client = attempts->list[of].client;
    for (size_t i = of + 1; i < attempts->count && attempts->list[i].client == client; i++)
        if (attempts->list[i].start >= at)
            return &attempts->list[i];
    return NULL;
}

#define NEIGHBOURS 16 /* of one attempt that are looked at for one that is still under way */

static bool is_alone(const struct attempts *attempts, size_t of, nsec at)
{
    int client = attempts->list[of].client;
    size_t first = of > NEIGHBOURS ? of - NEIGHBOURS : 0;
    for (size_t i = first; i < attempts->count && i <= of + NEIGHBOURS; i++)
        if (i != of && attempts->list[i].client == client && is_under_way(&attempts->list[i], at))
            return false;
    return true;
}

static size_t open_at(const struct endings *endings, size_t first, size_t end, nsec at)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        count += endings->list[i].attempt.opened <= at && endings->list[i].at >= at;
    return count;
}

static size_t begun_by(const struct endings *endings, size_t first, size_t end, nsec at)
{
    size_t count = 0;
    for (size_t i = first; i < end; i++)
        count += endings->list[i].attempt.start <= at && endings->list[i].at >= at;
    return count;
}

/* A Close, a loss or a failure, whichever of them comes first. */
static nsec first_blow(const struct endings *endings, size_t first, size_t end)
{
    nsec at = NEVER;
    for (size_t i = first; i < end; i++)
        at = nsec_min(at, nsec_min(endings->list[i].at, endings->list[i].closing));
    return at;
}

/* How many connections each client keeps: those open when the first fault began; where that was
 * before it came, those begun when the first of them met with something. */
static void note_kept(const struct trace *trace, struct endings *endings)
{
    size_t i = 0;
    const struct event *fault = trace_next(trace, &i, EV_FAULT_ON);
    nsec at = fault ? fault->at : trace->end;
    for (size_t first = 0; first < endings->count;) {
        size_t end = endings_of_client_end(endings, first);
        size_t kept = open_at(endings, first, end, at);
        if (kept == 0)
            kept = begun_by(endings, first, end, first_blow(endings, first, end));
        for (; first < end; first++) {
            endings->list[first].kept = kept;
            endings->list[first].alone = endings->list[first].alone && kept <= 1;
        }
    }
}

/* The client's process ended by itself in that time; NULL: it did not. */
static const struct event *exit_of(const struct trace *trace, int client, nsec from, nsec to)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_EXIT));)
        if (ev->client == client && strcmp(ev->process_exit.role, "client") == 0 &&
            !ev->process_exit.asked && ev->at >= from && ev->at <= to)
            return ev;
    return NULL;
}

static bool has_event(const struct trace *trace, enum event_kind kind)
{
    size_t i = 0;
    return trace_next(trace, &i, kind) != NULL;
}

static void follow(const struct trace *trace, const struct attempts *attempts, size_t of,
                   bool doors, struct ending *ending)
{
    const struct event *last = trace_last_counting(trace);
    nsec end =
        nsec_min(last ? last->at : trace->end, trace_dismissed(trace, ending->attempt.client));
    nsec at = ending->at == NEVER ? nsec_max(end, ending->attempt.start) : ending->at;
    const struct attempt *next = ending->at == NEVER ? NULL : next_of(attempts, of, at);
    ending->next = next ? next->start : NEVER;
    ending->watched = next ? next->start : nsec_max(end, at);
    ending->to = next ? next->from : ending->attempt.to;
    nsec hidden =
        doors ? attempts_hidden(trace, ending->attempt.client, at, ending->watched) : NEVER;
    if (hidden != NEVER) {
        ending->next = NEVER;
        ending->watched = nsec_max(hidden, at);
    }
    if (ending->next != NEVER)
        return;
    /* A process that ends takes its connection along: the two are told in any order. */
    const struct event *exit = exit_of(trace, ending->attempt.client, ending->attempt.start, end);
    if (!exit)
        return;
    ending->exit = exit->process_exit.how;
    ending->to = exit->seq;
}

void endings_of(const struct trace *trace, struct endings *out)
{
    struct attempts attempts;
    bool doors = has_event(trace, EV_TCP_DOOR) || has_event(trace, EV_TCP_ADDRESS);
    attempts_of_all(trace, &attempts);
    *out = (struct endings){.list = xcalloc(attempts.count + 1, sizeof *out->list)};
    close_codes_read(&out->close_codes, trace->start->target);
    for (size_t i = 0; i < attempts.count; i++) {
        const struct attempt *attempt = &attempts.list[i];
        const struct event *first = trace_at_seq(trace, attempt->from);
        if (first && first->by == BY_BUILTIN) {
            out->builtin = true;
            continue;
        }
        struct ending *ending = &out->list[out->count++];
        *ending = (struct ending){.attempt = *attempt, .closing = NEVER, .from = attempt->from};
        look(trace, ending);
        follow(trace, &attempts, i, doors, ending);
        ending->alone = ending->at == NEVER || is_alone(&attempts, i, ending->at);
    }
    attempts_fini(&attempts);
    note_kept(trace, out);
}

void endings_fini(struct endings *endings)
{
    free(endings->list);
    *endings = (struct endings){0};
}

size_t endings_of_client_end(const struct endings *endings, size_t first)
{
    size_t end = first;
    while (end < endings->count &&
           endings->list[end].attempt.client == endings->list[first].attempt.client)
        end++;
    return end;
}

size_t endings_kept_by(const struct endings *endings, int client)
{
    for (size_t i = 0; i < endings->count; i++)
        if (endings->list[i].attempt.client == client)
            return endings->list[i].kept;
    return 0;
}

size_t endings_clients(const struct endings *endings)
{
    size_t clients = 0;
    for (size_t i = 0; i < endings->count; i = endings_of_client_end(endings, i))
        clients++;
    return clients;
}

bool ending_was_stable(const struct ending *ending, nsec stable_after)
{
    const struct attempt *attempt = &ending->attempt;
    if (attempt->opened == NEVER)
        return false;
    return ending->at == NEVER || ending->at - attempt->opened >= stable_after;
}

bool ending_is_abnormal(const struct ending *ending)
{
    const struct attempt *attempt = &ending->attempt;
    return attempt->opened != NEVER && ending->at != NEVER && attempt->silenced == NEVER &&
           !ending->own && !ending->close;
}

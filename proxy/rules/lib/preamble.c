#include "rules/lib/preamble.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- Speech --- */

static uint64_t about(const struct event *mark)
{
    return mark->kind == EV_WS_AUTH ? mark->ws_auth.frame : mark->ws_session.frame;
}

static int by_message(const void *a, const void *b)
{
    const struct event *const *x = a, *const *y = b;
    return (about(*x) > about(*y)) - (about(*x) < about(*y));
}

void speech_of(const struct trace *trace, struct speech *out)
{
    *out = (struct speech){.trace = trace, .declared = trace_declares(trace, DECLARES_SUBSCRIBE)};
    eras_of(trace, &out->eras);
    messages_of(trace, SIDE_CLIENT, &out->messages);
    out->marks = xcalloc(trace->count + 1, sizeof(struct event *));
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++)
        if ((ev->kind == EV_WS_SESSION || ev->kind == EV_WS_AUTH) && ev->side == SIDE_CLIENT)
            out->marks[out->mark_count++] = ev;
    if (out->mark_count > 0)
        qsort(out->marks, out->mark_count, sizeof(struct event *), by_message);
}

void speech_fini(struct speech *speech)
{
    eras_fini(&speech->eras);
    messages_fini(&speech->messages);
    free(speech->marks);
}

/* The index of the first mark that is about that message or a later one. */
static size_t first_mark(const struct speech *speech, uint64_t message)
{
    size_t low = 0, high = speech->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (about(speech->marks[middle]) < message)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Its mark of that sort ("subscribe", "resume", "auth"); NULL: it has none. */
static const struct event *mark_of(const struct speech *speech, const struct message *message,
                                   const char *what)
{
    for (size_t i = first_mark(speech, message->seq);
         i < speech->mark_count && about(speech->marks[i]) == message->seq; i++) {
        const struct event *mark = speech->marks[i];
        const char *is = mark->kind == EV_WS_AUTH ? mark->ws_auth.what : mark->ws_session.what;
        if (strcmp(is, what) == 0)
            return mark;
    }
    return NULL;
}

struct walk {
    const struct speech *speech;
    const struct era *era;
    size_t next;
};

static struct walk walk_of(const struct speech *speech, const struct era *era)
{
    const struct messages *messages = &speech->messages;
    struct walk walk = {speech, era, 0};
    while (walk.next < messages->count && messages->list[walk.next].client != era->client)
        walk.next = messages_of_client_end(messages, walk.next);
    return walk;
}

/* The next of the client's own messages on the connections of that era, and when on its connection
 * it came; NULL: no more. */
static const struct message *walk_on(struct walk *walk, nsec *since)
{
    const struct messages *messages = &walk->speech->messages;
    while (walk->next < messages->count) {
        const struct message *message = &messages->list[walk->next];
        if (message->client != walk->era->client || message->at > walk->era->to)
            break;
        walk->next++;
        nsec opened = message->at < walk->era->from
                          ? NEVER
                          : era_opened(&walk->speech->eras, walk->era, message->conn);
        *since = message->at - opened;
        if (opened != NEVER && !message->ours)
            return message;
    }
    return NULL;
}

/* --- The preamble --- */

static bool is_listed(const char *const *list, size_t count, const char *key)
{
    for (size_t i = 0; key && i < count; i++)
        if (strcmp(list[i], key) == 0)
            return true;
    return false;
}

#define TRAFFIC_LIMIT 256 /* kinds */

static void gather_traffic(const struct speech *speech, const struct era *first,
                           struct preamble *out)
{
    struct walk walk = walk_of(speech, first);
    nsec since;
    out->traffic = xcalloc(TRAFFIC_LIMIT, sizeof(char *));
    for (const struct message *message; (message = walk_on(&walk, &since));)
        if (since >= ERA_WINDOW && out->traffic_count < TRAFFIC_LIMIT &&
            !is_listed(out->traffic, out->traffic_count, message->sig))
            out->traffic[out->traffic_count++] = message->sig;
}

/* What it is in a preamble by; NULL: it is not part of one. */
static const char *key_of(const struct speech *speech, const struct preamble *preamble,
                          const struct message *message, nsec since)
{
    const struct event *subscribes = mark_of(speech, message, "subscribe");
    if (speech->declared)
        return subscribes ? subscribes->ws_session.hash : NULL;
    bool early =
        since < ERA_WINDOW && !is_listed(preamble->traffic, preamble->traffic_count, message->sig);
    return early && !mark_of(speech, message, "auth") ? message->sig : NULL;
}

#define ITEMS_LIMIT 4096

/* Of what is declared each is one subscription, however often it was said. */
static bool is_new(const struct speech *speech, const struct preamble *preamble,
                   const struct message *message, const char *key)
{
    if (preamble->count == ITEMS_LIMIT)
        return false;
    for (size_t i = 0; speech->declared && i < preamble->count; i++)
        if (*key ? strcmp(preamble->list[i].key, key) == 0
                 : strcmp(preamble->list[i].hash, message->hash) == 0)
            return false;
    return true;
}

void preamble_of(const struct speech *speech, const struct era *first, struct preamble *out)
{
    struct walk walk = walk_of(speech, first);
    size_t room = 0;
    nsec since;
    *out = (struct preamble){0};
    gather_traffic(speech, first, out);
    for (const struct message *message; (message = walk_on(&walk, &since));) {
        const char *key = key_of(speech, out, message, since);
        if (!key || !is_new(speech, out, message, key))
            continue;
        if (out->count == room) {
            room = room ? room * 2 : 16;
            out->list = xrealloc(out->list, room * sizeof *out->list);
        }
        out->list[out->count++] =
            (struct preamble_item){.key = key, .hash = message->hash, .len = message->len};
    }
}

void preamble_fini(struct preamble *preamble)
{
    free(preamble->list);
    free(preamble->traffic);
}

/* --- The renewal --- */

struct matching {
    const struct preamble *preamble;
    bool *matched; /* by item */
    const struct message **others;
    nsec *since; /* of others */
    size_t other_count;
    struct renewal *renewal;
};

static void note_match(struct matching *matching, size_t item, const struct message *message,
                       nsec since)
{
    struct renewal *renewal = matching->renewal;
    if (renewal->came++ < PREAMBLE_ENOUGH(matching->preamble->count))
        renewal->last = nsec_max(renewal->last, since);
    matching->matched[item] = true;
    renewal->changed =
        renewal->changed || strcmp(matching->preamble->list[item].hash, message->hash) != 0;
}

/* The item of that key which did not come again so far, else one that did; false: there is none. */
static bool find_item(const struct matching *matching, const char *key, size_t *found)
{
    bool any = false;
    for (size_t i = 0; i < matching->preamble->count; i++) {
        if (strcmp(matching->preamble->list[i].key, key) != 0)
            continue;
        *found = i;
        any = true;
        if (!matching->matched[i])
            break;
    }
    return any;
}

static void look(struct matching *matching, const struct speech *speech,
                 const struct message *message, nsec since)
{
    const struct preamble *preamble = matching->preamble;
    const struct event *mark = mark_of(speech, message, "subscribe");
    const char *key = !speech->declared ? message->sig : mark ? mark->ws_session.hash : NULL;
    size_t item;
    if (mark_of(speech, message, "resume"))
        matching->renewal->resumed = true;
    if (key && find_item(matching, key, &item)) {
        if (!matching->matched[item])
            note_match(matching, item, message, since);
        return;
    }
    if (mark_of(speech, message, "auth") ||
        is_listed(preamble->traffic, preamble->traffic_count, message->sig))
        return;
    matching->others[matching->other_count] = message;
    matching->since[matching->other_count++] = since;
}

/* Of what is left on both sides, what is as long as another. */
static void match_lengths(struct matching *matching)
{
    for (size_t i = 0; i < matching->preamble->count; i++)
        for (size_t k = 0; k < matching->other_count && !matching->matched[i]; k++) {
            const struct message *other = matching->others[k];
            if (!other || other->len != matching->preamble->list[i].len)
                continue;
            note_match(matching, i, other, matching->since[k]);
            matching->others[k] = NULL;
        }
}

struct renewal renewal_of(const struct speech *speech, const struct preamble *preamble,
                          const struct era *era)
{
    struct renewal renewal = {0};
    struct matching matching = {.preamble = preamble, .renewal = &renewal};
    struct walk walk = walk_of(speech, era);
    nsec since;
    matching.matched = xcalloc(preamble->count + 1, sizeof *matching.matched);
    matching.others = xcalloc(speech->messages.count + 1, sizeof(struct message *));
    matching.since = xcalloc(speech->messages.count + 1, sizeof *matching.since);
    for (const struct message *message; (message = walk_on(&walk, &since));)
        look(&matching, speech, message, since);
    if (!speech->declared)
        match_lengths(&matching);
    for (size_t k = 0; k < matching.other_count; k++)
        renewal.fresh =
            renewal.fresh || (matching.others[k] && matching.since[k] < era_window(speech->trace));
    if (renewal.came < PREAMBLE_ENOUGH(preamble->count))
        renewal.last = NEVER;
    free(matching.matched);
    free(matching.others);
    free(matching.since);
    return renewal;
}

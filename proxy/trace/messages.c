#include "trace/messages.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/frame.h"

#define FIRST_ROOM   64
#define DIGITS_LIMIT 18 /* longer ones do not fit */

/* While the trace is walked the list is in order of seq. */
struct gathering {
    struct messages *out;
    size_t room;
    uint64_t *frames; /* seq of the last frame of each message */
};

/* --- Messages --- */

static const char *kind_of(const struct event *ev)
{
    return ev->kind == EV_WS_MESSAGE ? ev->ws_message.kind : ev->ws_frame.kind;
}

static struct message message_of(const struct event *ev)
{
    bool whole = ev->kind == EV_WS_MESSAGE;
    return (struct message){
        .client = ev->client,
        .conn = ev->conn,
        .at = ev->at,
        .delivered = !whole && ev->ws_frame.passed ? ev->at : NEVER,
        .seq = ev->seq,
        .len = whole ? ev->ws_message.len : ev->ws_frame.len,
        .sig = whole ? ev->ws_message.sig : ev->ws_frame.sig,
        .hash = whole ? ev->ws_message.hash : ev->ws_frame.hash,
        .compressed = !whole && (ev->ws_frame.rsv & RSV1),
        .ours = ev->by != BY_ENDPOINT,
    };
}

static struct message *add(struct gathering *gathering, const struct event *ev)
{
    struct messages *out = gathering->out;
    if (out->count == gathering->room) {
        gathering->room *= 2;
        out->list = xrealloc(out->list, gathering->room * sizeof *out->list);
        gathering->frames =
            xrealloc(gathering->frames, gathering->room * sizeof *gathering->frames);
    }
    out->list[out->count] = message_of(ev);
    gathering->frames[out->count] = ev->seq;
    return &out->list[out->count++];
}

/* Its frames came before it: the last of them tells when it was delivered, the first whether it is
 * compressed. */
static void add_whole(struct gathering *gathering, const struct trace *trace,
                      const struct event *ev)
{
    struct message *message = add(gathering, ev);
    size_t frames = 0;
    for (const struct event *at = ev; at-- > trace->events && frames < ev->ws_message.frames;) {
        if (at->kind != EV_WS_FRAME || at->conn != ev->conn || at->side != ev->side ||
            frame_is_control((uint8_t)at->ws_frame.opcode))
            continue;
        message->compressed = (at->ws_frame.rsv & RSV1) != 0;
        if (frames++ > 0)
            continue;
        gathering->frames[gathering->out->count - 1] = at->seq;
        message->delivered = at->ws_frame.passed ? at->at : NEVER;
    }
}

static struct message *find(const struct gathering *gathering, uint64_t seq, bool by_frame)
{
    const struct messages *out = gathering->out;
    size_t low = 0, high = out->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t at = by_frame ? gathering->frames[middle] : out->list[middle].seq;
        if (at == seq)
            return &out->list[middle];
        if (at < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- Ids --- */

static bool read_number(const char *digits, uint64_t *number)
{
    size_t len = strspn(digits, "0123456789");
    if (len == 0 || len > DIGITS_LIMIT || digits[len] != '\0')
        return false;
    *number = strtoull(digits, NULL, 10);
    return true;
}

static void note_id(const struct gathering *gathering, const struct event *ev)
{
    struct message *message = find(gathering, ev->ws_id.frame, false);
    if (!message)
        return;
    message->id = ev->ws_id.id;
    message->counted = strcmp(ev->ws_id.how, "counted") == 0;
    message->numeric = read_number(message->id, &message->number);
}

static void note_delivery(const struct gathering *gathering, const struct event *ev)
{
    struct message *message = find(gathering, ev->ws_delivered.frame, true);
    if (message)
        message->delivered = ev->at;
}

/* The same message, as far as can be told; by what is the same, then by order. */
static int compare_identity(const struct message *x, const struct message *y)
{
    int by = (x->client > y->client) - (x->client < y->client);
    if (by == 0)
        by = strcmp(x->id, y->id);
    if (by == 0)
        by = (int)x->counted - (int)y->counted;
    return by == 0 && x->counted ? strcmp(x->sig, y->sig) : by;
}

static int by_identity(const void *a, const void *b)
{
    const struct message *const *x = a, *const *y = b;
    int by = compare_identity(*x, *y);
    return by != 0 ? by : ((*x)->seq > (*y)->seq) - ((*x)->seq < (*y)->seq);
}

static void note_repetitions(struct messages *messages)
{
    size_t count = 0;
    struct message **sorted = xcalloc(messages->count + 1, sizeof *sorted);
    for (size_t i = 0; i < messages->count; i++)
        if (messages->list[i].id)
            sorted[count++] = &messages->list[i];
    qsort(sorted, count, sizeof *sorted, by_identity);
    for (size_t i = 1; i < count; i++)
        if (compare_identity(sorted[i - 1], sorted[i]) == 0)
            sorted[i]->again = sorted[i - 1]->again ? sorted[i - 1]->again : sorted[i - 1]->seq;
    free(sorted);
}

/* --- The view --- */

static int by_client(const void *a, const void *b)
{
    const struct message *x = a, *y = b;
    if (x->client != y->client)
        return x->client < y->client ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static void gather(struct gathering *gathering, const struct trace *trace, enum side side)
{
    for (size_t i = 0; i < trace->count && trace->events[i].kind != EV_RUN_END; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->kind == EV_WS_DELIVERED)
            note_delivery(gathering, ev);
        if (ev->side != side)
            continue;
        if (ev->kind == EV_WS_ID)
            note_id(gathering, ev);
        else if (event_is_message(ev) && *kind_of(ev) == '\0' && ev->kind == EV_WS_MESSAGE)
            add_whole(gathering, trace, ev);
        else if (event_is_message(ev) && *kind_of(ev) == '\0')
            (void)add(gathering, ev);
    }
}

void messages_of(const struct trace *trace, enum side side, struct messages *out)
{
    struct gathering gathering = {.out = out, .room = FIRST_ROOM};
    *out = (struct messages){.list = xcalloc(FIRST_ROOM, sizeof *out->list)};
    gathering.frames = xcalloc(FIRST_ROOM, sizeof *gathering.frames);
    gather(&gathering, trace, side);
    free(gathering.frames);
    note_repetitions(out);
    if (out->count > 0)
        qsort(out->list, out->count, sizeof *out->list, by_client);
}

void messages_fini(struct messages *messages)
{
    free(messages->list);
    *messages = (struct messages){0};
}

size_t messages_of_client_end(const struct messages *messages, size_t first)
{
    size_t end = first;
    while (end < messages->count && messages->list[end].client == messages->list[first].client)
        end++;
    return end;
}

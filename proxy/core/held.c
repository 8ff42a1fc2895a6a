/* Units that wait: in a queue, in the order they came, or set aside, in the order they are due. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/internal.h"

struct held *held_new(const struct unit *u, nsec until)
{
    struct held *item = xcalloc(1, sizeof *item);
    item->unit = *u;
    item->until = until;
    item->bytes = u->len + sizeof *item;
    if (u->len > 0) {
        item->memory = xmalloc(u->len);
        memcpy(item->memory, u->bytes, u->len);
        item->unit.bytes = item->memory;
    }
    return item;
}

void held_free(struct held *item)
{
    while (item) {
        struct held *more = item->more;
        free(item->memory);
        free(item);
        item = more;
    }
}

static void join(struct held *item, const struct unit *u)
{
    struct unit *to = &item->unit;
    uint8_t *joined = xmalloc(to->len + u->len + 1);
    if (to->len > 0)
        memcpy(joined, to->bytes, to->len);
    if (u->len > 0)
        memcpy(joined + to->len, u->bytes, u->len);
    free(item->memory);
    to->bytes = item->memory = joined;
    to->len += u->len;
    to->last = u->last;
    to->frame_seq = u->frame_seq;
}

void held_extend(struct held *item, const struct unit *u)
{
    struct held *newest = item;
    while (newest->more)
        newest = newest->more;
    size_t grown = u->len;
    if (u->kind == UNIT_FRAME) {
        newest->more = held_new(u, item->until);
        grown = newest->more->bytes;
    } else if (u->len > 0) {
        join(newest, u);
    }
    item->bytes += grown;
}

void held_enqueue(struct held_queue *queue, struct held *item)
{
    if (queue->last)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    queue->bytes += item->bytes;
}

void held_insert(struct held_queue *queue, struct held *item)
{
    struct held **link = &queue->first;
    if (!queue->last || queue->last->until <= item->until) {
        held_enqueue(queue, item);
        return;
    }
    while ((*link)->until <= item->until)
        link = &(*link)->next;
    item->next = *link;
    *link = item;
    queue->bytes += item->bytes;
}

struct held *held_dequeue(struct held_queue *queue)
{
    struct held *item = queue->first;
    queue->first = item->next;
    if (!queue->first)
        queue->last = NULL;
    queue->bytes -= item->bytes;
    item->next = NULL;
    return item;
}

void held_append(struct held_queue *queue, struct held_queue *behind)
{
    if (!behind->first)
        return;
    if (queue->last)
        queue->last->next = behind->first;
    else
        queue->first = behind->first;
    queue->last = behind->last;
    queue->bytes += behind->bytes;
    *behind = (struct held_queue){0};
}

void held_discard(struct held_queue *queue)
{
    while (queue->first)
        held_free(held_dequeue(queue));
}

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
        uint8_t *copy = xmalloc(u->len);
        memcpy(copy, u->bytes, u->len);
        item->unit.bytes = copy;
    }
    return item;
}

void held_free(struct held *item)
{
    while (item) {
        struct held *more = item->more;
        if (item->unit.len > 0)
            free((void *)item->unit.bytes);
        free(item);
        item = more;
    }
}

static void join(struct unit *to, const struct unit *u)
{
    uint8_t *joined = xmalloc(to->len + u->len + 1);
    if (to->len > 0) {
        memcpy(joined, to->bytes, to->len);
        free((void *)to->bytes);
    }
    if (u->len > 0)
        memcpy(joined + to->len, u->bytes, u->len);
    to->bytes = joined;
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
        join(&newest->unit, u);
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

void held_discard(struct held_queue *queue)
{
    while (queue->first)
        held_free(held_dequeue(queue));
}

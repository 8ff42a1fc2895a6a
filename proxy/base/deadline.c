#include "base/deadline.h"

#include <stdlib.h>

#include "base/mem.h"

void deadlines_init(struct deadlines *heap)
{
    *heap = (struct deadlines){0};
}

void deadlines_fini(struct deadlines *heap)
{
    free(heap->slots);
    *heap = (struct deadlines){0};
}

static void place_at(struct deadlines *heap, size_t slot, struct deadline *deadline)
{
    heap->slots[slot] = deadline;
    deadline->slot = slot;
}

static void rise(struct deadlines *heap, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    while (slot > 1 && heap->slots[slot / 2]->at > deadline->at) {
        place_at(heap, slot, heap->slots[slot / 2]);
        slot /= 2;
    }
    place_at(heap, slot, deadline);
}

static void sink(struct deadlines *heap, struct deadline *deadline)
{
    size_t slot = deadline->slot;
    while (slot * 2 <= heap->count) {
        size_t child = slot * 2;
        if (child < heap->count && heap->slots[child + 1]->at < heap->slots[child]->at)
            child++;
        if (heap->slots[child]->at >= deadline->at)
            break;
        place_at(heap, slot, heap->slots[child]);
        slot = child;
    }
    place_at(heap, slot, deadline);
}

static void add(struct deadlines *heap, struct deadline *deadline)
{
    if (heap->count + 2 > heap->room) {
        heap->room = heap->room ? heap->room * 2 : 16;
        heap->slots = xrealloc(heap->slots, heap->room * sizeof *heap->slots);
    }
    place_at(heap, ++heap->count, deadline);
    rise(heap, deadline);
}

static void take_out(struct deadlines *heap, struct deadline *deadline)
{
    struct deadline *last = heap->slots[heap->count--];
    size_t slot = deadline->slot;
    deadline->slot = 0;
    if (last == deadline)
        return;
    place_at(heap, slot, last);
    rise(heap, last);
    sink(heap, last);
}

void deadlines_set(struct deadlines *heap, struct deadline *deadline, nsec at)
{
    if (deadline->slot != 0 && deadline->at == at)
        return;
    if (deadline->slot != 0)
        take_out(heap, deadline);
    deadline->at = at;
    if (at != NEVER)
        add(heap, deadline);
}

nsec deadlines_next(const struct deadlines *heap)
{
    return heap->count > 0 ? heap->slots[1]->at : NEVER;
}

struct deadline *deadlines_pop_due(struct deadlines *heap, nsec now)
{
    if (heap->count == 0 || heap->slots[1]->at > now)
        return NULL;
    struct deadline *first = heap->slots[1];
    take_out(heap, first);
    return first;
}

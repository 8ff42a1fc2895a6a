/* A heap of deadlines, embedded in what waits for them. */
#ifndef HALFOPEN_BASE_DEADLINE_H
#define HALFOPEN_BASE_DEADLINE_H

#include <stddef.h>

#include "base/nsec.h"

struct deadline {
    nsec at;
    size_t slot; /* 0: not in a heap */
};

struct deadlines {
    struct deadline **slots; /* 1-based */
    size_t count, room;
};

void deadlines_init(struct deadlines *);
void deadlines_fini(struct deadlines *);
/* Sets, moves or (NEVER) removes. Borrows the deadline until it is removed or popped. */
void deadlines_set(struct deadlines *, struct deadline *, nsec at);
nsec deadlines_next(const struct deadlines *);                    /* NEVER when empty */
struct deadline *deadlines_pop_due(struct deadlines *, nsec now); /* NULL: none is due */

#endif

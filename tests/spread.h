/* Work in pieces that know nothing of each other, spread over a process for each processor. The
 * checks made in a piece count where spread was called, in the order of the pieces, so that what is
 * printed is the same every time; a piece whose process dies has failed, and another process goes
 * on with the rest. Pieces are begun in their order: the longest go first. CHECK_JOBS=1 in the
 * environment does it all in one process, for a debugger. */
#ifndef HALFOPEN_TESTS_SPREAD_H
#define HALFOPEN_TESTS_SPREAD_H

#include "base/text.h"

/* outs: one text for each piece, initialised here; what its work adds is all that comes back of it
 * besides its checks. The caller calls text_fini on each. NULL: nothing but checks is wanted. */
void spread(size_t pieces, void (*work)(void *context, size_t piece, struct text *out),
            void *context, struct text *outs);

#endif

/* What a client heard of its server before a loss and after it: which of the server's numbered
 * messages it missed and never got, and whether what the server kept sending comes again. Numbers
 * that begin anew with each connection, or leave some out while nothing disturbs, tell nothing. */
#ifndef HALFOPEN_RULES_LIB_MISSED_H
#define HALFOPEN_RULES_LIB_MISSED_H

#include "rules/lib/eras.h"
#include "trace/messages.h"

enum missed_sort { MISSED_UNKNOWN, MISSED_NOTHING, MISSED_SOME };

struct missed {
    enum missed_sort sort;
    uint64_t count; /* of SOME: never came */
    bool declared;  /* the numbers are ids; else they were seen to count, whatever they count */
    bool others;    /* the server said other things afterwards: they may make up for it */
};

/* messages: of the server. before, after: two eras of a client, one behind the other. */
struct missed missed_between(const struct messages *, const struct eras *, const struct era *before,
                             const struct era *after);

/* Of kinds of messages, those of halfopen's own server left out. */
struct streams {
    size_t steady, again; /* sent every 3 s or oftener until the loss; of these, sent again */
    bool goes_on;         /* some that were sent more than once before the loss are sent again */
    bool missing;         /* none of the steady ones is, and hardly anything else comes */
};

struct streams streams_after(const struct messages *, const struct eras *, const struct era *first,
                             const struct era *after);

#endif

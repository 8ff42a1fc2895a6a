/* From which outages a schedule can be read: those in which clients begin anew. One that has failed
 * a moment ago goes on where it was; a later outage then shows no growth and, pooled with the
 * first, chance where there is none. */
#ifndef HALFOPEN_RULES_LIB_BACKOFF_CHOICE_H
#define HALFOPEN_RULES_LIB_BACKOFF_CHOICE_H

#include "trace/attempts.h"

struct backoff_choice {
    const struct outage *outage; /* most clients that begin anew, then most retries; NULL: none */
    bool singles;                /* outages of one client each: every one counts as a client does */
    bool repeated;               /* and it is the same client each time */
    size_t fresh;                /* outages in which somebody begins anew */
    size_t left_out;             /* outages, of all */
    bool goes_on; /* a client stood for long enough, and went on all the same: the first is taken */
};

/* stable_after: a connection this old makes the next failure the first one again; noise: of the
 * run, seconds. */
struct backoff_choice backoff_choose(const struct outages *, nsec stable_after, double noise);
/* The client's connection was old enough, or nothing had failed before. */
bool backoff_begins_anew(const struct retries *, nsec stable_after);

#endif

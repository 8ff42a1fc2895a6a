/* Which of the scenarios and rules run: --only, --last-failed, --shard. What is left out is freed.
 */
#ifndef HALFOPEN_CONTROL_SELECTION_H
#define HALFOPEN_CONTROL_SELECTION_H

#include "control/earlier.h"
#include "control/options.h"
#include "control/session_setup.h"

/* Globs over the names of scenarios, and over names and ids of rules. A scenario that is named
 * keeps all its rules, another those that are named. A glob that matches nothing is an error. */
void selection_only(struct plans *, const struct option_words *globs, struct diag *);

/* --- What failed the last time --- */

/* A scenario that did not run to its end failed as a whole. */
bool selection_any_failed(const struct earlier *);
/* Where the scenarios that failed are found again. */
void selection_find_failed(const struct earlier *, const char *data, struct paths *, struct diag *);
/* Of each scenario the rules that failed. */
void selection_keep_failed(struct plans *, const struct earlier *);

/* --- A part of the scenarios for each of several machines --- */

struct shard {
    unsigned index, count; /* index: from 1 */
};

bool shard_parse(const char *written, struct shard *); /* "2/3" */
/* Keeps one shard's. Every scenario falls to exactly one shard, the same one on every machine: what
 * decides is its name and the time estimated for it, the longest first to where least is. */
void selection_shard(struct plans *, struct shard, double speed);

#endif

/* Judging a recorded run: the same code live, offline and in tests. */
#ifndef HALFOPEN_CONTROL_JUDGE_H
#define HALFOPEN_CONTROL_JUDGE_H

#include "reports/results.h"

/* Fills name, story, duration, speed, seed, clients, noise and one rule_result per expectation of
 * the trace, in its order. only: a glob over rule names and ids; NULL: all. */
void judge_trace(const struct trace *, const char *only, struct scenario_result *);

/* What a run.start expects, read once for many traces. only: as above, borrowed until then. */
struct judge *judge_new(const char *expect, const char *only);
void judge_free(struct judge *);
/* As judge_trace does for a trace that expects this. */
void judge_with(const struct judge *, const struct trace *, struct scenario_result *);

/* Is there a failure that a second run must confirm? */
bool judge_wants_repeat(const struct scenario_result *);
/* The second run's word on the first one's failures: both fail, confirmed; it warns, a warning;
 * else inconclusive, not repeatable. second is only read. */
void judge_merge(struct scenario_result *first, const struct scenario_result *second);

#endif

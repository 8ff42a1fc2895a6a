/* Which scenario begins when: the longest first, side by side as far as there are places for their
 * clients. And how long the whole will take, by the same order. */
#ifndef HALFOPEN_CONTROL_SCHEDULE_H
#define HALFOPEN_CONTROL_SCHEDULE_H

#include "control/runner.h"

/* Real seconds of one scenario at that speed, when the client behaves as the policy asks. */
double schedule_estimate(const struct plan *, const struct policy *, double speed);
/* The same of a task; 0: it cannot be judged, and is not run. */
double schedule_task(const struct runner_task *, double speed);
/* Indices of the tasks, the longest first; the caller frees. */
size_t *schedule_order(const struct runner_task *, size_t count, double speed);
/* Places for client processes: as asked, else from the cores and the memory there is. */
unsigned schedule_places(unsigned asked);
/* Real seconds of all of them. */
double schedule_expected(const struct runner_task *, size_t count, unsigned places, double speed);

#endif

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
/* Of them, those that are used whatever the noise. */
unsigned schedule_fewest(unsigned places);
/* So many more client processes fit into the memory there is. each: bytes that one of them takes,
 * as far as is known; asked only where memory may be short. */
bool schedule_fits_memory(unsigned clients, uint64_t (*each)(const void *context),
                          const void *context);
/* Real seconds of all of them. */
double schedule_expected(const struct runner_task *, size_t count, unsigned places, double speed);

#endif

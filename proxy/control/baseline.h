/* --baseline: only what got worse since an earlier run fails this one. */
#ifndef HALFOPEN_CONTROL_BASELINE_H
#define HALFOPEN_CONTROL_BASELINE_H

#include "control/earlier.h"
#include "reports/results.h"

/* Says of each rule of the scenario how it compares with the baseline's scenario of that name. What
 * was not judged now is not compared; what was not judged then, or in a scenario that did not run
 * to its end, is new. */
void baseline_compare(const struct earlier *, struct scenario_result *);

#endif

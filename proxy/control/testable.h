/* Whether a scenario is worth running: not when nothing it expects can be judged with what the
 * target file declares. */
#ifndef HALFOPEN_CONTROL_TESTABLE_H
#define HALFOPEN_CONTROL_TESTABLE_H

#include "control/subject.h"
#include "core/plan.h"
#include "trace/declares.h"

/* What is missing for every rule it expects, the first of it; NULL: some can be judged, or it
 * expects none. */
const struct declaration *plan_lacks(const struct plan *, const struct subject *);

#endif

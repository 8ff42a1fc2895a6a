/* Whether a scenario is worth running: not when nothing it expects can be judged with what the
 * target file declares, or when it tells of clients that close on purpose and none can be told to.
 */
#ifndef HALFOPEN_CONTROL_TESTABLE_H
#define HALFOPEN_CONTROL_TESTABLE_H

#include "control/subject.h"
#include "core/plan.h"
#include "trace/declares.h"

/* What is missing, the first of it; NULL: nothing. */
const struct declaration *plan_lacks(const struct plan *, const struct subject *);

#endif

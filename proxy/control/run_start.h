/* The first line of a trace: all that judging needs. */
#ifndef HALFOPEN_CONTROL_RUN_START_H
#define HALFOPEN_CONTROL_RUN_START_H

#include "control/subject.h"
#include "core/plan.h"
#include "trace/recorder.h"

struct run_start {
    const struct plan *plan;
    const struct policy *policy;
    const char *const *origins; /* NULL: all default */
    const char *profile, *declared, *confirms, *started;
    uint64_t seed;
    double speed;
    nsec noise; /* target time */
};

void run_start_emit(struct recorder *, const struct run_start *);

#endif

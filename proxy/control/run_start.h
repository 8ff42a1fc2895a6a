/* The first line of a trace: all that judging needs. */
#ifndef HALFOPEN_CONTROL_RUN_START_H
#define HALFOPEN_CONTROL_RUN_START_H

#include "control/subject.h"
#include "core/plan.h"
#include "trace/recorder.h"

/* What is the same for every run of a plan with one policy, as JSON. */
struct run_start_words {
    struct text policy, expect, steps;
};

struct run_start {
    const struct plan *plan;
    const struct policy *policy;
    const char *const *origins; /* NULL: all default */
    const char *profile, *declared, *confirms, *started;
    uint64_t seed;
    double speed;
    nsec noise;                          /* target time */
    const struct run_start_words *words; /* NULL: they are made of the others */
};

void run_start_words_init(struct run_start_words *, const struct run_start *);
void run_start_words_fini(struct run_start_words *);

void run_start_emit(struct recorder *, const struct run_start *);

#endif

/* Runs scenarios side by side in one loop, repeats what must be confirmed, collects the results. */
#ifndef HALFOPEN_CONTROL_RUNNER_H
#define HALFOPEN_CONTROL_RUNNER_H

#include "control/subject.h"
#include "core/plan.h"
#include "reports/results.h"

struct runner_task {
    const struct plan *plan;
    const struct subject *subject;
};

struct runner_config {
    const struct runner_task *tasks;
    size_t task_count;
    const char *folder; /* of the report; exists, with traces/ and output/ */
    double speed;
    uint64_t seed;
    unsigned jobs; /* client processes at a time; 0: chosen from the cores */
    nsec timeout;  /* real; 0: none */
    bool quiet;
    const char *heading;   /* first line of the output, without the noise */
    const char *data;      /* folder of the bundled scenarios; NULL: none */
    plan_why_not *why_not; /* what this machine lacks; NULL: asks the kernel */
    /* The verdicts of a scenario are settled, and not yet told; may be NULL. */
    void (*on_settled)(void *context, struct scenario_result *);
    void *context;
};

/* Fills scenarios, noise, wall_s and interrupted of the results. false: it could not begin (said on
 * stderr). */
bool runner_run(const struct runner_config *, struct results *);

/* Creates the folder with what belongs in it; empties traces/ and output/ of an earlier run, and
 * keeps other runs out of it while this process lives. false: errno says why, EBUSY that another
 * run has it. */
bool runner_make_folder(const char *folder);

#endif

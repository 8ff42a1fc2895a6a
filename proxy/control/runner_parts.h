/* What the files of the runner share. */
#ifndef HALFOPEN_CONTROL_RUNNER_PARTS_H
#define HALFOPEN_CONTROL_RUNNER_PARTS_H

#include "control/job.h"
#include "control/prompts.h"
#include "control/runner.h"
#include "control/schedule.h"
#include "control/table.h"
#include "net/wall.h"

enum task_state { TASK_WAITING, TASK_RUNNING, TASK_DONE };

/* A scenario against a subject, with its repetition if it needs one. */
struct task {
    struct runner *runner;
    const struct plan *plan;
    const struct subject *subject;
    enum task_state state;
    char *label, *label_again; /* file names of the traces */
    double speed;
    bool again; /* the second run is on, or next */
    struct job *job;
    struct scenario_result result, second;
};

struct runner {
    struct timer redraw; /* must stay first */
    struct timer deadline;
    const struct runner_config *config;
    struct loop *loop;
    struct processes *processes;
    struct table *table;
    struct prompts *prompts;
    struct ca ca;
    bool has_ca;
    struct task *tasks;
    size_t *order; /* in which tasks begin */
    struct boots boots;
    unsigned slots;
    nsec noise; /* real */
    char started[WALL_DATE_SIZE];
    unsigned interrupts;
    const char *stop_reason; /* NULL: go on */
};

/* runner_tasks.c: what is to be run, as the machine and the endpoints allow. */
void runner_make_tasks(struct runner *);
void runner_meet_machine(struct runner *);

/* runner_result.c: what is said of a task whatever its verdicts, and these. */
void task_describe_file(const struct task *, struct scenario_result *);
/* Both after its job is over. */
void task_judge(struct task *, struct scenario_result *);
void task_describe(struct task *, struct scenario_result *);

#endif

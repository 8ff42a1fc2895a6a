/* One run of one scenario against one subject over real sockets: starts the endpoints, drives the
 * plan, records the trace, ends everything it started. */
#ifndef HALFOPEN_CONTROL_JOB_H
#define HALFOPEN_CONTROL_JOB_H

#include "control/subject.h"
#include "core/plan.h"
#include "core/run.h"
#include "net/ca.h"
#include "net/loop.h"
#include "net/process.h"
#include "trace/declares.h"

/* real: for the server to listen and every client to connect */
#define JOB_STARTUP (30 * NSEC_PER_SEC)

struct job;

enum job_state { JOB_STARTING, JOB_RUNNING, JOB_ENDING, JOB_OVER };

/* Client processes of all jobs that were started and are not there yet. */
struct prompts;

struct boots {
    unsigned limit, under_way;
};

struct job_spec {
    const struct plan *plan;
    const struct subject *subject;
    double speed;
    uint64_t seed;
    nsec noise;              /* calibrated, real time */
    const char *folder;      /* the report's */
    const char *label;       /* file name of the trace without ending; unique in the run */
    const char *confirms;    /* trace of the first run, or "" */
    const char *started;     /* RFC 3339 */
    const struct ca *ca;     /* NULL: none needed */
    bool wants_memory;       /* a rule asks for process.memory */
    struct prompts *prompts; /* shared by the jobs of a run; NULL: nobody is there */
    struct boots *boots;     /* shared by the jobs of a run; NULL: any number at a time */
    /* What is missing to make it worth running: the trace says so, nothing is started. NULL: it is.
     */
    const struct declaration *lacks;
    /* as in run_options; NULL: nobody wants to know */
    void (*on_message)(void *context, const struct event *, const uint8_t *bytes, size_t len);
    void (*on_over)(void *context, struct job *); /* in a turn of the loop */
    void *context;
};

/* Keeps the spec's pointers until job_free. */
struct job *job_new(struct loop *, struct processes *, const struct job_spec *);
void job_start(struct job *);
/* Ends it early; the trace says why. Then on_over. */
void job_stop(struct job *, const char *reason);
void job_free(struct job *); /* when over */

void job_status(const struct job *, struct run_status *);
nsec job_elapsed(const struct job *);      /* target time since the scenario began */
double job_wall(const struct job *);       /* seconds since job_start */
const char *job_trace(const struct job *); /* path relative to the folder */
/* Why the environment failed, with the last lines of output; NULL: it did not. */
const char *job_trouble(const struct job *);
/* Why its processes cannot be sped up; NULL: they can. */
const char *job_unscaled(const struct job *);
bool job_interrupted(const struct job *);
/* How late our timers are since its scenario began, target time: 95 % are at most so; 0 before. */
nsec job_noise(const struct job *);
uint64_t job_client_memory(const struct job *); /* bytes of its first client; 0: not known */
/* "\nits last lines (FILE):\n..." of the first client; nothing when it wrote none. */
void job_add_last_lines(const struct job *, struct text *);

#endif

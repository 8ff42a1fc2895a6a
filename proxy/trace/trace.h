/* A recorded run, read back: what rules look at and nothing else. */
#ifndef HALFOPEN_TRACE_TRACE_H
#define HALFOPEN_TRACE_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "trace/declares.h"
#include "trace/event.h"
#include "trace/policy.h"

struct trace {
    /* in order of seq, which is index + 1 unless unknown events were skipped */
    const struct event *events;
    size_t count;
    const struct ev_run_start *start; /* never NULL in a trace that was read */
    struct policy policy;             /* from run.start */
    nsec noise;                       /* the larger of calibrated and watched, target time */
    nsec end;                         /* time of the last event */
    bool complete;                    /* run.end is there */
    const char *reason;               /* of run.end; "" when there is none */
    unsigned declares; /* enum declares, or-ed: what run.start says the target gives */
    bool full;         /* frames were left out (trace.full) */
    struct trace_memory *memory;
};

/* Why a run ended, in run.end. Any other reason is a trouble of the environment. */
#define RUN_FINISHED       "finished"
#define RUN_CLIENTS_EXITED "every client process has exited"
#define RUN_NOT_TESTED                                                                             \
    "not run: the target file gives no " /* and of which declaration: hooks.close */
#define RUN_INTERRUPTED "interrupted"
#define RUN_TIMED_OUT   "timed out"

enum run_ending { ENDING_MISSING, ENDING_REGULAR, ENDING_EARLY, ENDING_TROUBLE };

enum run_ending trace_ending(const struct trace *);
/* For want of what the run was not begun; NULL: it was. */
const struct declaration *trace_not_run(const struct trace *);
/* Since when a client's process, which had ended by then or later, was told to end by the scenario:
 * what it no longer did is no doing of its own. NEVER: it was not. */
nsec trace_dismissed(const struct trace *, int client);

#define TRACE_CLIENTS_LIMIT 4096 /* a client numbered beyond is an error of the file */

/* Reads a file or a string. A last line cut in the middle is dropped with a warning; unknown events
 * are skipped; anything else wrong is an error with its line. NULL when there were errors. seq
 * numbers must ascend; time must not go back. */
struct trace *trace_read(const char *path, struct diag *);
struct trace *trace_parse(const char *name, const char *text, size_t len, struct diag *);
/* For tests: copies the events and strings, numbers them from 1, and puts a run.start with the
 * default policy in front unless the first event is one. */
struct trace *trace_from(const struct event *events, size_t count);
void trace_free(struct trace *);

const struct event *trace_at_seq(const struct trace *, uint64_t seq); /* NULL: no such event */
/* The next event of that kind at or after index *i; leaves *i behind it. NULL: none. */
const struct event *trace_next(const struct trace *, size_t *i, enum event_kind);
/* one more than the highest client; at most the limit */
size_t trace_clients(const struct trace *);

/* The target declares all of these (enum declares, or-ed). */
bool trace_declares(const struct trace *, unsigned what);
/* A complete message of data: a final unfragmented frame, or ws.message. */
bool event_is_message(const struct event *);

#endif

/* The hooks of a job: makes its clients act through what the target file says (a line on stdin, an
 * HTTP request), hears when one has given up (a line of its output, its exit, an HTTP answer). */
#ifndef HALFOPEN_CONTROL_JOB_HOOKS_H
#define HALFOPEN_CONTROL_JOB_HOOKS_H

#include "control/subject.h"

struct job;
struct job_hooks;

struct job_hooks *
job_hooks_open(struct job *);             /* once the run exists: the core may ask from then on */
void job_hooks_start(struct job_hooks *); /* the scenario begins */
/* Nothing is asked or heard any more; what is under way is given up. */
void job_hooks_stop(struct job_hooks *);
void job_hooks_free(struct job_hooks *); /* NULL is fine */
bool job_hooks_want_input(const struct job_hooks *);
bool job_hooks_want_lines(const struct job_hooks *);
/* The port on which that client is to take HTTP hooks; 0: there are none. */
uint16_t job_hooks_port(const struct job_hooks *, unsigned client);
void job_hooks_on_line(struct job_hooks *, unsigned client, const char *line, size_t len);
int job_signal_number(const char *name); /* of "TERM" */
void job_hooks_on_exit(struct job_hooks *, unsigned client, const char *how);

#endif

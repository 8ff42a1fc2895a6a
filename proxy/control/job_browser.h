/* The browsers of a job's clients: each has a profile of its own and shows the page in as many tabs
 * as the target file asks for. The first is opened by the command line, the others by asking the
 * browser. */
#ifndef HALFOPEN_CONTROL_JOB_BROWSER_H
#define HALFOPEN_CONTROL_JOB_BROWSER_H

#include <stdbool.h>

struct job;
struct job_browser;

/* The command line that starts it. url: of the WebSocket; keeps the job. NULL: errno says why there
 * is no profile. The caller frees the command. */
struct job_browser *job_browser_new(struct job *, unsigned client, const char *url, char **command);
/* Opens tabs, one after the other; called again and again. true: there are as many as there will
 * be, and the trace says how many. */
bool job_browser_is_ready(struct job_browser *);
void job_browser_free(
    struct job_browser *); /* removes the profile: the browser has ended; or NULL */

#endif

/* The endpoints' processes: started by the shell in a process group of their own, watched, and
 * ended for certain, with all they started. They die with us, also when we are killed. */
#ifndef HALFOPEN_NET_PROCESS_H
#define HALFOPEN_NET_PROCESS_H

#include <sys/types.h>

#include "base/text.h"
#include "net/command.h"
#include "net/loop.h"
#include "net/proctree.h"
#include "net/usage.h"

#define PROCESS_PATIENCE (2 * NSEC_PER_SEC) /* real: from SIGTERM to SIGKILL */

struct processes; /* all of this program; one per loop, as it owns SIGCHLD */
struct process;

struct process_spec {
    const char *command; /* for /bin/sh -c, placeholders substituted; all here is copied */
    const char *const *environment; /* NAME=VALUE, beside ours; NULL ends; NULL: nothing */
    const char *output; /* file for stdout and stderr, bounded (net/output.h); NULL: /dev/null */
    const char *folder; /* to run in; NULL: ours */
    bool wants_input;   /* process_send works; else stdin is /dev/null */
    /* It has ended and is reaped; what it started may live until process_end. NULL: not wanted. */
    void (*on_exit)(void *context, struct process *);
    /* A line of its output, see base/lines.h; NULL: not wanted. */
    void (*on_line)(void *context, const char *line, size_t len);
    void *context;
};

/* Makes this program the reaper of orphans. */
struct processes *processes_new(struct loop *);
/* SIGKILL for everything left, at once, and reaps it. */
void processes_free(struct processes *);

/* NULL: errno says why. A command the shell does not find exits with 127. */
struct process *process_start(struct processes *, const struct process_spec *);
/* SIGTERM to its group and to what left it, SIGKILL after PROCESS_PATIENCE. Returns at once. */
void process_end(struct process *);
bool process_send(struct process *,
                  const char *line); /* a line and a newline, whole or (false) not at all */
void process_signal(struct process *, int number); /* to its group */
/* Ends hard what is left of it; no more callbacks; frees it. */
void process_free(struct process *);

pid_t process_pid(const struct process *);
bool process_exited(const struct process *);
bool process_asked(const struct process *);         /* process_end was called before it exited */
const char *process_how(const struct process *);    /* "exit 1", "signal 9"; "" while it runs */
const char *process_output(const struct process *); /* the file, or "" */
void process_tree(const struct process *, struct proctree *);
/* Of its tree while it runs, as in the census; what it had taken when it ended. */
void process_usage(const struct process *, struct census *, struct usage *);
const char *process_mark(const struct process *); /* entry in the environment of all its tree */
/* The newest lines of its output, at most so many, each whole but never more than 64 KiB in all. */
void process_last_lines(struct process *, size_t lines, struct text *out);

#endif

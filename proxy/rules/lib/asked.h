/* What the scenario told clients to do through hooks of the target file and by signals. */
#ifndef HALFOPEN_RULES_LIB_ASKED_H
#define HALFOPEN_RULES_LIB_ASKED_H

#include "trace/trace.h"

/* The next that a client took, from index *i on, which is left behind it. hook: "send" or "close".
 * NULL: none. */
const struct event *asked_next(const struct trace *, size_t *i, const char *hook);
/* How many times that client took it, asked at or after `from` and before `to`. */
size_t asked_within(const struct trace *, int client, const char *hook, nsec from, nsec to);
/* When it was asked, which may be before the answer came. */
nsec asked_at(const struct event *asked);
/* A step of the scenario wanted a hook that the target file does not give. */
bool asked_in_vain(const struct trace *);

/* A signal that tells a process to end in order, by its name in process.signal. */
bool signal_ends(const char *name);

#define ASKED_PATIENT (10 * NSEC_PER_SEC) /* target: who was told to close has done it by then */

#endif

/* The environment that makes a child's clocks run faster: our time library and libfaketime in front
 * of whatever the user preloads, and the settings libfaketime is to follow. */
#ifndef HALFOPEN_NET_TIMEENV_H
#define HALFOPEN_NET_TIMEENV_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/nsec.h"
#include "base/text.h"

#define TIMEENV_ENTRIES 8 /* with the NULL */

struct timeenv_libraries {
    char *ours, *faketime; /* absolute paths; owned */
};

/* NAME=VALUE, NULL at the end: what process_spec.environment takes. */
struct timeenv {
    char *entries[TIMEENV_ENTRIES]; /* owned */
};

/* Looks beside the running program and in ../lib/halfopen for ours, where distributions put it for
 * libfaketime. false: *why says what is missing and what to do about it. */
bool timeenv_find(struct timeenv_libraries *, struct text *why);
void timeenv_libraries_fini(struct timeenv_libraries *);
/* false: LD_PRELOAD cannot carry this path, as it is cut at blanks and colons. */
bool timeenv_path_fits(const char *path);

/* Libraries in front of AddressSanitizer's stop a program that was built with it, unless it is told
 * that they are meant to be there; the user's ASAN_OPTIONS in our environment are kept.
 *
 * For a child started when so much real time of the scenario has passed: it begins at the time of
 * day that its siblings have reached. page: the report page's path; preload: what LD_PRELOAD was
 * (NULL or
 * "": nothing), kept behind ours. */
void timeenv_init(struct timeenv *, const struct timeenv_libraries *, double speed,
                  nsec real_passed, const char *page, const char *preload);
void timeenv_fini(struct timeenv *);

/* Removes what libfaketime leaves in /dev/shm when the process we started with such an environment
 * was killed: a later process of that number would not start. Call it when all of its tree has
 * ended. */
void timeenv_sweep(pid_t started);

#endif

/* --speed for the endpoints' processes: what goes into their environment, and whether they keep the
 * pace (DESIGN 5: in doubt speed 1, and said so). */
#ifndef HALFOPEN_CONTROL_PACE_H
#define HALFOPEN_CONTROL_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/process.h"

struct pace;

struct pace *pace_new(double speed);
void pace_free(struct pace *);
/* NAME=VALUE entries for a child started `elapsed` (real) after the scenario began; NULL ends. At
 * speed 1, and where it is impossible, none. */
char **pace_environment(struct pace *, nsec elapsed);
void pace_free_environment(char **);
/* Whether endpoints keep the pace is asked when their connections are open, and again while they
 * still are at the end. Looking through /proc takes as long as a second of target time: a thread
 * does it. */
enum pace_answer { PACE_NOT_ASKED, PACE_PENDING, PACE_KEPT, PACE_IN_DOUBT };

/* Of the process that holds the endpoint's socket, with that port on its side (0: any) and that on
 * the other (0: listening). Both 0: it holds none just now, and is asked for the waits it reported.
 * Several questions make one check. */
void pace_question(struct pace *, const struct process *, uint16_t local_port,
                   uint16_t remote_port);
/* Begins to answer the questions gathered since the last answer was taken. */
void pace_ask(struct pace *);
/* Never blocks. Once it is kept or in doubt the next call says not asked. *why, kept by the pace
 * until the next pace_ask, says what is in doubt. */
enum pace_answer pace_take_answer(struct pace *, const char **why);
/* Once all of its tree has ended: removes what the time library left behind. */
void pace_sweep(const struct pace *, const struct process *);

#endif

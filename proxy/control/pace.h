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
/* Asked when its connection is open and again while it still is at the end: of the process that
 * holds the endpoint's socket, with that port on its side (0: any) and that on the other (0:
 * listening). false: *why (kept by the pace) says what is in doubt. */
bool pace_is_kept(struct pace *, const struct process *, uint16_t local_port, uint16_t remote_port,
                  const char **why);
/* Once all of its tree has ended: removes what the time library left behind. */
void pace_sweep(const struct pace *, const struct process *);

#endif

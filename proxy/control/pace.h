/* --speed for the endpoints' processes: what goes into their environment, and whether they keep the
 * pace (DESIGN 5: in doubt speed 1, and said so). */
#ifndef HALFOPEN_CONTROL_PACE_H
#define HALFOPEN_CONTROL_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/nsec.h"

struct pace;

struct pace *pace_new(double speed);
void pace_free(struct pace *);
/* NAME=VALUE entries for a child started `elapsed` (real) after the scenario began; NULL ends. At
 * speed 1, and where it is impossible, none. */
char **pace_environment(struct pace *, nsec elapsed);
void pace_free_environment(char **);
/* Asked once its connection is open and again at the end: root is the process we started, port the
 * one of ours it is connected to (0: it is a server; all of its tree is looked at). false: *why (kept by
 * the pace) says what is in doubt. */
bool pace_is_kept(struct pace *, pid_t root, uint16_t port, const char **why);

#endif

/* The wall clock and the machine's chance: what a run is stamped and seeded with. */
#ifndef HALFOPEN_NET_WALL_H
#define HALFOPEN_NET_WALL_H

#include <stdint.h>

#define WALL_DATE_SIZE 32

int64_t wall_seconds(void);               /* since 1970 */
void wall_date(char out[WALL_DATE_SIZE]); /* RFC 3339 in UTC, whole seconds */
uint64_t wall_chance(void);               /* differs between two calls, and two processes */

#endif

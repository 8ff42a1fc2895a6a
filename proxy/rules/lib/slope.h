/* How fast the memory of an endpoint grows: the slope of block minima, which garbage collectors do
 * not disturb, with its error. */
#ifndef HALFOPEN_RULES_LIB_SLOPE_H
#define HALFOPEN_RULES_LIB_SLOPE_H

#include "trace/trace.h"

#define SLOPE_BLOCK        (10 * NSEC_PER_SEC) /* RULES 5.4 */
#define SLOPE_BLOCKS_LIMIT 512                 /* later blocks are left out */

struct slope {
    double per_second, error; /* bytes per second, and its standard error */
    double rise;              /* last block minus first, bytes */
    double late_rise;         /* last block minus the middle one */
    double late_seconds;      /* between those two */
    size_t blocks;
    uint64_t from, to; /* seq */
};

/* Of process.memory of that client within [from, to]. false: fewer than three blocks hold
 * samples. */
bool slope_of_memory(const struct trace *, int client, nsec from, nsec to, struct slope *);

#endif

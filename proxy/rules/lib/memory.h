/* The memory of a client's processes, as process.memory tells of it. */
#ifndef HALFOPEN_RULES_LIB_MEMORY_H
#define HALFOPEN_RULES_LIB_MEMORY_H

#include "trace/trace.h"

/* The largest sample within [from, to], and their median, in bytes; 0: there are none. */
double memory_most(const struct trace *, int client, nsec from, nsec to);
double memory_usual(const struct trace *, int client, nsec from, nsec to);

#endif

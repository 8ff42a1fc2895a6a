/* A trace kept in memory as it is recorded, exactly as the reader would find it in the file: times
 * to the microsecond, numbers to the digits that are written, text as UTF-8. It spares the many
 * runs of the simulated world the lines in between; test_traces.c holds both against each other. */
#ifndef HALFOPEN_TESTS_SIM_KEPT_H
#define HALFOPEN_TESTS_SIM_KEPT_H

#include "trace/trace.h"

/* A listener of the recorder. memory: a struct trace_memory, for trace_of_memory. */
void kept_event(void *memory, const struct event *);

/* The same in every field. */
bool kept_same(const struct event *, const struct event *);
/* The index of the first event that is not; their count where there is none. */
size_t kept_same_until(const struct trace *, const struct trace *);

#endif

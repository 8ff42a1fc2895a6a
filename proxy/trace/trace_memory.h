/* What a trace owns: its events and an arena for their strings. */
#ifndef HALFOPEN_TRACE_TRACE_MEMORY_H
#define HALFOPEN_TRACE_TRACE_MEMORY_H

#include "trace/trace.h"

struct trace_memory {
    struct event *events;
    size_t count, room;
    struct block *blocks;
    size_t *by_kind;                /* indices of all events, kind by kind, ascending in each */
    size_t kind_from[EV_KINDS + 1]; /* where each kind begins in it; made by trace_of_memory */
};

struct trace_memory *trace_memory_new(void);
void trace_memory_free(struct trace_memory *);
const char *trace_memory_keep(struct trace_memory *, const char *text, size_t len); /* copies */
struct event *trace_memory_add(struct trace_memory *); /* zeroed; valid until the next */
/* What run.start says in JSON. */
struct trace_terms {
    struct policy policy;
    unsigned declares;
};

void trace_terms_read(struct trace_terms *, const struct ev_run_start *);
/* A trace over all events; derives terms, noise, end and the flags. Takes the memory. known: the
 * terms, if they were read before; NULL: they are read. */
struct trace *trace_of_memory(struct trace_memory *, const struct trace_terms *known);

#endif

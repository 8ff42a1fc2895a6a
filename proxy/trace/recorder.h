/* Takes events as they happen, numbers them, writes them as JSON lines and shows them to one
 * listener. Same events, same bytes. Strings in an event are borrowed until emit returns. */
#ifndef HALFOPEN_TRACE_RECORDER_H
#define HALFOPEN_TRACE_RECORDER_H

#include <stdio.h>

#include "base/text.h"
#include "trace/event.h"
#include "ws/redact.h"

/* Beyond this many events frames, messages and deliveries are no longer written (trace.full says
 * so); everything else is. A rule that would need them is then inconclusive. */
#define RECORDER_FRAMES_LIMIT 2000000

struct recorder;

/* out: NULL records nothing to a file (the listener still hears). The recorder keeps it until
 * recorder_free and does not close it. */
struct recorder *recorder_new(FILE *out);
void recorder_free(struct recorder *);
/* From here on these values become REDACTED in what endpoints and their owners wrote: commands,
 * requests, responses, reasons. Kept until recorder_free; NULL: none. */
void recorder_hide(struct recorder *, const struct secrets *);
/* At most one listener; called after the event has its seq, before emit returns. */
void recorder_listen(struct recorder *, void (*on_event)(void *context, const struct event *),
                     void *context);
/* Also appends every line to this text (borrowed); for tests and for judging without a file. */
void recorder_copy_to(struct recorder *, struct text *);
/* Gives the event its seq and writes it. at must not go back (asserted). Returns the seq. */
uint64_t recorder_emit(struct recorder *, struct event);
void recorder_flush(struct recorder *); /* every turn of the loop */
/* the file could not be written: errno at the time */
bool recorder_failed(const struct recorder *);
nsec recorder_last(const struct recorder *); /* time of the newest event */

/* One event as a JSON object, without a newline. */
void event_write(const struct event *, struct text *);

#endif

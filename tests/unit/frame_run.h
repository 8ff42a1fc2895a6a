/* A WebSocket through a real run, in virtual time, with a fault on it: frames go in at one end and
 * what comes out at the other is told in words. For what a bench cannot show: order, boundaries,
 * holding, releasing, ends, several faults together. */
#ifndef HALFOPEN_TESTS_FRAME_RUN_H
#define HALFOPEN_TESTS_FRAME_RUN_H

#include "core/run.h"

struct frame_run;

/* The steps in YAML, "  - " before each, a line each. The WebSocket opens before the first step. */
struct frame_run *frame_run_new(const char *steps);
/* The first step begins before a connection is made. */
struct frame_run *frame_run_early(const char *steps);
void frame_run_free(struct frame_run *);

void frame_run_until(struct frame_run *, nsec now);
/* A final frame of that side with a text as payload, masked as it must be. */
void frame_send(struct frame_run *, enum side from, uint8_t opcode, const char *payload);
void frame_send_part(struct frame_run *, enum side from, uint8_t opcode, const char *payload);
void frame_send_len(struct frame_run *, enum side from, uint8_t opcode, size_t len); /* of 'x' */
void frame_send_bytes(struct frame_run *, enum side from, const void *, size_t);
void frame_end(struct frame_run *, enum side from, enum cut how);
void frame_send_whole_input(struct frame_run *, enum side from); /* what was kept back, at once */
/* From now on what is sent is kept, to go in in one piece. */
void frame_keep(struct frame_run *);
/* Bytes go in one by one; far inside long frames a few at once. */
void frame_slice(struct frame_run *);

/* What side received since the last call: "text 'a'; pong ''; text+ 'ab'; more+ 'c'; more 'd'" (+:
 * not final), "!mask" after a frame that is masked the wrong way, "!key" after one with the key of
 * the one before it, "cut after 8 bytes" for a frame that is not complete, "end fin". More than 40
 * bytes of payload are told by their length: "text 70000". Valid until the next call. */
const char *frame_got(struct frame_run *, enum side);
size_t frame_writes(const struct frame_run *, enum side); /* how many times something came */
const char *frame_trace(const struct frame_run *);
/* How often the trace has an event with these parts in one line, e.g. "\"verb\":\"drop\"". */
size_t frame_events(const struct frame_run *, const char *part, const char *and_part);

#endif

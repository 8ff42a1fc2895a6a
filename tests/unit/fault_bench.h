/* One fault on the bench, without a core: units are put before it, its timers come when the test
 * says so, and each verb it calls is written down in words. A test is an arrangement, an act and a
 * check:
 *
 *     struct bench *b = bench_new("drop: {direction: both}");
 *     bench_start(b);
 *     bench_bytes(b, TO_SERVER, "abc");
 *     CHECK_STR(bench_did(b), "drop");
 *     bench_free(b);
 *
 * Units reach the fault as the core would bring them: only in its directions, heads and frames to
 * on_bytes where it has no hook of its own, frames whole up to its whole_frames, payload to the
 * verb of its frame. What no hook looks at passes. */
#ifndef HALFOPEN_TESTS_FAULT_BENCH_H
#define HALFOPEN_TESTS_FAULT_BENCH_H

#include "core/plan.h"
#include "fault/fault.h"

/* A unit the fault wants to be asked about later, and those behind it. */
struct bench_unit {
    struct unit unit;
    struct bench_unit *next;
};

struct bench {
    struct fault fault;
    const struct fault_step *step; /* label, connections and duration as the YAML said */
    nsec now, wake;                /* wake: what the fault asked for last; NEVER: nothing */
    bool no_room;                  /* inject says false */
    bool amid;                     /* between says false: inside a frame or a message */
    unsigned connections;          /* what fault_connections answers */
    bool open;                     /* what fault_is_open answers */
    struct bench_unit *waiting[DIRS];
    nsec ask_at[DIRS];
    bool asked_later;
    struct plan *plan;
    struct text did, told;
};

/* A fault as one step of a scenario, read by the real loader; options of the step may stand among
 * its parameters. Aborts with the loader's words when it does not load. */
struct bench *bench_new(const char *yaml);
void bench_free(struct bench *);

/* The moments of a fault's life. */
void bench_start(struct bench *);       /* begins on a connection that exists */
void bench_open(struct bench *);        /* the WebSocket opened, or was open when it began */
void bench_attempt(struct bench *);     /* a connection was accepted, nothing read */
void bench_unreachable(struct bench *); /* the server is not there */
void bench_stop(struct bench *);        /* cleared */
void bench_traffic(struct bench *, enum dir);
/* Moves the clock there; on_timer comes at each wake on the way, and units that wait to be asked
 * about are put before it again. */
void bench_until(struct bench *, nsec now);

/* Units. Texts end at their NUL; the _len forms take any bytes. */
void bench_bytes(struct bench *, enum dir, const char *text);
void bench_bytes_len(struct bench *, enum dir, const void *bytes, size_t len);
void bench_head(struct bench *, enum dir, const char *head);    /* a whole HTTP head */
void bench_upgrade(struct bench *, enum dir, const char *head); /* the same, of the handshake */
/* A final frame, masked towards the server. Pings and pongs are what they are, a text of "ping" or
 * "pong" is an application heartbeat, anything else is not. */
void bench_frame(struct bench *, enum dir, uint8_t opcode, const char *payload);
void bench_frame_len(struct bench *, enum dir, uint8_t opcode, const void *payload, size_t len);
/* The same, final or with more frames of its message to follow. A fault on messages is asked in a
 * core only for the first. */
enum bench_place { FINAL, MORE_FOLLOW };
void bench_fragment(struct bench *, enum dir, uint8_t opcode, enum bench_place, const void *payload,
                    size_t len);
void bench_end(struct bench *, enum dir, enum cut how); /* the source ended its direction */

/* What it did since the last call: "" or verbs joined by "; ", each unit's verb among them. Valid
 * until the next call. After a split a verb has the length of its part behind it, "pass(3)". The
 * words: "pass", "drop", "hold until 2s", "wait until 2s", "end to_client fin", "set_aside until
 * 5s", "hang until 20s" ("... for ever"), "refuse rst", "replace 'text'", "respond 'text'", "inject
 * to_client 'text'" (bytes not printable as \xff), "inject to_client 'text' at 3s", "inject
 * refused", "put_back to_client", "let_go to_client", "cut client rst", "stall to_server on",
 * "deafen client 0.5", "tls alert 40". */
const char *bench_did(struct bench *);

#endif

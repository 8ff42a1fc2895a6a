/* Faults at work in the real core, with endpoints that are a few lines of the test: what each of
 * them sees, and when, is written down in words. For what the bench of one fault cannot show: order
 * between faults, release when one ends, back-pressure, ends.
 *
 *     struct session_bench *b = session_bench_new("- latency: {delay: 1s}\n  - wait: 60s");
 *     session_bench_accept(b, 0);        connection 0, connected to the server
 *     session_bench_open(b, 0);          its handshake
 *     session_bench_start(b);            the first step
 *     session_bench_send(b, 0, SIDE_CLIENT, "\x81\x01" "a");
 *     session_bench_until(b, NSEC_PER_SEC);
 *     CHECK_STR(session_bench_saw(b), "1s server0 '\\x81\\x01a'");
 *     session_bench_free(b); */
#ifndef HALFOPEN_TESTS_SESSION_BENCH_H
#define HALFOPEN_TESTS_SESSION_BENCH_H

#include "core/run.h"

#define SESSION_BENCH_LINKS 8

struct session_bench;

struct session_bench_link {
    struct session_bench *bench;
    struct session *session; /* NULL: over */
    size_t room[3];          /* by enum side: bytes it still takes; at first all there are */
    uint64_t seen[3];        /* bytes it was given */
    uint8_t *copies[3];      /* instead of written down: what a side gets is put there; NULL: no */
    bool connecting, quiet;  /* quiet: only counted, not written down */
};

struct session_bench {
    struct plan *plan;
    struct recorder *recorder;
    struct run *run;
    struct session_bench_link links[SESSION_BENCH_LINKS];
    nsec now;
    bool mute;                    /* nothing is written down */
    struct text saw, told, trace; /* trace: the events, JSON lines */
};

/* The steps as in a scenario, the first one unindented. Aborts with the loader's words. */
struct session_bench *session_bench_new(const char *steps);
/* NULL: the steps do not load. */
struct session_bench *session_bench_try(const char *steps);
void session_bench_free(struct session_bench *);
void session_bench_start(struct session_bench *);

void session_bench_accept(struct session_bench *, size_t link); /* link: 0, 1, ... */
/* The handshake of a WebSocket, of which nothing is written down. */
void session_bench_open(struct session_bench *, size_t link);
void session_bench_send(struct session_bench *, size_t link, enum side from, const char *text);
void session_bench_send_len(struct session_bench *, size_t link, enum side from, const void *,
                            size_t);
void session_bench_end(struct session_bench *, size_t link, enum side from, enum cut how);
/* It takes so many bytes more. */
void session_bench_take(struct session_bench *, size_t link, enum side, size_t room);
bool session_bench_is_read(struct session_bench *, size_t link, enum side from);
/* Moves the clock, from deadline to deadline. */
void session_bench_until(struct session_bench *, nsec now);
/* The same, at most so many deadlines far. false: the core does not get beyond an instant. */
bool session_bench_try_until(struct session_bench *, nsec now, size_t deadlines);

/* Since the last call: "1s server0 'abc'; 2s client0 rst; 2s connect1; 3s over0". The side stands
 * for the endpoint that sees it. Valid until the next call. */
const char *session_bench_saw(struct session_bench *);
/* Whether an event holds all of these words, as in "\"ev\":\"tcp.shut\"", "\"by\":\"fault\"". */
bool session_bench_told(struct session_bench *, const char *event, const char *words);

#endif

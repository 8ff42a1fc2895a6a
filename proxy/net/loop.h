/* The event loop: libev for sockets, one absolute timerfd fed from one heap for every deadline (an
 * ev_timer is a millisecond coarse), one auxiliary epoll set for the ends of sockets nobody reads,
 * and an end of turn at which everything that was touched settles. One loop serves all runs of a
 * program. Times here are real (CLOCK_MONOTONIC) unless they say target. */
#ifndef HALFOPEN_NET_LOOP_H
#define HALFOPEN_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "base/deadline.h"
#include "base/nsec.h"

#define LOOP_SCRATCH_BYTES ((size_t)128 << 10)

/* Target time (the endpoints' own, from 0 at the start of a run) out of real time. */
struct clock {
    nsec start; /* real */
    double speed;
};

nsec clock_target(const struct clock *, nsec real);
/* The first real instant at which clock_target has reached that; NEVER stays NEVER. */
nsec clock_real(const struct clock *, nsec target);

/* Embedded in what waits; the owner keeps it alive until it is unset. */
struct timer {
    struct deadline deadline; /* must stay first */
    void (*on_due)(struct timer *, nsec now);
};

/* Something that is settled at the end of a turn it was touched in. Embedded; zeroed before first
 * use. */
struct turn {
    void (*on_turn)(struct turn *);
    struct turn *next, *previous;
};

/* The end of a socket nobody reads. events: EPOLLRDHUP, EPOLLHUP, EPOLLERR. May be called for a
 * socket that was unwatched in this turn: the memory must live to the end of the turn. */
struct ending {
    void (*on_ending)(struct ending *, uint32_t events);
};

struct loop;

struct loop *loop_new(void); /* NULL: errno says why */
void loop_free(struct loop *);
struct ev_loop *loop_ev(struct loop *);
/* Until loop_stop. Everything touched has settled when it returns. */
void loop_run(struct loop *);
void loop_stop(struct loop *);
/* SIGINT, SIGTERM and SIGCHLD; at most one listener for each (NULL: none). on_signal is called in a
 * turn. */
void loop_on_signal(struct loop *, int number, void (*on_signal)(void *context, int number),
                    void *context);

nsec loop_now(void); /* CLOCK_MONOTONIC, read afresh */
/* Sets, moves or (NEVER) unsets. A timer that is due is unset before on_due. */
void loop_timer_set(struct loop *, struct timer *, nsec real);
bool loop_timer_is_set(const struct timer *);
void loop_touch(struct loop *, struct turn *); /* once a turn, however often it is called */
void loop_untouch(struct turn *);              /* before its memory goes away */
/* Edge-triggered; false: errno says why. */
bool loop_watch_ending(struct loop *, int fd, struct ending *);
void loop_unwatch_ending(struct loop *, int fd);
/* Two shared buffers of LOOP_SCRATCH_BYTES: what was just read, and what it decrypts to. Their
 * contents last until the callback returns. */
uint8_t *loop_scratch(struct loop *);
uint8_t *loop_scratch_plain(struct loop *);

#endif

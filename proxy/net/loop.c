#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define ENDINGS_PER_TURN 64
#define DUE_PER_TURN     8 /* then sockets get their turn again */
#define SIGNALS          3

static const int signal_numbers[SIGNALS] = {SIGINT, SIGTERM, SIGCHLD};

struct signal_listener {
    ev_signal watcher;
    void (*on_signal)(void *context, int number);
    void *context;
};

struct loop {
    struct ev_loop *ev;
    struct deadlines deadlines;
    nsec armed; /* what the timerfd is set to; NEVER: off */
    int timer_fd, ending_fd;
    ev_io timer_io, ending_io;
    ev_prepare turn_end;
    struct turn touched; /* ring; itself is no turn */
    struct signal_listener signals[SIGNALS];
    uint8_t *scratch, *scratch_plain;
};

nsec loop_now(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(!failed);
    return (nsec)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* --- timers --- */

static void arm(struct loop *loop)
{
    nsec next = deadlines_next(&loop->deadlines);
    if (next == loop->armed)
        return;
    struct itimerspec when = {0};
    if (next != NEVER) {
        nsec at = nsec_max(next, 1); /* zero would switch it off */
        when.it_value.tv_sec = (time_t)(at / NSEC_PER_SEC);
        when.it_value.tv_nsec = (long)(at % NSEC_PER_SEC);
    }
    int failed = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    assert(!failed);
    loop->armed = next;
}

static void call_due(struct loop *loop)
{
    nsec now =
        loop_now(); /* taken once: a timer set to `now` by a handler waits for the next turn */
    struct deadline *due;
    while ((due = deadlines_pop_due(&loop->deadlines, now))) {
        struct timer *timer = (struct timer *)due;
        timer->on_due(timer, now);
    }
}

static void on_timer_fd(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct loop *loop = watcher->data;
    uint64_t firings;
    if (read(loop->timer_fd, &firings, sizeof firings) < 0)
        return; /* moved meanwhile: it fires again when it is due */
    loop->armed = NEVER;
    call_due(loop);
}

void loop_timer_set(struct loop *loop, struct timer *timer, nsec real)
{
    deadlines_set(&loop->deadlines, &timer->deadline, real);
}

bool loop_timer_is_set(const struct timer *timer)
{
    return timer->deadline.slot != 0;
}

/* --- the end of a turn --- */

void loop_touch(struct loop *loop, struct turn *turn)
{
    if (turn->next)
        return;
    turn->next = &loop->touched;
    turn->previous = loop->touched.previous;
    turn->previous->next = turn;
    loop->touched.previous = turn;
}

void loop_untouch(struct turn *turn)
{
    if (!turn->next)
        return;
    turn->next->previous = turn->previous;
    turn->previous->next = turn->next;
    turn->next = turn->previous = NULL;
}

static void call_touched(struct loop *loop)
{
    while (loop->touched.next != &loop->touched) {
        struct turn *turn = loop->touched.next;
        loop_untouch(turn);
        turn->on_turn(turn);
    }
}

static void settle(struct loop *loop)
{
    call_touched(loop);
    /* What became due meanwhile is done at once: to arm the timer for it takes longer. */
    for (int i = 0; i < DUE_PER_TURN && deadlines_next(&loop->deadlines) <= loop_now(); i++) {
        call_due(loop);
        call_touched(loop);
    }
    arm(loop);
}

static void on_turn_end(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    settle(watcher->data);
}

/* --- ends of sockets nobody reads --- */

static void on_ending_fd(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct loop *loop = watcher->data;
    struct epoll_event seen[ENDINGS_PER_TURN];
    int count = epoll_wait(loop->ending_fd, seen, ENDINGS_PER_TURN, 0);
    for (int i = 0; i < count; i++) {
        struct ending *ending = seen[i].data.ptr;
        ending->on_ending(ending, seen[i].events);
    }
}

bool loop_watch_ending(struct loop *loop, int fd, struct ending *ending)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = ending};
    return epoll_ctl(loop->ending_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void loop_unwatch_ending(struct loop *loop, int fd)
{
    /* Fails only for an fd that was never watched, which is what was wanted. */
    (void)epoll_ctl(loop->ending_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* --- signals --- */

static void on_ev_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    struct signal_listener *listener = watcher->data;
    listener->on_signal(listener->context, watcher->signum);
}

void loop_on_signal(struct loop *loop, int number, void (*on_signal)(void *context, int number),
                    void *context)
{
    size_t i = 0;
    while (signal_numbers[i] != number)
        assert(++i < SIGNALS);
    struct signal_listener *listener = &loop->signals[i];
    ev_signal_stop(loop->ev, &listener->watcher);
    listener->on_signal = on_signal;
    listener->context = context;
    if (on_signal)
        ev_signal_start(loop->ev, &listener->watcher);
}

/* --- life --- */

struct loop *loop_new(void)
{
    struct loop *loop = xcalloc(1, sizeof *loop);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    loop->ending_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    loop->touched.next = loop->touched.previous = &loop->touched;
    loop->armed = NEVER;
    deadlines_init(&loop->deadlines);
    if (loop->timer_fd < 0 || loop->ending_fd < 0 || !loop->ev) {
        int error = errno;
        loop_free(loop);
        errno = error;
        return NULL;
    }
    loop->scratch = xmalloc(LOOP_SCRATCH_BYTES);
    loop->scratch_plain = xmalloc(LOOP_SCRATCH_BYTES);
    ev_io_init(&loop->timer_io, on_timer_fd, loop->timer_fd, EV_READ);
    ev_io_init(&loop->ending_io, on_ending_fd, loop->ending_fd, EV_READ);
    ev_prepare_init(&loop->turn_end, on_turn_end);
    loop->timer_io.data = loop->ending_io.data = loop->turn_end.data = loop;
    for (size_t i = 0; i < SIGNALS; i++) {
        ev_signal_init(&loop->signals[i].watcher, on_ev_signal, signal_numbers[i]);
        loop->signals[i].watcher.data = &loop->signals[i];
    }
    /* Deadlines before bytes: what is due is done before what arrived at the same moment. */
    ev_set_priority(&loop->timer_io, 1);
    ev_io_start(loop->ev, &loop->timer_io);
    ev_io_start(loop->ev, &loop->ending_io);
    ev_prepare_start(loop->ev, &loop->turn_end);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    if (loop->ev) {
        ev_prepare_stop(loop->ev, &loop->turn_end);
        ev_io_stop(loop->ev, &loop->ending_io);
        ev_io_stop(loop->ev, &loop->timer_io);
        for (size_t i = 0; i < SIGNALS; i++)
            ev_signal_stop(loop->ev, &loop->signals[i].watcher);
        ev_loop_destroy(loop->ev);
    }
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    if (loop->ending_fd >= 0)
        close(loop->ending_fd);
    deadlines_fini(&loop->deadlines);
    free(loop->scratch);
    free(loop->scratch_plain);
    free(loop);
}

struct ev_loop *loop_ev(struct loop *loop)
{
    return loop->ev;
}

void loop_run(struct loop *loop)
{
    ev_run(loop->ev, 0);
    settle(loop);
}

void loop_stop(struct loop *loop)
{
    ev_break(loop->ev, EVBREAK_ALL);
}

uint8_t *loop_scratch(struct loop *loop)
{
    return loop->scratch;
}

uint8_t *loop_scratch_plain(struct loop *loop)
{
    return loop->scratch_plain;
}

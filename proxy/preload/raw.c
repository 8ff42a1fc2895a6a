/* System calls made by number, through syscall(): futexes above all (C++, Rust, JVMs), and what the
 * C library of the day had no wrapper for. Inline assembly goes past every preloaded library: such
 * programs are refused on other grounds (net/proof). */
#include <errno.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "preload/libc.h"
#include "preload/report.h"
#include "preload/scale.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

struct call {
    long number;
    long arguments[6];
};

static long pass(const struct call *c)
{
    const long *a = c->arguments;
    return libc()->syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static long pass_with(struct call c, int argument, const struct timespec *time)
{
    c.arguments[argument] = (long)time;
    return pass(&c);
}

/* FUTEX_WAIT takes a length of time, the others an instant; LOCK_PI always on the civil clock. In
 * the remaining operations the argument is no time at all. */
static long futex(const struct call *c)
{
    const struct timespec *timeout = (const struct timespec *)c->arguments[3];
    struct timespec real;
    int operation = (int)c->arguments[1];
    clockid_t clock = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return pass_with(*c, 3, scale_span(timeout, &real));
    case FUTEX_LOCK_PI:
        return pass_with(*c, 3, scale_deadline(CLOCK_REALTIME, timeout, &real));
    case FUTEX_WAIT_BITSET:
    case FUTEX_WAIT_REQUEUE_PI:
    case FUTEX_LOCK_PI2:
        return pass_with(*c, 3, scale_deadline(clock, timeout, &real));
    default:
        return pass(c);
    }
}

static long futex_waitv(const struct call *c)
{
    struct timespec real;
    const struct timespec *timeout = (const struct timespec *)c->arguments[3];
    return pass_with(*c, 3, scale_deadline((clockid_t)c->arguments[4], timeout, &real));
}

/* The kernel's argument has a size for the mask, the C library's function does not: only the time
 * is exchanged. */
static long span_at(const struct call *c, int argument)
{
    struct timespec real;
    const struct timespec *timeout = (const struct timespec *)c->arguments[argument];
    return pass_with(*c, argument, scale_span(timeout, &real));
}

static long deadline_at(const struct call *c, int argument)
{
    struct timespec real;
    const struct timespec *timeout = (const struct timespec *)c->arguments[argument];
    return pass_with(*c, argument, scale_deadline(CLOCK_REALTIME, timeout, &real));
}

static long sleep_on_clock(const struct call *c)
{
    const long *a = c->arguments;
    int error = clock_nanosleep((clockid_t)a[0], (int)a[1], (const struct timespec *)a[2],
                                (struct timespec *)a[3]);
    errno = error ? error : errno;
    return error ? -1 : 0;
}

/* A ring's own timeouts are entries in shared memory that nobody sees go by. */
static long enter_ring(const struct call *c)
{
    const struct io_uring_getevents_arg *extra =
        (const struct io_uring_getevents_arg *)c->arguments[4];
    if ((c->arguments[3] & IORING_ENTER_EXT_ARG) && extra && extra->ts)
        report_unhandled("io_uring_enter");
    return pass(c);
}

#ifdef SYS_poll
static long poll_for(const struct call *c)
{
    return poll((struct pollfd *)c->arguments[0], (nfds_t)c->arguments[1], (int)c->arguments[2]);
}
#endif

static long unscaled(const struct call *c, const char *name, int timed)
{
    if (timed)
        report_unhandled(name);
    return pass(c);
}

/* Calls that wait, and clocks. */
static long timed(const struct call *c)
{
    const long *a = c->arguments;
    switch (c->number) {
    case SYS_futex:
        return futex(c);
    case SYS_futex_waitv:
        return futex_waitv(c);
    case SYS_clock_nanosleep:
        return sleep_on_clock(c);
    case SYS_nanosleep:
        return nanosleep((const struct timespec *)a[0], (struct timespec *)a[1]);
    case SYS_epoll_pwait2:
        return span_at(c, 3);
    case SYS_ppoll:
    case SYS_rt_sigtimedwait:
        return span_at(c, 2);
    case SYS_semtimedop:
        return span_at(c, 3);
    case SYS_mq_timedsend:
    case SYS_mq_timedreceive:
        return deadline_at(c, 4);
    case SYS_io_uring_enter:
        return enter_ring(c);
    case SYS_epoll_pwait:
        return unscaled(c, "epoll_pwait by number", a[3] > 0);
    case SYS_pselect6:
        return unscaled(c, "pselect6 by number", a[4] != 0);
    case SYS_io_getevents:
        return unscaled(c, "io_getevents", a[4] != 0);
#ifdef SYS_poll
    case SYS_poll:
        return poll_for(c);
    case SYS_epoll_wait:
        return epoll_wait((int)a[0], (struct epoll_event *)a[1], (int)a[2], (int)a[3]);
    case SYS_select:
        return unscaled(c, "select by number", a[4] != 0);
#endif
    default:
        return pass(c);
    }
}

long syscall(long number, ...)
{
    struct call c = {.number = number};
    va_list rest;
    va_start(rest, number);
    for (int i = 0; i < 6; i++) /* the kernel ignores what a call does not take */
        c.arguments[i] = va_arg(rest, long);
    va_end(rest);
    const long *a = c.arguments;
    switch (number) {
    case SYS_clock_gettime:
        return clock_gettime((clockid_t)a[0], (struct timespec *)a[1]);
    case SYS_gettimeofday:
        return gettimeofday((struct timeval *)a[0], (void *)a[1]);
    case SYS_timerfd_settime:
        return timerfd_settime((int)a[0], (int)a[1], (const struct itimerspec *)a[2],
                               (struct itimerspec *)a[3]);
    case SYS_timerfd_gettime:
        return timerfd_gettime((int)a[0], (struct itimerspec *)a[1]);
#ifdef SYS_time
    case SYS_time:
        return time((time_t *)a[0]);
#endif
    default:
        return timed(&c);
    }
}

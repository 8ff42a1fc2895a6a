/* Waiting for descriptors, signals, messages. libfaketime scales the older of these, but cuts a
 * wait of few milliseconds to none and leaves a ppoll below a second as it is. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/libc.h"
#include "preload/report.h"
#include "preload/scale.h"

/* NULL: for ever. */
static const struct timespec *milliseconds(int timeout, struct timespec *span)
{
    if (timeout < 0)
        return NULL;
    *span = (struct timespec){.tv_sec = timeout / 1000, .tv_nsec = (timeout % 1000) * 1000000L};
    return span;
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec real;
    return libc()->ppoll(fds, count, scale_span(timeout, &real), mask);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct timespec span;
    return ppoll(fds, count, milliseconds(timeout, &span), NULL);
}

/* What programs built with _FORTIFY_SOURCE call. */
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *mask, size_t size);

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    if (size / sizeof *fds < count)
        __builtin_trap();
    return poll(fds, count, timeout);
}

int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                const sigset_t *mask, size_t size)
{
    if (size / sizeof *fds < count)
        __builtin_trap();
    return ppoll(fds, count, timeout, mask);
}

int pselect(int count, fd_set *restrict readable, fd_set *restrict writable,
            fd_set *restrict exceptional, const struct timespec *restrict timeout,
            const sigset_t *restrict mask)
{
    struct timespec real;
    return libc()->pselect(count, readable, writable, exceptional, scale_span(timeout, &real),
                           mask);
}

/* Linux leaves in timeout what was not slept. */
int select(int count, fd_set *restrict readable, fd_set *restrict writable,
           fd_set *restrict exceptional, struct timeval *restrict timeout)
{
    if (!timeout)
        return libc()->select(count, readable, writable, exceptional, NULL);
    report_handled();
    struct timeval real = scale_timeval(*timeout);
    int result = libc()->select(count, readable, writable, exceptional, &real);
    *timeout = scale_timeval_back(real);
    return result;
}

/* For kernels without epoll_pwait2 (before 5.11): milliseconds, rounded up. */
static int coarse_epoll(int epfd, struct epoll_event *events, int room, const struct timespec *real,
                        const sigset_t *mask)
{
    int64_t timeout = -1;
    if (real)
        timeout = real->tv_sec * INT64_C(1000) + (real->tv_nsec + 999999) / 1000000;
    return libc()->epoll_pwait(epfd, events, room, (int)(timeout < INT32_MAX ? timeout : INT32_MAX),
                               mask);
}

int epoll_pwait2(int epfd, struct epoll_event *events, int room, const struct timespec *timeout,
                 const sigset_t *mask)
{
    struct timespec space;
    const struct timespec *real = scale_span(timeout, &space);
    int saved = errno;
    if (libc()->epoll_pwait2) {
        int result = libc()->epoll_pwait2(epfd, events, room, real, mask);
        if (result >= 0 || errno != ENOSYS)
            return result;
        errno = saved;
    }
    return coarse_epoll(epfd, events, room, real, mask);
}

int epoll_pwait(int epfd, struct epoll_event *events, int room, int timeout, const sigset_t *mask)
{
    struct timespec span;
    return epoll_pwait2(epfd, events, room, milliseconds(timeout, &span), mask);
}

int epoll_wait(int epfd, struct epoll_event *events, int room, int timeout)
{
    return epoll_pwait(epfd, events, room, timeout, NULL);
}

int sigtimedwait(const sigset_t *restrict signals, siginfo_t *restrict what,
                 const struct timespec *restrict timeout)
{
    struct timespec real;
    return libc()->sigtimedwait(signals, what, scale_span(timeout, &real));
}

int mq_timedsend(mqd_t queue, const char *bytes, size_t len, unsigned priority,
                 const struct timespec *deadline)
{
    struct timespec real;
    return libc()->mq_timedsend(queue, bytes, len, priority,
                                scale_deadline(CLOCK_REALTIME, deadline, &real));
}

ssize_t mq_timedreceive(mqd_t queue, char *restrict bytes, size_t room, unsigned *restrict priority,
                        const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->mq_timedreceive(queue, bytes, room, priority,
                                   scale_deadline(CLOCK_REALTIME, deadline, &real));
}

int semtimedop(int set, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
    struct timespec real;
    return libc()->semtimedop(set, operations, count, scale_span(timeout, &real));
}

int aio_suspend(const struct aiocb *const list[], int count, const struct timespec *timeout)
{
    struct timespec real;
    return libc()->aio_suspend(list, count, scale_span(timeout, &real));
}

/* The C library's own functions, found past libfaketime. What this library scales it hands straight
 * to these, so no call is scaled twice: glibc's functions reach each other and the kernel inside
 * glibc, never through an interposed name. */
#ifndef HALFOPEN_PRELOAD_LIBC_H
#define HALFOPEN_PRELOAD_LIBC_H

#include <aio.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
#define LIBC_FUNCTIONS(F) \
    F(clock_gettime) F(syscall) F(nanosleep) F(clock_nanosleep) F(thrd_sleep) F(poll) F(ppoll) \
    F(select) F(pselect) F(epoll_pwait) F(epoll_pwait2) F(sigtimedwait) F(mq_timedsend) \
    F(mq_timedreceive) F(semtimedop) F(recvmmsg) F(aio_suspend) F(setsockopt) F(getsockopt) \
    F(sem_timedwait) F(sem_clockwait) F(pthread_cond_timedwait) F(pthread_cond_clockwait) \
    F(pthread_mutex_timedlock) F(pthread_mutex_clocklock) F(pthread_rwlock_timedrdlock) \
    F(pthread_rwlock_timedwrlock) F(pthread_rwlock_clockrdlock) F(pthread_rwlock_clockwrlock) \
    F(pthread_timedjoin_np) F(pthread_clockjoin_np) F(cnd_timedwait) F(mtx_timedlock) \
    F(timerfd_settime) F(timerfd_gettime) F(timer_settime) F(timer_gettime) F(setitimer) \
    F(getitimer) F(sem_unlink) F(shm_unlink)
/* clang-format on */

struct libc {
#define LIBC_FIELD(name) __typeof__(name) *name;
    LIBC_FUNCTIONS(LIBC_FIELD)
#undef LIBC_FIELD
};

#pragma GCC visibility push(hidden)

/* Resolved on first use: other libraries' constructors may call us before ours has run. A function
 * this C library does not have is NULL. */
const struct libc *libc(void);

#pragma GCC visibility pop

#endif

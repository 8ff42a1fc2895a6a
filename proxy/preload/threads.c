/* Waiting for other threads: semaphores, condition variables, locks, joins. */
#include <stddef.h>

#include "preload/libc.h"
#include "preload/scale.h"

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->sem_timedwait(sem, scale_deadline(CLOCK_REALTIME, deadline, &real));
}

int sem_clockwait(sem_t *restrict sem, clockid_t clock, const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->sem_clockwait(sem, clock, scale_deadline(clock, deadline, &real));
}

/* glibc since 2.25 keeps the clock of a condition variable in a bit of its waiter word. Asking
 * there, rather than remembering pthread_cond_init as libfaketime does, survives memory that is
 * used again. */
static clockid_t clock_of(const pthread_cond_t *cond)
{
    return cond->__data.__wrefs & 2u ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_cond_timedwait(cond, mutex,
                                          scale_deadline(clock_of(cond), deadline, &real));
}

int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           clockid_t clock, const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_cond_clockwait(cond, mutex, clock,
                                          scale_deadline(clock, deadline, &real));
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                            const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_mutex_timedlock(mutex, scale_deadline(CLOCK_REALTIME, deadline, &real));
}

int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                            const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_mutex_clocklock(mutex, clock, scale_deadline(clock, deadline, &real));
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock,
                               const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_rwlock_timedrdlock(lock,
                                              scale_deadline(CLOCK_REALTIME, deadline, &real));
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock,
                               const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_rwlock_timedwrlock(lock,
                                              scale_deadline(CLOCK_REALTIME, deadline, &real));
}

int pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict lock, clockid_t clock,
                               const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_rwlock_clockrdlock(lock, clock, scale_deadline(clock, deadline, &real));
}

int pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict lock, clockid_t clock,
                               const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->pthread_rwlock_clockwrlock(lock, clock, scale_deadline(clock, deadline, &real));
}

int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *deadline)
{
    struct timespec real;
    return libc()->pthread_timedjoin_np(thread, result,
                                        scale_deadline(CLOCK_REALTIME, deadline, &real));
}

int pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
                         const struct timespec *deadline)
{
    struct timespec real;
    return libc()->pthread_clockjoin_np(thread, result, clock,
                                        scale_deadline(clock, deadline, &real));
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
                  const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->cnd_timedwait(cond, mutex, scale_deadline(CLOCK_REALTIME, deadline, &real));
}

int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict deadline)
{
    struct timespec real;
    return libc()->mtx_timedlock(mutex, scale_deadline(CLOCK_REALTIME, deadline, &real));
}

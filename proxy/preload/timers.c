/* Timers that go off later. An absolute deadline is set as the time that is left until it: that
 * needs no knowledge of the timer's clock, since libfaketime's clocks of elapsed and of civil time
 * advance together. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "preload/libc.h"
#include "preload/report.h"
#include "preload/scale.h"

static bool is_zero(const struct timespec *t)
{
    return t->tv_sec == 0 && t->tv_nsec == 0;
}

/* A zero would disarm the timer: a deadline that has passed goes off at once. */
static struct timespec at_least_something(struct timespec t)
{
    return is_zero(&t) ? (struct timespec){.tv_nsec = 1} : t;
}

static struct timespec span(struct timespec faked)
{
    struct timespec real;
    return *scale_span(&faked, &real);
}

/* libfaketime puts every clock on the epoch of civil time, so one of them will do. */
static struct timespec left(struct timespec deadline)
{
    return at_least_something(scale_left(CLOCK_MONOTONIC, &deadline));
}

static struct itimerspec scaled(const struct itimerspec *faked, bool absolute)
{
    struct itimerspec real = {.it_interval = span(faked->it_interval)};
    if (is_zero(&faked->it_value) || faked->it_value.tv_nsec >= 1000000000)
        real.it_value = faked->it_value; /* disarms, or is refused */
    else
        real.it_value = absolute ? left(faked->it_value) : span(faked->it_value);
    return real;
}

static void stretch(struct itimerspec *t)
{
    t->it_interval = scale_span_back(t->it_interval);
    t->it_value = scale_span_back(t->it_value);
}

/* Without a speed absolute deadlines keep their clock and TFD_TIMER_CANCEL_ON_SET its meaning. */
int timerfd_settime(int fd, int flags, const struct itimerspec *wanted, struct itimerspec *before)
{
    if (scale_speed() == 1 || !wanted)
        return libc()->timerfd_settime(fd, flags, wanted, before);
    struct itimerspec real = scaled(wanted, flags & TFD_TIMER_ABSTIME);
    int others = flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
    int result = libc()->timerfd_settime(fd, others, &real, before);
    if (result == 0 && before)
        stretch(before);
    return result;
}

int timerfd_gettime(int fd, struct itimerspec *current)
{
    int result = libc()->timerfd_gettime(fd, current);
    if (result == 0)
        stretch(current);
    return result;
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *wanted,
                  struct itimerspec *before)
{
    if (scale_speed() == 1 || !wanted)
        return libc()->timer_settime(timer, flags, wanted, before);
    struct itimerspec real = scaled(wanted, flags & TIMER_ABSTIME);
    int result = libc()->timer_settime(timer, flags & ~TIMER_ABSTIME, &real, before);
    if (result == 0 && before)
        stretch(before);
    return result;
}

int timer_gettime(timer_t timer, struct itimerspec *current)
{
    int result = libc()->timer_gettime(timer, current);
    if (result == 0)
        stretch(current);
    return result;
}

/* The other two kinds count CPU time, which passes as it does. */
int setitimer(__itimer_which_t which, const struct itimerval *restrict wanted,
              struct itimerval *restrict before)
{
    if (which != ITIMER_REAL || !wanted)
        return libc()->setitimer(which, wanted, before);
    report_handled();
    struct itimerval real = {.it_interval = scale_timeval(wanted->it_interval),
                             .it_value = scale_timeval(wanted->it_value)};
    int result = libc()->setitimer(which, &real, before);
    if (result == 0 && before) {
        before->it_interval = scale_timeval_back(before->it_interval);
        before->it_value = scale_timeval_back(before->it_value);
    }
    return result;
}

int getitimer(__itimer_which_t which, struct itimerval *current)
{
    int result = libc()->getitimer(which, current);
    if (result == 0 && which == ITIMER_REAL) {
        current->it_interval = scale_timeval_back(current->it_interval);
        current->it_value = scale_timeval_back(current->it_value);
    }
    return result;
}

/* libfaketime divides whole seconds: a fifth of a second becomes no alarm at all. */
unsigned alarm(unsigned seconds)
{
    struct itimerval wanted = {.it_value.tv_sec = seconds};
    struct itimerval before = {0};
    if (setitimer(ITIMER_REAL, &wanted, &before) != 0)
        return 0;
    return (unsigned)before.it_value.tv_sec + (before.it_value.tv_usec > 0);
}

useconds_t ualarm(useconds_t delay, useconds_t interval)
{
    struct itimerval wanted = {
        .it_value = {.tv_sec = delay / 1000000, .tv_usec = delay % 1000000},
        .it_interval = {.tv_sec = interval / 1000000, .tv_usec = interval % 1000000}};
    struct itimerval before = {0};
    if (setitimer(ITIMER_REAL, &wanted, &before) != 0)
        return (useconds_t)-1;
    return (useconds_t)(before.it_value.tv_sec * 1000000 + before.it_value.tv_usec);
}

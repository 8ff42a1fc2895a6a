/* Between the time a program sees (libfaketime's) and the time the kernel keeps. An absolute
 * deadline becomes real now plus what was left of the faked time divided by the speed. Everything
 * is rounded so that a program never wakes before its own clock says so. */
#ifndef HALFOPEN_PRELOAD_SCALE_H
#define HALFOPEN_PRELOAD_SCALE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#pragma GCC visibility push(hidden)

double scale_speed(void); /* 1 until the clock was seen to run faster */
void scale_set_speed(double);

/* For a deadline on that clock. Returns what to hand on: NULL for NULL, the argument itself when it
 * is no valid time (so that the C library refuses it in its own words), else *real. */
const struct timespec *scale_deadline(clockid_t, const struct timespec *faked,
                                      struct timespec *real);
/* What is left until a faked deadline, in real time; zero when it has passed. */
struct timespec scale_left(clockid_t, const struct timespec *faked);
/* For a length of time; returns like scale_deadline. */
const struct timespec *scale_span(const struct timespec *faked, struct timespec *real);
struct timespec scale_span_back(struct timespec real);
struct timeval scale_timeval(struct timeval faked);
struct timeval scale_timeval_back(struct timeval real);
/* false: a clock that does not measure time passing (CPU time), which nobody scales here. */
bool scale_knows(clockid_t);

#pragma GCC visibility pop

#endif

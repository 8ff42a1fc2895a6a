/* Timeouts that a socket keeps. SO_RCVTIMEO, SO_SNDTIMEO and TCP_USER_TIMEOUT are scaled;
 * keep-alive counts in whole seconds and is only reported. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>

#include "preload/libc.h"
#include "preload/report.h"
#include "preload/scale.h"

static bool is_timeout(int level, int option)
{
    return level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO);
}

static bool is_user_timeout(int level, int option)
{
    return level == IPPROTO_TCP && option == TCP_USER_TIMEOUT;
}

static unsigned milliseconds(struct timeval t)
{
    return (unsigned)(t.tv_sec * 1000 + (t.tv_usec + 999) / 1000);
}

static struct timeval timeval(unsigned count)
{
    return (struct timeval){.tv_sec = count / 1000, .tv_usec = count % 1000 * 1000};
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
    if (is_timeout(level, option) && value && len >= sizeof(struct timeval)) {
        struct timeval real = scale_timeval(*(const struct timeval *)value);
        report_handled();
        return libc()->setsockopt(fd, level, option, &real, sizeof real);
    }
    if (is_user_timeout(level, option) && value && len >= sizeof(unsigned)) {
        unsigned real = milliseconds(scale_timeval(timeval(*(const unsigned *)value)));
        report_handled();
        return libc()->setsockopt(fd, level, option, &real, sizeof real);
    }
    if (level == IPPROTO_TCP && (option == TCP_KEEPIDLE || option == TCP_KEEPINTVL))
        report_kernel("TCP keep-alive");
    return libc()->setsockopt(fd, level, option, value, len);
}

int getsockopt(int fd, int level, int option, void *restrict value, socklen_t *restrict len)
{
    int result = libc()->getsockopt(fd, level, option, value, len);
    if (result != 0 || !value || !len)
        return result;
    if (is_timeout(level, option) && *len >= sizeof(struct timeval))
        *(struct timeval *)value = scale_timeval_back(*(struct timeval *)value);
    else if (is_user_timeout(level, option) && *len >= sizeof(unsigned))
        *(unsigned *)value = milliseconds(scale_timeval_back(timeval(*(unsigned *)value)));
    return result;
}

/* The kernel leaves in timeout what remained. */
int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)
{
    struct timespec real;
    const struct timespec *scaled = scale_span(timeout, &real);
    if (scaled != &real)
        return libc()->recvmmsg(fd, messages, count, flags, timeout);
    int result = libc()->recvmmsg(fd, messages, count, flags, &real);
    *timeout = scale_span_back(real);
    return result;
}

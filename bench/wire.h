/* What the two ends of the benchmark share: sockets, the upgrade, frames with a mask of zero.
 * Written to be quick and to trust each other; nothing here is meant for a real peer. */
#ifndef HALFOPEN_BENCH_WIRE_H
#define HALFOPEN_BENCH_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 10)    /* payload of a bulk frame, and one read */
#define HEAD_BYTES  10                    /* of an unmasked frame that long */
#define SMALL_BYTES 64                    /* payload of a round trip */
#define SMALL_UP    (2 + 4 + SMALL_BYTES) /* masked */
#define SMALL_DOWN  (2 + SMALL_BYTES)

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void watch(int set, int op, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(set, op, fd, &event) != 0)
        die("epoll_ctl");
}

static inline void at_once(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* All of it, or the end of the program: small writes that always fit. */
static inline void send_all(int fd, const void *bytes, size_t len)
{
    if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
        die("send");
}

/* A binary frame of PIECE_BYTES; masked: with a mask of zero. Returns its length. */
static inline size_t bulk_frame(uint8_t *out, bool masked)
{
    size_t at = 0;
    out[at++] = 0x82;
    out[at++] = (uint8_t)((masked ? 0x80 : 0) | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
        out[at++] = (uint8_t)((uint64_t)PIECE_BYTES >> shift);
    for (int i = 0; masked && i < 4; i++)
        out[at++] = 0;
    memset(out + at, 'x', PIECE_BYTES);
    return at + PIECE_BYTES;
}

#endif

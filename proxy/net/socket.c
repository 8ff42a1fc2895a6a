#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HELD_BYTES   (64 << 10)
#define SHRUNK_BYTES (64 << 10) /* the kernel accounts twice that, for its own overhead */

#define DRAIN_LIMIT ((size_t)8 << 20)

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

const char *socket_resolve(const char *host, uint16_t port, struct addresses *out)
{
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    out->count = 0;
    int failed = getaddrinfo(host, service, &hints, &found);
    if (failed)
        return gai_strerror(failed);
    for (struct addrinfo *i = found; i && out->count < SOCKET_ADDRESSES_LIMIT; i = i->ai_next) {
        struct address *address = &out->list[out->count++];
        memset(address, 0, sizeof *address);
        memcpy(&address->sockaddr, i->ai_addr, i->ai_addrlen);
        address->len = i->ai_addrlen;
    }
    freeaddrinfo(found);
    return NULL;
}

static uint16_t port_of(const struct address *address)
{
    if (address->sockaddr.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->sockaddr)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address->sockaddr)->sin_port);
}

bool socket_resolver_gives(const char *host, int family)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *found = NULL;
    bool given = false;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    for (const struct addrinfo *i = found; i; i = i->ai_next)
        given = given || i->ai_family == family;
    freeaddrinfo(found);
    return given;
}

static void set_option(int fd, int level, int option, int value)
{
    /* Failing to tune a socket is no reason to refuse it. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static int new_socket(const struct address *address)
{
    return socket(address->sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int close_keeping_errno(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int bound_socket(const struct address *address)
{
    int fd = new_socket(address);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->sockaddr.ss_family == AF_INET6)
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (bind(fd, (const struct sockaddr *)&address->sockaddr, address->len))
        return close_keeping_errno(fd);
    return fd;
}

/* A port that the kernel chose is lost when the socket stops listening, one that was asked for
 * stays: what it chose is asked for by a second socket. */
static int bound_to_stay(const struct address *address)
{
    struct address chosen = {.len = sizeof chosen.sockaddr};
    int scout = bound_socket(address);
    if (scout < 0)
        return -1;
    if (getsockname(scout, (struct sockaddr *)&chosen.sockaddr, &chosen.len))
        return close_keeping_errno(scout);
    int fd = bound_socket(&chosen);
    (void)close_keeping_errno(scout);
    return fd;
}

int socket_listen(const struct address *address)
{
    int fd = port_of(address) == 0 ? bound_to_stay(address) : bound_socket(address);
    if (fd >= 0 && listen(fd, SOCKET_BACKLOG))
        return close_keeping_errno(fd);
    return fd;
}

bool socket_refuse(int listener)
{
    return shutdown(listener, SHUT_RDWR) == 0;
}

bool socket_listen_again(int listener)
{
    return listen(listener, SOCKET_BACKLOG) == 0;
}

int socket_connect(const struct address *address)
{
    int fd = new_socket(address);
    if (fd < 0)
        return -1;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (connect(fd, (const struct sockaddr *)&address->sockaddr, address->len) &&
        errno != EINPROGRESS)
        return close_keeping_errno(fd);
    return fd;
}

int socket_accept(int listener, struct address *peer)
{
    memset(peer, 0, sizeof *peer);
    peer->len = sizeof peer->sockaddr;
    int fd = accept4(listener, (struct sockaddr *)&peer->sockaddr, &peer->len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return fd;
}

int socket_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
        return errno;
    return error;
}

int socket_family(int fd)
{
    struct address own = {.len = sizeof own.sockaddr};
    if (getsockname(fd, (struct sockaddr *)&own.sockaddr, &own.len))
        return 0;
    return own.sockaddr.ss_family;
}

uint16_t socket_port(int fd)
{
    struct address own = {.len = sizeof own.sockaddr};
    if (getsockname(fd, (struct sockaddr *)&own.sockaddr, &own.len))
        return 0;
    return port_of(&own);
}

const char *socket_connect_words(int error)
{
    switch (error) {
    case ECONNREFUSED:
        return "refused";
    case ETIMEDOUT:
        return "timeout";
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
        return "unreachable";
    case ECONNRESET:
        return "reset";
    default:
        return "error";
    }
}

const char *socket_family_text(const struct address *address)
{
    return address->sockaddr.ss_family == AF_INET6 ? "ipv6" : "ipv4";
}

void socket_peer_text(const struct address *address, char out[SOCKET_PEER_BYTES])
{
    bool v6 = address->sockaddr.ss_family == AF_INET6;
    const void *bytes =
        v6 ? (const void *)&((const struct sockaddr_in6 *)&address->sockaddr)->sin6_addr
           : (const void *)&((const struct sockaddr_in *)&address->sockaddr)->sin_addr;
    char host[INET6_ADDRSTRLEN] = "";
    if (!inet_ntop(address->sockaddr.ss_family, bytes, host, sizeof host))
        snprintf(host, sizeof host, "unknown");
    snprintf(out, SOCKET_PEER_BYTES, v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port_of(address));
}

enum io_result socket_read(int fd, void *bytes, size_t len, size_t *got)
{
    ssize_t n = recv(fd, bytes, len, 0);
    *got = n > 0 ? (size_t)n : 0;
    if (n > 0)
        return IO_OK;
    if (n == 0)
        return IO_EOF;
    if (errno == EAGAIN || errno == EINTR)
        return IO_WANT_READ;
    return io_from_errno(errno);
}

enum io_result socket_write(int fd, const void *bytes, size_t len, size_t *took)
{
    ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
    *took = n > 0 ? (size_t)n : 0;
    if (n >= 0)
        return IO_OK;
    if (errno == EAGAIN || errno == EINTR)
        return IO_WANT_WRITE;
    return io_from_errno(errno);
}

void socket_finish(int fd)
{
    char scratch[4096];
    for (size_t left = DRAIN_LIMIT; left >= sizeof scratch; left -= sizeof scratch)
        if (recv(fd, scratch, sizeof scratch, MSG_DONTWAIT) <= 0)
            break;
    close(fd);
}

void socket_reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

void socket_keepalive(int fd, nsec patience)
{
    int third = (int)(patience / NSEC_PER_SEC / 3);
    third = third > 0 ? third : 1;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, third);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, third);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(patience / NSEC_PER_MSEC));
}

static size_t receive_buffer(int fd)
{
    int bytes = 0;
    socklen_t len = sizeof bytes;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len))
        return 0;
    return (size_t)bytes;
}

void socket_hold_window(int fd, bool held)
{
    set_option(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, held ? HELD_BYTES : INT_MAX / 2);
}

size_t socket_shrink(int fd, size_t *before)
{
    *before = receive_buffer(fd);
    int wanted = SHRUNK_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted))
        return 0;
    return receive_buffer(fd);
}

void socket_unshrink(int fd, size_t before)
{
    set_option(fd, SOL_SOCKET, SO_RCVBUF, (int)(before / 2));
    set_option(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
}

/* TCP sockets: made, asked, ended. All are non-blocking and closed on exec. */
#ifndef HALFOPEN_NET_SOCKET_H
#define HALFOPEN_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/nsec.h"
#include "net/io.h"

#define SOCKET_ADDRESSES_LIMIT 8
#define SOCKET_BACKLOG         1024
#define SOCKET_PEER_BYTES      64

struct address {
    struct sockaddr_storage sockaddr;
    socklen_t len;
};

struct addresses {
    struct address list[SOCKET_ADDRESSES_LIMIT];
    size_t count;
};

/* Blocks while the system resolves names; addresses are taken as they are. NULL: done; else why
 * not. */
const char *socket_resolve(const char *host, uint16_t port, struct addresses *);
/* A program that asks for the addresses of that name gets one of this family (AF_INET, AF_INET6),
 * also when it leaves out families that this machine has on loopback alone. Blocks likewise. */
bool socket_resolver_gives(const char *host, int family);
/* Each returns an fd, or -1 with errno. */
int socket_listen(const struct address *);
int socket_connect(const struct address *); /* begins; writable when there is an outcome */
int socket_accept(int listener, struct address *peer);

/* Its port stays bound and connects to it are refused, until it listens again. What was not
 * accepted is reset. false: errno. */
bool socket_refuse(int listener);
bool socket_listen_again(int listener);

int socket_error(int fd); /* takes SO_ERROR; 0: none */
uint16_t socket_port(int fd);
int socket_family(int fd); /* AF_INET or AF_INET6; 0: errno */
/* Outcome of a connect in the words of tcp.connect: refused, timeout, unreachable or error. */
const char *socket_connect_words(int error);
/* "127.0.0.1:4711", "[::1]:4711" */
void socket_peer_text(const struct address *, char out[SOCKET_PEER_BYTES]);
const char *socket_family_text(const struct address *); /* ipv4 or ipv6 */

/* TCP gives the connection up when nothing was acknowledged for `patience` (at least 3 s), probing
 * twice meanwhile. */
void socket_keepalive(int fd, nsec patience);

/* At most len bytes; IO_OK with *got > 0, IO_WANT_READ, IO_EOF or how it ended. */
enum io_result socket_read(int fd, void *bytes, size_t len, size_t *got);
/* IO_OK: *took of them, perhaps fewer than all; IO_WANT_WRITE: none. */
enum io_result socket_write(int fd, const void *bytes, size_t len, size_t *took);
void socket_reset(int fd); /* RST at once, and closed */
/* Closed with FIN: what was received is read first, since the kernel answers a close over unread
 * bytes with RST. The FIN is that of close(2), so that whatever comes after it meets an RST. */
void socket_finish(int fd);

/* While it is held no more than 64 KiB is promised, beside what was already. */
void socket_hold_window(int fd, bool held);
/* Smallest receive buffer, so that a window closes soon. Returns its size in bytes as the kernel
 * accounts it (*before: what it was); 0: errno. */
size_t socket_shrink(int fd, size_t *before);
void socket_unshrink(int fd, size_t before); /* gives it back to the kernel's own tuning */

#endif

/* What the kernel holds of a connection: ours by SIOCINQ, the peer's by sock_diag when its socket
 * is in the same network namespace. Loopback and local peers only; for others the kernel's limit is
 * the honest answer. */
#ifndef HALFOPEN_NET_QUEUES_H
#define HALFOPEN_NET_QUEUES_H

#include <stdbool.h>
#include <stdint.h>

struct queues_peer {
    int state;       /* TCP_ESTABLISHED and so on, <netinet/tcp.h> */
    uint64_t unsent; /* written by the peer and not ACKed by us */
    uint64_t unread; /* ACKed by the peer's kernel and not read by the peer */
};

uint64_t queues_unread(int fd); /* arrived and not read by us */
enum queues_found {
    QUEUES_UNKNOWN, /* the kernel could not be asked */
    QUEUES_ABSENT,  /* no such socket here: it is elsewhere, or gone */
    QUEUES_FOUND
};
/* The other end of our socket. */
enum queues_found queues_find_peer(int fd, struct queues_peer *);
bool queues_peer(int fd, struct queues_peer *); /* whether it is found */
uint64_t queues_send_limit(void);               /* the most a send buffer here grows to */

#endif

/* Which process of an endpoint a local TCP connection belongs to: /proc/net/tcp gives the socket's
 * inode, /proc/PID/fd who holds it. Only what is in our network namespace is seen. */
#ifndef HALFOPEN_NET_SOCKET_OWNER_H
#define HALFOPEN_NET_SOCKET_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/proctree.h"

#define SOCKET_OWNERS_LIMIT 64 /* a listening socket may be shared by forked workers */

struct socket_row {
    uint16_t local_port, remote_port;
    bool listening;
    uint64_t inode; /* 0: closed by its process, only the kernel keeps it */
};

/* One line of /proc/net/tcp or tcp6. false: the heading, or no such line. */
bool socket_owner_parse(const char *line, struct socket_row *);
/* "socket:[4711]", as a link in /proc/PID/fd reads; 0: no socket. */
uint64_t socket_owner_inode(const char *link);

/* The sockets of our network namespace at one moment, without those only the kernel keeps. Reading
 * it takes a tenth of a second on a machine that closes many connections: one serves several
 * questions. */
struct socket_table;
struct socket_table *socket_table_read(void);
void socket_table_free(struct socket_table *); /* NULL is allowed */

/* The processes of the tree that hold the endpoint's socket with this port on its side and that
 * port on the other; local_port 0: any; remote_port 0: the listening socket. Returns how many. */
size_t socket_owner_find(const struct socket_table *, const struct proctree *, uint16_t local_port,
                         uint16_t remote_port, pid_t owners[SOCKET_OWNERS_LIMIT]);

#endif

/* One connection through the driver: a session and its two sockets. Only driver.c and link.c use
 * this. */
#ifndef HALFOPEN_NET_LINK_H
#define HALFOPEN_NET_LINK_H

#include "net/driver.h"
#include "net/stream.h"

#define LINK_ANSWERS_LIMIT 8 /* in one turn; the oldest give way */

/* What became of an action. */
struct link_answer {
    const char *action, *answer; /* static */
    char *detail;
};

struct link {
    struct driver *driver;
    struct link *next, *previous;
    struct session *session; /* NULL: over, or not known yet */
    struct stream client, server;
    size_t window_before[2]; /* receive buffer before a stall: client, server */
    struct link_answer answers[LINK_ANSWERS_LIMIT]; /* for the end of the turn */
    size_t answer_count;
    struct timer lingering; /* over, and TLS has bytes left for a socket */
    struct turn turn;
    double deafness[2]; /* share of the segments of client, server that is to be lost */
    bool hanging, over, stalled[2];
    bool deafened[2];           /* the socket has that filter */
    bool peer_seen[2], told[2]; /* deafened: its socket was found here; its end was told */
};

/* What the driver gives its links. */
struct driver {
    struct loop *loop;
    struct run *run; /* NULL: stopped */
    struct driver_config config;
    struct clock clock;
    struct addresses upstreams[PLAN_BACKENDS_LIMIT];
    struct driver_upstream backends[PLAN_BACKENDS_LIMIT]; /* the first is config.upstream */
    size_t backend_count;
    struct link links; /* ring head */
    struct link *dead; /* freed at the end of the turn */
    struct entrance *entrances;
    struct timer deadline, poll;
    struct turn turn;
    size_t polled; /* sides whose peers are polled */
};

void link_accept(struct driver *, unsigned client, int fd, const struct address *peer);
/* Reports the ends that only sock_diag shows: a FIN that waits behind a closed window. */
void link_poll(struct link *);
void link_abandon(struct link *); /* closes both sockets; calls nothing */
void link_free(struct link *);    /* what is left of one that was buried */

#endif

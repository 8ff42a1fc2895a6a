/* A listening socket on the loop. Out of descriptors it waits a moment instead of spinning. */
#ifndef HALFOPEN_NET_LISTENER_H
#define HALFOPEN_NET_LISTENER_H

#include "net/loop.h"
#include "net/socket.h"

struct listener;

/* host: a name or an address. on_fd takes the fd. NULL: errno says why. */
struct listener *listener_new(struct loop *, const char *host, uint16_t port,
                              void (*on_fd)(void *context, int fd, const struct address *peer),
                              void *context);
void listener_free(struct listener *); /* may be called from on_fd */
uint16_t listener_port(const struct listener *);

/* From now on connects are not answered: every SYN is dropped, or (without the right to, see
 * net/kernel.h) lost because the backlog is full, of connections of our own. What was complete
 * before is accepted. on_hanging says, at the end of the turn, how ("" when error is set). */
void listener_hang(struct listener *,
                   void (*on_hanging)(void *context, int error, const char *how));
/* From the end of this turn on connects are refused by the kernel; what was complete before is
 * accepted. on_shut says then whether that worked (0, or errno). */
void listener_shut(struct listener *, void (*on_shut)(void *context, int error));
bool listener_is_shut(const struct listener *);
/* Answers again: who still waits is let in with the next retransmission of its SYN. */
void listener_let_in(struct listener *);

#endif

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

#endif

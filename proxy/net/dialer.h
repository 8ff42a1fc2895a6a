/* Connections of the built-in endpoints: TCP or TLS, out and in. Each is one `struct peer`, owned
 * by the dialer until peer_forget. Callbacks come only from the loop, never from inside one of
 * these functions. */
#ifndef HALFOPEN_NET_DIALER_H
#define HALFOPEN_NET_DIALER_H

#include <stdint.h>

#include "net/loop.h"
#include "net/tls.h"

struct dialer;
struct peer;

struct peer_ops {
    void (*on_open)(struct peer *); /* connected or accepted, TLS included */
    void (*on_failed)(struct peer *,
                      const char *how); /* refused, timeout, unreachable, "tls: ..." */
    void (*on_data)(struct peer *, const uint8_t *bytes, size_t len); /* borrowed */
    void (*on_writable)(struct peer *); /* after peer_write took less than all */
    /* IO_EOF, IO_CLOSE_NOTIFY, IO_TRUNCATED: writing still works; the rest: it is closed. */
    void (*on_end)(struct peer *, enum io_result how);
};

struct dialer *dialer_new(struct loop *);
void dialer_free(struct dialer *); /* forgets all peers and listeners; calls nothing */

/* All addresses of the host are tried, one after the other; localhost is ::1 and 127.0.0.1 whatever
 * the resolver says (RFC 6761 6.3). tls: NULL for plain; kept. owner: the caller's, see peer_owner.
 * NULL: the name cannot be resolved and *why (never freed) says how; everything later is on_failed.
 */
struct peer *dialer_connect(struct dialer *, const char *host, uint16_t port,
                            struct tls_context *tls, const struct peer_ops *, void *owner,
                            const char **why);
/* From now on only the address is tried by which a connection of it was first made. */
void dialer_stick(struct dialer *);
/* Each accepted connection becomes a peer with these ops; on_accept comes before its on_open and
 * sets the owner. port 0: any free one. Returns the port; 0: errno says why. */
uint16_t dialer_listen(struct dialer *, const char *host, uint16_t port, struct tls_context *tls,
                       const struct peer_ops *, void (*on_accept)(void *context, struct peer *),
                       void *context);
void dialer_stop_listening(struct dialer *); /* all listeners; peers stay */

void *peer_owner(const struct peer *);
void peer_own(struct peer *, void *owner);
size_t peer_write(struct peer *, const void *bytes, size_t len); /* how many were taken */
void peer_keepalive(struct peer *, nsec patience); /* socket_keepalive, of an open one */
void peer_read(struct peer *, bool on);            /* off: its window closes in time */
void peer_finish(struct peer *); /* FIN (TLS: close_notify first) after what was written */
void peer_reset(struct peer *);  /* RST at once */
void peer_close(struct peer *);
void peer_forget(
    struct peer *); /* closes; no more callbacks; its memory goes at the end of the turn */

#endif

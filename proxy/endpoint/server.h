/* The built-in server's side of one connection: RFC 6455, mute unless its policy says otherwise, as
 * a machine without sockets or clock. Any path upgrades. Plain HTTP gets an answer too: 200 for GET
 * of / and /healthz, 426 for any other GET and for versions we do not speak, 404 for other methods,
 * 400 for what is no request. permessage-deflate is agreed to where the policy says so, and the
 * first subprotocol offered is. */
#ifndef HALFOPEN_ENDPOINT_SERVER_H
#define HALFOPEN_ENDPOINT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "endpoint/endpoint_policy.h"
#include "endpoint/publisher.h"

struct server_conn;

/* As struct client_ops (client.h); on_abort comes exactly once and last. */
struct server_ops {
    size_t (*on_output)(void *context, const uint8_t *bytes, size_t len);
    void (*on_abort)(void *context);
    void (*on_finish)(void *context);
    /* A whole message, borrowed. May be NULL. */
    void (*on_message)(void *context, const uint8_t *bytes, size_t len);
    /* event: http, open, ping, pong, pong_missing, close_sent, close_received, failing, lost,
     * timeout, finished. May be NULL. */
    void (*on_log)(void *context, const char *event, const char *detail);
};

enum server_state {
    SERVER_REQUEST, /* the head is not complete */
    SERVER_OPEN,
    SERVER_CLOSING,  /* our Close is out, theirs is not in */
    SERVER_DRAINING, /* FIN is out, or follows the output; theirs is not in */
    SERVER_OVER,     /* on_abort was called: free it */
    SERVER_STATES
};

/* Copies the policy. */
struct server_conn *server_conn_new(const struct server_policy *, const struct server_ops *ops,
                                    void *context, nsec now);
void server_conn_free(struct server_conn *); /* reports and asks nothing */
/* What it publishes and the sessions it gives are those of a bulletin, which is kept; at once,
 * where the policy publishes or has sessions. */
void server_conn_share(struct server_conn *, struct bulletin *);
/* The bulletin of a server with that policy that begins now. */
struct bulletin server_bulletin(const struct server_policy *, nsec now);

void server_conn_input(struct server_conn *, const uint8_t *bytes, size_t len, nsec now);
void server_conn_eof(struct server_conn *, nsec now);
void server_conn_writable(struct server_conn *, nsec now);
void server_conn_expire(struct server_conn *, nsec now);
nsec server_conn_deadline(const struct server_conn *);

/* The closing handshake, begun by us (1001 on shutdown). Before the upgrade: just closes. */
void server_conn_close(struct server_conn *, uint16_t code, const char *reason, nsec now);
/* Sends one text message; false: not open, or the send buffer is full. */
bool server_conn_send_text(struct server_conn *, const char *text, nsec now);

enum server_state server_conn_state(const struct server_conn *);
uint64_t server_conn_received(const struct server_conn *); /* messages */
uint64_t server_conn_buffered(const struct server_conn *); /* unsent bytes */
bool server_conn_wants_input(const struct server_conn *);  /* false: stop reading */

#endif

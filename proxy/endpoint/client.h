/* The built-in client: RFC 6455 with a heartbeat, backoff, a bounded queue and back-pressure, as a
 * machine without sockets or clock. Whoever drives it (real sockets, the simulated world) carries
 * out what the ops ask and reports what happens; each report says the time. One struct client is
 * one logical client over all its connections, of which it has at most one at a time. */
#ifndef HALFOPEN_ENDPOINT_CLIENT_H
#define HALFOPEN_ENDPOINT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/text.h"
#include "endpoint/backlog.h"
#include "endpoint/endpoint_policy.h"
#include "endpoint/news.h"

/* By which the messages it sends and those it subscribes to are recognised again (messages.id). */
#define CLIENT_MESSAGE_ID "(?|" BACKLOG_MESSAGE_ID "|" NEWS_EVENT_ID ")"

struct client;

/* context is what client_new was given. None of these may call back into the client, except that
 * reports may follow once the outer call has returned. on_log may be NULL. */
struct client_ops {
    /* Dial: answered by client_connected or client_connect_failed, unless on_abort comes first. */
    void (*on_connect_wanted)(void *context);
    /* Borrows the bytes; returns how many were taken. After less than all of them nothing more is
     * offered until client_writable. */
    size_t (*on_output)(void *context, const uint8_t *bytes, size_t len);
    /* This connection, or attempt, is over: close its socket now and report nothing more of it. */
    void (*on_abort)(void *context);
    /* The same, but its socket stays open and nobody ever looks at it again: a flaw. */
    void (*on_leave)(void *context);
    /* No output will follow: send FIN after what was taken. The connection may still receive. */
    void (*on_finish)(void *context);
    /* event: connecting, open, ping, pong, pong_missing, close_sent, close_received, failing,
     * refused, lost, retry, dropped, paused, resumed, gave_up, finished. detail: prose, or "". */
    void (*on_log)(void *context, const char *event, const char *detail);
};

enum client_state {
    CLIENT_WAITING,    /* for the next attempt; also before the first, which is due at once */
    CLIENT_CONNECTING, /* the driver dials */
    CLIENT_UPGRADING,  /* the request is out, the 101 is not in */
    CLIENT_OPEN,
    CLIENT_CLOSING,  /* our Close is out, theirs is not in */
    CLIENT_DRAINING, /* nothing more to say: the server closes TCP first (RFC 6455 7.1.1) */
    CLIENT_STOPPED,  /* closed for good, or gave up */
    CLIENT_STATES
};

struct client_stats {
    uint64_t attempts, opens, failures; /* failures: in a row, since the last stable connection */
    uint64_t produced, sent, dropped;   /* messages; sent: wholly taken by the driver */
    uint64_t received;                  /* messages */
};

/* Copies the policy and both texts. target: path and query, at least "/". The same seed gives the
 * same keys, masks and delays. The client dials at the first client_expire. */
struct client *client_new(const struct client_policy *, const char *host_header, const char *target,
                          uint64_t seed, const struct client_ops *ops, void *context, nsec now);
void client_free(struct client *); /* reports and asks nothing */

void client_connected(struct client *, nsec now);
void client_connect_failed(struct client *, nsec now);
void client_input(struct client *, const uint8_t *bytes, size_t len, nsec now);
void client_eof(struct client *, nsec now); /* FIN or RST from the peer; answered by on_abort */
void client_writable(struct client *, nsec now);
void client_expire(struct client *, nsec now); /* nothing happens before its deadline */
nsec client_deadline(const struct client *);   /* NEVER: only input can move it */

/* The application's wishes. produce: `count` numbered messages now, whatever the rate; beyond the
 * send buffer's bound an application would wait, so these are refused: returns how many were
 * taken. close: the closing handshake, and no return. */
uint64_t client_produce(struct client *, uint64_t count, nsec now);
void client_close(struct client *, uint16_t code, const char *reason, nsec now);

/* What its application says of its state when it is asked: a line. */
void client_tell_state(const struct client *, struct text *out);

enum client_state client_state(const struct client *);
struct client_stats client_stats(const struct client *);
uint64_t client_buffered(const struct client *); /* unsent bytes, messages and frames */

#endif

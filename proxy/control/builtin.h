/* The reference endpoints on real sockets: endpoint/'s machines, net/'s dialer, a clock. */
#ifndef HALFOPEN_CONTROL_BUILTIN_H
#define HALFOPEN_CONTROL_BUILTIN_H

#include "endpoint/client.h"
#include "endpoint/server.h"
#include "net/dialer.h"

struct builtin_server;

/* Serves on host:port (0: any). Its time runs speed times as fast as the wall clock. log: called
 * for each thing that happens; NULL: silent. NULL: errno says why it cannot listen. */
struct builtin_server *builtin_server_new(struct loop *, const char *host, uint16_t port,
                                          struct tls_context *, const struct server_policy *,
                                          double speed,
                                          void (*log)(const char *event, const char *detail));
/* What it publishes and the sessions it gives are those of a bulletin, which is kept; began: when
 * that did. Before it has connections. */
void builtin_server_share(struct builtin_server *, struct bulletin *, nsec began);
uint16_t builtin_server_port(const struct builtin_server *);
/* No more connections, and all that are there are closed. true: there are none; else on_empty
 * comes, in a turn, once there are none. */
bool builtin_server_close(struct builtin_server *, uint16_t code, const char *reason,
                          void (*on_empty)(void *context), void *context);
void builtin_server_free(struct builtin_server *);

struct builtin_client;

/* Connects and goes on as the policy says. Borrows host, target and authority until freed.
 * on_stopped: it gave up or was closed for good. */
struct builtin_client_config {
    const char *host, *authority, *target;
    uint16_t port;
    struct tls_context *tls;
    struct client_policy policy;
    uint64_t seed;
    void (*log)(const char *event, const char *detail); /* NULL: silent */
    void (*on_stopped)(void *context);
    void *context;
};
struct builtin_client *builtin_client_new(struct loop *, const struct builtin_client_config *);
/* See client_produce. */
uint64_t builtin_client_produce(struct builtin_client *, uint64_t count);
void builtin_client_tell_state(const struct builtin_client *, struct text *out);
void builtin_client_close(struct builtin_client *, uint16_t code, const char *reason);
void builtin_client_free(struct builtin_client *);

#endif

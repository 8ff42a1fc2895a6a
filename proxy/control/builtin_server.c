#include <stdlib.h>

#include "base/mem.h"
#include "control/builtin.h"

/* One connection: the machine, its socket, its timer. */
struct guest {
    struct timer timer; /* must stay first */
    struct turn turn;
    struct builtin_server *server;
    struct peer *peer;
    struct server_conn *conn; /* NULL: over */
    struct guest *next, *previous;
};

struct builtin_server {
    struct loop *loop;
    struct dialer *dialer;
    struct server_policy policy;
    struct clock clock;
    struct bulletin own, *bulletin;
    void (*log)(const char *event, const char *detail);
    void (*on_empty)(void *context); /* once it is closed; NULL: it is not */
    void *context;
    uint16_t port;
    struct guest *guests;
};

static nsec now_of(const struct builtin_server *server)
{
    return clock_target(&server->clock, loop_now());
}

static struct guest *guest_of_turn(struct turn *turn)
{
    return (struct guest *)((char *)turn - offsetof(struct guest, turn));
}

static void forget(struct guest *guest)
{
    loop_timer_set(guest->server->loop, &guest->timer, NEVER);
    loop_untouch(&guest->turn);
    if (guest->previous)
        guest->previous->next = guest->next;
    else
        guest->server->guests = guest->next;
    if (guest->next)
        guest->next->previous = guest->previous;
    peer_forget(guest->peer);
    server_conn_free(guest->conn);
    free(guest);
}

/* At the end of a turn: its deadline may have moved, it may be over. */
static void settle(struct turn *turn)
{
    struct guest *guest = guest_of_turn(turn);
    struct builtin_server *server = guest->server;
    if (server_conn_state(guest->conn) == SERVER_OVER) {
        forget(guest);
        if (!server->guests && server->on_empty)
            server->on_empty(server->context);
        return;
    }
    peer_read(guest->peer, server_conn_wants_input(guest->conn));
    loop_timer_set(server->loop, &guest->timer,
                   clock_real(&server->clock, server_conn_deadline(guest->conn)));
}

static void touch(struct guest *guest)
{
    loop_touch(guest->server->loop, &guest->turn);
}

static void on_due(struct timer *timer, nsec now)
{
    struct guest *guest = (struct guest *)timer;
    (void)now;
    server_conn_expire(guest->conn, now_of(guest->server));
    touch(guest);
}

/* --- What the machine asks --- */

static size_t on_output(void *context, const uint8_t *bytes, size_t len)
{
    return peer_write(((struct guest *)context)->peer, bytes, len);
}

static void on_abort(void *context)
{
    struct guest *guest = context;
    peer_close(guest->peer);
    touch(guest);
}

static void on_finish(void *context)
{
    peer_finish(((struct guest *)context)->peer);
}

static void on_log(void *context, const char *event, const char *detail)
{
    const struct guest *guest = context;
    if (guest->server->log)
        guest->server->log(event, detail);
}

static const struct server_ops server_ops = {
    .on_output = on_output, .on_abort = on_abort, .on_finish = on_finish, .on_log = on_log};

/* --- What the socket reports --- */

static void on_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    struct guest *guest = peer_owner(peer);
    server_conn_input(guest->conn, bytes, len, now_of(guest->server));
    touch(guest);
}

static void on_writable(struct peer *peer)
{
    struct guest *guest = peer_owner(peer);
    server_conn_writable(guest->conn, now_of(guest->server));
    touch(guest);
}

static void on_end(struct peer *peer, enum io_result how)
{
    struct guest *guest = peer_owner(peer);
    (void)how;
    server_conn_eof(guest->conn, now_of(guest->server));
    touch(guest);
}

static void on_failed(struct peer *peer, const char *how)
{
    (void)how;
    on_end(peer, IO_ERROR);
}

static void on_open(struct peer *peer)
{
    touch(peer_owner(peer));
}

static const struct peer_ops peer_ops = {.on_open = on_open,
                                         .on_failed = on_failed,
                                         .on_data = on_data,
                                         .on_writable = on_writable,
                                         .on_end = on_end};

static void on_accept(void *context, struct peer *peer)
{
    struct builtin_server *server = context;
    struct guest *guest = xcalloc(1, sizeof *guest);
    guest->timer.on_due = on_due;
    guest->turn.on_turn = settle;
    guest->server = server;
    guest->peer = peer;
    guest->conn = server_conn_new(&server->policy, &server_ops, guest, now_of(server));
    server_conn_share(guest->conn, server->bulletin);
    guest->next = server->guests;
    if (guest->next)
        guest->next->previous = guest;
    server->guests = guest;
    peer_own(peer, guest);
    touch(guest);
}

struct builtin_server *builtin_server_new(struct loop *loop, const char *host, uint16_t port,
                                          struct tls_context *tls,
                                          const struct server_policy *policy, double speed,
                                          void (*log)(const char *event, const char *detail))
{
    struct builtin_server *server = xcalloc(1, sizeof *server);
    server->loop = loop;
    server->policy = *policy;
    server->clock = (struct clock){.start = loop_now(), .speed = speed};
    server->own = server_bulletin(policy, 0);
    server->bulletin = &server->own;
    server->log = log;
    server->dialer = dialer_new(loop);
    server->port = dialer_listen(server->dialer, host, port, tls, &peer_ops, on_accept, server);
    if (server->port == 0) {
        dialer_free(server->dialer);
        free(server);
        return NULL;
    }
    return server;
}

/* One clock for all who share it, or the events of one would be others than the next one's. */
void builtin_server_share(struct builtin_server *server, struct bulletin *bulletin, nsec began)
{
    server->bulletin = bulletin;
    server->clock.start = began;
}

uint16_t builtin_server_port(const struct builtin_server *server)
{
    return server->port;
}

bool builtin_server_close(struct builtin_server *server, uint16_t code, const char *reason,
                          void (*on_empty)(void *context), void *context)
{
    dialer_stop_listening(server->dialer);
    server->on_empty = on_empty;
    server->context = context;
    for (struct guest *guest = server->guests; guest; guest = guest->next) {
        server_conn_close(guest->conn, code, reason, now_of(server));
        touch(guest);
    }
    return server->guests == NULL;
}

void builtin_server_free(struct builtin_server *server)
{
    if (!server)
        return;
    while (server->guests)
        forget(server->guests);
    dialer_free(server->dialer);
    free(server);
}

#include <stdlib.h>

#include "base/mem.h"
#include "net/wall.h"
#include "control/builtin.h"

#define LEFT_LIMIT 64 /* attempts that a flawed client left open; the next closes the oldest */

struct builtin_client {
    struct timer timer; /* must stay first */
    struct turn turn;
    struct loop *loop;
    struct dialer *dialer;
    struct builtin_client_config config;
    struct client *client;
    struct peer *peer;             /* of the connection or attempt under way; NULL: none */
    struct peer *left[LEFT_LIMIT]; /* nobody listens to them; a ring, left_count ever left */
    size_t left_count;
    bool wants_connect;
};

static struct builtin_client *of_turn(struct turn *turn)
{
    return (struct builtin_client *)((char *)turn - offsetof(struct builtin_client, turn));
}

static void touch(struct builtin_client *self)
{
    loop_touch(self->loop, &self->turn);
}

static void let_go(struct builtin_client *self)
{
    if (self->peer)
        peer_forget(self->peer);
    self->peer = NULL;
}

/* An attempt that the flawed client left open is answered all the same, and nobody listens. */
static bool is_left(const struct builtin_client *self, const struct peer *peer)
{
    return self->peer != peer;
}

static void close_left(struct builtin_client *self)
{
    for (size_t i = 0; i < self->left_count && i < LEFT_LIMIT; i++)
        peer_forget(self->left[i]);
    self->left_count = 0;
}

/* --- What the socket reports --- */

static void on_open(struct peer *peer)
{
    struct builtin_client *self = peer_owner(peer);
    if (is_left(self, peer))
        return;
    if (self->config.policy.tcp_keepalive > 0)
        peer_keepalive(peer, self->config.policy.tcp_keepalive);
    client_connected(self->client, loop_now());
    touch(self);
}

static void on_failed(struct peer *peer, const char *how)
{
    struct builtin_client *self = peer_owner(peer);
    if (is_left(self, peer))
        return;
    if (self->config.log)
        self->config.log("connect_failed", how);
    let_go(self);
    client_connect_failed(self->client, loop_now());
    touch(self);
}

static void on_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    struct builtin_client *self = peer_owner(peer);
    if (is_left(self, peer))
        return;
    client_input(self->client, bytes, len, loop_now());
    touch(self);
}

static void on_writable(struct peer *peer)
{
    struct builtin_client *self = peer_owner(peer);
    if (is_left(self, peer))
        return;
    client_writable(self->client, loop_now());
    touch(self);
}

static void on_end(struct peer *peer, enum io_result how)
{
    struct builtin_client *self = peer_owner(peer);
    if (is_left(self, peer))
        return;
    (void)how;
    client_eof(self->client, loop_now());
    touch(self);
}

static const struct peer_ops peer_ops = {.on_open = on_open,
                                         .on_failed = on_failed,
                                         .on_data = on_data,
                                         .on_writable = on_writable,
                                         .on_end = on_end};

/* --- What the machine asks --- */

static void on_connect_wanted(void *context)
{
    struct builtin_client *self = context;
    self->wants_connect = true;
    touch(self);
}

static size_t on_output(void *context, const uint8_t *bytes, size_t len)
{
    struct builtin_client *self = context;
    return self->peer ? peer_write(self->peer, bytes, len) : len;
}

static void on_abort(void *context)
{
    struct builtin_client *self = context;
    self->wants_connect = false;
    let_go(self);
    touch(self);
}

static void on_leave(void *context)
{
    struct builtin_client *self = context;
    struct peer **place = &self->left[self->left_count % LEFT_LIMIT];
    self->wants_connect = false;
    if (!self->peer)
        return;
    if (self->left_count++ >= LEFT_LIMIT)
        peer_forget(*place);
    *place = self->peer;
    self->peer = NULL;
    touch(self);
}

static void on_finish(void *context)
{
    struct builtin_client *self = context;
    if (self->peer)
        peer_finish(self->peer);
}

static void on_log(void *context, const char *event, const char *detail)
{
    const struct builtin_client *self = context;
    if (self->config.log)
        self->config.log(event, detail);
}

static const struct client_ops client_ops = {.on_connect_wanted = on_connect_wanted,
                                             .on_output = on_output,
                                             .on_abort = on_abort,
                                             .on_leave = on_leave,
                                             .on_finish = on_finish,
                                             .on_log = on_log};

static void dial(struct builtin_client *self)
{
    const char *why = NULL;
    let_go(self);
    self->peer = dialer_connect(self->dialer, self->config.host, self->config.port,
                                self->config.tls, &peer_ops, self, &why);
    if (self->peer)
        return;
    if (self->config.log)
        self->config.log("connect_failed", why);
    client_connect_failed(self->client, loop_now());
}

static void settle(struct turn *turn)
{
    struct builtin_client *self = of_turn(turn);
    if (self->wants_connect) {
        self->wants_connect = false;
        dial(self);
    }
    loop_timer_set(self->loop, &self->timer, client_deadline(self->client));
    if (client_state(self->client) == CLIENT_STOPPED && self->config.on_stopped)
        self->config.on_stopped(self->config.context);
}

static void on_due(struct timer *timer, nsec now)
{
    struct builtin_client *self = (struct builtin_client *)timer;
    client_expire(self->client, nsec_max(now, loop_now()));
    touch(self);
}

struct builtin_client *builtin_client_new(struct loop *loop,
                                          const struct builtin_client_config *config)
{
    struct builtin_client *self = xcalloc(1, sizeof *self);
    self->timer.on_due = on_due;
    self->turn.on_turn = settle;
    self->loop = loop;
    self->config = *config;
    self->dialer = dialer_new(loop);
    if (!config->policy.any_address)
        dialer_stick(self->dialer);
    self->config.policy.epoch = wall_seconds() - loop_now() / NSEC_PER_SEC;
    self->client = client_new(&self->config.policy, config->authority, config->target, config->seed,
                              &client_ops, self, loop_now());
    loop_timer_set(loop, &self->timer, loop_now());
    return self;
}

uint64_t builtin_client_produce(struct builtin_client *self, uint64_t count)
{
    uint64_t taken = client_produce(self->client, count, loop_now());
    touch(self);
    return taken;
}

void builtin_client_tell_state(const struct builtin_client *self, struct text *out)
{
    client_tell_state(self->client, out);
}

void builtin_client_close(struct builtin_client *self, uint16_t code, const char *reason)
{
    client_close(self->client, code, reason, loop_now());
    touch(self);
}

void builtin_client_free(struct builtin_client *self)
{
    if (!self)
        return;
    loop_timer_set(self->loop, &self->timer, NEVER);
    loop_untouch(&self->turn);
    let_go(self);
    close_left(self);
    client_free(self->client);
    dialer_free(self->dialer);
    free(self);
}

#include "net/dialer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/listener.h"
#include "net/stream.h"

struct peer {
    struct stream stream;
    struct dialer *dialer;
    struct peer *next, *previous;
    const struct peer_ops *ops;
    void *owner;
    struct addresses *addresses; /* of a connection out */
    char *server_name;
    struct turn opening; /* plain and accepted: on_open is owed */
};

struct door {
    struct door *next;
    struct dialer *dialer;
    struct listener *listener;
    struct tls_context *tls;
    const struct peer_ops *ops;
    void (*on_accept)(void *context, struct peer *);
    void *context;
};

struct dialer {
    struct loop *loop;
    struct peer peers; /* ring head */
    struct peer *dead;
    struct door *doors;
    struct turn turn;
    bool sticks;
    int family; /* by which the first connection out was made, when it sticks to that; 0: none yet
                 */
};

static void on_open(struct stream *stream)
{
    struct peer *peer = stream->owner;
    if (peer->addresses && peer->dialer->family == 0)
        peer->dialer->family = socket_family(stream->fd);
    peer->ops->on_open(peer);
}

static void on_failed(struct stream *stream, const char *how)
{
    struct peer *peer = stream->owner;
    if (peer->ops->on_failed)
        peer->ops->on_failed(peer, how);
}

static void on_data(struct stream *stream, const uint8_t *bytes, size_t len)
{
    struct peer *peer = stream->owner;
    peer->ops->on_data(peer, bytes, len);
}

static void on_writable(struct stream *stream)
{
    struct peer *peer = stream->owner;
    if (peer->ops->on_writable)
        peer->ops->on_writable(peer);
}

static void on_end(struct stream *stream, enum io_result how)
{
    struct peer *peer = stream->owner;
    peer->ops->on_end(peer, how);
}

static const struct stream_ops stream_to_peer = {.on_open = on_open,
                                                 .on_failed = on_failed,
                                                 .on_data = on_data,
                                                 .on_writable = on_writable,
                                                 .on_end = on_end};

static void on_opening(struct turn *turn)
{
    struct peer *peer = (struct peer *)((char *)turn - offsetof(struct peer, opening));
    if (peer->stream.state == STREAM_OPEN)
        peer->ops->on_open(peer);
}

static struct peer *new_peer(struct dialer *dialer, const struct peer_ops *ops, void *owner)
{
    struct peer *peer = xcalloc(1, sizeof *peer);
    peer->dialer = dialer;
    peer->ops = ops;
    peer->owner = owner;
    peer->opening.on_turn = on_opening;
    peer->next = &dialer->peers;
    peer->previous = dialer->peers.previous;
    peer->previous->next = peer->next->previous = peer;
    stream_init(&peer->stream, dialer->loop, &stream_to_peer, peer);
    return peer;
}

static void free_peer(struct peer *peer)
{
    free(peer->addresses);
    free(peer->server_name);
    free(peer);
}

static void on_turn(struct turn *turn)
{
    struct dialer *dialer = (struct dialer *)((char *)turn - offsetof(struct dialer, turn));
    while (dialer->dead) {
        struct peer *peer = dialer->dead;
        dialer->dead = peer->next;
        free_peer(peer);
    }
}

struct dialer *dialer_new(struct loop *loop)
{
    struct dialer *dialer = xcalloc(1, sizeof *dialer);
    dialer->loop = loop;
    dialer->peers.next = dialer->peers.previous = &dialer->peers;
    dialer->turn.on_turn = on_turn;
    return dialer;
}

void dialer_free(struct dialer *dialer)
{
    if (!dialer)
        return;
    dialer_stop_listening(dialer);
    while (dialer->peers.next != &dialer->peers)
        peer_forget(dialer->peers.next);
    loop_untouch(&dialer->turn);
    on_turn(&dialer->turn);
    free(dialer);
}

void dialer_stick(struct dialer *dialer)
{
    dialer->sticks = true;
}

static const char *resolve(const char *host, uint16_t port, struct addresses *out)
{
    struct addresses second;
    if (strcmp(host, "localhost") != 0)
        return socket_resolve(host, port, out);
    const char *why = socket_resolve("::1", port, out);
    why = why ? why : socket_resolve("127.0.0.1", port, &second);
    if (!why)
        out->list[out->count++] = second.list[0];
    return why;
}

static void leave_one_family(struct addresses *addresses, int family)
{
    size_t kept = 0;
    for (size_t i = 0; i < addresses->count; i++)
        if (addresses->list[i].sockaddr.ss_family == family)
            addresses->list[kept++] = addresses->list[i];
    addresses->count = kept;
}

struct peer *dialer_connect(struct dialer *dialer, const char *host, uint16_t port,
                            struct tls_context *tls, const struct peer_ops *ops, void *owner,
                            const char **why)
{
    struct addresses *addresses = xmalloc(sizeof *addresses);
    *why = resolve(host, port, addresses);
    if (*why) {
        free(addresses);
        return NULL;
    }
    if (dialer->sticks && dialer->family != 0)
        leave_one_family(addresses, dialer->family);
    struct peer *peer = new_peer(dialer, ops, owner);
    peer->addresses = addresses;
    peer->server_name = xstrdup(host);
    stream_connect(&peer->stream, addresses, tls, peer->server_name);
    return peer;
}

static void on_fd(void *context, int fd, const struct address *from)
{
    struct door *door = context;
    struct peer *peer = new_peer(door->dialer, door->ops, NULL);
    stream_adopt(&peer->stream, fd, door->tls);
    door->on_accept(door->context, peer);
    if (!door->tls)
        loop_touch(door->dialer->loop, &peer->opening);
}

uint16_t dialer_listen(struct dialer *dialer, const char *host, uint16_t port,
                       struct tls_context *tls, const struct peer_ops *ops,
                       void (*on_accept)(void *context, struct peer *), void *context)
{
    struct door *door = xcalloc(1, sizeof *door);
    *door = (struct door){
        .dialer = dialer, .tls = tls, .ops = ops, .on_accept = on_accept, .context = context};
    door->listener = listener_new(dialer->loop, host, port, on_fd, door);
    if (!door->listener) {
        free(door);
        return 0;
    }
    door->next = dialer->doors;
    dialer->doors = door;
    return listener_port(door->listener);
}

void dialer_stop_listening(struct dialer *dialer)
{
    while (dialer->doors) {
        struct door *door = dialer->doors;
        dialer->doors = door->next;
        listener_free(door->listener);
        free(door);
    }
}

void *peer_owner(const struct peer *peer)
{
    return peer->owner;
}

void peer_own(struct peer *peer, void *owner)
{
    peer->owner = owner;
}

size_t peer_write(struct peer *peer, const void *bytes, size_t len)
{
    return stream_write(&peer->stream, bytes, len);
}

void peer_keepalive(struct peer *peer, nsec patience)
{
    socket_keepalive(peer->stream.fd, patience);
}

void peer_read(struct peer *peer, bool on)
{
    stream_read(&peer->stream, on);
}

void peer_finish(struct peer *peer)
{
    stream_finish(&peer->stream);
}

void peer_reset(struct peer *peer)
{
    stream_reset(&peer->stream);
}

void peer_close(struct peer *peer)
{
    stream_close(&peer->stream);
}

void peer_forget(struct peer *peer)
{
    struct dialer *dialer = peer->dialer;
    stream_close(&peer->stream);
    loop_untouch(&peer->opening);
    peer->previous->next = peer->next;
    peer->next->previous = peer->previous;
    peer->next = dialer->dead;
    dialer->dead = peer;
    loop_touch(dialer->loop, &dialer->turn);
}

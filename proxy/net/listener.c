#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/kernel.h"

#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE     (50 * NSEC_PER_MSEC) /* real; when there are no descriptors left */
#define FILLERS_LIMIT    8 /* a backlog of 0 holds one connection; the next SYN is dropped */

struct listener {
    struct timer resume; /* must stay first */
    struct loop *loop;
    void (*on_fd)(void *context, int fd, const struct address *peer);
    void *context;
    ev_io io;
    struct turn turn; /* begins to hang by a full backlog, or to refuse */
    void (*on_hanging)(void *context, int error, const char *how);
    void (*on_shut)(void *context, int error);
    int fd;
    int fillers[FILLERS_LIMIT]; /* connections of our own that keep the backlog full; -1: none */
    bool deaf;                  /* its filter was on: what is accepted may have inherited it */
    bool full;                  /* hangs by its backlog: nothing is accepted */
    bool shut;                  /* does not listen */
    bool accepting, freed;
};

static bool is_exhaustion(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* --- Connections of our own --- */

static bool same_address(const struct address *a, const struct address *b)
{
    return a->len == b->len && memcmp(&a->sockaddr, &b->sockaddr, a->len) == 0;
}

static bool own_address(int fd, struct address *out)
{
    memset(out, 0, sizeof *out);
    out->len = sizeof out->sockaddr;
    return getsockname(fd, (struct sockaddr *)&out->sockaddr, &out->len) == 0;
}

static void drop_filler(struct listener *listener, int i)
{
    if (listener->fillers[i] >= 0)
        close(listener->fillers[i]);
    listener->fillers[i] = -1;
}

/* Is it the other end of one of ours? Then both go. */
static bool is_filler(struct listener *listener, int fd, const struct address *peer)
{
    struct address own;
    for (int i = 0; i < FILLERS_LIMIT; i++)
        if (listener->fillers[i] >= 0 && own_address(listener->fillers[i], &own) &&
            same_address(&own, peer)) {
            close(fd);
            drop_filler(listener, i);
            return true;
        }
    return false;
}

/* --- Accepting --- */

static void take(struct listener *listener, int fd, const struct address *peer)
{
    if (is_filler(listener, fd, peer))
        return;
    if (listener->deaf)
        (void)kernel_hear(fd); /* most have none */
    listener->on_fd(listener->context, fd, peer);
}

static void accept_some(struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && !listener->freed; i++) {
        struct address peer;
        int fd = socket_accept(listener->fd, &peer);
        if (fd >= 0) {
            take(listener, fd, &peer);
            continue;
        }
        if (errno == EAGAIN)
            return;
        if (is_exhaustion(errno)) {
            ev_io_stop(loop_ev(listener->loop), &listener->io);
            loop_timer_set(listener->loop, &listener->resume, loop_now() + ACCEPT_PAUSE);
            return;
        }
    }
}

/* false: it was freed meanwhile. */
static bool accept_guarded(struct listener *listener)
{
    listener->accepting = true;
    accept_some(listener);
    listener->accepting = false;
    if (!listener->freed)
        return true;
    free(listener);
    return false;
}

static void on_acceptable(struct ev_loop *ev, ev_io *watcher, int events)
{
    (void)accept_guarded(watcher->data);
}

static void on_resume(struct timer *timer, nsec now)
{
    struct listener *listener = (struct listener *)timer;
    if (!listener->full && !listener->shut)
        ev_io_start(loop_ev(listener->loop), &listener->io);
}

/* --- Hanging --- */

/* Loopback answers within connect: what is not established then never will be. */
static bool is_established(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED;
}

/* true: the backlog takes no more. */
static bool fill(struct listener *listener)
{
    struct address own;
    if (!own_address(listener->fd, &own))
        return false;
    for (int i = 0; i < FILLERS_LIMIT; i++) {
        int fd = socket_connect(&own);
        if (fd < 0)
            return false;
        if (!is_established(fd)) {
            close(fd);
            return true;
        }
        listener->fillers[i] = fd;
    }
    errno = EBUSY;
    return false;
}

static void hang_by_backlog(struct turn *turn)
{
    struct listener *listener = (struct listener *)((char *)turn - offsetof(struct listener, turn));
    if (!accept_guarded(listener)) /* what is complete came before */
        return;
    ev_io_stop(loop_ev(listener->loop), &listener->io);
    listener->full = true;
    int error = listen(listener->fd, 0) || !fill(listener) ? errno : 0;
    if (error)
        listener_let_in(listener);
    listener->on_hanging(listener->context, error, error ? "" : "the backlog is full");
}

void listener_hang(struct listener *listener,
                   void (*on_hanging)(void *context, int error, const char *how))
{
    listener->on_hanging = on_hanging;
    listener->turn.on_turn = hang_by_backlog;
    if (kernel_deafen(listener->fd, 1) != 0) {
        loop_touch(listener->loop, &listener->turn);
        return;
    }
    listener->deaf = true;
    on_hanging(listener->context, 0, "every SYN is dropped");
}

static void refuse(struct turn *turn)
{
    struct listener *listener = (struct listener *)((char *)turn - offsetof(struct listener, turn));
    if (!accept_guarded(listener)) /* what is complete came before */
        return;
    ev_io_stop(loop_ev(listener->loop), &listener->io);
    listener->shut = true;
    int error = socket_refuse(listener->fd) ? 0 : errno;
    if (error)
        listener_let_in(listener);
    listener->on_shut(listener->context, error);
}

void listener_shut(struct listener *listener, void (*on_shut)(void *context, int error))
{
    listener_let_in(listener);
    listener->on_shut = on_shut;
    listener->turn.on_turn = refuse;
    loop_touch(listener->loop, &listener->turn);
}

bool listener_is_shut(const struct listener *listener)
{
    return listener->shut;
}

void listener_let_in(struct listener *listener)
{
    loop_untouch(&listener->turn);
    if (listener->deaf)
        (void)kernel_hear(listener->fd); /* it was attached, so it can be detached */
    if (!listener->full && !listener->shut)
        return;
    listener->full = listener->shut = false;
    (void)socket_listen_again(listener->fd); /* it did before, and its port is still its own */
    ev_io_start(loop_ev(listener->loop), &listener->io);
}

struct listener *listener_new(struct loop *loop, const char *host, uint16_t port,
                              void (*on_fd)(void *context, int fd, const struct address *peer),
                              void *context)
{
    struct addresses addresses;
    if (socket_resolve(host, port, &addresses) || addresses.count == 0) {
        errno = EADDRNOTAVAIL;
        return NULL;
    }
    int fd = socket_listen(&addresses.list[0]);
    if (fd < 0)
        return NULL;
    struct listener *listener = xcalloc(1, sizeof *listener);
    listener->loop = loop;
    listener->on_fd = on_fd;
    listener->context = context;
    listener->fd = fd;
    listener->resume.on_due = on_resume;
    for (int i = 0; i < FILLERS_LIMIT; i++)
        listener->fillers[i] = -1;
    ev_io_init(&listener->io, on_acceptable, fd, EV_READ);
    listener->io.data = listener;
    ev_io_start(loop_ev(loop), &listener->io);
    return listener;
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    loop_timer_set(listener->loop, &listener->resume, NEVER);
    loop_untouch(&listener->turn);
    ev_io_stop(loop_ev(listener->loop), &listener->io);
    for (int i = 0; i < FILLERS_LIMIT; i++)
        drop_filler(listener, i);
    close(listener->fd);
    listener->freed = true;
    if (!listener->accepting)
        free(listener);
}

uint16_t listener_port(const struct listener *listener)
{
    return socket_port(listener->fd);
}

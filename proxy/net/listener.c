#include "net/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE     (50 * NSEC_PER_MSEC) /* real; when there are no descriptors left */

struct listener {
    struct timer resume; /* must stay first */
    struct loop *loop;
    void (*on_fd)(void *context, int fd, const struct address *peer);
    void *context;
    ev_io io;
    int fd;
    bool accepting, freed;
};

static bool is_exhaustion(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_some(struct listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && !listener->freed; i++) {
        struct address peer;
        int fd = socket_accept(listener->fd, &peer);
        if (fd >= 0) {
            listener->on_fd(listener->context, fd, &peer);
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

static void on_acceptable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct listener *listener = watcher->data;
    listener->accepting = true;
    accept_some(listener);
    listener->accepting = false;
    if (listener->freed)
        free(listener);
}

static void on_resume(struct timer *timer, nsec now)
{
    struct listener *listener = (struct listener *)timer;
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
    ev_io_stop(loop_ev(listener->loop), &listener->io);
    close(listener->fd);
    listener->freed = true;
    if (!listener->accepting)
        free(listener);
}

uint16_t listener_port(const struct listener *listener)
{
    return socket_port(listener->fd);
}

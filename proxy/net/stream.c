#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/stream_parts.h"

#define FLOWS_BYTES     ((size_t)1 << 20)  /* read without a pause: its window is its own again */
#define TLS_WRITE_BYTES ((size_t)64 << 10) /* encrypted at a time: what may wait for the socket */

struct stream_dialing {
    struct timer timer; /* must stay first */
    struct stream *stream;
    const struct addresses *addresses;
    size_t next;
    struct tls_context *tls;
    const char *server_name;
};

/* --- watchers --- */

static int wanted_events(const struct stream *stream)
{
    if (stream->silent || stream->state == STREAM_CLOSED)
        return 0;
    if (stream->state == STREAM_CONNECTING)
        return EV_WRITE;
    bool wanted = stream->reading || stream->dialing; /* a handshake of ours is not to be paused */
    bool readable = wanted && !stream->ended && !stream->socket_ended;
    return (readable ? EV_READ : 0) | (stream->blocked ? EV_WRITE : 0);
}

void stream_rewatch(struct stream *stream)
{
    struct ev_loop *ev = loop_ev(stream->loop);
    int events = wanted_events(stream);
    if (ev_is_active(&stream->io) && (stream->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(ev, &stream->io);
    if (!events)
        return;
    ev_io_modify(&stream->io, events);
    ev_io_start(ev, &stream->io);
}

static void forget_dialing(struct stream *stream)
{
    if (!stream->dialing)
        return;
    loop_timer_set(stream->loop, &stream->dialing->timer, NEVER);
    free(stream->dialing);
    stream->dialing = NULL;
}

int stream_detach(struct stream *stream)
{
    int fd = stream->fd;
    forget_dialing(stream);
    loop_untouch(&stream->turn);
    ev_io_stop(loop_ev(stream->loop), &stream->io);
    if (fd >= 0)
        loop_unwatch_ending(stream->loop, fd);
    tls_free(stream->tls);
    stream->tls = NULL;
    stream->fd = -1;
    stream->state = STREAM_CLOSED;
    return fd;
}

/* --- how it ends --- */

static void end(struct stream *stream, enum io_result how)
{
    bool for_good = how == IO_RESET || how == IO_TIMEOUT || how == IO_ERROR;
    if (stream->ended && !for_good)
        return;
    stream->ended = true;
    if (for_good)
        stream_close(stream);
    else
        stream_rewatch(stream);
    stream->ops->on_end(stream, how);
}

/* Closed in good order, so that an alert is read before the end of it is seen. */
static void fail(struct stream *stream, const char *how)
{
    int fd = stream_detach(stream);
    if (fd >= 0)
        socket_finish(fd);
    stream->ended = true;
    stream->ops->on_failed(stream, how);
}

static void fail_tls(struct stream *stream, enum io_result result)
{
    bool said_nothing = !stream->dialing && !stream->greeted;
    if (said_nothing && result == IO_TRUNCATED) {
        end(stream, IO_EOF);
        return;
    }
    char *how = xprintf("tls: %s", result == IO_ERROR       ? tls_why(stream->tls)
                                   : result == IO_TRUNCATED ? "closed in the middle"
                                                            : io_words(result));
    fail(stream, how);
    free(how);
}

/* --- writing --- */

static void note_failure(struct stream *stream, enum io_result failure)
{
    stream->failure = failure;
    loop_touch(stream->loop, &stream->turn);
}

bool stream_flush(struct stream *stream)
{
    const uint8_t *bytes;
    size_t len;
    while (stream->tls && (len = tls_unsent(stream->tls, &bytes)) > 0) {
        size_t took;
        enum io_result result = socket_write(stream->fd, bytes, len, &took);
        tls_sent(stream->tls, took);
        if (result == IO_WANT_WRITE) {
            stream->blocked = true;
            return false;
        }
        if (result != IO_OK) {
            note_failure(stream, result);
            return false;
        }
    }
    return true;
}

void stream_send_fin(struct stream *stream)
{
    if (!stream->finishing || stream->finished || !stream_flush(stream))
        return;
    stream->finished = true;
    (void)shutdown(stream->fd, SHUT_WR); /* fails only when the connection is gone */
}

static size_t write_plain(struct stream *stream, const uint8_t *bytes, size_t len)
{
    size_t took;
    enum io_result result = socket_write(stream->fd, bytes, len, &took);
    if (result == IO_OK || result == IO_WANT_WRITE) {
        stream->blocked = took < len;
        return took;
    }
    note_failure(stream, result);
    return len;
}

static size_t write_tls(struct stream *stream, const uint8_t *bytes, size_t len)
{
    size_t taken = 0;
    while (taken < len && !stream->blocked && stream->failure == IO_OK) {
        size_t part = len - taken < TLS_WRITE_BYTES ? len - taken : TLS_WRITE_BYTES;
        if (tls_write(stream->tls, bytes + taken, part) != IO_OK) {
            note_failure(stream, IO_ERROR);
            return len;
        }
        taken += part;
        (void)stream_flush(stream); /* what it leaves shows in blocked or failure */
    }
    return stream->failure == IO_OK ? taken : len;
}

size_t stream_write(struct stream *stream, const uint8_t *bytes, size_t len)
{
    if (stream->state == STREAM_CLOSED || stream->silent || stream->finishing ||
        stream->failure != IO_OK)
        return len;
    if (stream->state != STREAM_OPEN || stream->blocked || len == 0)
        return 0;
    size_t taken = stream->tls ? write_tls(stream, bytes, len) : write_plain(stream, bytes, len);
    stream_rewatch(stream);
    return taken;
}

/* --- reading --- */

static enum io_result read_socket(struct stream *stream, uint8_t *scratch, size_t *got)
{
    enum io_result result = socket_read(stream->fd, scratch, LOOP_SCRATCH_BYTES, got);
    if (result != IO_OK || !stream->held)
        return result;
    stream->flowed += *got;
    stream->held = stream->flowed < FLOWS_BYTES;
    if (!stream->held)
        socket_hold_window(stream->fd, false);
    return result;
}

static void pull_plain(struct stream *stream)
{
    size_t got;
    uint8_t *scratch = loop_scratch(stream->loop);
    enum io_result result = read_socket(stream, scratch, &got);
    if (result == IO_OK)
        stream->ops->on_data(stream, scratch, got);
    else if (result != IO_WANT_READ)
        end(stream, result);
}

static void open_tls(struct stream *stream)
{
    stream->state = STREAM_OPEN;
    forget_dialing(stream);
    stream->ops->on_open(stream);
}

/* What was fed but not handed over, as long as the owner wants it. */
static void drain_tls(struct stream *stream)
{
    uint8_t *scratch = loop_scratch_plain(stream->loop);
    while (stream->state == STREAM_OPEN && stream->reading && !stream->silent && !stream->ended) {
        size_t got;
        enum io_result result = tls_read(stream->tls, scratch, LOOP_SCRATCH_BYTES, &got);
        (void)stream_flush(stream); /* answers to key updates */
        if (result == IO_OK)
            stream->ops->on_data(stream, scratch, got);
        else if (result != IO_WANT_READ)
            end(stream, result);
        if (result != IO_OK)
            return;
    }
}

static void shake_hands(struct stream *stream)
{
    enum io_result result = tls_handshake(stream->tls);
    (void)stream_flush(stream); /* an alert goes out too */
    if (result == IO_OK)
        open_tls(stream);
    else if (result != IO_WANT_READ)
        fail_tls(stream, result);
}

static void advance_tls(struct stream *stream)
{
    if (stream->state == STREAM_HANDSHAKE)
        shake_hands(stream);
    if (stream->state == STREAM_OPEN)
        drain_tls(stream);
    if (stream->state != STREAM_CLOSED)
        stream_rewatch(stream);
}

static void pull_tls(struct stream *stream)
{
    /* Records that are here go first, so that at most one read's worth ever waits. */
    if (tls_fed(stream->tls) == 0 || stream->state == STREAM_HANDSHAKE) {
        size_t got;
        uint8_t *scratch = loop_scratch(stream->loop);
        enum io_result result = read_socket(stream, scratch, &got);
        if (result == IO_OK) {
            stream->greeted = true;
            tls_feed(stream->tls, scratch, got);
        } else if (result == IO_EOF) {
            stream->socket_ended = true;
            tls_feed_end(stream->tls);
        } else if (result != IO_WANT_READ) {
            if (stream->dialing)
                fail(stream, "reset");
            else if (stream->state == STREAM_HANDSHAKE && stream->greeted)
                fail(stream, "tls: reset in the middle");
            else
                end(stream, result);
            return;
        }
    }
    advance_tls(stream);
}

/* --- connecting --- */

static void try_next(struct stream *stream, const char *how);

static void use_fd(struct stream *stream, int fd)
{
    stream->fd = fd;
    ev_io_stop(loop_ev(stream->loop), &stream->io);
    ev_io_set(&stream->io, fd, 0);
}

static void begin(struct stream *stream)
{
    (void)loop_watch_ending(stream->loop, stream->fd,
                            &stream->ending); /* else seen when it is read */
    stream->state = stream->tls ? STREAM_HANDSHAKE : STREAM_OPEN;
    stream_rewatch(stream);
}

static void connected(struct stream *stream)
{
    int error = socket_error(stream->fd);
    if (error) {
        ev_io_stop(loop_ev(stream->loop), &stream->io);
        close(stream->fd);
        stream->fd = -1;
        try_next(stream, socket_connect_words(error));
        return;
    }
    struct stream_dialing *dialing = stream->dialing;
    if (dialing->tls)
        stream->tls = tls_new(dialing->tls, dialing->server_name);
    begin(stream);
    if (stream->tls) {
        advance_tls(stream);
        return;
    }
    forget_dialing(stream);
    stream->ops->on_open(stream);
}

/* how: what became of the one before. */
static void try_next(struct stream *stream, const char *how)
{
    struct stream_dialing *dialing = stream->dialing;
    while (dialing->next < dialing->addresses->count) {
        int fd = socket_connect(&dialing->addresses->list[dialing->next++]);
        if (fd >= 0) {
            use_fd(stream, fd);
            stream_rewatch(stream);
            return;
        }
        how = socket_connect_words(errno);
    }
    fail(stream, how);
}

static void on_timeout(struct timer *timer, nsec now)
{
    struct stream_dialing *dialing = (struct stream_dialing *)timer;
    fail(dialing->stream, "timeout");
}

/* --- what the loop calls --- */

static void on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct stream *stream = watcher->data;
    if (stream->state == STREAM_CONNECTING) {
        connected(stream);
        return;
    }
    if (events & EV_WRITE) {
        stream->blocked = false;
        if (stream_flush(stream)) {
            stream_send_fin(stream);
            if (stream->state == STREAM_OPEN && !stream->finishing)
                stream->ops->on_writable(stream);
        }
    }
    if ((events & EV_READ) && (wanted_events(stream) & EV_READ) && stream->state != STREAM_CLOSED) {
        if (stream->tls)
            pull_tls(stream);
        else
            pull_plain(stream);
    }
    stream_rewatch(stream);
}

/* A socket that is read tells its end itself, in order. */
static void look_at_ending(struct stream *stream)
{
    if (!stream->hung_up || stream->state == STREAM_CLOSED)
        return;
    if (stream->reading && !stream->silent && !stream->socket_ended && !stream->ended)
        return;
    if (stream->hung_up & (EPOLLERR | EPOLLHUP)) {
        int error = socket_error(stream->fd);
        if (error) {
            end(stream, io_from_errno(error));
            return;
        }
    }
    if (stream->watching_end || stream->silent)
        end(stream, IO_EOF);
}

static void on_ending(struct ending *ending, uint32_t events)
{
    struct stream *stream = (struct stream *)((char *)ending - offsetof(struct stream, ending));
    stream->hung_up |= events;
    if (stream->state == STREAM_OPEN || stream->state == STREAM_HANDSHAKE)
        look_at_ending(stream);
}

static void on_turn(struct turn *turn)
{
    struct stream *stream = (struct stream *)((char *)turn - offsetof(struct stream, turn));
    if (stream->state == STREAM_CONNECTING && stream->fd < 0)
        try_next(stream, "error");
    if (stream->state == STREAM_CLOSED || stream->state == STREAM_CONNECTING)
        return;
    if (stream->failure != IO_OK) {
        end(stream, stream->failure);
        return;
    }
    if (stream->tls)
        drain_tls(stream);
    look_at_ending(stream);
}

/* --- public --- */

void stream_init(struct stream *stream, struct loop *loop, const struct stream_ops *ops,
                 void *owner)
{
    *stream = (struct stream){.loop = loop, .ops = ops, .owner = owner, .fd = -1, .reading = true};
    stream->ending.on_ending = on_ending;
    stream->turn.on_turn = on_turn;
    ev_io_init(&stream->io, on_io, -1, 0);
    stream->io.data = stream;
}

void stream_adopt(struct stream *stream, int fd, struct tls_context *tls)
{
    use_fd(stream, fd);
    if (tls)
        stream->tls = tls_new(tls, NULL);
    begin(stream);
}

struct tls *stream_begin_anew(struct stream *stream, struct tls_context *tls)
{
    if (stream->state != STREAM_HANDSHAKE || stream->greeted || stream->dialing)
        return NULL;
    if (tls) {
        tls_free(stream->tls);
        stream->tls = tls_new(tls, NULL);
    }
    return stream->tls;
}

void stream_connect(struct stream *stream, const struct addresses *addresses,
                    struct tls_context *tls, const char *server_name)
{
    struct stream_dialing *dialing = xcalloc(1, sizeof *dialing);
    dialing->stream = stream;
    dialing->addresses = addresses;
    dialing->tls = tls;
    dialing->server_name = server_name;
    dialing->timer.on_due = on_timeout;
    stream->dialing = dialing;
    stream->state = STREAM_CONNECTING;
    loop_timer_set(stream->loop, &dialing->timer, loop_now() + STREAM_CONNECT_TIMEOUT);
    loop_touch(stream->loop, &stream->turn);
}

void stream_read(struct stream *stream, bool on)
{
    if (stream->reading == on)
        return;
    stream->reading = on;
    if (stream->state == STREAM_CLOSED || stream->state == STREAM_CONNECTING)
        return;
    stream_rewatch(stream);
    if (stream->tls || stream->hung_up)
        loop_touch(stream->loop, &stream->turn);
}

void stream_hold_window(struct stream *stream)
{
    if (stream->fd < 0 || stream->reading)
        return;
    stream->held = true;
    stream->flowed = 0;
    socket_hold_window(stream->fd, true);
}

void stream_watch_end(struct stream *stream, bool on)
{
    stream->watching_end = on;
    if (on && stream->hung_up && stream->state != STREAM_CLOSED)
        loop_touch(stream->loop, &stream->turn);
}

bool stream_unsent(const struct stream *stream)
{
    const uint8_t *bytes;
    return stream->state == STREAM_OPEN && stream->tls && !stream->silent &&
           tls_unsent(stream->tls, &bytes) > 0;
}

void stream_peer_ended(struct stream *stream)
{
    stream->hung_up |= EPOLLRDHUP;
    loop_touch(stream->loop, &stream->turn);
}

#include "net/link.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/kernel.h"
#include "net/queues.h"

#define LINGER_LIMIT (2 * NSEC_PER_SEC) /* real */

static struct stream *stream_of(struct link *link, enum side side)
{
    return side == SIDE_CLIENT ? &link->client : &link->server;
}

static enum side side_of(const struct link *link, const struct stream *stream)
{
    return stream == &link->client ? SIDE_CLIENT : SIDE_SERVER;
}

static size_t index_of(enum side side)
{
    return side == SIDE_CLIENT ? 0 : 1;
}

static enum cut cut_of(enum io_result how)
{
    return how == IO_EOF || how == IO_CLOSE_NOTIFY || how == IO_TRUNCATED ? CUT_FIN : CUT_RST;
}

static nsec now_for(struct link *link)
{
    driver_touch(link->driver);
    return driver_now(link->driver);
}

/* --- What may be read --- */

static void follow_interest(struct link *link, enum side side)
{
    struct stream *stream = stream_of(link, side);
    stream_read(stream, session_wants_input(link->session, side));
    if (session_is_held_back(link->session, side))
        stream_hold_window(stream);
}

/* An end is told although bytes before it are unread where nobody is going to read them soon. */
static void watch_ends(struct link *link)
{
    stream_watch_end(&link->client, link->hanging || link->stalled[0]);
    stream_watch_end(&link->server, link->stalled[1]);
}

/* --- What the session asks for --- */

static size_t on_output(void *driver, enum side to, const uint8_t *bytes, size_t len)
{
    struct link *link = driver;
    return stream_write(stream_of(link, to), bytes, len);
}

static void on_interest(void *driver, enum side from)
{
    struct link *link = driver;
    if (!link->session) /* still inside run_accept, after which all is looked at */
        return;
    follow_interest(link, from);
}

static bool on_queues(void *driver, enum side side, uint64_t *ours, uint64_t *theirs)
{
    struct link *link = driver;
    struct stream *stream = stream_of(link, side);
    struct queues_peer peer;
    *ours = *theirs = 0;
    if (stream->fd < 0)
        return true; /* no connection: nothing is held */
    *ours = queues_unread(stream->fd) + (stream->tls ? tls_fed(stream->tls) : 0);
    if (queues_peer(stream->fd, &peer)) {
        *theirs = peer.unsent;
        return true;
    }
    *theirs = queues_send_limit();
    return false;
}

static bool is_polled(const struct link *link, enum side side)
{
    return link->stalled[index_of(side)] || link->deafened[index_of(side)];
}

/* mark: one of what is_polled asks. */
static void mark(struct link *link, enum side side, bool *mark, bool on)
{
    bool before = is_polled(link, side);
    *mark = on;
    if (is_polled(link, side) != before)
        link->driver->polled += before ? (size_t)-1 : 1;
}

static void mark_stalled(struct link *link, enum side side, bool on)
{
    mark(link, side, &link->stalled[index_of(side)], on);
    watch_ends(link);
}

static void mark_deafened(struct link *link, enum side side, bool on)
{
    mark(link, side, &link->deafened[index_of(side)], on);
}

static void drop_answers(struct link *link)
{
    for (size_t i = 0; i < link->answer_count; i++)
        free(link->answers[i].detail);
    link->answer_count = 0;
}

static void give_answer(struct link *link, const char *action, int error, char *detail)
{
    if (link->answer_count == LINK_ANSWERS_LIMIT) {
        free(link->answers[0].detail);
        memmove(link->answers, link->answers + 1, (--link->answer_count) * sizeof *link->answers);
    }
    link->answers[link->answer_count++] = (struct link_answer){
        action, error ? "refused" : "done", error ? xstrdup(strerror(error)) : detail};
    if (error)
        free(detail);
    loop_touch(link->driver->loop, &link->turn);
}

static void close_window(struct link *link, enum side side)
{
    struct stream *stream = stream_of(link, side);
    mark_stalled(link, side, true);
    if (stream->fd < 0)
        return;
    size_t *before = &link->window_before[index_of(side)];
    size_t now = socket_shrink(stream->fd, before);
    give_answer(link, "close_window", 0,
                now ? xprintf("receive buffer of %zu bytes, was %zu", now, *before)
                    : xprintf("receive buffer as it was"));
}

static void open_window(struct link *link, enum side side)
{
    struct stream *stream = stream_of(link, side);
    mark_stalled(link, side, false);
    if (stream->fd >= 0 && link->window_before[index_of(side)])
        socket_unshrink(stream->fd, link->window_before[index_of(side)]);
}

static void vanish(struct link *link, enum side side)
{
    int error = stream_vanish(stream_of(link, side));
    give_answer(link, "vanish", error, NULL);
    if (error)
        stream_silence(stream_of(link, side));
}

/* Also called when a connection is made for which it was asked before. */
static void set_filter(struct link *link, enum side side)
{
    const struct stream *stream = stream_of(link, side);
    double ratio = link->deafness[index_of(side)];
    if (stream->fd < 0 || (ratio == 0 && !link->deafened[index_of(side)]))
        return;
    int error = ratio > 0 ? kernel_deafen(stream->fd, ratio) : kernel_hear(stream->fd);
    if (!error)
        mark_deafened(link, side, ratio > 0);
    give_answer(link, ratio > 0 ? "deafen" : "hear", error, NULL);
}

static void deafen(struct link *link, enum side side, double ratio)
{
    link->deafness[index_of(side)] = ratio;
    set_filter(link, side);
}

static void cut(struct link *link, enum side side, enum cut how)
{
    struct stream *stream = stream_of(link, side);
    switch (how) {
    case CUT_FIN:
        stream_finish(stream);
        return;
    case CUT_RST:
        stream_reset(stream);
        return;
    case CUT_CLOSE:
        stream_hang_up(stream);
        return;
    case CUT_TRUNCATE:
        stream_truncate(stream);
        return;
    case CUT_VANISH:
        vanish(link, side);
        return;
    case CUT_SILENT:
        stream_silence(stream);
        mark_stalled(link, side, true); /* so that its end is looked for */
        return;
    }
}

static void connect_server(struct link *link, unsigned backend)
{
    const struct driver_upstream *upstream = &link->driver->backends[backend];
    assert(backend < link->driver->backend_count);
    link->hanging = false;
    watch_ends(link);
    stream_connect(&link->server, &link->driver->upstreams[backend], upstream->tls,
                   upstream->server_name ? upstream->server_name : upstream->host);
}

static void on_action(void *driver, struct action action)
{
    struct link *link = driver;
    switch (action.kind) {
    case ACTION_CONNECT:
        connect_server(link, action.backend);
        return;
    case ACTION_CUT:
        cut(link, action.side, action.how);
        return;
    case ACTION_CLOSE_WINDOW:
        close_window(link, action.side);
        return;
    case ACTION_OPEN_WINDOW:
        open_window(link, action.side);
        return;
    case ACTION_DEAFEN:
        deafen(link, action.side, action.ratio);
        return;
    }
}

/* --- The end of a link --- */

static void bury(struct link *link)
{
    struct driver *driver = link->driver;
    stream_close(&link->client);
    stream_close(&link->server);
    loop_timer_set(driver->loop, &link->lingering, NEVER);
    loop_untouch(&link->turn);
    mark_stalled(link, SIDE_CLIENT, false);
    mark_stalled(link, SIDE_SERVER, false);
    mark_deafened(link, SIDE_CLIENT, false);
    mark_deafened(link, SIDE_SERVER, false);
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = driver->dead;
    driver->dead = link;
    /* Its memory is looked at until the end of this turn; the driver frees it then. */
    loop_touch(driver->loop, &driver->turn);
}

void link_abandon(struct link *link)
{
    link->session = NULL;
    link->over = true;
    bury(link);
}

static void on_linger_over(struct timer *timer, nsec now)
{
    bury((struct link *)((char *)timer - offsetof(struct link, lingering)));
}

static void finish_or_close(struct stream *stream)
{
    if (stream_unsent(stream))
        stream_finish(stream);
    else
        stream_close(stream);
}

static void on_over(void *driver)
{
    struct link *link = driver;
    link->session = NULL;
    link->over = true;
    finish_or_close(&link->client);
    finish_or_close(&link->server);
    if (link->client.fd < 0 && link->server.fd < 0)
        bury(link);
    else
        loop_timer_set(link->driver->loop, &link->lingering, loop_now() + LINGER_LIMIT);
}

static const struct session_ops session_driver = {.on_output = on_output,
                                                  .on_action = on_action,
                                                  .on_interest = on_interest,
                                                  .on_queues = on_queues,
                                                  .on_over = on_over};

/* --- What the sockets tell --- */

static void on_open(struct stream *stream)
{
    struct link *link = stream->owner;
    if (!link->session)
        return;
    nsec now = now_for(link);
    enum side side = side_of(link, stream);
    if (side == SIDE_SERVER) {
        set_filter(link, side);
        session_connected(link->session, now);
    }
    if (stream->tls && link->session)
        session_tls_open(link->session, side, tls_version(stream->tls), tls_name(stream->tls), now);
    /* What was for a client in its handshake was refused until now. */
    if (side == SIDE_CLIENT && link->session)
        session_writable(link->session, side, now);
}

static void on_failed(struct stream *stream, const char *how)
{
    struct link *link = stream->owner;
    if (!link->session)
        return;
    if (side_of(link, stream) == SIDE_CLIENT)
        session_tls_failed(link->session, how + strlen("tls: "), now_for(link));
    else
        session_connect_failed(link->session, how, now_for(link));
}

static void on_data(struct stream *stream, const uint8_t *bytes, size_t len)
{
    struct link *link = stream->owner;
    if (link->session)
        session_input(link->session, side_of(link, stream), bytes, len, now_for(link));
}

static void on_writable(struct stream *stream)
{
    struct link *link = stream->owner;
    if (link->session)
        session_writable(link->session, side_of(link, stream), now_for(link));
}

static void on_end(struct stream *stream, enum io_result how)
{
    struct link *link = stream->owner;
    if (!link->session)
        return;
    mark_stalled(link, side_of(link, stream), false); /* nothing is left to poll for */
    mark_deafened(link, side_of(link, stream), false);
    session_end(link->session, side_of(link, stream), cut_of(how), io_words(how), now_for(link));
}

static const struct stream_ops leg_ops = {.on_open = on_open,
                                          .on_failed = on_failed,
                                          .on_data = on_data,
                                          .on_writable = on_writable,
                                          .on_end = on_end};

static bool has_ended(int state)
{
    return state == TCP_FIN_WAIT1 || state == TCP_CLOSING || state == TCP_LAST_ACK;
}

/* What a deafened peer did last is still to come, if it was not an RST: its end is told, no more.
 * Where nobody will read it, it is over. */
static void tell_end(struct link *link, enum side side, const char *how)
{
    struct stream *stream = stream_of(link, side);
    bool read_again = link->deafened[index_of(side)] && !stream->silent && !link->hanging;
    if (!read_again)
        stream_peer_ended(stream);
    else if (link->session)
        session_seen_ended(link->session, side, how, now_for(link));
    link->told[index_of(side)] = true;
}

/* Behind a closed window the FIN of a peer is never sent, and a filter drops it: its socket is
 * asked for its state. */
static void poll_peer(struct link *link, enum side side)
{
    const struct stream *stream = stream_of(link, side);
    size_t i = index_of(side);
    struct queues_peer peer;
    if (!is_polled(link, side) || link->told[i] || stream->fd < 0)
        return;
    enum queues_found found = queues_find_peer(stream->fd, &peer);
    if (found == QUEUES_FOUND && has_ended(peer.state))
        tell_end(link, side, "fin");
    else if (found == QUEUES_ABSENT && link->deafened[i] && link->peer_seen[i])
        tell_end(link, side, "gone");
    link->peer_seen[i] = link->peer_seen[i] || found == QUEUES_FOUND;
}

void link_poll(struct link *link)
{
    poll_peer(link, SIDE_CLIENT);
    poll_peer(link, SIDE_SERVER);
}

/* --- Answers, which the session must not get from inside its own calls --- */

static void on_turn(struct turn *turn)
{
    struct link *link = (struct link *)((char *)turn - offsetof(struct link, turn));
    for (size_t i = 0; i < link->answer_count && link->session; i++) {
        const struct link_answer *at = &link->answers[i];
        session_answer(link->session, at->action, at->answer, at->detail ? at->detail : "",
                       now_for(link));
    }
    drop_answers(link);
}

void link_free(struct link *link)
{
    drop_answers(link);
    free(link);
}

static void turn_away(struct link *link, enum cut how)
{
    if (how == CUT_CLOSE)
        stream_hang_up(&link->client);
    else
        stream_reset(&link->client);
    link_abandon(link);
}

/* A handshake that is to go wrong: under another certificate, or told how. */
static void spoil_handshake(struct link *link, const struct session *session)
{
    const struct flawed *flawed = link->driver->config.flawed;
    unsigned value;
    struct tls_context *context = NULL;
    struct tls *tls;
    switch (session_tls_trouble(session, &value)) {
    case TLS_FINE:
    case TLS_STALL: /* it hangs: nothing is read */
        return;
    case TLS_ALERT:
        tls = stream_begin_anew(&link->client, NULL);
        if (tls)
            tls_refuse(tls, value);
        return;
    case TLS_DOWNGRADE:
        tls = stream_begin_anew(&link->client, NULL);
        if (tls)
            tls_limit(tls, value);
        return;
    case TLS_EXPIRED:
        context = flawed ? flawed->expired : NULL;
        break;
    case TLS_WRONG_NAME:
        context = flawed ? flawed->wrong_name : NULL;
        break;
    case TLS_UNTRUSTED:
        context = flawed ? flawed->untrusted : NULL;
        break;
    }
    if (context)
        (void)stream_begin_anew(&link->client, context); /* a closed one needs none */
    else
        give_answer(link, "tls", ENOTSUP, NULL);
}

void link_accept(struct driver *driver, unsigned client, int fd, const struct address *peer)
{
    struct link *link = xcalloc(1, sizeof *link);
    char name[SOCKET_PEER_BYTES];
    link->driver = driver;
    link->next = &driver->links;
    link->previous = driver->links.previous;
    link->previous->next = link->next->previous = link;
    link->turn.on_turn = on_turn;
    link->lingering.on_due = on_linger_over;
    stream_init(&link->client, driver->loop, &leg_ops, link);
    stream_init(&link->server, driver->loop, &leg_ops, link);
    stream_adopt(&link->client, fd, driver->config.tls);
    socket_peer_text(peer, name);
    struct session *session = run_accept(driver->run, client, name, socket_family_text(peer),
                                         &session_driver, link, now_for(link));
    if (link->over)
        return;
    if (session_admission(session) == REFUSE) {
        turn_away(link, session_refusal(session));
        return;
    }
    spoil_handshake(link, session);
    link->session = session;
    link->hanging = session_admission(session) == HANG;
    watch_ends(link);
    follow_interest(link, SIDE_CLIENT);
    follow_interest(link, SIDE_SERVER);
}

/* One TCP connection of ours, plain or TLS, as a stream of bytes: the driver's two legs and the
 * built-in endpoints' connections are made of these. Embedded in its owner, whose memory must live
 * to the end of the turn in which stream_close or stream_reset was called.
 *
 * Callbacks come only from the loop, never from inside a stream_* function. */
#ifndef HALFOPEN_NET_STREAM_H
#define HALFOPEN_NET_STREAM_H

#include "net/loop.h"
#include "net/socket.h"
#include "net/tls.h"

#define STREAM_CONNECT_TIMEOUT (20 * NSEC_PER_SEC) /* real; with the TLS handshake */

struct stream;

struct stream_ops {
    void (*on_open)(struct stream *); /* connected, and through the TLS handshake if there is one */
    /* Before on_open: refused, timeout, unreachable, "tls: ..."; the stream is closed. An adopted
     * one: only after its peer began a TLS handshake, else on_end. */
    void (*on_failed)(struct stream *, const char *how);
    void (*on_data)(struct stream *, const uint8_t *bytes, size_t len); /* borrowed */
    void (*on_writable)(struct stream *); /* after stream_write took less than all */
    /* The peer ended its direction. After RESET, TIMEOUT and ERROR the stream is closed; after the
     * others it can still be written, and one of these three may follow. */
    void (*on_end)(struct stream *, enum io_result how);
};

enum stream_state { STREAM_CLOSED, STREAM_CONNECTING, STREAM_HANDSHAKE, STREAM_OPEN };

struct stream_dialing; /* only while it connects */

struct stream {
    struct loop *loop;
    const struct stream_ops *ops;
    void *owner;
    ev_io io;
    struct ending ending;
    struct turn turn;
    int fd;
    enum stream_state state;
    struct tls *tls;
    struct stream_dialing *dialing;
    enum io_result failure;   /* of a write; reported at the end of the turn */
    unsigned hung_up;         /* EPOLLRDHUP, EPOLLHUP, EPOLLERR seen so far */
    bool reading;             /* the owner wants data */
    bool watching_end;        /* a FIN is reported although what came before it is not read */
    bool blocked;             /* a write was short: on_writable is owed */
    bool finishing, finished; /* FIN asked for; FIN sent */
    bool socket_ended;        /* TLS: the socket's FIN was read */
    bool greeted;             /* TLS: something of the peer was read */
    bool ended;               /* nothing more is read */
    bool silent;              /* nothing is read or written any more */
    bool held;                /* the window is, until reading has gone on for a while */
    size_t flowed;            /* bytes read since */
};

/* All begin with reading on. Takes the fd; tls NULL: plain, and open at once (no on_open). */
void stream_init(struct stream *, struct loop *, const struct stream_ops *, void *owner);
void stream_adopt(struct stream *, int fd, struct tls_context *tls);
/* The handshake of an adopted stream that has read nothing yet, to be told how it is to go wrong;
 * under another context (NULL: the same). NULL: it is closed, plain, or too late. */
struct tls *stream_begin_anew(struct stream *, struct tls_context *tls);
/* Tries the addresses in turn. addresses are kept until on_open or on_failed. */
void stream_connect(struct stream *, const struct addresses *, struct tls_context *tls,
                    const char *server_name);

/* How many were taken; fewer than all: on_writable follows. What a closed or finished stream gets
 * is taken and dropped. */
size_t stream_write(struct stream *, const uint8_t *bytes, size_t len);
void stream_read(struct stream *, bool on); /* off: the peer's window closes in time */
/* While it is not read, its window promises little, and for a while after; else the kernel takes in
 * megabytes that no slow path would. */
void stream_hold_window(struct stream *);
/* While it is not read, report a FIN all the same (RST always is). */
void stream_watch_end(struct stream *, bool on);
void stream_finish(struct stream *); /* FIN (TLS: close_notify first) after what was written */
/* Under TLS without close_notify. */
void stream_truncate(struct stream *);
/* As close(2) after everything was read: FIN, and what the peer sends later meets an RST. */
void stream_hang_up(struct stream *);
/* Without FIN or RST (kernel_vanish). 0: closed; else errno, and nothing happened. */
int stream_vanish(struct stream *);
void stream_reset(struct stream *);   /* RST at once; closed */
void stream_silence(struct stream *); /* open, but neither read nor written; its end is reported */
void stream_close(
    struct stream *); /* closed as the kernel sees fit; unsent bytes of TLS are lost */
bool stream_unsent(const struct stream *); /* TLS: ciphertext waits for the socket */
/* Something else than the socket has shown that the peer ended (its state in sock_diag). */
void stream_peer_ended(struct stream *);

#endif

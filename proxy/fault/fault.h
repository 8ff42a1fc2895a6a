/* A fault: how we interfere with a connection. It decides and calls verbs; it keeps no queue, reads
 * no clock, starts no timer but by fault_wake, draws no random number but from fault_rng. Every
 * verb that interferes writes its own event, so no fault acts unseen. One fault is one file whose
 * descriptor is its name with _fault; the registry is generated from the folder. */
#ifndef HALFOPEN_FAULT_FAULT_H
#define HALFOPEN_FAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/param.h"
#include "base/rng.h"
#include "trace/event.h"
#include "ws/frame.h"

/* Which way bytes travel; for faults on a leg (reset), whose connection is meant. */
enum dir { TO_SERVER, TO_CLIENT };
enum { DIRS = 2 };
#define DIR_MASK(d) (1u << (d))
#define DIR_BOTH    (DIR_MASK(TO_SERVER) | DIR_MASK(TO_CLIENT))

enum unit_kind {
    UNIT_BYTES,   /* raw bytes: neither HTTP nor WebSocket, or a body */
    UNIT_HEAD,    /* one whole HTTP head */
    UNIT_FRAME,   /* a frame head, or the whole frame when it is small (see whole) */
    UNIT_PAYLOAD, /* more of the payload of the frame before; follows that frame's verb by itself */
    UNIT_END      /* the source ended its direction; no bytes */
};

/* How a connection of ours with an endpoint ends. */
enum cut {
    CUT_FIN,    /* FIN after what was accepted for it; what it still sends is read (RFC 9293 3.6) */
    CUT_RST,    /* RST at once; what it did not read is lost */
    CUT_SILENT, /* nothing is sent any more and nothing is read; its bytes are acknowledged */
    CUT_CLOSE,  /* as close(2): FIN after what was accepted; what it sends later is met by RST */
    CUT_TRUNCATE, /* as FIN, but under TLS without close_notify (RFC 8446 6.1) */
    CUT_VANISH    /* the socket is gone without a segment: NEED_REPAIR */
};
const char *cut_name(enum cut);

/* What a fault asks of the machine beside sockets; `halfopen doctor` tells whether it is there. */
enum fault_need {
    NEED_NOTHING,
    NEED_FILTER, /* socket filters that may drop a TCP segment before the stack sees it */
    NEED_REPAIR  /* TCP_REPAIR, which takes CAP_NET_ADMIN */
};

/* What becomes of the clients' listening sockets while a fault is on. */
enum door {
    DOOR_OPEN,
    DOOR_HANG, /* connects are not answered: SYNs are dropped, or the backlog is full */
    DOOR_SHUT  /* nobody listens: connects are refused by the kernel, and never seen */
};

/* The addresses of one name: 127.0.0.1 and ::1. */
enum family { FAMILY_IPV4, FAMILY_IPV6 };
enum { FAMILIES = 2 };
const char *family_name(enum family); /* "ipv4", as in tcp.open */
static inline enum family family_other(enum family family)
{
    return family == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4;
}

/* What is wrong with our side of a TLS handshake with the client. */
enum tls_trouble {
    TLS_FINE,
    TLS_STALL,      /* the ClientHello is never answered */
    TLS_ALERT,      /* answered by a fatal alert: value is its description (RFC 8446 6) */
    TLS_EXPIRED,    /* a certificate that expired */
    TLS_WRONG_NAME, /* a certificate for another name */
    TLS_UNTRUSTED,  /* a certificate by an authority nobody knows */
    TLS_DOWNGRADE   /* value is the highest version offered: 0x0301 for TLS 1.0 (RFC 8446 4.1.2) */
};

/* What the core recognised a frame to be. */
enum unit_heartbeat { UNIT_NO_HEARTBEAT, UNIT_PING, UNIT_PONG, UNIT_APP_PING, UNIT_APP_PONG };

struct unit {
    enum unit_kind kind;
    enum dir dir;
    const uint8_t *bytes; /* borrowed until the hook returns */
    size_t len;
    nsec arrived;                  /* when its last byte was read */
    struct frame_head frame;       /* FRAME and PAYLOAD */
    bool whole;                    /* FRAME: bytes is the whole frame */
    bool upgrade;                  /* HEAD: of the selected upgrade, or of the answer to it */
    bool last;                     /* the frame ends with this unit */
    enum unit_heartbeat heartbeat; /* whole FRAME: what it is */
    enum cut end;                  /* END: how the source ended */
    uint64_t frame_seq;            /* seq of its ws.frame, with last; else 0 */
    bool by_fault;                 /* END: a fault ended it, not the source */
    bool injected;                 /* BYTES: frames of a fault before this one */
    bool replaced;                 /* its bytes are not what the endpoint sent */
    size_t split; /* set by fault_split: the unit in hand is its first so many bytes */
    bool decided; /* a verb was called: asserted to happen exactly once */
};

struct fault;

/* All optional; absent lets that moment pass. Exactly one unit verb per call of a unit hook. */
struct fault_ops {
    void (*on_start)(struct fault *); /* begins on a connection that exists, or at its acceptance */
    /* The 101 was delivered; or, on a WebSocket that is open, right after on_start. */
    void (*on_open)(struct fault *);
    void (*on_attempt)(struct fault *); /* accepted, nothing read: may refuse or hang */
    void (*on_bytes)(struct fault *, struct unit *); /* every unit but END, as bytes */
    void (*on_head)(struct fault *, struct unit *);  /* one HTTP head */
    void (*on_frame)(struct fault *, struct unit *); /* the verb goes for the whole frame */
    void (*on_end)(struct fault *, struct unit *);   /* the source ended */
    void (*on_traffic)(struct fault *,
                       enum dir); /* bytes passed the observer; interferes with nothing */
    /* The server could not be reached: the fault answers for it (fault_respond, fault_cut). Without
     * such a hook the client is met by RST. */
    void (*on_unreachable)(struct fault *);
    void (*on_timer)(struct fault *);
    void (*on_stop)(struct fault *); /* its time is over; what it holds is released after this */
};

/* Where on the way a fault interferes; the order of the documentation. */
enum fault_layer {
    LAYER_BYTES,
    LAYER_KERNEL,
    LAYER_CONNECTING,
    LAYER_TLS,
    LAYER_UPGRADE,
    LAYER_WEBSOCKET,
    LAYER_INTERMEDIARY
};
enum { FAULT_LAYERS = 7 };
const char *fault_layer_name(enum fault_layer); /* "byte stream" */

/* What a fault keeps from an endpoint without ending or silencing its connection. */
enum fault_withholds { WITHHOLDS_NOTHING, WITHHOLDS_PONGS, WITHHOLDS_CLOSES };

struct fault_desc {
    enum fault_layer layer;
    const char *name, *brief, *doc, *example; /* brief completes "This fault will ..." */
    unsigned dirs;                            /* DIR_MASKs in which it makes sense */
    unsigned usual_dirs;                      /* when no direction is given; 0: all of dirs */
    bool on_legs;  /* direction names a leg: hooks for units get what travels either way */
    bool silences; /* the far side hears nothing: rules ask for this */
    enum fault_withholds withholds; /* beside silence: only one kind of answer is kept away */
    bool (*spares)(const void *config, enum side); /* silences, but not that side; NULL: neither */
    /* Begins once, on connections that exist; takes no `for` and no `as`. With a hook for units or
     * a timer it then stays with those connections to their end (fin); else it is over (reset). */
    bool instant;
    bool breaks_deflate; /* drops or reorders messages: permessage-deflate is taken out of the offer
                          */
    bool speaks;         /* it says something in a peer's name: `to` names who is told */
    bool tls;            /* the legs it names must be TLS */
    bool authority;      /* its certificate is made by the local authority */
    /* What the endpoint sees is timed by its kernel, whose clock no speed can change: a scenario
     * with it runs at speed 1 (RULES 0, clocks). */
    bool kernel_time;
    enum fault_need need; /* without it the fault is refused, or replaced by the step's fallback */
    enum fault_need (*needs)(const void *config); /* when parameters decide; else NULL */
    /* The door of that family; used: the one the client's newest connection came by. NULL: open. */
    enum door (*door)(const void *config, enum family, enum family used);
    const char
        *presets; /* folder of scenarios/ whose files hold parameters for `profile`; NULL: none */
    /* on_frame decides on whole messages: it is asked for their first frame (and for control
     * frames), the others follow that frame's verb by themselves. */
    bool messages;
    size_t whole_frames; /* on_frame gets frames whole up to this payload size; 0: heads only */
    const struct param *params;
    /* Whether the parameters go together, beyond the bounds of each; NULL: always. false: why holds
     * the sentence, *param the parameter to point at (unset: all of them). */
    bool (*check)(const void *config, const char **param, struct text *why);
    /* Whether a parameter matters, the others being as they are: a preset's fact that nobody knows
     * need not be given else. NULL: all do. */
    bool (*uses)(const void *config, const char *param);
    size_t config_size, state_size; /* state is zeroed */
    struct fault_ops ops;
};

/* What carries the verbs out: the core, or a recorder of verbs in tests. */
struct fault_port {
    void (*pass)(struct fault *, struct unit *);
    void (*hold)(struct fault *, struct unit *, nsec until);
    void (*ask_later)(struct fault *, struct unit *, nsec until);
    void (*set_aside)(struct fault *, struct unit *, nsec until);
    void (*drop)(struct fault *, struct unit *);
    void (*replace)(struct fault *, struct unit *, const void *, size_t);
    void (*respond)(struct fault *, struct unit *, const void *, size_t);
    bool (*inject)(struct fault *, enum dir, const void *, size_t);
    bool (*inject_at)(struct fault *, enum dir, const void *, size_t, nsec at);
    bool (*between)(struct fault *, enum dir);
    void (*let_go)(struct fault *, enum dir);
    void (*put_back)(struct fault *, enum dir);
    void (*end)(struct fault *, enum dir, enum cut);
    void (*cut)(struct fault *, enum side, enum cut);
    void (*stall)(struct fault *, enum dir, bool on);
    void (*deafen)(struct fault *, enum side, double ratio);
    void (*wake)(struct fault *, nsec at);
    void (*refuse)(struct fault *, enum cut);
    void (*hang)(struct fault *, nsec until);
    void (*tls)(struct fault *, enum tls_trouble, unsigned value);
    unsigned (*connections)(struct fault *);
    bool (*is_open)(struct fault *);
};

struct fault {
    const struct fault_desc *desc;
    const void *config;
    void *state;
    unsigned dirs; /* the directions it was asked for */
    nsec now;      /* set before every hook */
    nsec began;    /* its step, for all connections alike; with a moment of its own: on this one */
    int64_t epoch; /* time of day at target time 0, seconds since 1970 */
    struct rng rng;
    const struct fault_port *port;
    void *host; /* the port's own */
};

extern const struct fault_desc *const all_faults[];    /* sorted by name, NULL ends */
const struct fault_desc *fault_find(const char *name); /* NULL: none */
/* Acts before there is a connection, or while it is accepted, and never later. */
bool fault_only_at_acceptance(const struct fault_desc *);
bool fault_hears(const struct fault *, enum dir); /* units that travel that way come to its hooks */
bool fault_is_over_at_once(const struct fault_desc *);
bool fault_silences(const struct fault_desc *, const void *config, enum side);
enum fault_need fault_needs(const struct fault_desc *, const void *config);

static inline const void *fault_config(const struct fault *f)
{
    return f->config;
}

static inline void *fault_state(struct fault *f)
{
    return f->state;
}

static inline struct rng *fault_rng(struct fault *f)
{
    return &f->rng;
}

static inline nsec fault_now(const struct fault *f)
{
    return f->now;
}

static inline bool fault_acts_on(const struct fault *f, enum dir d)
{
    return (f->dirs & DIR_MASK(d)) != 0;
}

/* --- Verbs on the unit in hand: exactly one of these, once, asserted --- */
void fault_pass(struct fault *, struct unit *);
/* Keeps it, and everything behind it, until then (NEVER: until the fault is cleared). Never
 * overtakes. */
void fault_hold(struct fault *, struct unit *, nsec until);
/* Decides nothing yet: the same hook gets it again `until` then (later than now; NEVER: when the
 * fault is cleared it passes), and what comes behind it only after it. So a fault that lets a
 * stream through piece by piece needs not cut it up before; little of it is read ahead
 * (ASK_HIGH_BYTES). */
void fault_ask_later(struct fault *, struct unit *, nsec until);
/* Takes a whole frame out of the stream and puts it back at the first message boundary after
 * `until` (NEVER: when fault_put_back says so, or the fault ends); what comes behind it goes on,
 * but for the end of the source, which waits. Of faults on messages the whole message is set aside,
 * if it is not larger than ASIDE_LIMIT_BYTES; then it goes on after all. */
void fault_set_aside(struct fault *, struct unit *, nsec until);
void fault_drop(struct fault *, struct unit *);
/* Other bytes go on in place of the unit's; bytes are borrowed until the hook returns. Of a frame
 * that is not whole only the head is replaced: its payload follows as it is. */
void fault_replace(struct fault *, struct unit *, const void *bytes, size_t);
/* Answers the request whose head is in hand in place of the server, which never sees it. NULL: one
 * that went on before, and whose answer the fault then keeps from the client. bytes: a whole
 * response, body included. What is to become of the connection is said apart (fault_cut). */
void fault_respond(struct fault *, struct unit *, const void *bytes, size_t);
/* Not a decision but made before one: from here on the unit in hand is its first `len` bytes, 0 <
 * len < u->len; what is left comes back to the same hook as a unit of its own when this one is
 * decided. A part of a frame is no longer whole, the parts behind the first are UNIT_PAYLOAD, those
 * of a head UNIT_BYTES but for the last, which is UNIT_HEAD. */
void fault_split(struct fault *, struct unit *, size_t len);

/* --- Verbs on the connection --- */
/* At the next frame boundary, as bytes that nobody observes again. false: too much waits already
 * (HELD_HIGH_BYTES); nothing was taken, try again after a wake. */
bool fault_inject(struct fault *, enum dir, const void *bytes, size_t);
/* The same, kept until then and put in at the next message boundary, among what is set aside. */
bool fault_inject_at(struct fault *, enum dir, const void *bytes, size_t, nsec at);
/* What is set aside goes on at the next message boundary: behind the unit in hand, if there is one
 * of that direction. */
void fault_put_back(struct fault *, enum dir);
void fault_let_go(struct fault *, enum dir); /* what is held goes on, in order, written together */
/* That direction ends here, behind the unit in hand and all this fault holds: an END walks on to
 * the faults behind it, in order. What the source sends after it is the fault's to drop. */
void fault_end(struct fault *, enum dir, enum cut);
/* At once, whatever other faults hold. */
void fault_cut(struct fault *, enum side, enum cut);
void fault_stall(struct fault *, enum dir, bool on); /* stop reading the source, window closed */
/* The kernel loses this share of the segments that side sends us, before TCP sees them: 1: all,
 * nothing is acknowledged; 0: it hears again. What several faults ask for adds up. NEED_FILTER. */
void fault_deafen(struct fault *, enum side, double ratio);
void fault_wake(struct fault *, nsec at); /* on_timer then; NEVER: not at all */

/* --- Verbs on an attempt, in on_attempt only, at most one of refuse and hang --- */
void fault_refuse(struct fault *, enum cut); /* RST, or CLOSE: accepted and closed, nothing read */
/* Nothing is read or sent until then, or until cleared; then on_attempt is asked again. */
void fault_hang(struct fault *, nsec until);
void fault_tls(struct fault *, enum tls_trouble, unsigned value); /* the newest call counts */

/* --- Questions --- */
/* What is injected now goes at once, and is inside no frame and no message. */
bool fault_between(struct fault *, enum dir);
/* Connections of the clients that are open to us now and do not hang, this one included. When one
 * of them ends, attempts that hang come to on_attempt again, the oldest first. */
unsigned fault_connections(struct fault *);
/* When its step began. */
static inline nsec fault_began(const struct fault *f)
{
    return f->began;
}

bool fault_is_open(struct fault *); /* the 101 was delivered: it is a WebSocket */
/* The time of day at the endpoints, in seconds since 1970: for headers that carry a date. */
int64_t fault_time_of_day(const struct fault *);

#endif

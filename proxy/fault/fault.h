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

enum cut { CUT_FIN, CUT_RST, CUT_SILENT };
const char *cut_name(enum cut);

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
    bool last;                     /* the frame ends with this unit */
    enum unit_heartbeat heartbeat; /* whole FRAME: what it is */
    enum cut end;                  /* END: how the source ended */
    uint64_t frame_seq;            /* seq of its ws.frame, with last; else 0 */
    bool decided;                  /* a verb was called: asserted to happen exactly once */
};

struct fault;

/* All optional; absent lets that moment pass. Exactly one unit verb per call of a unit hook. */
struct fault_ops {
    /* begins on a connection that exists, or at its acceptance */
    void (*on_start)(struct fault *);
    void (*on_attempt)(struct fault *); /* accepted, nothing read: may refuse or hang */
    void (*on_bytes)(struct fault *, struct unit *); /* every unit but END, as bytes */
    void (*on_head)(struct fault *, struct unit *);  /* one HTTP head */
    void (*on_frame)(struct fault *, struct unit *); /* the verb goes for the whole frame */
    void (*on_end)(struct fault *, struct unit *);   /* the source ended */
    /* bytes passed the observer; interferes with nothing */
    void (*on_traffic)(struct fault *, enum dir);
    void (*on_timer)(struct fault *);
    void (*on_stop)(struct fault *); /* its time is over; what it holds is released after this */
};

struct fault_desc {
    const char *name, *brief, *doc, *example; /* brief completes "This fault will ..." */
    unsigned dirs;                            /* DIR_MASKs in which it makes sense */
    bool silences;                            /* the far side hears nothing: rules ask for this */
    bool instant; /* done at once: never runs in the background (reset) */
    /* drops or reorders messages: permessage-deflate is taken out of the offer */
    bool breaks_deflate;
    size_t whole_frames; /* on_frame gets frames whole up to this payload size; 0: heads only */
    const struct param *params;
    size_t config_size, state_size; /* state is zeroed */
    struct fault_ops ops;
};

/* What carries the verbs out: the core, or a recorder of verbs in tests. */
struct fault_port {
    void (*pass)(struct fault *, struct unit *);
    void (*hold)(struct fault *, struct unit *, nsec until);
    void (*set_aside)(struct fault *, struct unit *, nsec until);
    void (*drop)(struct fault *, struct unit *);
    void (*replace)(struct fault *, struct unit *, const void *, size_t);
    void (*inject)(struct fault *, enum dir, const void *, size_t);
    void (*cut)(struct fault *, enum side, enum cut);
    void (*stall)(struct fault *, enum dir, bool on);
    void (*wake)(struct fault *, nsec at);
    void (*refuse)(struct fault *);
    void (*hang)(struct fault *, nsec until);
};

struct fault {
    const struct fault_desc *desc;
    const void *config;
    void *state;
    unsigned dirs; /* the directions it was asked for */
    nsec now;      /* set before every hook */
    struct rng rng;
    const struct fault_port *port;
    void *host; /* the port's own */
};

extern const struct fault_desc *const all_faults[];    /* sorted by name, NULL ends */
const struct fault_desc *fault_find(const char *name); /* NULL: none */

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
/* Takes a whole frame out of the stream and puts it back at the first message boundary after
 * `until`; what comes behind it goes on. */
void fault_set_aside(struct fault *, struct unit *, nsec until);
void fault_drop(struct fault *, struct unit *);
void fault_replace(struct fault *, struct unit *, const void *bytes, size_t);
/* --- Verbs on the connection --- */
/* at the next frame boundary */
void fault_inject(struct fault *, enum dir, const void *bytes, size_t);
/* Ends our connection with that side. FIN: after what was already accepted for it; RST: at once;
 * SILENT: nothing is sent any more and nothing is read. */
void fault_cut(struct fault *, enum side, enum cut);
void fault_stall(struct fault *, enum dir, bool on); /* stop reading the source, window closed */
void fault_wake(struct fault *, nsec at);            /* on_timer then; NEVER: not at all */
/* --- Verbs on an attempt, in on_attempt only, at most one --- */
void fault_refuse(struct fault *); /* RST */
/* nothing is read or sent until then, or until cleared */
void fault_hang(struct fault *, nsec until);

#endif

/* What the files of the core share and nobody else sees. */
#ifndef HALFOPEN_CORE_INTERNAL_H
#define HALFOPEN_CORE_INTERNAL_H

#include "base/buf.h"
#include "base/deadline.h"
#include "base/pattern.h"
#include "core/run.h"
#include "trace/heartbeat.h"
#include "ws/content.h"
#include "ws/deflate.h"
#include "ws/http.h"

#define OUT_LIMIT_BYTES ((size_t)16 << 20)  /* per side; input stops long before */
#define OUT_HIGH_BYTES  ((size_t)256 << 10) /* held units are not released beyond this */
/* per fault and direction; then the source is not read */
#define HELD_HIGH_BYTES ((size_t)4 << 20)
/* what waits to be asked about again, likewise: a slow link has a short queue */
#define ASK_HIGH_BYTES    ((size_t)64 << 10)
#define ASIDE_LIMIT_BYTES ((size_t)2 << 20) /* a larger message is not set aside */
#define INSTANCES_LIMIT   64                /* faults on one connection */
#define HOOK_KINDS        3
#define SESSION_PATTERNS  3
#define ACT_QUIET         (100 * NSEC_PER_MSEC) /* runs of the same act are one event this long */

/* --- A unit that waits --- */
struct held {
    struct held *next, *more; /* more: the rest of its message, when that was set aside as one */
    struct unit unit;         /* bytes lie in memory */
    uint8_t *memory;
    nsec until;
    size_t bytes; /* what it counts for, with more */
    bool ask;     /* the fault has not decided about it: it is asked then */
};

struct held_queue {
    struct held *first, *last;
    size_t bytes;
};

enum outcome { PASSED, HELD, ASKED_LATER, ASIDE, DROPPED, REPLACED };

/* Consecutive acts of the same kind, in one direction. */
struct act_run {
    const char *verb;
    uint64_t count, bytes;
    nsec written; /* when the newest event of it was emitted */
};

/* --- A fault at work on one connection --- */
struct instance {
    struct fault fault;
    struct session *session;
    struct activation *activation;
    struct held_queue queue[DIRS], aside[DIRS];
    enum outcome frame_outcome[DIRS]; /* of the frame under way: its payload follows it */
    nsec frame_until[DIRS];
    enum outcome message_outcome[DIRS]; /* faults on messages: continuation frames follow it */
    nsec message_until[DIRS];
    struct held *gathering[DIRS][2]; /* set aside and not yet whole: a data, a control frame */
    bool asking[DIRS];               /* inside a hook on a unit of that direction */
    bool mid_frame[DIRS], mid_message[DIRS]; /* of what went on downstream */
    struct frame_decoder said[DIRS];         /* of what it puts in itself */
    struct text said_payload[DIRS];          /* its start, unmasked */
    struct frame_decoder injected[DIRS];     /* of what faults before it put in */
    struct buf inject[DIRS];                 /* waits for a frame boundary */
    nsec wake, ends;
    double deaf[3];      /* by enum side: the share of its segments that is to be lost */
    bool stopping;       /* over: lets everything pass, is removed when the turn settles */
    bool asked_before;   /* the unit in hand waited to be asked about */
    bool hung;           /* its hang was written */
    bool ends_dir[DIRS]; /* asked to end that direction behind the unit in hand */
    enum cut end_how[DIRS];
    enum outcome outcome; /* of the unit in hand */
    uint8_t *replacement; /* its own */
    size_t replacement_len;
    struct act_run acts[DIRS];
};

/* --- Masking keys of one direction: whether they follow one another --- */
struct mask_watch {
    uint32_t last[2], step[2]; /* as a number in either order of its bytes */
    uint64_t row[2];           /* how many keys in a row are one step apart */
};

/* --- One direction of a connection: what its source sent, observed --- */
enum lane_mode { LANE_HEAD, LANE_BODY, LANE_FRAMES, LANE_RAW };

struct lane {
    enum dir dir;
    enum lane_mode mode;
    struct http_reader *head; /* collects a head in LANE_HEAD */
    size_t head_passed;       /* bytes of it that went on before it was whole */
    struct http_body body;
    struct frame_decoder decoder;
    struct buf whole; /* a small frame being collected for faults */
    bool collecting;
    bool walking;     /* frame by frame through the chain, since a fault looks */
    size_t head_sent; /* bytes of a cut head that went on before frames began to walk */
    uint8_t control[FRAME_CONTROL_MAX]; /* unmasked payload of a control frame under way */
    size_t control_len;
    struct mask_watch masks;
    struct text message; /* start of the message's payload, unmasked and inflated */
    size_t frame_from;   /* where the frame under way begins in it */
    bool in_message;     /* a fragmented message is under way */
    uint8_t message_opcode;
    uint64_t message_len, message_frames;
    bool message_compressed;
    enum deflate_result inflated;  /* of that message so far */
    struct deflate *inflater;      /* NULL: permessage-deflate was not negotiated */
    enum unit_heartbeat heartbeat; /* of the newest frame */
    uint64_t bytes_in, bytes_out;
    bool ended; /* the source ended */
    enum cut end;
    int stalls;       /* faults that stop reading it */
    bool paused;      /* tcp.pause was written */
    struct buf out;   /* accepted for the sink and not yet taken */
    bool end_pending; /* FIN to the sink once out is empty */
    enum cut end_how; /* then: FIN, CLOSE or TRUNCATE */
    enum cause end_by;
};

enum leg { LEG_NONE, LEG_CONNECTING, LEG_OPEN, LEG_SHUT, LEG_CUT };

/* The newest request, as far as the response and the selection of connections need it. */
struct request_facts {
    char *path, *key, *protocols, *extensions;
    bool upgrade, counts, noted;
};

#define PIPELINE_LIMIT 64 /* requests whose responses are still to come; further ones are OTHER */

/* What was asked and not answered yet, in order: the framing of a response depends on it. */
struct pipeline {
    uint8_t asked[PIPELINE_LIMIT]; /* enum http_asked, a ring */
    size_t first, count;
};

struct session {
    struct run *run;
    struct session *next, **link; /* link: what points to it */
    struct session *next_dirty;
    struct deadline deadline;
    uint32_t conn;
    unsigned client, number; /* which port it came to; what the trace calls it */
    enum admission admission;
    unsigned backend; /* to which it was connected */
    nsec hang_until;
    enum cut refusal; /* of REFUSE: CUT_RST or CUT_CLOSE */
    enum tls_trouble tls_trouble;
    unsigned tls_value;
    int corks; /* >0: output is gathered */
    const struct session_ops *ops;
    void *driver;
    nsec accepted, now;
    struct lane lanes[DIRS];
    enum leg legs[3]; /* by enum side: what we can still do with it */
    bool gone[3];     /* by enum side: the endpoint's socket is finished */
    bool end_told[3]; /* by enum side: its tcp.close was written before its end was read */
    double deaf[3];   /* by enum side: the share of its segments that is lost now */
    struct instance *instances[INSTANCES_LIMIT]; /* from client to server */
    size_t instance_count;
    uint64_t *begun; /* serials of the activations that began here, over or not */
    size_t begun_count;
    struct request_facts request;
    struct pipeline pipeline;
    bool open;         /* 101 delivered */
    bool open_pending; /* 101 seen and not yet delivered */
    enum family family;
    bool over, over_told;
    struct heartbeats *beats;
    bool heartbeat_now, ping_now, pong_now, open_now; /* moments of this turn */
    int depth;  /* inside a session call: actions are ours to finish */
    bool dirty; /* in the run's list of those touched since it settled */
};

/* --- A fault step that was started --- */
struct activation {
    struct activation *next;
    const struct fault_step *step;
    uint64_t serial;
    nsec began, ends; /* NEVER: until cleared */
    uint32_t newest;  /* CONNS_NEWEST: the connection; EXISTING and NEWEST: conns up to last_conn */
    uint32_t last_conn;
    enum family used[PLAN_CLIENTS_LIMIT]; /* by which each client came last, when it began */
    bool over;
};

struct counters {
    uint64_t opens, closes, attempts, pings, pongs, beats, gave_up;
    uint64_t matches; /* messages that a watch found */
};

struct message_kinds;
struct message_classes;

struct client_state {
    struct counters counters;
    struct message_kinds *kinds[DIRS];     /* by which way they go; NULL: none with a number yet */
    struct message_classes *classes[DIRS]; /* likewise; NULL: no message yet */
    unsigned open;                         /* WebSockets open now */
    nsec last_traffic;
    bool exited, connected_once;
    unsigned number; /* in the trace */
    enum door doors[FAMILIES];
    enum family used; /* of the newest connection that opened; before that, of the newest */
    uint64_t asked[HOOK_KINDS]; /* how often through each hook */
    uint64_t *found;            /* per watch: counters.matches when it last found one; 0: never */
};

/* A hook step under way. */
struct asking {
    struct asking *next;
    const struct hook_step *step;
    uint64_t left;
    nsec due;
};

enum step_state { STEP_NOT_BEGUN, STEP_UNDER_WAY };

struct run {
    const struct plan *plan;
    struct recorder *recorder;
    struct run_options options;
    struct deadlines deadlines;
    struct deadline own;                /* of the step under way and the activations */
    struct session *sessions;           /* newest first */
    struct session *dirty, **dirty_end; /* in the order they were touched */
    uint32_t conns;
    struct activation *activations;
    uint64_t activation_serial;
    struct client_state *clients;
    size_t step;
    enum step_state step_state;
    void (*on_door)(void *context, unsigned client, enum family, enum door);
    void *door_context;
    void (*on_hook)(void *context, unsigned client, enum hook, uint64_t number);
    void *hook_context;
    unsigned declared;
    void (*on_signal)(void *context, unsigned client, const char *name);
    void *signal_context;
    const struct run_errands *errands; /* NULL: nobody runs them */
    void *errand_context;
    unsigned renewed;      /* processes that took a client's place */
    const char *answer;    /* to the errand under way; NULL: not yet */
    bool no_hook;          /* the hook step under way asks for one that the target does not give */
    struct asking *asking; /* in the order they began */
    nsec step_began, step_ends;
    struct activation *blocking;
    unsigned backend; /* for connections to come */
    bool no_backend;  /* the route step under way names one that there is not */
    /* per step: the clients' counters when it began; NULL: not begun */
    struct counters **baselines;
    bool started, finished, ended, settling;
    bool keeps_heads; /* some fault wants the heads of requests whole */
    nsec now;
    void *ping_pattern, *pong_pattern;                  /* pcre2_code */
    struct pattern *auth_pattern, *ack_pattern;         /* NULL: not declared */
    struct pattern *id_pattern;                         /* of messages; NULL: by their numbers */
    struct pattern **watched;                           /* per watch of the plan */
    struct pattern *session_patterns[SESSION_PATTERNS]; /* NULL: not declared */
    uint64_t hash_key;
};

/* verbs.c */
extern const struct fault_port verbs_port;
void verbs_write_acts(struct instance *); /* counted acts that are not in the trace yet */
/* What a fault injects, frame by frame. */
void verbs_note_said(struct instance *, enum dir, const uint8_t *, size_t);

/* held.c: aside is kept in order of until, a queue in order of arrival. */
struct held *held_new(const struct unit *, nsec until);
void held_free(struct held *);                        /* NULL is fine */
void held_extend(struct held *, const struct unit *); /* more payload, or the next frame */
void held_enqueue(struct held_queue *, struct held *);
void held_insert(struct held_queue *, struct held *); /* behind those due no later */
struct held *held_dequeue(struct held_queue *);
void held_append(struct held_queue *, struct held_queue *behind); /* which is empty then */
void held_discard(struct held_queue *);

/* aside.c */
void aside_add(struct instance *, const struct unit *);
void aside_release(struct instance *, enum dir); /* what is due, at a boundary */
/* The source ended: what is set aside comes before that. Returns when the last of it is due. */
nsec aside_set_end_behind(struct instance *, enum dir);
/* Nothing more comes from the source: a boundary that is not there now never comes. */
void aside_empty(struct instance *, enum dir);

/* chain.c */
void chain_pass_on(struct instance *, struct unit *);
void chain_flush_inject(struct instance *, enum dir);
void chain_flush_end(struct instance *, enum dir); /* an end asked for, unless a unit is in hand */
bool chain_owes(const struct instance *, enum dir);
void chain_offer_behind(struct instance *, struct unit *);            /* to those behind it */
void chain_offer(struct session *, struct unit *, size_t from_index); /* index of the first asked */
/* from the start of the chain of its direction */
void chain_feed(struct session *, struct unit *);
void chain_release(struct session *); /* what is due */
nsec chain_deadline(const struct session *);
struct instance *chain_add(struct session *, struct activation *);
void chain_stop(struct session *, struct instance *, const char *why);
void chain_reap(struct session *); /* frees instances that stopped */
void chain_free(struct session *, const char *why);
void chain_timers(struct session *);
void chain_traffic(struct session *, enum dir);
void chain_attempt(struct session *);
/* Bytes went past the chain, since no fault looks: where its faults stand now. */
void chain_bypassed(struct session *, const struct lane *);
void chain_open(struct session *);        /* the 101 was delivered */
bool chain_unreachable(struct session *); /* whether some fault answers in the server's place */
bool chain_holds_too_much(const struct session *, enum dir);
size_t chain_whole_frames(const struct session *, enum dir);
bool chain_idle(const struct session *, enum dir); /* no fault looks at this direction */

/* observer.c */
void observer_init(struct session *);
void observer_fini(struct session *);
void observer_input(struct session *, struct lane *, const uint8_t *, size_t);
void observer_end(struct session *, struct lane *); /* the source ended: half a head goes on */

/* frames.c */
void frames_init(struct lane *);
/* As payloads are hashed: 16 hexadecimal digits, keyed per run. */
void frames_hash(const struct session *, const void *bytes, size_t len, char out[17]);
void frames_fini(struct lane *);
void frames_input(struct session *, struct lane *, const uint8_t *, size_t);

/* recognise.c: an application heartbeat by its words or by the target's patterns: "ping", "pong" or
 * "". */
const char *recognise_kind(const struct run *, const uint8_t *payload, size_t len);
void recognise_init(struct run *);
void recognise_fini(struct run *);

/* ids.c: the id of a message just recorded, if it has one. bytes: its start, unmasked and inflated;
 * signature: its kind's. */
void auth_init(struct run *);
void auth_fini(struct run *);
/* For how long a JWT in there is valid still; false: it does not say, or there is none. */
bool auth_left(const struct session *, const void *bytes, size_t len, nsec *left);
void auth_look(struct session *, const struct event *message, const uint8_t *bytes, size_t len);

/* sessions.c */
void sessions_init(struct run *);
void sessions_fini(struct run *);
void sessions_look(struct session *, const struct event *message, const uint8_t *bytes, size_t len);

void ids_init(struct run *);
void ids_fini(struct run *);
void ids_look(struct session *, const struct event *message, const uint8_t *bytes, size_t len,
              uint64_t signature, enum unit_heartbeat);

/* classes.c: what a message just recorded holds, told where its kind is new. bytes: its start, or
 * all of it, unmasked and inflated. */
void classes_look(struct session *, const struct event *message, const uint8_t *bytes, size_t len,
                  enum content_part, uint64_t signature);
void classes_fini(struct run *);

/* watches.c: what a message just recorded is to those who look for messages. bytes: all of it, or
 * its start. */
void watches_init(struct run *);
void watches_fini(struct run *);
void watches_look(struct session *, const struct event *message, const uint8_t *bytes, size_t len,
                  enum content_part);

/* session.c */
void session_free(struct session *);
struct session *session_new(struct run *, unsigned client, const struct session_ops *, void *driver,
                            nsec now);
void session_admit(struct session *);               /* go on: connect to the server */
void session_ask_again(struct session *);           /* a fault that held the attempt is over */
void session_sink(struct session *, struct unit *); /* past the last fault */
void session_cut(struct session *, enum side, enum cut, enum cause, const char *fault,
                 const char *label);
void session_stall(struct session *, enum dir, bool on, enum cause);
void session_deafen(struct session *, enum side); /* after an instance changed its mind */
void session_cork(struct session *);
void session_uncork(struct session *);
void session_update(struct session *);
uint64_t session_emit(struct session *, struct event);
/* Calls from the driver are turns: what follows from them is settled before they return. */
void session_enter(struct session *, nsec now);
void session_leave(struct session *);
void session_act(struct session *, enum action_kind, enum side, enum cut how);
/* A client that does not get as far as its request has tried all the same; one that is held was
 * counted when it came. */
void session_note_attempt(struct session *);
enum cause session_cause(const struct session *, enum side);
enum side dir_from(enum dir);
enum side dir_to(enum dir);
enum dir dir_of_source(enum side);

/* run.c */
enum note {
    NOTE_ATTEMPT,
    NOTE_OPEN,
    NOTE_CLOSED,
    NOTE_PING,
    NOTE_PONG,
    NOTE_HEARTBEAT,
    NOTE_TRAFFIC
};
void run_note(struct run *, struct session *, enum note);
void run_touch(struct run *, struct session *); /* it is looked at when the run settles */
uint64_t run_emit(struct run *, struct event);
/* open to us and admitted, without this one */
unsigned run_connections(const struct run *, const struct session *without);
void run_set_doors(struct run *);                  /* after an activation began or ended */
void run_tell_door(struct run *, unsigned client); /* whose number is new, if it hangs */

/* activation.c */
void activation_begin(struct run *, const struct fault_step *, struct activation **out);
void activations_accept(struct run *, struct session *);
void activations_request(struct run *, struct session *); /* its path is known now */
void activations_settle(struct run *);
void activation_clear(struct run *, const char *label, const char *why);
nsec activations_deadline(const struct run *);

/* hooks.c */
/* false: the target has no such hook. */
bool hooks_begin(struct run *, const struct hook_step *);
void hooks_settle(struct run *); /* asks what is due */
nsec hooks_deadline(const struct run *);
void hooks_signal(struct run *, const struct signal_step *);
void hooks_fini(struct run *);

/* errands.c */
void errands_restart(struct run *, const struct restart_step *);
void errands_request(struct run *, const struct request_step *);
void errands_prompt(struct run *, const struct prompt_step *);
void errands_end(struct run *, const struct step *); /* the step is over */

/* steps.c */
void steps_advance(struct run *);

#endif

/* A connection through us, from the moment it is accepted: observation, the chain of faults, held
 * units and back-pressure. No socket, no clock: a driver (net, or the simulated link) feeds it and
 * carries out what it asks. All sessions of a scenario belong to a run (core/run.h), which makes
 * and frees them.
 *
 * Driver's duties. After session_input returned, the bytes are gone (passed, buffered or dropped).
 * The driver reads a side only while session_wants_input says so. It never calls into a session
 * from inside one of its callbacks. */
#ifndef HALFOPEN_CORE_SESSION_H
#define HALFOPEN_CORE_SESSION_H

#include "fault/fault.h"

struct run;
struct session;

enum admission { ADMIT, REFUSE, HANG };

enum action_kind {
    ACTION_CONNECT, /* connect to the server; answer session_connected or session_connect_failed */
    ACTION_CUT,     /* end that side as how says (enum cut); what was written comes before */
    ACTION_CLOSE_WINDOW, /* a stall begins on side: smallest receive buffer, so that its window
                            closes */
    ACTION_OPEN_WINDOW,  /* it is over: the receive buffer as it was */
    ACTION_DEAFEN /* the kernel loses ratio of what side sends, 0: none; answer session_answer */
};

struct action {
    enum action_kind kind;
    enum side side;
    enum cut how;
    double ratio;     /* DEAFEN */
    unsigned backend; /* CONNECT: to which, from 0 */
};

/* Callbacks of the driver; called from inside session_* functions and run_expire. */
struct session_ops {
    /* Bytes for that side, straight from the reader's buffer: takes what it can, returns how many.
     * The session keeps the rest (bounded) and offers it again after session_writable. */
    size_t (*on_output)(void *driver, enum side to, const uint8_t *bytes, size_t len);
    void (*on_action)(void *driver, struct action);
    /* What session_wants_input says has changed for that side. */
    void (*on_interest)(void *driver, enum side from);
    /* What the kernel holds of what side has written: in our receive buffer and in its send buffer.
     * false: its send buffer cannot be seen (*theirs is then the kernel's limit). Asked at the
     * begin and end of a stall; NULL: not known. */
    bool (*on_queues)(void *driver, enum side, uint64_t *ours, uint64_t *theirs);
    /* Nothing more will happen: close the sockets that are left; the session is freed by the
     * run. */
    void (*on_over)(void *driver);
};

enum admission session_admission(const struct session *);
enum cut session_refusal(const struct session *); /* REFUSE: CUT_RST or CUT_CLOSE */
/* Known once it is accepted: what is to go wrong in the TLS handshake with the client. */
enum tls_trouble session_tls_trouble(const struct session *, unsigned *value);

void session_input(struct session *, enum side from, const uint8_t *bytes, size_t len, nsec now);
/* side ended: fin, rst (also for errors and timeouts; how is recorded as said). */
void session_end(struct session *, enum side from, enum cut how, const char *how_in_words,
                 nsec now);
void session_connected(struct session *, nsec now);
void session_connect_failed(struct session *, const char *how, nsec now);
void session_writable(struct session *, enum side to, nsec now);
bool session_wants_input(const struct session *, enum side from);
/* A fault has as much of what comes from there as it may hold. */
bool session_is_held_back(const struct session *, enum side from);
/* What became of an action, when it was not simply done. */
void session_answer(struct session *, const char *action, const char *answer, const char *detail,
                    nsec now);
void session_tls_open(struct session *, enum side, const char *version, const char *name, nsec now);
/* The handshake with the client did not succeed; its socket is closed, or this closes it. how: the
 * alert it sent, or the library's words. */
void session_tls_failed(struct session *, const char *how, nsec now);
/* The kernel shows that side has ended although nothing of it can be read: it is deafened. Told
 * now; what it sent, and the end itself, may still come. */
void session_seen_ended(struct session *, enum side, const char *how, nsec now);

#endif

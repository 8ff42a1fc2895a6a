/* A scenario under way: the steps of its plan over all connections of all its clients. Sans-I/O: a
 * driver calls in with `now` (target time) and is told the next deadline. */
#ifndef HALFOPEN_CORE_RUN_H
#define HALFOPEN_CORE_RUN_H

#include "core/plan.h"
#include "core/session.h"
#include "trace/close_codes.h"
#include "trace/recorder.h"

struct run;

struct run_options {
    uint64_t seed;
    bool server_builtin; /* what the server does is BY_BUILTIN, not held against anybody */
    bool client_builtin;
    const struct close_codes *close_codes; /* for documented closes; NULL: there are none */
    const char *message_id;              /* as the plan's, which goes first; NULL: by regularity */
    const char *auth_message, *auth_ack; /* likewise; NULL: not declared */
    const char *session_state;           /* likewise */
    /* hash payloads and record frames; false: forwarding only (proxy without a trace) */
    unsigned backends;        /* of the server, among which route steps choose; 0: one */
    const char *const *hosts; /* Host towards each, in place of the plan's; NULL: that one */
    int64_t epoch;            /* time of day at target time 0, seconds since 1970 */
    bool observe;
    /* Told of each whole message as far as it is looked at, unmasked and inflated, with its event;
     * it is recorded as a hash only. NULL: nobody wants to know. */
    void (*on_message)(void *context, const struct event *, const uint8_t *bytes, size_t len);
    void *message_context;
};

/* Borrows the plan and keeps the recorder until run_free. */
struct run *run_new(const struct plan *, struct recorder *, const struct run_options *);
void run_free(struct run *); /* sessions that are left are freed; drivers get on_over before */

/* The first step begins. Connections may be accepted before. */
void run_start(struct run *, nsec now);
/* An endpoint connected to the port of that client. The session says whether it is admitted;
 * REFUSE: the driver answers RST and calls nothing more. The driver pointer is kept until
 * on_over. */
struct session *run_accept(struct run *, unsigned client, const char *peer, const char *family,
                           const struct session_ops *, void *driver, nsec now);
void run_process_exited(struct run *, unsigned client, nsec now); /* for waits until exited */
nsec run_deadline(const struct run *);
void run_expire(struct run *, nsec now);
/* Every driver calls this when it has handed over all that happened in one turn of its loop: begins
 * armed faults, advances the steps, frees sessions that are over. */
void run_settle(struct run *, nsec now);
bool run_finished(const struct run *); /* all steps done */
/* Ends early: steps are interrupted, faults end. Also called after the last step; then run.end. */
void run_end(struct run *, const char *reason, nsec now);
/* A fault outside the steps: --fault and, later, live control. Borrows the step until run_free. */
void run_add_fault(struct run *, const struct fault_step *, nsec now);

/* on_door is told when the listening socket of a client on its address of that family is to hang,
 * to be shut or to be open again, and answers, later or at once: of hanging by run_answer, of being
 * shut and opened again by run_address_answer. NULL: nobody listens. */
void run_watch_doors(struct run *,
                     void (*on_door)(void *context, unsigned client, enum family, enum door),
                     void *context);
/* other_known, why_not: as in tcp.address. */
void run_address_answer(struct run *, unsigned client, enum family, bool refused, bool other_known,
                        const char *why_not, nsec now);
/* on_hook carries out what a hook step asks of a client and answers by run_hook_answer, later or at
 * once. declared: what the target gives (enum declares); hook steps without their hook are over at
 * once. Not called: there are no hooks. */
void run_watch_hooks(struct run *, unsigned declared,
                     void (*on_hook)(void *context, unsigned client, enum hook, uint64_t number),
                     void *context);
/* answer: "taken", or why it was not; asked: when it was asked. */
void run_hook_answer(struct run *, unsigned client, enum hook, uint64_t number, const char *how,
                     const char *answer, nsec asked, nsec now);
/* What a client said of its state, in answer to that request. bytes: borrowed; recorded as a hash.
 */
void run_hook_state(struct run *, unsigned client, uint64_t number, const char *how,
                    const void *bytes, size_t len, nsec now);
/* on_signal sends a client's process a signal and writes process.signal. Not called: there are no
 * processes. */
void run_watch_signals(struct run *,
                       void (*on_signal)(void *context, unsigned client, const char *name),
                       void *context);
/* What steps ask of the driver's surroundings. Absent: the step is over at once, "not done". */
struct run_errands {
    /* Ends and starts processes in the background; each start of a client's is told by
     * run_client_renewed before it. */
    void (*on_restart)(void *context, const struct restart_step *);
    /* Answered by run_request_answer, later or at once. */
    void (*on_request)(void *context, const struct request_step *);
    /* Answered by run_prompt_answer; NULL: nobody is asked any more. */
    void (*on_prompt)(void *context, const char *text);
};
void run_watch_errands(struct run *, const struct run_errands *, void *context);
/* status 0: there was no answer, and why says so; url: as the trace may show it. */
void run_request_answer(struct run *, int status, const char *why, const char *url, nsec asked,
                        nsec now);
void run_prompt_answer(struct run *, nsec now);
/* A new process takes the place of a client: in the trace it is a client of its own, whose number
 * is returned, so that nobody takes what it does for something the old one did. */
unsigned run_client_renewed(struct run *, unsigned client, nsec now);
/* The client's number in the trace. */
unsigned run_client_number(const struct run *, unsigned client);
/* A client told its user something: "gave_up". detail is redacted already. */
void run_heard(struct run *, unsigned client, const char *hook, const char *how, const char *detail,
               nsec now);
/* What became of an action that concerns no connection. */
void run_answer(struct run *, const char *action, const char *answer, const char *detail, nsec now);

/* For the live table and diagnostics. */
struct run_status {
    /* clients with an open WebSocket; that ever connected */
    unsigned clients, open, ever_connected;
    uint64_t attempts;
    size_t step, steps;
    const char *doing; /* the step in words */
};
void run_status(const struct run *, struct run_status *);
uint32_t run_accepted(const struct run *);                       /* accepted so far */
bool run_client_is_open(const struct run *, unsigned client);    /* it has an open WebSocket now */
bool run_client_was_seen(const struct run *, unsigned client);   /* it connected at least once */
uint64_t run_client_losses(const struct run *, unsigned client); /* of its WebSockets, so far */

#endif

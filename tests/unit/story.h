/* Traces written by hand, one line an event: what happens on a connection at which second. Times
 * are seconds of target time; client 0 owns connection 1 unless told otherwise. */
#ifndef HALFOPEN_TESTS_STORY_H
#define HALFOPEN_TESTS_STORY_H

#include "rules/rule.h"

#define STORY_LIMIT 40000

struct story {
    struct event *events;
    size_t count;
    int client; /* of the events that follow */
    uint32_t conn;
    enum cause client_by, server_by;
    struct trace *trace;
    struct findings findings;
};

void story_begin(struct story *);
/* Runs the rule; config NULL takes the defaults. The verdict is returned, the findings stay. */
enum verdict story_judge(struct story *, const struct rule_desc *, const void *config);
void story_trace(struct story *);             /* the trace alone, in s->trace */
const char *story_text(const struct story *); /* of the worst finding */
void story_end(struct story *);
/* Judges with the defaults, checks the verdict and part of the worst finding, and ends the story.
 */
void story_expect(struct story *, const struct rule_desc *, enum verdict, const char *part);

/* The story goes on with that client and connection. */
void story_of(struct story *, int client, uint32_t conn);
struct event *story_add(struct story *, double at, enum event_kind, enum side, enum cause);

void story_speed(struct story *, double speed); /* first of all */
void story_noise(struct story *, double noise);
void story_run_end(struct story *, double at);
void story_open(struct story *, double at);    /* accepted, asked, answered, open */
void story_attempt(struct story *, double at); /* accepted and asked for the upgrade */
void story_fault(struct story *, double at, const char *fault, enum side hears, bool silences);
void story_idle_fault(struct story *, double at, const char *params);
void story_fault_with(struct story *, double at, const char *fault, const char *params);
/* First of all: what the target file declares; borrowed. */
void story_target(struct story *, const char *json);
/* Values of the policy, before anything is judged, {"can_ping": {"value": "false"}}; borrowed. */
void story_policy(struct story *, const char *json);
void story_fault_off(struct story *, double at, const char *fault, const char *why);
void story_cut(struct story *, double at, const char *fault, const char *how);
void story_fin(struct story *, double at, enum side);
void story_shut(struct story *, double at, enum side, enum cause, const char *how);
void story_close(struct story *, double at, enum side, uint64_t code);
/* What the client is told by a hook, takes and says; the event is returned to be changed. */
struct event *story_asked(struct story *, double at, const char *hook);
void story_heard(struct story *, double at);
void story_signal(struct story *, double at, const char *name);
void story_exit(struct story *, double at, const char *how, bool asked);
/* Frames. A ping and its pong, data of a kind, and the same every so often up to a time. */
void story_ping(struct story *, double at, enum side from);
void story_pong(struct story *, double at, enum side from);
void story_data(struct story *, double at, enum side from, const char *sig, uint64_t len);
/* Data of one kind with an id; id and how are borrowed. */
void story_id(struct story *, double at, enum side from, const char *id, const char *how);
/* What the message before it is, as sessions in the target file declares; borrowed. */
void story_session(struct story *, double at, enum side from, const char *what, const char *hash);
void story_word(struct story *, double at, enum side from, const char *kind);
void story_pings(struct story *, double first, double every, double until, bool answered);
void story_pause(struct story *, double at, bool on, uint64_t ours, uint64_t theirs);
void story_memory(struct story *, double at, double bytes);

#endif

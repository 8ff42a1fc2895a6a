/* halfopen.yaml: what is under test, how to start it, how to recognise what it does, and the
 * numbers and rules its owners ask for. */
#ifndef HALFOPEN_SCENARIO_TARGET_H
#define HALFOPEN_SCENARIO_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "core/plan.h"
#include "scenario/environment.h"
#include "scenario/profile.h"
#include "scenario/target_hooks.h"
#include "trace/close_codes.h"

/* A failure somebody answers for until a day. */
struct accepted {
    char *rule;                   /* name of a rule that exists */
    char *until, *owner, *reason; /* until: 2027-01-31; owner: may be NULL */
};

struct variable {
    char *name, *value;
};

/* Strings that were not given are NULL. */
struct target {
    char *file;
    struct {
        char *name, *version, *owner;
    } system;
    struct {
        bool given; /* false, or no command: the built-in client */
        char *command;
        char *browser; /* URL of the page that Chromium opens, with {url} in it; NULL: none */
        uint64_t tabs; /* in so many tabs, of one profile */
        struct variable *env;
        size_t env_count;
        char *path, *protocol, *host; /* which of its connections count; NULL: any */
    } client;
    struct {
        bool given; /* false: the built-in server */
        char *command, *url, *health;
        char **urls; /* of several backends, the first is url; NULL ends, or NULL: one */
        char *ca; /* a file, relative to the target file made relative to the working directory */
        bool verify; /* the server's certificate; true unless said otherwise */
    } server;
    bool tls; /* the client is given a wss:// URL */
    struct {
        char *profile; /* the intermediary in production; NULL: none is declared */
        char *idle,
            *counts; /* its idle timer, as parameters of the fault intermediary are written */
    } behind;
    struct {
        char *ping, *pong;
    } heartbeat; /* PCRE2 that compiles */
    struct target_hooks hooks;
    struct close_codes close_codes;
    struct {
        char *id; /* likewise, with a group */
    } messages;
    struct {
        char *subscribe, *resume, *state; /* likewise; state with a group */
    } sessions;
    struct {
        char *message, *ack; /* likewise */
        char *token, *answer;
        char **public_keys; /* NULL ends; or NULL */
    } auth;
    char **policy; /* see policy_written_new */
    char *suite;
    char *profile;  /* a file; NULL: none is named */
    char **require; /* names of rules that exist */
    size_t require_count;
    struct accepted *accept;
    size_t accept_count;
    struct secrets secrets;
};

/* NULL: said why. lookup: getenv, or a test's own. */
struct target *target_load(const char *path, struct diag *);
struct target *target_parse(const char *file, const char *text, size_t len,
                            char *(*lookup)(const char *name), struct diag *);
void target_free(struct target *);

/* Member "sessions" of run.start's target: which of it is declared; nothing where none is. target:
 * may be NULL. state_known: it is the reference client's. */
void target_write_sessions(const struct target *, bool state_known, struct json *);
/* What the plan has to know of the target: which connections count, patterns of its messages, TLS.
 */
void target_apply(const struct target *, struct plan *);
/* Its policy over the profile's. */
void target_apply_policy(const struct target *, struct profile *);

#endif

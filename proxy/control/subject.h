/* Who is tested in a run: the client and the server, each ours, a command line, or an address. */
#ifndef HALFOPEN_CONTROL_SUBJECT_H
#define HALFOPEN_CONTROL_SUBJECT_H

#include "control/url.h"
#include "core/plan.h"
#include "core/plan.h"
#include "scenario/target_hooks.h"
#include "trace/policy.h"

struct subject {
    char *name;           /* in tables and reports, when a run has several; NULL: the only one */
    char *client_command; /* NULL: the reference client, unless there is a page */
    char *client_page;    /* URL of a page for a browser, with {url} in it; NULL: none */
    unsigned client_tabs; /* of the browser of each client */
    char *browser;        /* the program that opens it */
    char *client_flaw;    /* of the reference client; NULL: sound */
    char **client_environment; /* NAME=VALUE, NULL ends; NULL: nothing */
    char *server_command;      /* NULL: none */
    char *server_url;          /* NULL: the reference server, unless there is a command */
    struct url server;         /* of server_url */
    struct url backends[PLAN_BACKENDS_LIMIT]; /* where there are several, the first of them again */
    unsigned backend_count;                   /* 0: there is the server alone */
    char *server_health; /* an http:// URL that answers 2xx once it is ready; NULL: none */
    char *server_ca;     /* PEM file; NULL: the system's */
    bool server_unverified;
    bool tls;   /* towards the client */
    char *path; /* path and query of the client's URL; NULL: the server's, or "/" */
    struct policy policy;
    char **origins;                   /* of each policy value; NULL: default */
    const char *profile;              /* its name */
    char *again;                      /* options of `run` that name it once more, redacted */
    char *declared;                   /* JSON object: what the target file declares, redacted */
    const struct target_hooks *hooks; /* borrowed from the target file; NULL: none */
    const struct close_codes *close_codes; /* likewise */
    const struct secrets *secrets;         /* borrowed from the target file; NULL: none */
};

/* Those of the target file, or of the reference client when it is the one tested. */
const struct target_hooks *subject_hooks(const struct subject *);

const struct close_codes *subject_close_codes(const struct subject *); /* NULL: none */

/* How the client authenticates in messages: as the plan has it from the target file, or as the
 * reference client does. Borrowed; NULL: not declared. */
struct subject_auth {
    const char *message, *ack, *answer;
};

struct subject_auth subject_auth(const struct subject *, const struct plan *);

static inline bool subject_has_builtin_server(const struct subject *subject)
{
    return !subject->server_command && !subject->server_url;
}

static inline bool subject_has_builtin_client(const struct subject *subject)
{
    return !subject->client_command && !subject->client_page;
}

#endif

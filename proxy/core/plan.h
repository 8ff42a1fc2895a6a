/* What a scenario compiles to. Plain data, made by scenario/ (or by tests), owned by whoever made
 * it, read by the core. Times are target time. */
#ifndef HALFOPEN_CORE_PLAN_H
#define HALFOPEN_CORE_PLAN_H

#include "fault/fault.h"
#include "trace/policy.h"

#define PLAN_CLIENTS_LIMIT  64
#define PLAN_BACKENDS_LIMIT 8
#define PLAN_STEPS_LIMIT    1000 /* after repeats are unrolled */

enum which_connections { CONNS_ALL, CONNS_NEW, CONNS_NEWEST, CONNS_EXISTING, CONNS_CLIENT };

struct selector {
    enum which_connections which; /* ALL: those there are and those to come */
    unsigned client;              /* CONNS_CLIENT */
    char *path;                   /* only connections whose request path is this; NULL: any */
};

enum moment { AT_ONCE, AFTER_HEARTBEAT, AFTER_PING, AFTER_PONG, AFTER_OPEN };

struct fault_step {
    const struct fault_desc *desc;
    void *config; /* param_free + free */
    unsigned dirs;
    struct selector connections;
    double probability; /* decided once per connection */
    enum moment moment; /* armed now, begins on each connection at its own moment */
    nsec at_most;       /* begins at the latest then; NEVER */
    nsec duration;      /* NEVER: until cleared or the end of the scenario */
    bool blocking;      /* the step lasts as long as the fault (`for` without `as`) */
    char *label;        /* never NULL: the `as`, else the fault's name */
    /* What takes its place, with its defaults, where the machine lacks what it needs; or NULL. */
    const struct fault_desc *fallback;
    const char *stands_for;   /* the fault that this one replaced; NULL: none */
    const char *why_replaced; /* then */
};

enum condition {
    UNTIL_TIME,
    UNTIL_OPEN,
    UNTIL_REOPENED,
    UNTIL_CLOSED,
    UNTIL_ATTEMPTS,
    UNTIL_PING,
    UNTIL_PONG,
    UNTIL_HEARTBEAT,
    UNTIL_QUIET,
    UNTIL_EXITED,
    UNTIL_GAVE_UP,
    UNTIL_MESSAGE
};

enum quorum { OF_ALL, OF_ANY, OF_SHARE, OF_CLIENT };

struct until {
    enum condition condition;
    uint64_t attempts; /* UNTIL_ATTEMPTS */
    nsec quiet;        /* UNTIL_QUIET */
    size_t watch;      /* UNTIL_MESSAGE: index of the plan's watches */
};

#define WAIT_CONDITIONS_LIMIT 8

struct wait_step {
    struct until any[WAIT_CONDITIONS_LIMIT]; /* the first of these counts, per client */
    size_t count;
    nsec duration; /* UNTIL_TIME */
    nsec at_most;
    enum quorum of;
    double share;    /* OF_SHARE: median is 0.5 */
    unsigned client; /* OF_CLIENT */
    char *since;     /* label; NULL: since the newest step that was not a wait */
};

struct close_step {
    enum side to;    /* SIDE_NONE: both */
    unsigned code;   /* 1005: without a code */
    bool documented; /* instead: each client gets one of those of the target file */
    char *reason;
};

struct which_clients {
    bool all; /* or only `client` */
    unsigned client;
};

/* What the target file says how to ask of a client. */
enum hook { HOOK_SEND, HOOK_CLOSE, HOOK_STATE };

const char *hook_name(enum hook);     /* "send": its key in the target file */
unsigned hook_declared_as(enum hook); /* enum declares */

/* Goes on in the background, beside the steps that follow, to its end or that of the scenario. */
struct hook_step {
    enum hook hook;
    uint64_t count; /* how many times each client is asked */
    nsec every;     /* 0: all at once */
    struct which_clients of;
};

/* To the clients' processes. */
struct signal_step {
    const char *name; /* "TERM" */
    struct which_clients of;
};

/* Ends a process we started and starts it again; goes on in the background. */
struct restart_step {
    enum side who;
    const char *signal; /* "TERM" */
    nsec down;          /* from its end to its new start */
    struct which_clients of;
};

/* One HTTP request to a host of the target file. */
struct request_step {
    char *method, *url; /* url: http://..., or a path at the server's */
    uint64_t status;    /* what the answer is to be; 0: any */
    nsec at_most;
};

/* A person does something and says so. */
struct prompt_step {
    char *text;
    nsec at_most;
};

enum step_kind {
    STEP_WAIT,
    STEP_FAULT,
    STEP_CLEAR,
    STEP_MARK,
    STEP_CLOSE,
    STEP_HOOK,
    STEP_SIGNAL,
    STEP_RESTART,
    STEP_REQUEST,
    STEP_PROMPT,
    STEP_ROUTE
};

struct step {
    enum step_kind kind;
    char *what;  /* the step in words, for the trace and the report */
    char *label; /* NULL: none; wait's since refers to it */
    union {
        struct wait_step wait;
        struct fault_step fault;
        char *clear; /* label */
        char *mark;
        struct close_step close;
        struct hook_step hook;
        struct signal_step signal;
        unsigned route; /* connections that begin from here on go to that backend, from 0 */
        struct restart_step restart;
        struct request_step request;
        struct prompt_step prompt;
    };
};

struct expectation {
    char *rule;   /* name of a rule that exists, or of the scenario's own assertion */
    char *params; /* JSON object: parameter name to value as written */
    char *own;    /* of an assertion: its kind (rules/own.h); else NULL */
};

#define PLAN_WATCHES_LIMIT 64

/* Messages that somebody looks for, whether they arrive or not. */
struct lookout {
    enum side from;
    char *match;     /* PCRE2 */
    char *assertion; /* whose every match is recorded; NULL: a wait's */
};

enum tests_what { TESTS_CLIENT = 1, TESTS_SERVER = 2, TESTS_PATH = 4 };

struct builtin_server_options {
    nsec pings, says; /* 0: never */
    nsec publishes;   /* events, to whom subscribed; 0: never */
    bool echo, deflate, sessions;
};

/* How the built-in client says who it is. */
enum authenticates {
    AUTHENTICATES_NOT,
    AUTHENTICATES_BY_MESSAGE, /* its first one, which is acknowledged */
    AUTHENTICATES_BY_QUERY,
    AUTHENTICATES_BY_HEADER,
    AUTHENTICATES_BY_COOKIE
};

extern const char *const authenticates_names[]; /* as written; NULL ends */

struct builtin_client_options {
    double sends; /* bytes per second; 0: nothing */
    uint64_t message_bytes;
    uint64_t retry_limit; /* 0: it never gives up */
    uint64_t topics;      /* it subscribes to */
    bool deflate, session;
    int authenticates; /* enum authenticates */
    nsec token_life;   /* 0: its tokens do not expire */
};

struct plan {
    char *name, *story, *file;
    unsigned tests;   /* enum tests_what, or-ed */
    unsigned clients; /* 1 to PLAN_CLIENTS_LIMIT */
    bool tls;
    bool
        named; /* the client is given a name, which stands for 127.0.0.1 and ::1; with tls always */
    bool round_robin; /* each connection to the next backend; else to the one of the newest route */
    bool strip_deflate; /* some fault breaks it: taken out of every offer */
    struct builtin_server_options server;
    struct builtin_client_options client;
    struct step *steps;
    size_t step_count;
    struct expectation *expect;
    size_t expect_count;
    struct lookout *watches;
    size_t watch_count;
    /* Which connections count, from the target file; NULL: every upgrade. */
    char *path, *protocol, *host;
    char *rewrite_host; /* Host towards the server; NULL: as the client sent it */
    /* Application heartbeat, from the target file (PCRE2); NULL: by regularity. */
    char *ping_pattern, *pong_pattern;
    /* How the client authenticates, from the target file. */
    struct {
        char *message, *ack; /* PCRE2; NULL: not declared */
        char *token;         /* NULL: not declared */
        char *answer;        /* of the built-in server to what authenticates; NULL: none */
        char **public_keys;  /* query keys, cookies that hold nothing secret; NULL ends, or NULL */
    } auth;
    /* How the client takes up its session again, from the target file (PCRE2); NULL: not declared.
     */
    struct {
        char *subscribe, *resume; /* of the client's messages */
        char *state;              /* of the server's; its first group is the state */
    } sessions;
    char *message_id; /* PCRE2, its first group is the id; NULL: by regularity */
};

struct plan *plan_new(void); /* one client, tests client, nothing to do */
void plan_free(struct plan *);
/* zeroed but for sensible defaults; borrowed */
struct step *plan_add_step(struct plan *, enum step_kind);
void plan_add_expectation(struct plan *, const char *rule, const char *params_json);
void plan_add_assertion(struct plan *, const char *name, const char *own, const char *params_json);
/* Returns its index: the one of a wait's that is the same already, if there is one. */
size_t plan_add_watch(struct plan *, enum side from, const char *match, const char *assertion);
void plan_drop_expectation(struct plan *, size_t index);
/* What the machine lacks, as a sentence that is kept; "": it has it. net/kernel.h, or a test's. */
typedef const char *plan_why_not(enum fault_need);
/* The first fault that needs what the machine does not have, and has no fallback; NULL: none. */
const struct fault_step *plan_unmet(const struct plan *, plan_why_not *);
/* Puts fallbacks in the place of faults that need what is not there; the trace says why. */
void plan_fall_back(struct plan *, plan_why_not *);
/* The first fault that works on TLS only, on a leg that has none; NULL: none. */
const struct fault_step *plan_without_tls(const struct plan *, bool client_tls, bool server_tls);
/* The first fault that wants one of the local authority's certificates; NULL: none. */
const struct fault_step *plan_wants_authority(const struct plan *);
/* The first fault that only speed 1 does justice, RULES 0 "Clocks"; NULL: none. */
const struct fault_step *plan_kernel_timed(const struct plan *);
/* How many backends it is about: those that its steps name; at least 1, in turn at least 2. */
unsigned plan_backends(const struct plan *);
/* The built-in client sends in it, by itself or when it is asked. */
bool plan_sends(const struct plan *);
/* The first step of that kind; NULL: none. */
const struct step *plan_first(const struct plan *, enum step_kind);
/* Longest time the steps may take (waits at their at_most), NEVER when open-ended. */
nsec plan_longest(const struct plan *);
/* Rough time they take when the client behaves as the policy asks, for --dry-run and the header
 * line. */
nsec plan_expected(const struct plan *, const struct policy *);

#endif

/* What the files of a job share and nobody else sees. */
#ifndef HALFOPEN_CONTROL_JOB_PARTS_H
#define HALFOPEN_CONTROL_JOB_PARTS_H

#include <stdio.h>

#include "control/builtin.h"
#include "control/causes.h"
#include "control/job.h"
#include "control/job_browser.h"
#include "control/job_hooks.h"
#include "control/pace.h"
#include "net/driver.h"
#include "net/fetch.h"
#include "net/noise.h"

#define JOB_STAGGER (25 * NSEC_PER_MSEC) /* real: between the starts of two clients */

struct child {
    struct timer back; /* must stay first: of its restart */
    struct job *job;
    struct process *process;
    const char *role;
    int client;      /* -1: the server */
    int number;      /* likewise, as the trace calls it */
    unsigned life;   /* 0: the first process in this place */
    bool restarting; /* a step ends it, and it is to come back */
    nsec down;       /* target: so long after its end */
    bool told;       /* process.exit was written */
    bool booting;    /* not seen yet, and counted in the boots of all jobs */
    nsec started;    /* real */
    bool signalled;  /* a step of the scenario sent it a signal */
};

struct job {
    struct timer timer; /* must stay first: starts clients one by one, then watches the startup */
    struct timer memory_timer;
    struct turn turn;
    struct loop *loop;
    struct processes *processes;
    struct job_spec spec;
    enum job_state state;
    nsec began, ended; /* real */
    FILE *file;
    char *trace; /* relative to the folder */
    struct recorder *recorder;
    struct run *run;
    struct driver *driver;
    struct job_hooks *hooks;
    struct fetch *request; /* of the step under way; NULL: none */
    char *request_url;     /* as the trace shows it */
    nsec asked_at;         /* target */
    struct builtin_server *server;
    struct builtin_server *others[PLAN_BACKENDS_LIMIT - 1]; /* further backends; NULL: none */
    struct bulletin bulletin; /* of all built-in servers, those that are started again too */
    nsec posted;              /* when it began; 0: it did not */
    struct tls_context *tls_to_client, *tls_to_server;
    struct flawed flawed;  /* certificates for TLS faults */
    struct dialer *dialer; /* asks whether the server listens */
    struct peer *probe;
    struct fetch *health; /* a question to the server's health check; NULL: none is under way */
    nsec health_at;       /* real: not before */
    char *health_said;    /* the newest answer, in words; NULL: none */
    bool server_accepts, server_ready, asked_server;
    uint16_t server_port;
    const char *hosts[PLAN_BACKENDS_LIMIT]; /* Host towards each backend; the subject's */
    uint16_t ports[PLAN_CLIENTS_LIMIT];
    struct child clients[PLAN_CLIENTS_LIMIT], server_child;
    struct job_browser *browsers[PLAN_CLIENTS_LIMIT]; /* NULL: that client is none */
    unsigned started_clients;
    uint32_t accepted;             /* connections before the scenario begins */
    nsec accepted_at, all_open_at; /* real: the newest of them; since every client has one */
    nsec next_start;               /* real */
    struct noise noise;
    struct pace *pace;
    bool asked_pace[PLAN_CLIENTS_LIMIT];       /* of the newest question */
    uint64_t asked_losses[PLAN_CLIENTS_LIMIT]; /* what each had lost by then */
    unsigned pace_tries;
    char *trouble, *unscaled;
    struct sightings seen;
    bool interrupted, driver_stopped;
};

/* --- job.c --- */

/* Sees where the job stands and goes on. */
void job_look(struct job *);
void job_finish(struct job *, const char *reason);
/* The first trouble is kept: a sentence, then lines of causes. child: whose last lines of output
 * belong to it; NULL: nobody's. */
void job_say_trouble(struct job *, const struct child *, const char *sentence);

/* --- job_children.c: the processes --- */

bool child_start(struct job *, struct child *, const char *command, const char *const *environment);
bool child_alive(const struct child *);
void child_free(struct job *, struct child *);
bool job_start_client(struct job *, unsigned client); /* false: the trouble was said */
bool job_browsers_are_ready(struct job *);            /* all tabs are open; asks for them */
void job_end_children(struct job *);
bool job_children_gone(const struct job *);
void job_sample_memory(struct job *);

/* --- job_boot.c: when clients start --- */

/* All that may start now. */
void job_start_next_client(struct job *);
void job_forget_boots(struct job *);
/* The server or a client had the time it may take. */
bool job_start_is_late(const struct job *, nsec now);

/* --- job_restart.c, job_errands.c: steps that concern processes, HTTP servers, people --- */

void job_watch_errands(struct job *);
void job_stop_errands(struct job *); /* nothing is carried out any more */
void job_restart(struct job *, const struct restart_step *);
void job_restart_on_exit(struct child *); /* it is restarting, and has ended */
void job_stop_restarts(struct job *);

/* --- job_usage.c --- */

void job_record_usage_of(struct job *, const struct child *);
void job_record_usage(struct job *);

/* --- job_pace.c --- */

/* Asks unless it was asked, looks again by itself; true once all that are connected keep the pace.
 * In doubt it finishes the job. */
bool job_pace_is_kept(struct job *);

/* --- job_open.c: the trace, the server, the listening ports --- */

/* false: the trouble was said. */
bool job_open(struct job *);
bool job_open_trace(struct job *); /* that alone */
/* The server's process, or the built-in server, on its port again. */
bool job_start_server(struct job *);
/* The client's URL has a name, which stands for both loopback addresses. */
bool job_client_has_name(const struct job *);
uint16_t job_free_port(void); /* of 127.0.0.1, for somebody else to listen on; 0: none */

/* --- job_server.c: whether the server is there --- */

/* Asks, unless it was asked; server_ready tells. */
void job_ask_server(struct job *);
void job_say_deaf_server(struct job *); /* it was not ready in time */
void job_server_free(struct job *);
const char *job_server_host(const struct job *);

#endif

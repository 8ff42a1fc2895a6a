/* What the files of the simulated world share. */
#ifndef HALFOPEN_TESTS_SIM_INSIDE_H
#define HALFOPEN_TESTS_SIM_INSIDE_H

#include "control/run_start.h"
#include "core/run.h"
#include "endpoint/client.h"
#include "endpoint/server.h"
#include "tests/sim/transcript.h"
#include "tests/sim/wire.h"
#include "tests/sim/world.h"
#include "trace/trace_memory.h"

struct sim_stage {
    struct run_start_words words;
    struct trace_terms terms;
    struct judge *judge;
};

#define SIDES         3 /* by enum side */
#define ANSWERS_LIMIT 16

/* When somebody's deadline comes true: late by a draw that stays for as long as the deadline does.
 */
struct alarm {
    nsec deadline, due;
};

struct sim_client {
    struct sim *sim;
    unsigned index,
        number; /* which client of the run; which machine: a browser has one for each tab */
    struct player *machine; /* NULL: not started yet */
    nsec starts;
    bool dial_wanted;
    enum door doors[FAMILIES];
    bool connected; /* at least once, the last time by this family: */
    enum family worked;
    bool signalled, exited; /* its process was told to end; has ended */
    bool restarts;          /* another takes its place, so long after */
    nsec down;
    nsec dialled, next_syn; /* next_syn: when a connect that was not answered tries again */
    struct link *link;      /* of the connection or attempt under way; NULL: none */
    struct alarm alarm;
};

/* One connection through the proxy: two simulated sockets on each side of it. */
struct link {
    struct sim *sim;
    struct link *next;
    struct session *session;    /* NULL: over */
    struct sim_client *client;  /* NULL: has closed */
    struct server_conn *server; /* NULL: not connected, or has closed */
    struct alarm server_alarm;
    struct wire in[SIDES], out[SIDES]; /* from and to the endpoint on that side */
    bool connect_wanted, hanging, server_over;
    bool stalled[SIDES];
    struct {
        const char *action;
        char detail[80];
    } answers[ANSWERS_LIMIT]; /* owed to the session, which must not get them inside its calls */
    size_t answer_count;
    size_t receive_before[SIDES];
    nsec keepalive_at; /* the client's TCP gives up a path that acknowledges nothing; NEVER */
};

/* Of a client's policy what is not its machine's affair but its kernel's and its TLS library's. The
 * world reads no more of it than this, for no transcript tells of it. */
struct kernel_policy {
    nsec tcp_keepalive;
    bool verifies, any_address;
};

struct sim {
    const struct sim_config *cfg;
    struct kernel_policy kernel;
    struct client_policy client_policy;
    struct server_policy server_policy;
    struct bulletin bulletin;
    struct recorder *recorder;
    struct run *run;
    struct sim_client *clients; /* the first tabs of all clients, then the second ones */
    unsigned machines;
    struct link *links, **links_end;
    struct close_codes close_codes;
    struct rng lateness, slices, losses;
    struct alarm run_alarm;
    nsec now, memory_at;
    bool started, moved;
};

/* link.c: whatever changes sets sim->moved, so that the instant goes on until nothing moves. */
void sim_client_start(struct sim_client *);
void sim_client_dial(struct sim_client *); /* a new link, accepted by the run */
void link_carry(struct link *);            /* one portion each way, ends, answers */
nsec link_due(const struct link *);        /* when something lost is sent again; NEVER */
void link_free(struct link *);

#endif

/* What the files of the intermediary share: the machine that a profile's facts are parameters of,
 * and what it knows of a connection. */
#ifndef HALFOPEN_FAULT_LIB_INTERMEDIARY_PARTS_H
#define HALFOPEN_FAULT_LIB_INTERMEDIARY_PARTS_H

#include "fault/fault.h"

enum counts {
    COUNTS_NONE,
    COUNTS_ANY,
    COUNTS_FROM_CLIENT,
    COUNTS_FROM_SERVER,
    COUNTS_PER_DIRECTION
};
enum ending { END_NONE, END_FIN, END_RST, END_SILENT, END_CLOSE_FRAME };
enum half_close { HALF_CLOSE_BOTH, HALF_CLOSE_PASS_ON };
enum speaks { SPEAKS_DROPPED, SPEAKS_RST, SPEAKS_REVIVED };
enum handling { HANDLING_PASS, HANDLING_REPAIR, HANDLING_STRIP };

struct intermediary {
    char *profile;
    nsec idle, idle_from_server, linger, lifetime, handshake_timeout, drain, drain_grace;
    int counts, idle_to_client, idle_to_server;
    int client_speaks, server_speaks;
    int lifetime_to_client, lifetime_to_server;
    int client_fin, server_fin, client_rst, server_rst;
    int upgrade, drain_to_client, drain_to_server;
    uint64_t close_code, head_limit, line_limit, head_status, refused_status, timeout_status;
};

/* An end of the proxy's own comes at once; one that it passes on, or announces, comes behind what
 * was sent before it, whatever holds that back on the way. */
enum order { AT_ONCE, IN_ORDER };

enum phase {
    PHASE_HANDSHAKE,
    PHASE_TUNNEL,    /* the WebSocket is open */
    PHASE_FORGOTTEN, /* a NAT has lost the flow: the next bytes find out */
    PHASE_LINGERS,   /* FIN was sent to the client, whose bytes are swallowed */
    PHASE_ENDED
};

struct intermediary_state {
    enum phase phase;
    bool asked, answered, unreachable;
    bool reset[DIRS]; /* by the direction it spoke in: that side met an RST after the silence */
    nsec began;       /* of the fault on this connection */
    nsec asked_at;    /* of the request */
    nsec last[DIRS];  /* newest bytes each way */
    nsec lingers_until;
};

/* --- How a connection is ended --- */

void intermediary_end_side(struct fault *, enum side, enum ending how, enum order);
void intermediary_end_both(struct fault *, int to_client, int to_server);
/* Both are closed: that side after what came for it, the other at once. */
void intermediary_close_both(struct fault *, enum side in_order);
void intermediary_end_idle(struct fault *);

/* --- When; NEVER: it does not --- */

nsec intermediary_idle_at(const struct intermediary *, const struct intermediary_state *);
nsec intermediary_lifetime_at(const struct intermediary *, const struct intermediary_state *);
nsec intermediary_drained_at(const struct intermediary *, const struct intermediary_state *);
nsec intermediary_unanswered_at(const struct intermediary *, const struct intermediary_state *);
void intermediary_set_timer(struct fault *); /* to the first of them */

#endif

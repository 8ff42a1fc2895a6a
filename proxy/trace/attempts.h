/* What a client tried, built from a trace as RULES 3 says, with the corrections of its section 0:
 * happy-eyeballs pairs are one attempt (at most one connection per address family within 300 ms,
 * and only when the earlier had not failed); a socket that never sent a byte and that the
 * *endpoint* closed within 50 ms is a preconnect and no attempt; requests that are not the selected
 * upgrade are none. */
#ifndef HALFOPEN_TRACE_ATTEMPTS_H
#define HALFOPEN_TRACE_ATTEMPTS_H

#include "trace/trace.h"

enum attempt_outcome {
    ATTEMPT_OPENED,    /* 101 delivered */
    ATTEMPT_REFUSED,   /* our RST after accept, or the server's */
    ATTEMPT_STATUS,    /* an HTTP status other than 101 */
    ATTEMPT_CUT,       /* ended by us before it opened */
    ATTEMPT_ABANDONED, /* the client gave up */
    ATTEMPT_PENDING,   /* still under way at the end of the trace */
    ATTEMPT_TLS        /* its TLS handshake did not succeed */
};

struct attempt {
    int client;
    uint32_t conn;      /* the one that counts (of a pair: the one that opened, else the later) */
    nsec start;         /* accepted */
    nsec failed;        /* when the failure was delivered, or the client gave up; NEVER: it opened,
                           or is pending */
    nsec opened;        /* NEVER: it did not */
    nsec lost;          /* when the open connection ended, whoever did it; NEVER: still open */
    enum cause lost_by; /* who ended it */
    nsec silenced;      /* since when a fault kept the server from the client; NEVER: it did not, or
                           it was over before the client took the connection for dead */
    nsec noticed;       /* when the client did: its Close, its end, or a new connection; NEVER */
    enum attempt_outcome outcome;
    uint64_t from, to; /* seq of its first and last event */
};

struct attempts {
    struct attempt *list; /* by client, then by start */
    size_t count;
};

void attempts_of(const struct trace *, int client, struct attempts *out);
void attempts_of_all(const struct trace *, struct attempts *out); /* client by client */
void attempts_fini(struct attempts *);
/* The first instant of [from, to] at which connects of that client could not be seen; NEVER. */
nsec attempts_hidden(const struct trace *, int client, nsec from, nsec to);

/* One outage: the clients' open connections were cut or silenced together and attempts were made to
 * fail. From the first fault that acts until the first attempt that opens, per client. */
struct retries {
    int client;
    /* t_cut: when the loss was delivered to this client, or it noticed a silence */
    nsec lost;
    nsec stood; /* how long the connection that was lost had been open */
    bool first; /* nothing of the client's had failed or ended before */
    /* seconds: start of attempt i minus failure of attempt i - 1 (i = 0: minus lost) */
    double *delays;
    double *starts; /* seconds since the cut */
    size_t count;
    nsec last_failed; /* failure of the last attempt; the loss when there was none */
    /* end of the outage or of the trace: silence after last_failed is censored here */
    nsec observed;
    bool reopened;
    uint64_t from, to;
};

struct outage {
    nsec at; /* of its first cut or silence */
    struct retries *clients;
    size_t count;
};

struct outages {
    struct outage *list;
    size_t count;
};

/* Every outage of the run in order: connections that a fault ended, or silenced until the client
 * took them for dead. Losses within 5 s of one another are one outage; a client that loses its
 * connection again is in another. What a client did while its connects could not be seen is left
 * out. */
void outages_of(const struct trace *, struct outages *out);
void outages_fini(struct outages *);

#endif

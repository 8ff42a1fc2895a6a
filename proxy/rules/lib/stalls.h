/* Times in which the path did not take what an endpoint sent, and what had piled up when it did
 * again. */
#ifndef HALFOPEN_RULES_LIB_STALLS_H
#define HALFOPEN_RULES_LIB_STALLS_H

#include "trace/trace.h"

struct stall {
    uint32_t conn;
    int client;
    nsec began, ended;
    bool released;     /* it ended and the connection went on */
    bool measured;     /* tcp.queues told what the kernel held at its end */
    uint64_t held;     /* by the kernel at its end, bytes: kept by no application */
    nsec closed;       /* when the endpoint itself ended the connection during it; NEVER */
    bool told_to_go;   /* the other end closed, or we did: what it did then was an answer */
    const char *exit;  /* how its process ended by itself during it, or NULL; borrowed */
    uint64_t from, to; /* seq */
};

struct stalls {
    struct stall *list; /* by time */
    size_t count;
    bool builtin; /* halfopen's own endpoint was stalled too: not in the list */
};

/* Stalls by a fault of what side sent. */
void stalls_of(const struct trace *, enum side side, struct stalls *out);
void stalls_fini(struct stalls *);

/* Bytes per second side sent on the connection within [from, to], frame heads included. */
double stalls_rate(const struct trace *, uint32_t conn, enum side side, nsec from, nsec to);

/* What came after the release beyond the usual rate, until three seconds of wall time in a row
 * bring no more than twice the usual. false: they never came before the next stall or the end;
 * *bytes is then a lower bound. */
bool stalls_backlog(const struct trace *, const struct stall *, enum side side, double usual,
                    double *bytes);

#endif

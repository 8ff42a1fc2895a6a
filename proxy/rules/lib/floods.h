/* Floods of pings that faults sent towards clients in the server's name. */
#ifndef HALFOPEN_RULES_LIB_FLOODS_H
#define HALFOPEN_RULES_LIB_FLOODS_H

#include "trace/trace.h"

/* Pings in a row on one connection. */
struct flood {
    uint32_t conn;
    int client;
    nsec began, ended;
    uint64_t pings;
    uint64_t from, to; /* seq */
};

struct floods {
    struct flood *list; /* by their first ping */
    size_t count;
};

void floods_of(const struct trace *, struct floods *out);
void floods_fini(struct floods *);

#endif

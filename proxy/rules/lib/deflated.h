/* permessage-deflate, connection by connection: whether it was agreed on as far as the client
 * knows, what the client sent under it, and what it made of what its server sent. */
#ifndef HALFOPEN_RULES_LIB_DEFLATED_H
#define HALFOPEN_RULES_LIB_DEFLATED_H

#include "trace/trace.h"

enum deflate_state {
    DEFLATE_NOT_OFFERED,
    DEFLATE_NOT_AGREED, /* offered, and the answer does not name it */
    DEFLATE_AGREED,
    DEFLATE_TAKEN_OUT, /* the server agreed, and a fault took that out of its answer */
    DEFLATE_CHANGED    /* a fault changed the answer: nobody knows what the client makes of it */
};

/* The state of a connection; of one that is not in the trace NOT_OFFERED. */
enum deflate_state deflate_state_of(const struct trace *, uint32_t conn);

enum sort { SORT_NONE, SORT_PLAIN, SORT_COMPRESSED };

struct deflated {
    uint32_t conn;
    int client;
    enum deflate_state state;
    uint64_t sent_plain, sent_compressed; /* messages of the client */
    uint64_t wrong;                       /* of its frames that break the agreement */
    const char *what;                     /* the first of those; borrowed */
    uint64_t wrong_from, wrong_to;
    /* Messages of the server that it got before anything of ours interfered or it was over. */
    uint64_t got_plain, got_compressed;
    /* It closed with that code within a second of wall time after such a message. */
    enum sort refused;
    uint64_t code;
    nsec surprised; /* TAKEN_OUT: when the first compressed message reached it; NEVER */
    nsec ended;     /* the client ended the connection; NEVER */
    nsec watched;   /* until here that would have been seen */
    uint64_t from, to;
};

struct deflated_list {
    struct deflated *list; /* of connections that opened, in order of their beginnings */
    size_t count;
    size_t offered, agreed; /* connections */
    bool builtin; /* halfopen's own client was there: its connections are not in the list */
};

void deflated_of(const struct trace *, struct deflated_list *out);
void deflated_fini(struct deflated_list *);

#endif

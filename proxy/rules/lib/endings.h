/* What a client did after each of its attempts ended: how it ended, what the client was told, and
 * when the next attempt came. Clients that are halfopen's own are left out. */
#ifndef HALFOPEN_RULES_LIB_ENDINGS_H
#define HALFOPEN_RULES_LIB_ENDINGS_H

#include "trace/attempts.h"
#include "trace/close_codes.h"
#include "trace/trace.h"

struct ending {
    struct attempt attempt;
    nsec at; /* it failed, or the open connection was over for the client; NEVER: it is not */
    /* The Close it was sent before it sent one itself, whoever did it; NULL: none. Borrowed. */
    const struct event *close;
    nsec closing;     /* the first Close on it, of whichever side; NEVER */
    bool own;         /* it opened, and the client ended it before anybody else did anything */
    uint64_t status;  /* it failed by this HTTP status; 0: it did not */
    nsec retry_after; /* that a fault named with the status; 0: none */
    bool held;        /* a fault kept the answer to the handshake back */
    bool heard;       /* a message of the server came while it was open */
    bool browser;     /* the request is a browser's, whose script sees no status */
    size_t kept;      /* connections that the client had open when the first fault began; where it
                         came only later, those begun when the first of them met with something */
    /* It keeps no more than one, and had no other under way when this one ended: what comes next is
     * its answer to this. */
    bool alone;
    const char *target; /* of its request; NULL: none was seen. Borrowed. */
    nsec next;          /* start of the client's next attempt; NEVER */
    nsec watched;       /* until here the next one would have been seen; next when there is one */
    const char *exit;   /* how its process ended by itself before that; NULL. Borrowed. */
    uint64_t from, to;  /* seq: from its beginning to the next attempt */
};

struct endings {
    struct ending *list; /* by client, then by start */
    size_t count;
    bool builtin;                   /* there were attempts of halfopen's own client */
    struct close_codes close_codes; /* that the target file declares */
};

void endings_of(const struct trace *, struct endings *out);
void endings_fini(struct endings *);
/* The index behind the last ending of the client whose first is at that index. */
size_t endings_of_client_end(const struct endings *, size_t first);
size_t endings_kept_by(const struct endings *, int client); /* 0: it never came */
size_t endings_clients(const struct endings *);
/* It opened and lasted at least so long, or lasts still. */
bool ending_was_stable(const struct ending *, nsec stable_after);
/* The connection was lost without a Close of either side and not by the client's own doing. */
bool ending_is_abnormal(const struct ending *);

#endif

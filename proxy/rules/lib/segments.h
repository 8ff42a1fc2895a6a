/* Connections whose bytes reached the client cut up or joined otherwise than they were sent (faults
 * slice, coalesce, upgrade_dribble; frames that came in one segment with the 101), and what it made
 * of them: did it open, did it stay, were its pings answered. Whatever else a fault does to a
 * connection ends what is looked at there. */
#ifndef HALFOPEN_RULES_LIB_SEGMENTS_H
#define HALFOPEN_RULES_LIB_SEGMENTS_H

#include "trace/trace.h"

/* How a ping travelled. */
enum travel { AS_SENT, WITH_THE_101, IN_PIECES, JOINED, TRAVELS };

struct pinged {
    uint64_t count, answered;
    /* A later ping, from a second of wall time after it on, was answered instead. */
    uint64_t lost;
    nsec waits;        /* the oldest that had no answer in the end, for so long; 0: none */
    uint64_t from, to; /* seq */
};

struct segmented {
    uint32_t conn;
    int client;
    bool head_in_pieces; /* the answer to the handshake came in pieces */
    nsec asked;          /* its request was there; NEVER */
    nsec opened;         /* NEVER */
    nsec touched;  /* since when what it gets while open is cut up or joined, or its opening if that
                    * was; NEVER: it is not */
    nsec ended;    /* by the client, before anybody else did anything to it; NEVER */
    uint64_t code; /* of the Close with which it did; 0: without one */
    nsec watched;  /* until here that would have been seen */
    struct pinged pings[TRAVELS];
    uint64_t from, to; /* seq */
};

struct segments {
    struct segmented *list; /* in order of their beginnings */
    size_t count, clients;
    bool builtin; /* halfopen's own client was there: its connections are not in the list */
};

void segments_of(const struct trace *, struct segments *out);
void segments_fini(struct segments *);

#endif

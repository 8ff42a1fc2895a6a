/* The data messages that one side sent, client by client and in order, each with the id by which it
 * is recognised again (ws.id) if it has one. Heartbeats known by their words are no data; what is
 * one by its regularity alone is left in. */
#ifndef HALFOPEN_TRACE_MESSAGES_H
#define HALFOPEN_TRACE_MESSAGES_H

#include "trace/trace.h"

/* Strings are borrowed from the trace. */
struct message {
    int client;
    uint32_t conn;
    nsec at;        /* all of it was there */
    nsec delivered; /* all of it had reached the other side; NEVER: it did not */
    uint64_t seq;   /* of its ws.frame, or of its ws.message */
    uint64_t len;   /* on the wire */
    const char *sig, *hash;
    const char *id; /* NULL: none */
    bool counted;   /* the id is a number that was seen to count, not one the target declares */
    bool numeric;   /* it is decimal digits, and this is their value */
    uint64_t number;
    uint64_t again;  /* seq of the first with this id (counted: of this kind of message); 0: this */
    bool compressed; /* a message without an id may be one that could not be inflated */
    bool ours;       /* said by halfopen's own endpoint or by a fault */
};

struct messages {
    struct message *list;
    size_t count;
};

void messages_of(const struct trace *, enum side, struct messages *out);
void messages_fini(struct messages *);
/* The index behind the last message of the client whose message is at index first. */
size_t messages_of_client_end(const struct messages *, size_t first);

#endif

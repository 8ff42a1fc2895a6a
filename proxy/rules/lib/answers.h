/* Answers to the handshake that open nothing, made by faults, and what clients did with the
 * connection on which they came. */
#ifndef HALFOPEN_RULES_LIB_ANSWERS_H
#define HALFOPEN_RULES_LIB_ANSWERS_H

#include "trace/trace.h"

#define ANSWER_WORDS 100

/* One answer that a client got and must not take for a yes. */
struct answer {
    char words[ANSWER_WORDS]; /* what it was, as in "a 101 for another key" */
    int client;
    uint32_t conn;
    bool deflate; /* it is about permessage-deflate, which the client had offered */
    bool ends;    /* it came with the end of the connection: nothing was left to do wrong on it */
    nsec at;
    nsec spoke;       /* the client's first frame after it but for a Close; NEVER */
    nsec ended;       /* its end of TCP; NEVER */
    nsec watched;     /* until here that could have been seen */
    nsec next;        /* its next connection; NEVER */
    const char *exit; /* how its process ended by itself before that; NULL; borrowed */
    uint64_t from, to;
};

/* What became of the attempt, and what a rule about it says, in ascending weight but for UNSEEN. */
enum answer_fate {
    ANSWER_FAILED, /* the client ended it within a second of wall time */
    ANSWER_LATE,   /* within two */
    ANSWER_DIED,   /* its process ended of it */
    ANSWER_UNSEEN,
    ANSWER_STAYED, /* it kept the connection */
    ANSWER_SPOKE,  /* it sent frames on it */
    ANSWER_FATES
};

struct answers {
    struct answer *list; /* in order of time */
    size_t count, clients;
    bool builtin; /* halfopen's own client was there: its answers are not in the list */
};

void answers_of(const struct trace *, struct answers *out);
nsec answer_waited(const struct answer *); /* from it to what the client did, or to watched */
enum answer_fate answer_fate(const struct trace *, const struct answer *);
void answers_fini(struct answers *);

#endif

/* What watching a client teaches about it, for the target file that `init` writes. From the trace
 * of an undisturbed run and what was overheard in it. */
#ifndef HALFOPEN_CONTROL_LESSONS_H
#define HALFOPEN_CONTROL_LESSONS_H

#include "control/overheard.h"
#include "trace/trace.h"

#define LESSONS_SOCKETS_LIMIT 8 /* further kinds of sockets are not told apart */

/* Its sockets that asked for the same. NULL: the request said nothing of it. */
struct socket_lesson {
    const char *protocols, *host, *agent; /* borrowed from the trace */
    char *path;                           /* without the query */
    uint64_t attempts, opened;
    nsec longest; /* that one of them stayed open */
};

enum beat_how {
    BEAT_NONE,
    BEAT_MAYBE, /* messages alike came twice or more, evenly, too few to be sure */
    BEAT_APPLICATION,
    BEAT_WORD,  /* the same, in words that are known without being declared */
    BEAT_PONGS, /* unsolicited ones */
    BEAT_PINGS
};

struct beat_lesson {
    enum beat_how how;
    enum side from;
    nsec interval;
    uint64_t beats, replied;
    char *ping, *pong; /* PCRE2 for an application heartbeat; NULL: nothing tells it */
};

struct lessons {
    nsec watched;
    struct socket_lesson sockets[LESSONS_SOCKETS_LIMIT];
    size_t socket_count;
    uint64_t attempts, opened, plain_requests;
    nsec longest;  /* that any of its sockets stayed open */
    uint64_t left; /* that the client ended itself, although nothing was broken */
    struct beat_lesson client, server; /* server: of the system, halfopen's own has none */
    uint64_t sent, sent_bytes; /* messages of the client beside heartbeats and first words */
    uint64_t received;         /* messages of the system's server beside heartbeats */
    char *id;                  /* PCRE2 whose group is a number that counts; NULL: none */
    enum side id_from;
    bool authenticates;
    char *auth_message, *auth_key, *query_key; /* NULL: not known */
    const char *tls;                           /* version; NULL: none */
    bool browser;
};

/* Borrows the trace until lessons_fini. */
void lessons_learn(const struct trace *, const struct overheard *, struct lessons *);
void lessons_fini(struct lessons *);

#endif

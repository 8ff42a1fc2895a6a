/* What a client did about a connection whose peer fell silent for good without a FIN, an RST or a
 * Close: when it noticed, and when it came back. */
#ifndef HALFOPEN_RULES_LIB_DEATH_H
#define HALFOPEN_RULES_LIB_DEATH_H

#include "trace/attempts.h"
#include "trace/trace.h"

enum death_beats { BEATS_NONE, BEATS_UNCLEAR, BEATS_OF_SERVER, BEATS_OWN };

/* What the client's TCP could tell of the silence. */
enum death_tcp {
    TCP_ACKED,  /* nothing: what it sends is acknowledged, and so are keepalive probes */
    TCP_CLOSED, /* the window is closed: its writes block */
    TCP_LOST    /* nothing is acknowledged: it retransmits, and may give up */
};

struct death {
    int client;
    uint32_t conn;
    nsec began;   /* the client hears nothing from here on */
    nsec watched; /* until here the silence lasted: after it something else may have told the
                   * client */
    nsec noticed; /* first of its Close, FIN, RST, new connection, exit; NEVER */
    nsec back;    /* its new connection; NEVER */
    nsec end;     /* until here a new connection would have been seen */
    const char
        *exit; /* how its process ended by itself meanwhile, or NULL; borrowed from the trace */
    bool unprompted; /* an ordinary Close before anything of its peer was missed: its own wish */
    uint64_t code;   /* of its Close; 0: none */
    enum death_beats beats;
    enum death_tcp tcp;
    uint64_t from, to; /* seq */
};

/* When a death has to be noticed. Noticing takes two timers in a row, the ping's and that of the
 * missing answer; each may be late. */
struct death_limits {
    nsec pass, warn;
    nsec patience; /* never noticed within it is never */
    nsec noise;
};

enum death_notice {
    NOTICE_IN_TIME,
    NOTICE_LATE,
    NOTICE_OWN_WISH,
    NOTICE_TOO_LATE,
    NOTICE_NEVER,
    NOTICE_TOO_SHORT /* not noticed, and the silence ended before it was clear that it never is */
};

struct deaths {
    struct death *list; /* by connection */
    size_t count;
    bool builtin; /* connections of halfopen's own client died too: they are not in the list */
};

void deaths_of(const struct trace *, struct deaths *out);
void deaths_fini(struct deaths *);

/* within: 0 for the policy's ping interval plus pong timeout plus 5 s (RULES RECON-01). */
struct death_limits death_limits_of(const struct trace *, nsec within, nsec warn_within);
enum death_notice death_notice(const struct death *, const struct death_limits *);

#endif

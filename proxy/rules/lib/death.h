/* What a client did about a connection whose peer fell silent for good without a FIN, an RST or a
 * Close: when it noticed, and when it came back. */
#ifndef HALFOPEN_RULES_LIB_DEATH_H
#define HALFOPEN_RULES_LIB_DEATH_H

#include "trace/attempts.h"
#include "trace/trace.h"

enum death_beats { BEATS_NONE, BEATS_UNCLEAR, BEATS_OF_SERVER, BEATS_OWN };

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
    uint64_t from, to; /* seq */
};

struct deaths {
    struct death *list; /* by connection */
    size_t count;
    bool builtin; /* connections of halfopen's own client died too: they are not in the list */
};

void deaths_of(const struct trace *, struct deaths *out);
void deaths_fini(struct deaths *);

#endif

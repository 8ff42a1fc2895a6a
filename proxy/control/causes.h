/* Why a run did not get under way, as far as it can be told from what was seen: the likely causes
 * beside the bare fact, for whoever has to mend it. */
#ifndef HALFOPEN_CONTROL_CAUSES_H
#define HALFOPEN_CONTROL_CAUSES_H

#include <stdbool.h>

#include "base/text.h"
#include "trace/event.h"

/* What was seen of the clients and of the server while the run was to begin. Zeroed before first
 * use. */
struct sightings {
    unsigned connections; /* accepted from clients */
    unsigned requests;    /* HTTP requests among them */
    unsigned upgrades;    /* that ask for a WebSocket */
    unsigned selected;    /* that are among the connections that count */
    unsigned opened;
    uint64_t status; /* of the newest response to an upgrade that is no 101; 0: none */
    char *target;    /* of the newest request */
    char *trouble;   /* with our connection to the server, the newest */
    char *wrong;     /* with the newest upgrade or its answer */
};

void sightings_note(struct sightings *, const struct event *);
void sightings_fini(struct sightings *);

/* What the causes depend on beside what was seen. */
struct circumstances {
    const char *command; /* the client's, with its placeholders */
    bool tls;            /* towards the client */
    unsigned port;       /* of the first client */
};

/* Each adds lines of the form "\nlikely cause: ..."; nothing when nothing can be said. */
void causes_of_silence(const struct sightings *, const struct circumstances *, struct text *out);
/* how: process_how; left: how many processes it left running. */
void causes_of_exit(const char *how, bool client, size_t left, struct text *out);
void causes_of_deaf_server(bool started_here, unsigned port, struct text *out);

#endif

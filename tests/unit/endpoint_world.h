/* A client and the server's side of its connections, joined back to back in virtual time: for tests
 * of the endpoints themselves, without a proxy between them. */
#ifndef HALFOPEN_TESTS_ENDPOINT_WORLD_H
#define HALFOPEN_TESTS_ENDPOINT_WORLD_H

#include "base/buf.h"
#include "base/nsec.h"
#include "endpoint/client.h"
#include "endpoint/endpoint_policy.h"
#include "endpoint/server.h"

#define WORLD_NOTES_LIMIT 4096

enum dialling { DIAL_ACCEPTED, DIAL_REFUSED, DIAL_HANGS };

struct world_note {
    nsec at;
    char event[32]; /* "client open", "server ping", "dial" */
    char detail[80];
};

struct world {
    nsec now;
    struct client_policy client_policy;
    struct server_policy server_policy;
    struct bulletin bulletin; /* of the server, over all its connections */
    struct client *client;
    struct server_conn *server; /* NULL: no connection */
    enum dialling dialling;
    bool silent;      /* bytes vanish both ways, nobody is told */
    bool jammed;      /* the client's output is not taken, */
    size_t allowance; /* but for so many more bytes */
    bool greets;      /* a message follows the 101 in the same segment */
    size_t slice;     /* bytes delivered at once; 0: all */
    struct buf up, down;
    bool dial_wanted, client_left, client_finished, server_left, server_finished;
    uint64_t messages, last_id, disorder; /* what the server got; disorder: ids not ascending */
    uint64_t taken;                       /* bytes the client got rid of */
    struct world_note notes[WORLD_NOTES_LIMIT];
    size_t notes_len;
};

/* Sound client, mute server. Change the policies, then world_begin. */
struct world *world_new(void);
void world_free(struct world *);
void world_begin(struct world *, uint64_t seed);
void world_run(struct world *, nsec length);
void world_cut(struct world *); /* both ends see the connection end */
void world_unjam(struct world *);
void world_to_client(struct world *, const void *bytes, size_t len); /* from nowhere, now */
void world_to_server(struct world *, const void *bytes, size_t len);

int world_count(const struct world *, const char *event);
/* When the event happened for the nth time, from 0; NEVER: not so often. */
nsec world_at(const struct world *, const char *event, int nth);
const char *world_detail(const struct world *, const char *event, int nth); /* "": not so often */

#endif

/* What the files of the client share: what it is, and what it does in each of its states. */
#ifndef HALFOPEN_ENDPOINT_CLIENT_PARTS_H
#define HALFOPEN_ENDPOINT_CLIENT_PARTS_H

#include "endpoint/client.h"
#include "endpoint/client_upgrade.h"
#include "endpoint/comeback.h"
#include "endpoint/inbound.h"
#include "endpoint/login.h"
#include "endpoint/outbound.h"
#include "endpoint/sender.h"
#include "endpoint/subscriptions.h"

struct client {
    struct client_policy policy;
    struct client_ops ops;
    void *context;
    enum client_state state;
    bool final;    /* the application closed: there is no return */
    nsec state_by; /* when the state runs out: the next attempt, or a timeout */
    nsec ping_at, pong_by;
    nsec opened_at;      /* of the connection that exists; NEVER: it never opened */
    uint16_t close_code; /* the server's on this connection; 0: none */
    struct comeback comeback;
    struct rng delays;
    struct client_upgrade *upgrade;
    struct outbound out;
    struct inbound *in;
    struct sender sender;
    struct subscriptions subscriptions;
    struct login login;
    char *target; /* as it was given */
    struct client_stats stats;
};

/* What a state does with each thing that can happen; NULL: nothing, such reports come too late. */
struct behaviour {
    void (*connected)(struct client *, nsec now);
    void (*input)(struct client *, const uint8_t *bytes, size_t len, nsec now);
    void (*lost)(struct client *, nsec now);    /* the peer ended the connection */
    void (*overdue)(struct client *, nsec now); /* state_by has come */
    void (*close)(struct client *, uint16_t code, const char *reason, nsec now);
};

const struct behaviour *client_behaviour(const struct client *); /* in its state */

void client_note(struct client *, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void client_enter(struct client *, enum client_state, nsec by);
nsec client_limit(nsec now, nsec length); /* now + length; a length of 0 is no limit */
/* The connection is gone, or the attempt failed: decides what becomes of this client. */
void client_come_back(struct client *, const char *how, nsec now);
void client_abandon(struct client *, const char *how, nsec now); /* the same, after an RST */
/* What add says of who it is, as a message of its own. */
void client_authenticate(struct client *, void (*add)(struct login *, nsec now, struct text *),
                         nsec now);
void client_speak(struct client *); /* now that the server knows who it is */

#endif

/* How the client says who it is: in its request or in the first message, anew on every connection,
 * with a fresh token after each refusal. The tokens are no secret: everybody may have them. */
#ifndef HALFOPEN_ENDPOINT_LOGIN_H
#define HALFOPEN_ENDPOINT_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "endpoint/comeback.h"
#include "endpoint/endpoint_policy.h"

#define LOGIN_MESSAGE                                                                              \
    "^\\{\"type\":\"auth\",\"token\":\"([^\"]+)\"" /* PCRE2: as in auth.message                    \
                                                    */
#define LOGIN_ACK    "^\\{\"type\":\"auth_ok\"\\}" /* as in auth.ack */
#define LOGIN_ANSWER "{\"type\":\"auth_ok\"}"      /* as in auth.answer */

struct login {
    const struct client_policy *policy;
    uint64_t serial;      /* of the token, from 1 */
    uint64_t connections; /* that opened so far */
    uint64_t refusals;    /* since the last stable connection */
    bool waiting;         /* for the acknowledgement */
    nsec expires;         /* the token; NEVER */
    nsec renew_at;        /* on the open connection; NEVER */
};

void login_init(struct login *, const struct client_policy *, nsec now); /* keeps the policy */
/* The next request's: target is added to, headers are lines that CRLF ends. */
void login_add_to_request(struct login *, nsec now, struct text *target, struct text *headers);
/* A connection opened: adds the message to send first, or nothing. */
void login_open(struct login *, nsec now, struct text *message);
/* It ended. */
void login_lost(struct login *);
/* When the token is to be renewed; then adds the message that does. */
nsec login_deadline(const struct login *);
void login_renew(struct login *, nsec now, struct text *message);
/* Whether data may be sent on the connection. */
bool login_done(const struct login *);
/* A message of the server's: true when it is the acknowledgement that was waited for. */
bool login_is_acknowledged(struct login *, const uint8_t *bytes, size_t len);
/* The server closed with that code, or answered with that status: when it is a refusal the next
 * token is another one, and comeback may change. */
void login_closed(struct login *, uint16_t code, nsec now, struct comeback *);
void login_answered(struct login *, int status, nsec now, struct comeback *);
void login_stable(struct login *);

#endif

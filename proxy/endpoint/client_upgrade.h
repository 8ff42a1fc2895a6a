/* The client's half of the opening handshake (RFC 6455 4.1): the request and the judgement of what
 * comes back. One of these serves all attempts of a client, one after another. */
#ifndef HALFOPEN_ENDPOINT_CLIENT_UPGRADE_H
#define HALFOPEN_ENDPOINT_CLIENT_UPGRADE_H

#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"
#include "base/text.h"

enum upgrade_progress {
    UPGRADE_MORE,   /* the head is not complete */
    UPGRADE_DONE,   /* a valid 101: what follows are frames */
    UPGRADE_REFUSED /* another status, or a 101 that RFC 6455 4.1 says to fail */
};

struct client_upgrade;

/* Copies the text. The seed decides the keys. The target is "/". */
struct client_upgrade *client_upgrade_new(const char *host_header, uint64_t seed);
void client_upgrade_free(struct client_upgrade *);
/* Sec-WebSocket-Extensions of the requests from here on; "": none. Copied. */
void client_upgrade_offer(struct client_upgrade *, const char *extensions);
/* Takes any 101 and any 2xx for a yes from here on; for flaws. */
void client_upgrade_trust(struct client_upgrade *);
/* Of the requests from here on: target, and header lines, each ended by CRLF. Copied. */
void client_upgrade_ask(struct client_upgrade *, const char *target, const char *headers);
/* A new attempt: a fresh key, and the request added to out. */
void client_upgrade_begin(struct client_upgrade *, struct text *out);
/* used: how many of the bytes belonged to the head. */
enum upgrade_progress client_upgrade_input(struct client_upgrade *, const uint8_t *bytes,
                                           size_t len, size_t *used);

/* Of the response just taken: its Sec-WebSocket-Extensions, "" where there are none. */
const char *client_upgrade_extensions(const struct client_upgrade *);
/* Of the response just refused. */
int client_upgrade_status(const struct client_upgrade *);       /* 0: it was not HTTP */
nsec client_upgrade_retry_after(const struct client_upgrade *); /* or RETRY_AFTER_ABSENT */
const char *client_upgrade_problem(const struct client_upgrade *);

#endif

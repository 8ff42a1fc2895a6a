/* The server's half of the opening handshake (RFC 6455 4.2): reads one request head and composes
 * the answer, 101 or otherwise. */
#ifndef HALFOPEN_ENDPOINT_SERVER_REQUEST_H
#define HALFOPEN_ENDPOINT_SERVER_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum request_progress {
    REQUEST_MORE,    /* the head is not complete */
    REQUEST_UPGRADE, /* answered with 101: what follows are frames */
    REQUEST_ANSWERED /* answered with something else, "Connection: close" included */
};

struct server_request;

struct server_request *server_request_new(void);
void server_request_free(struct server_request *);
/* used: how many of the bytes belonged to the head. Once it is complete the answer is added. */
enum request_progress server_request_input(struct server_request *, const uint8_t *bytes,
                                           size_t len, size_t *used, struct text *answer);
/* Agrees to permessage-deflate from here on, where it is offered. */
void server_request_deflate(struct server_request *);
/* Sec-WebSocket-Extensions of the answer; "": none. */
const char *server_request_extensions(const struct server_request *);
int server_request_status(const struct server_request *); /* what was answered; 0: nothing yet */

#endif

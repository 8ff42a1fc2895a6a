/* The opening handshake (RFC 6455 4): what a request asks for, what a response answers, as facts;
 * and heads for the built-in endpoints. */
#ifndef HALFOPEN_WS_UPGRADE_H
#define HALFOPEN_WS_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "ws/http.h"

#define UPGRADE_KEY_ROOM    25 /* 16 bytes in base64, terminated */
#define UPGRADE_ACCEPT_ROOM 29 /* 20 bytes in base64, terminated */

/* What RFC 6455 4.2.1 (request), 4.2.2 and 4.1 (response) ask for and is not so. */
enum upgrade_wrong {
    UPGRADE_NOT_GET = 1 << 0,
    UPGRADE_OLD_HTTP = 1 << 1, /* before HTTP/1.1 */
    UPGRADE_NO_HOST = 1 << 2,
    UPGRADE_NO_UPGRADE = 1 << 3,    /* Upgrade: websocket */
    UPGRADE_NO_CONNECTION = 1 << 4, /* Connection: Upgrade */
    UPGRADE_NO_KEY = 1 << 5,        /* Sec-WebSocket-Key missing or there twice */
    UPGRADE_BAD_KEY = 1 << 6,       /* not 16 bytes in base64 */
    UPGRADE_BAD_VERSION = 1 << 7,   /* Sec-WebSocket-Version is not 13 */
    UPGRADE_NOT_101 = 1 << 8,
    UPGRADE_NO_ACCEPT = 1 << 9,
    UPGRADE_BAD_ACCEPT = 1 << 10,
    UPGRADE_ODD_PROTOCOL = 1 << 11,  /* a subprotocol that was not offered, or more than one */
    UPGRADE_ODD_EXTENSION = 1 << 12, /* an extension that was not offered */
    UPGRADE_BAD_DEFLATE = 1 << 13 /* parameters of permessage-deflate that RFC 7692 7.1 forbids */
};

struct upgrade_request {
    bool asks;      /* it has Upgrade: websocket or a Sec-WebSocket-Key: meant to be a WebSocket */
    bool valid;     /* wrong is 0 */
    unsigned wrong; /* enum upgrade_wrong */
    struct http_text key, version; /* into the head; empty when missing */
};

struct upgrade_response {
    bool valid;
    unsigned wrong;
};

void upgrade_read_request(const struct http_head *, struct upgrade_request *out);
/* protocols and extensions: what the request offered, as in its headers; NULL: not known, not
 * judged. */
void upgrade_read_response(const struct http_head *, const char *key, const char *protocols,
                           const char *extensions, struct upgrade_response *out);
/* "no Sec-WebSocket-Key, not a GET"; adds nothing for 0. */
void upgrade_add_wrong(struct text *, unsigned wrong);

void upgrade_make_key(const uint8_t random[16], char out[UPGRADE_KEY_ROOM]);
void upgrade_accept(const char *key, char out[UPGRADE_ACCEPT_ROOM]); /* for any string */

/* What a client asks for. NULL leaves a header out. */
struct upgrade_ask {
    const char *target, *host, *key;
    const char *origin, *protocols, *extensions;
    const char *headers; /* further lines, each ended by CRLF */
};

void upgrade_add_request(struct text *, const struct upgrade_ask *);
/* A 101 for the key; protocol, extensions, headers as above. */
void upgrade_add_switch(struct text *, const char *key, const char *protocol,
                        const char *extensions, const char *headers);

/* permessage-deflate as a response settles it (RFC 7692 7.1). */
struct upgrade_deflate {
    bool on;
    bool client_no_context_takeover, server_no_context_takeover;
    int client_max_window_bits, server_max_window_bits; /* 8 to 15 */
    bool names_client_bits; /* client_max_window_bits is there, and may be only when offered */
    bool wrong;             /* a parameter that is unknown, there twice or out of bounds */
};

/* extensions: the response's Sec-WebSocket-Extensions. The first permessage-deflate in it
 * counts. */
void upgrade_read_deflate(const char *extensions, struct upgrade_deflate *out);

/* What one permessage-deflate of a request allows the server to answer. */
struct upgrade_deflate_offer {
    bool client_bits; /* the server may name client_max_window_bits */
    int client_max_window_bits, server_max_window_bits; /* 15 where none is named */
    bool server_no_context_takeover;
};

/* The first permessage-deflate of the request's Sec-WebSocket-Extensions. false: there is none. */
bool upgrade_read_deflate_offer(const char *extensions, struct upgrade_deflate_offer *out);
/* Both as in their headers. Whether the answer's parameters are legal and fit one of the offers, of
 * which there may be several; true where the answer has no permessage-deflate. */
bool upgrade_deflate_fits(const char *offer, const char *answer);

#endif

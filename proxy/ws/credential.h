/* What in a request head looks like a credential: where it stands, what it is called and what it
 * looks like, so that its use can be followed without keeping it. */
#ifndef HALFOPEN_WS_CREDENTIAL_H
#define HALFOPEN_WS_CREDENTIAL_H

#include "ws/http.h"

enum credential_place {
    CREDENTIAL_IN_QUERY,
    CREDENTIAL_IN_PATH,
    CREDENTIAL_IN_AUTHORIZATION,
    CREDENTIAL_IN_COOKIE,
    CREDENTIAL_IN_PROTOCOL /* Sec-WebSocket-Protocol, where browsers can put one */
};

enum credential_shape {
    CREDENTIAL_WORD,   /* nothing but its name says so */
    CREDENTIAL_RANDOM, /* at least 20 characters of over 3.5 bits each */
    CREDENTIAL_JWT     /* RFC 7519 */
};

struct credential {
    enum credential_place place;
    enum credential_shape shape;
    struct http_text name; /* of the query key or cookie, the scheme of Authorization; else empty */
    struct http_text value;
};

/* Every query value whose key or shape says so, path segments and subprotocols by their shape,
 * Authorization, and each cookie. Calls found once for each, in the order of the head; borrows. */
void credentials_find(const struct http_head *,
                      void (*found)(void *context, const struct credential *), void *context);
enum credential_shape credential_shape_of(const char *chars, size_t len);

const char *credential_place_name(enum credential_place);
const char *credential_shape_name(enum credential_shape);

#endif

/* Keeping secrets out of traces and reports. */
#ifndef HALFOPEN_WS_REDACT_H
#define HALFOPEN_WS_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define REDACTED "REDACTED"

/* Values that are secret whatever they look like and wherever they stand. */
struct secrets {
    char **values;
    size_t count;
};

#define SECRET_LEAST 4 /* a shorter value is no secret, and would tear words apart */

/* A request target or URL: query values that are token-like by their key or by themselves
 * (ws/credential), passwords before an '@' and JWT-shaped words anywhere become REDACTED; the rest
 * stays as it is. */
void redact_target(const char *target, size_t len, struct text *out);
/* Any other text (a close reason): JWT-shaped words go. */
void redact_words(const char *chars, size_t len, struct text *out);
/* A list of subprotocols: those that look like a credential go. */
void redact_protocols(const char *list, struct text *out);
/* Where one of these values stands, REDACTED. secrets: NULL: the text as it is. */
void redact_secrets(const struct secrets *, const char *chars, struct text *out);
/* token, access_token, accessToken, auth, jwt, key, apikey, x-api-key, session, sid, ticket,
 * password, secret and names ending in one of the longer ones. */
bool redact_is_secret_key(const char *name, size_t len);
/* A JWT-shaped word stands in it. */
bool redact_has_jwt(const char *chars, size_t len);
/* Where the first begins, and how long it is; 0: there is none. */
size_t redact_find_jwt(const char *chars, size_t len, size_t *found_len);

#endif

/* What a JSON Web Token (RFC 7519) says of itself to everybody. Nothing is verified. */
#ifndef HALFOPEN_WS_JWT_H
#define HALFOPEN_WS_JWT_H

#include <stddef.h>
#include <stdint.h>

#define JWT_EXPIRES_NEVER INT64_MAX

/* The claim exp (4.1.4) of the first token within the characters, in seconds since 1970;
 * JWT_EXPIRES_NEVER: there is no token, or it does not say. */
int64_t jwt_expires(const char *chars, size_t len);

#endif

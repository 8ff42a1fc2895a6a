#include "ws/jwt.h"

#include <jansson.h>
#include <string.h>

#include "ws/redact.h"

#define CLAIMS_LIMIT 4096 /* bytes, decoded */

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* RFC 4648 5, without padding, up to the first character that is none of it. */
static size_t decode(const char *chars, size_t len, char out[CLAIMS_LIMIT])
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t count = 0;
    for (size_t i = 0; i < len && digit(chars[i]) >= 0 && count < CLAIMS_LIMIT; i++) {
        bits = bits << 6 | (uint32_t)digit(chars[i]);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        out[count++] = (char)(bits >> held & 0xff);
    }
    return count;
}

/* 2: a number of seconds, which may have a fraction. */
static int64_t expiry(const json_t *claims)
{
    const json_t *exp = json_object_get(claims, "exp");
    double seconds = json_number_value(exp);
    bool sensible = json_is_number(exp) && seconds >= 0 && seconds < 1e15;
    return sensible ? (int64_t)seconds : JWT_EXPIRES_NEVER;
}

int64_t jwt_expires(const char *chars, size_t len)
{
    char decoded[CLAIMS_LIMIT];
    size_t token_len, from = redact_find_jwt(chars, len, &token_len);
    const char *dot = token_len > 0 ? memchr(chars + from, '.', token_len) : NULL;
    if (!dot)
        return JWT_EXPIRES_NEVER;
    size_t behind = token_len - (size_t)(dot + 1 - (chars + from));
    size_t decoded_len = decode(dot + 1, behind, decoded);
    json_t *claims = json_loadb(decoded, decoded_len, 0, NULL);
    int64_t seconds = expiry(claims);
    json_decref(claims);
    return seconds;
}

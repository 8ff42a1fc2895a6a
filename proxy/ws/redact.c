#include "ws/redact.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "ws/credential.h"

#define KEY_NAME_MAX  64    /* longer names are not looked up whole: their end is */
#define JWT_PART_MIN  4     /* characters of each of the first two parts */
#define JWT_BEGIN     "eyJ" /* the base64url of {" */
#define JWT_BEGIN_LEN 3

/* Compared with letters in lower case and '-', '_' left out. */
static const char *const secret_names[] = {"auth", "authorization", "key", "sid",    "code",
                                           "pwd",  "passwd",        "sig", "bearer", "credential"};
static const char *const secret_endings[] = {"token",     "jwt",     "apikey",    "accesskey",
                                             "secretkey", "session", "sessionid", "ticket",
                                             "password",  "secret",  "signature", "credentials"};

static bool is_hex(char c, int *value)
{
    const char *digits = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
    const char *found = lower ? strchr(digits, lower) : NULL;
    *value = found ? (int)(found - digits) : 0;
    return found;
}

/* The end of a name, as names are compared; percent-escapes are undone. */
static size_t plain_name(const char *name, size_t len, char out[KEY_NAME_MAX + 1])
{
    size_t written = 0, at = len > KEY_NAME_MAX ? len - KEY_NAME_MAX : 0;
    while (at < len) {
        int high, low;
        char c = name[at];
        bool escaped =
            c == '%' && at + 2 < len && is_hex(name[at + 1], &high) && is_hex(name[at + 2], &low);
        if (escaped)
            c = (char)(high << 4 | low);
        at += escaped ? 3 : 1;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (c != '-' && c != '_' && c != '\0')
            out[written++] = c;
    }
    out[written] = '\0';
    return written;
}

static bool ends_with(const char *name, size_t len, const char *ending)
{
    size_t ending_len = strlen(ending);
    return len >= ending_len && memcmp(name + len - ending_len, ending, ending_len) == 0;
}

bool redact_is_secret_key(const char *name, size_t len)
{
    char plain[KEY_NAME_MAX + 1];
    size_t plain_len = plain_name(name, len, plain);
    for (size_t i = 0; i < sizeof secret_names / sizeof *secret_names; i++)
        if (strcmp(plain, secret_names[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof secret_endings / sizeof *secret_endings; i++)
        if (ends_with(plain, plain_len, secret_endings[i]))
            return true;
    return false;
}

/* --- JWT-shaped words --- */

static bool is_base64url(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static size_t part_len(const char *chars, size_t len)
{
    size_t run = 0;
    while (run < len && is_base64url(chars[run]))
        run++;
    return run;
}

/* header.payload.signature, or the five parts of an encrypted one (RFC 7515 7.1, RFC 7516 7.1).
 * Parts after the second may be empty. 0: it is none. */
static size_t jwt_len(const char *chars, size_t len)
{
    if (len < JWT_BEGIN_LEN || memcmp(chars, JWT_BEGIN, JWT_BEGIN_LEN) != 0)
        return 0;
    size_t at = part_len(chars, len), parts = 1;
    if (at < JWT_PART_MIN)
        return 0;
    while (at < len && chars[at] == '.') {
        size_t part = part_len(chars + at + 1, len - at - 1);
        if (parts == 1 && part < JWT_PART_MIN)
            return 0;
        at += 1 + part;
        parts++;
    }
    return parts >= 3 ? at : 0;
}

/* Where in a run of base64url characters a JWT may begin. Trying the first place is enough: what
 * follows the run is the same for all of them. */
static size_t jwt_begin(const char *chars, size_t run)
{
    const char *begin = memmem(chars, run, JWT_BEGIN, JWT_BEGIN_LEN);
    return begin ? (size_t)(begin - chars) : run;
}

void redact_words(const char *chars, size_t len, struct text *out)
{
    size_t at = 0;
    while (at < len) {
        size_t run = part_len(chars + at, len - at);
        size_t before = jwt_begin(chars + at, run);
        size_t jwt = jwt_len(chars + at + before, len - at - before);
        size_t kept = jwt ? before : run + (at + run < len);
        text_add_bytes(out, chars + at, kept);
        text_add(out, jwt ? REDACTED : "");
        at += kept + jwt;
    }
}

size_t redact_find_jwt(const char *chars, size_t len, size_t *found_len)
{
    size_t at = 0;
    while (at < len) {
        size_t run = part_len(chars + at, len - at);
        size_t before = jwt_begin(chars + at, run);
        *found_len = jwt_len(chars + at + before, len - at - before);
        if (*found_len > 0)
            return at + before;
        at += run + 1;
    }
    *found_len = 0;
    return len;
}

bool redact_has_jwt(const char *chars, size_t len)
{
    size_t found_len;
    (void)redact_find_jwt(chars, len, &found_len);
    return found_len > 0;
}

/* The longest of them that begins here: one may begin like another. */
static size_t secret_at(const struct secrets *secrets, const char *at)
{
    size_t longest = 0;
    for (size_t i = 0; secrets && i < secrets->count; i++) {
        size_t len = strlen(secrets->values[i]);
        if (len >= SECRET_LEAST && len > longest && strncmp(at, secrets->values[i], len) == 0)
            longest = len;
    }
    return longest;
}

void redact_secrets(const struct secrets *secrets, const char *chars, struct text *out)
{
    while (*chars) {
        size_t len = secret_at(secrets, chars);
        if (len > 0)
            text_add(out, REDACTED);
        else
            text_add_bytes(out, chars, 1);
        chars += len > 0 ? len : 1;
    }
}

void redact_protocols(const char *list, struct text *out)
{
    struct http_text left = {list, strlen(list)}, protocol;
    const char *between = "";
    while (http_list_next(&left, ',', &protocol)) {
        text_add(out, between);
        if (credential_shape_of(protocol.chars, protocol.len) == CREDENTIAL_WORD)
            http_text_add(out, protocol);
        else
            text_add(out, REDACTED);
        between = ", ";
    }
}

/* --- Targets --- */

static void add_parameter(const char *parameter, size_t len, struct text *out)
{
    const char *equals = memchr(parameter, '=', len);
    size_t name_len = equals ? (size_t)(equals - parameter) : len;
    bool random = equals && credential_shape_of(equals + 1, len - name_len - 1) != CREDENTIAL_WORD;
    if (!equals || name_len + 1 == len || !(random || redact_is_secret_key(parameter, name_len))) {
        redact_words(parameter, len, out);
        return;
    }
    redact_words(parameter, name_len + 1, out);
    text_add(out, REDACTED);
}

static size_t length_until(const char *chars, size_t len, const char *ends)
{
    size_t run = 0;
    while (run < len && !(chars[run] && strchr(ends, chars[run])))
        run++;
    return run;
}

/* scheme://user:password@host: what stands before the '@' goes. Returns how much was written. */
static size_t add_authority(const char *target, size_t len, struct text *out)
{
    const char *slashes = memmem(target, len, "://", 3);
    if (!slashes || memchr(target, '?', (size_t)(slashes - target)))
        return 0;
    size_t begin = (size_t)(slashes - target) + 3;
    size_t authority = length_until(target + begin, len - begin, "/?#");
    const char *at = memrchr(target + begin, '@', authority);
    if (!at)
        return 0;
    text_add_bytes(out, target, begin);
    text_add(out, REDACTED);
    return (size_t)(at - target);
}

void redact_target(const char *target, size_t len, struct text *out)
{
    size_t at = add_authority(target, len, out);
    size_t path = length_until(target + at, len - at, "?#");
    redact_words(target + at, path, out);
    at += path;
    while (at < len) {
        text_add_bytes(out, target + at, 1); /* ? & ; # */
        at++;
        size_t parameter = length_until(target + at, len - at, "&;#");
        add_parameter(target + at, parameter, out);
        at += parameter;
    }
}

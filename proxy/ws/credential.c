#include "ws/credential.h"

#include <math.h>
#include <string.h>

#include "ws/redact.h"

#define RANDOM_LEAST_CHARS 20
#define RANDOM_LEAST_BITS  3.5 /* of Shannon entropy a character */
#define UUID_CHARS         36

struct finder {
    void (*found)(void *context, const struct credential *);
    void *context;
};

const char *credential_place_name(enum credential_place place)
{
    static const char *const names[] = {"query", "path", "authorization", "cookie", "protocol"};
    return names[place];
}

const char *credential_shape_name(enum credential_shape shape)
{
    static const char *const names[] = {"word", "random", "jwt"};
    return names[shape];
}

static double bits_per_char(const char *chars, size_t len)
{
    size_t counts[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < len; i++)
        counts[(unsigned char)chars[i]]++;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i] > 0)
            bits -= (double)counts[i] * log2((double)counts[i] / (double)len);
    return bits / (double)len;
}

/* Words and paths have entropy too; what was drawn at random has digits among its letters. */
static bool has_letters_and_digits(const char *chars, size_t len)
{
    bool letter = false, digit = false;
    for (size_t i = 0; i < len; i++) {
        char lower = (char)(chars[i] | 0x20);
        letter = letter || (lower >= 'a' && lower <= 'z');
        digit = digit || (chars[i] >= '0' && chars[i] <= '9');
    }
    return letter && digit;
}

/* Identifiers are drawn at random as well, and shown to everybody (RFC 9562). */
static bool is_uuid(const char *chars, size_t len)
{
    static const size_t dashes[] = {8, 13, 18, 23};
    bool uuid = len == UUID_CHARS;
    for (size_t i = 0; uuid && i < len; i++)
        uuid = strchr("0123456789abcdefABCDEF-", chars[i]) && chars[i];
    for (size_t i = 0; uuid && i < sizeof dashes / sizeof *dashes; i++)
        uuid = chars[dashes[i]] == '-';
    return uuid;
}

enum credential_shape credential_shape_of(const char *chars, size_t len)
{
    if (redact_has_jwt(chars, len))
        return CREDENTIAL_JWT;
    bool random = len >= RANDOM_LEAST_CHARS && has_letters_and_digits(chars, len) &&
                  !is_uuid(chars, len) && bits_per_char(chars, len) > RANDOM_LEAST_BITS;
    return random ? CREDENTIAL_RANDOM : CREDENTIAL_WORD;
}

static void tell(const struct finder *finder, enum credential_place place, struct http_text name,
                 struct http_text value)
{
    struct credential credential = {.place = place,
                                    .shape = credential_shape_of(value.chars, value.len),
                                    .name = name,
                                    .value = value};
    if (value.len > 0)
        finder->found(finder->context, &credential);
}

/* What stands before the first `mark`, and what behind it; no mark: all of it is the name. */
static void split_at(struct http_text text, char mark, struct http_text *name,
                     struct http_text *value)
{
    const char *at = text.len > 0 ? memchr(text.chars, mark, text.len) : NULL;
    size_t len = at ? (size_t)(at - text.chars) : text.len;
    *name = (struct http_text){text.chars, len};
    *value =
        at ? (struct http_text){at + 1, text.len - len - 1} : (struct http_text){text.chars, 0};
}

/* The next part up to one of the marks; text is advanced. false: no more. */
static bool next_part(struct http_text *text, const char *marks, struct http_text *part)
{
    size_t len = 0;
    if (text->len == 0)
        return false;
    while (len < text->len && !strchr(marks, text->chars[len]))
        len++;
    *part = (struct http_text){text->chars, len};
    len += len < text->len;
    *text = (struct http_text){text->chars + len, text->len - len};
    return true;
}

static void find_in_path(const struct finder *finder, struct http_text path)
{
    struct http_text segment, nothing = {path.chars, 0};
    while (next_part(&path, "/", &segment))
        if (credential_shape_of(segment.chars, segment.len) != CREDENTIAL_WORD)
            tell(finder, CREDENTIAL_IN_PATH, nothing, segment);
}

static void find_in_query(const struct finder *finder, struct http_text query)
{
    struct http_text parameter, name, value;
    while (next_part(&query, "&;#", &parameter)) {
        split_at(parameter, '=', &name, &value);
        if (redact_is_secret_key(name.chars, name.len) ||
            credential_shape_of(value.chars, value.len) != CREDENTIAL_WORD)
            tell(finder, CREDENTIAL_IN_QUERY, name, value);
    }
}

static void find_in_cookies(const struct finder *finder, struct http_text cookies)
{
    struct http_text cookie, name, value;
    while (http_list_next(&cookies, ';', &cookie)) {
        split_at(cookie, '=', &name, &value);
        tell(finder, CREDENTIAL_IN_COOKIE, name, value);
    }
}

static void find_in_protocols(const struct finder *finder, struct http_text protocols)
{
    struct http_text protocol, nothing = {protocols.chars, 0};
    while (http_list_next(&protocols, ',', &protocol))
        if (credential_shape_of(protocol.chars, protocol.len) != CREDENTIAL_WORD)
            tell(finder, CREDENTIAL_IN_PROTOCOL, nothing, protocol);
}

static void find_in_authorization(const struct finder *finder, struct http_text value)
{
    struct http_text scheme, credentials;
    split_at(value, ' ', &scheme, &credentials);
    if (credentials.len == 0) /* a bare token */
        tell(finder, CREDENTIAL_IN_AUTHORIZATION, credentials, value);
    else
        tell(finder, CREDENTIAL_IN_AUTHORIZATION, scheme, credentials);
}

void credentials_find(const struct http_head *head,
                      void (*found)(void *context, const struct credential *), void *context)
{
    struct finder finder = {found, context};
    struct http_text path, query;
    split_at(head->target, '?', &path, &query);
    find_in_path(&finder, path);
    find_in_query(&finder, query);
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (http_text_is(header->name, "Authorization"))
            find_in_authorization(&finder, header->value);
        else if (http_text_is(header->name, "Cookie"))
            find_in_cookies(&finder, header->value);
        else if (http_text_is(header->name, "Sec-WebSocket-Protocol"))
            find_in_protocols(&finder, header->value);
    }
}

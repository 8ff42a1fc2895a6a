#include "ws/upgrade.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

#define KEY_CHARS     22 /* of base64 that hold 16 bytes; "==" follows */
#define ACCEPT_SUFFIX "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */

static const char *const wrong_words[] = {
    "not a GET",
    "older than HTTP/1.1",
    "no Host",
    "no Upgrade: websocket",
    "no Connection: Upgrade",
    "no single Sec-WebSocket-Key",
    "Sec-WebSocket-Key is not 16 bytes in base64",
    "Sec-WebSocket-Version is not 13",
    "the status is not 101",
    "no single Sec-WebSocket-Accept",
    "Sec-WebSocket-Accept does not fit the key",
    "a subprotocol that was not offered",
    "an extension that was not offered",
    "parameters of permessage-deflate that cannot be",
};

void upgrade_add_wrong(struct text *out, unsigned wrong)
{
    const char *between = "";
    for (size_t i = 0; i < sizeof wrong_words / sizeof *wrong_words; i++) {
        if (!(wrong & 1u << i))
            continue;
        text_add(out, between);
        text_add(out, wrong_words[i]);
        between = ", ";
    }
}

/* --- Requests --- */

static bool is_base64_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

static bool is_key(struct http_text key)
{
    if (key.len != KEY_CHARS + 2 || memcmp(key.chars + KEY_CHARS, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < KEY_CHARS; i++)
        if (!is_base64_char(key.chars[i]))
            return false;
    return true;
}

static unsigned key_wrong(const struct http_head *head, struct http_text key)
{
    if (http_header_count(head, "Sec-WebSocket-Key") != 1)
        return UPGRADE_NO_KEY;
    return is_key(key) ? 0 : UPGRADE_BAD_KEY;
}

static unsigned tokens_wrong(const struct http_head *head)
{
    unsigned wrong = 0;
    if (!http_has_token(head, "Upgrade", "websocket"))
        wrong |= UPGRADE_NO_UPGRADE;
    if (!http_has_token(head, "Connection", "upgrade"))
        wrong |= UPGRADE_NO_CONNECTION;
    return wrong;
}

/* RFC 6455 4.2.1 */
static unsigned request_wrong(const struct http_head *head, const struct upgrade_request *request)
{
    unsigned wrong = tokens_wrong(head) | key_wrong(head, request->key);
    if (head->method.len != 3 || memcmp(head->method.chars, "GET", 3) != 0)
        wrong |= UPGRADE_NOT_GET;
    if (head->major < 1 || (head->major == 1 && head->minor < 1))
        wrong |= UPGRADE_OLD_HTTP;
    if (http_header_count(head, "Host") != 1)
        wrong |= UPGRADE_NO_HOST;
    if (!http_text_is(request->version, "13"))
        wrong |= UPGRADE_BAD_VERSION;
    return wrong;
}

void upgrade_read_request(const struct http_head *head, struct upgrade_request *out)
{
    *out = (struct upgrade_request){.key = {"", 0}, .version = {"", 0}};
    bool has_key = http_header(head, "Sec-WebSocket-Key", &out->key);
    (void)http_header(head, "Sec-WebSocket-Version", &out->version); /* absent: empty, so not 13 */
    out->asks = has_key || http_has_token(head, "Upgrade", "websocket");
    out->wrong = request_wrong(head, out);
    out->valid = out->wrong == 0;
}

/* --- Responses --- */

void upgrade_make_key(const uint8_t random[16], char out[UPGRADE_KEY_ROOM])
{
    digest_base64(random, 16, out);
}

void upgrade_accept(const char *key, char out[UPGRADE_ACCEPT_ROOM])
{
    uint8_t digest[20];
    struct text joined;
    text_init(&joined);
    text_add(&joined, key);
    text_add(&joined, ACCEPT_SUFFIX);
    digest_sha1(joined.chars, joined.len, digest);
    digest_base64(digest, sizeof digest, out);
    text_fini(&joined);
}

static unsigned accept_wrong(const struct http_head *head, const char *key)
{
    char wanted[UPGRADE_ACCEPT_ROOM];
    struct http_text accept = {"", 0};
    if (http_header_count(head, "Sec-WebSocket-Accept") != 1)
        return UPGRADE_NO_ACCEPT;
    (void)http_header(head, "Sec-WebSocket-Accept", &accept); /* counted just now */
    upgrade_accept(key, wanted);
    bool fits = accept.len == strlen(wanted) && memcmp(accept.chars, wanted, accept.len) == 0;
    return fits ? 0 : UPGRADE_BAD_ACCEPT;
}

static struct http_text whole(const char *chars)
{
    return (struct http_text){chars, strlen(chars)};
}

static struct http_text name_of(struct http_text element)
{
    struct http_text name = {"", 0};
    (void)http_list_next(&element, ';', &name); /* an element is never empty */
    return name;
}

static bool is_offered(const char *offer, struct http_text name)
{
    struct http_text list = whole(offer), element;
    while (http_list_next(&list, ',', &element)) {
        struct http_text offered = name_of(element);
        if (offered.len == name.len && memcmp(offered.chars, name.chars, name.len) == 0)
            return true;
    }
    return false;
}

/* How many elements of an answer were offered and how many there are. */
static void count_offered(const struct http_head *head, const char *header, const char *offer,
                          size_t *offered, size_t *all)
{
    char *answer = http_header_copy(head, header);
    struct http_text list = whole(answer), element;
    *offered = *all = 0;
    while (http_list_next(&list, ',', &element)) {
        *offered += is_offered(offer, name_of(element));
        *all += 1;
    }
    free(answer);
}

static bool has_right_deflate(const struct http_head *head, const char *offer)
{
    char *answer = http_header_copy(head, "Sec-WebSocket-Extensions");
    bool right = upgrade_deflate_fits(offer, answer);
    free(answer);
    return right;
}

static unsigned answer_wrong(const struct http_head *head, const char *protocols,
                             const char *extensions)
{
    unsigned wrong = 0;
    size_t offered, all;
    if (protocols) {
        count_offered(head, "Sec-WebSocket-Protocol", protocols, &offered, &all);
        if (offered < all || all > 1)
            wrong |= UPGRADE_ODD_PROTOCOL;
    }
    if (extensions) {
        count_offered(head, "Sec-WebSocket-Extensions", extensions, &offered, &all);
        if (offered < all)
            wrong |= UPGRADE_ODD_EXTENSION;
        else if (!has_right_deflate(head, extensions))
            wrong |= UPGRADE_BAD_DEFLATE;
    }
    return wrong;
}

void upgrade_read_response(const struct http_head *head, const char *key, const char *protocols,
                           const char *extensions, struct upgrade_response *out)
{
    out->wrong = tokens_wrong(head) | accept_wrong(head, key);
    out->wrong |= answer_wrong(head, protocols, extensions);
    if (head->status != 101)
        out->wrong |= UPGRADE_NOT_101;
    out->valid = out->wrong == 0;
}

/* --- Building --- */

static void add_line(struct text *out, const char *name, const char *value)
{
    if (value)
        text_addf(out, "%s: %s\r\n", name, value);
}

void upgrade_add_request(struct text *out, const struct upgrade_ask *ask)
{
    text_addf(out, "GET %s HTTP/1.1\r\n", ask->target);
    add_line(out, "Host", ask->host);
    add_line(out, "Upgrade", "websocket");
    add_line(out, "Connection", "Upgrade");
    add_line(out, "Sec-WebSocket-Key", ask->key);
    add_line(out, "Sec-WebSocket-Version", "13");
    add_line(out, "Origin", ask->origin);
    add_line(out, "Sec-WebSocket-Protocol", ask->protocols);
    add_line(out, "Sec-WebSocket-Extensions", ask->extensions);
    text_add(out, ask->headers ? ask->headers : "");
    text_add(out, "\r\n");
}

void upgrade_add_switch(struct text *out, const char *key, const char *protocol,
                        const char *extensions, const char *headers)
{
    char accept[UPGRADE_ACCEPT_ROOM];
    upgrade_accept(key, accept);
    text_add(out, "HTTP/1.1 101 Switching Protocols\r\n");
    add_line(out, "Upgrade", "websocket");
    add_line(out, "Connection", "Upgrade");
    add_line(out, "Sec-WebSocket-Accept", accept);
    add_line(out, "Sec-WebSocket-Protocol", protocol);
    add_line(out, "Sec-WebSocket-Extensions", extensions);
    text_add(out, headers ? headers : "");
    text_add(out, "\r\n");
}

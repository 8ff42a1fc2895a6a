#include "fault/lib/head.h"

#include <stdlib.h>
#include <string.h>

bool head_of_handshake(const struct unit *u, struct http_head *out)
{
    enum http_kind kind = u->dir == TO_SERVER ? HTTP_REQUEST : HTTP_RESPONSE;
    return u->upgrade && http_parse(kind, (const char *)u->bytes, u->len, out);
}

bool head_of_switch(const struct unit *u, struct http_head *out)
{
    if (u->dir != TO_CLIENT || !head_of_handshake(u, out))
        return false;
    if (out->status == 101)
        return true;
    http_head_fini(out);
    return false;
}

void head_set(struct fault *f, struct unit *u, const struct http_head *head, const char *name,
              const char *value)
{
    struct text changed;
    text_init(&changed);
    if (value)
        http_with_header(head, name, value, &changed);
    else
        http_without_header(head, name, &changed);
    fault_replace(f, u, text_chars(&changed), changed.len);
    text_fini(&changed);
}

/* The request line ends in HTTP/1.x; only its last character differs. */
static void set_version(struct text *head, enum head_version version)
{
    char *chars = text_take(head);
    char *end = strstr(chars, "\r\n");
    if (end && end > chars)
        end[-1] = version == HEAD_HTTP_1_0 ? '0' : '1';
    text_add(head, chars);
    free(chars);
}

void head_strip(struct fault *f, struct unit *u, const struct http_head *head,
                enum head_version version)
{
    struct http_head second;
    struct text without, changed;
    text_init(&without);
    text_init(&changed);
    http_without_header(head, "Upgrade", &without);
    if (http_parse(HTTP_REQUEST, text_chars(&without), without.len, &second)) {
        http_with_header(&second, "Connection", "close", &changed);
        http_head_fini(&second);
    }
    set_version(&changed, version);
    fault_replace(f, u, text_chars(&changed), changed.len);
    text_fini(&without);
    text_fini(&changed);
}

#include "fault/lib/head.h"

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

/* upgrade_rewrite: a header of the handshake is not what the endpoint sent. */
#include "fault/lib/head.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum action { ACTION_SET, ACTION_REPLACE, ACTION_REMOVE };

struct upgrade_rewrite {
    char *header, *value, *part;
    int action;
};

static const char *const actions[] = {"set", "replace", "remove", NULL};

static const struct param params[] = {
    P_TEXT(upgrade_rewrite, header, .def = NULL, .doc = "name of the header, as in Origin"),
    P_CHOICE(
        upgrade_rewrite, action, .def = "set", .choices = actions,
        .doc =
            "set: the header has this value and no other, also when it was not there; replace: a "
            "part of its value; remove: all headers of that name go"),
    P_TEXT(upgrade_rewrite, value, .def = "",
           .doc = "what it is set to, or what takes the place of the part"),
    P_TEXT(upgrade_rewrite, part, .def = "",
           .doc = "replace: the text that is replaced, wherever it stands in the value"),
    P_END,
};

static void add_replaced(struct text *out, const char *value, const char *part, const char *with)
{
    size_t len = strlen(part);
    const char *found;
    while (len > 0 && (found = strstr(value, part))) {
        text_add_bytes(out, value, (size_t)(found - value));
        text_add(out, with);
        value = found + len;
    }
    text_add(out, value);
}

/* true: the unit is decided. */
static bool replace_part(struct fault *f, struct unit *u, const struct http_head *head)
{
    const struct upgrade_rewrite *cfg = fault_config(f);
    char *value = http_header_copy(head, cfg->header);
    bool found = cfg->part && *cfg->part && strstr(value, cfg->part);
    if (found) {
        struct text changed;
        text_init(&changed);
        add_replaced(&changed, value, cfg->part, cfg->value ? cfg->value : "");
        head_set(f, u, head, cfg->header, text_chars(&changed));
        text_fini(&changed);
    }
    free(value);
    return found;
}

static bool change(struct fault *f, struct unit *u, const struct http_head *head)
{
    const struct upgrade_rewrite *cfg = fault_config(f);
    switch ((enum action)cfg->action) {
    case ACTION_SET:
        head_set(f, u, head, cfg->header, cfg->value ? cfg->value : "");
        return true;
    case ACTION_REPLACE:
        return replace_part(f, u, head);
    case ACTION_REMOVE:
        if (http_header_count(head, cfg->header) == 0)
            return false;
        head_set(f, u, head, cfg->header, NULL);
        return true;
    }
    return false;
}

static void rewrite(struct fault *f, struct unit *u)
{
    struct http_head head;
    bool readable = head_of_handshake(u, &head);
    if (!readable || !change(f, u, &head))
        fault_pass(f, u);
    if (readable)
        http_head_fini(&head);
}

static bool is_token(const char *name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789"
                                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *name && strspn(name, allowed) == strlen(name);
}

static bool check(const void *config, const char **param, struct text *why)
{
    const struct upgrade_rewrite *cfg = config;
    if (cfg->header && !is_token(cfg->header)) {
        *param = "header";
        text_addf(why, "'header' is %s: the name of a header is expected, as in Origin",
                  cfg->header);
    } else if (cfg->action == ACTION_REPLACE && (!cfg->part || !*cfg->part)) {
        *param = "action";
        text_add(why, "'part' is missing: the text that is to be replaced");
    } else if (cfg->value && strpbrk(cfg->value, "\r\n")) {
        *param = "value";
        text_add(why, "'value' has a line break: one line is expected");
    }
    return why->len == 0;
}

const struct fault_desc upgrade_rewrite_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_rewrite",
    .brief = "change a header of the opening handshake",
    .doc =
        "to_server: the server sees another Origin, Cookie, Host, version or token than the client sent; "
        "to_client: the client sees another answer. Every other byte of the head stays as it was. A good "
        "server refuses an Origin it does not know and a cookie it did not issue; a good client fails a "
        "connection whose answer is not what RFC 6455 4.1 asks for.",
    .example =
        "upgrade_rewrite: {header: Origin, value: 'https://evil.example', direction: to_server}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct upgrade_rewrite),
    .check = check,
    .ops = {.on_head = rewrite},
};

/* upgrade_extension: the answer names extensions that were not agreed on. */
#include "fault/lib/head.h"

struct upgrade_extension {
    int how;
    char *value;
};

enum how { HOW_OTHER, HOW_MISSING };

static const char *const hows[] = {"other", "missing", NULL};

static const struct param params[] = {
    P_CHOICE(upgrade_extension, how, .def = "other", .choices = hows,
             .doc = "other: the header is what value says; missing: it is taken out"),
    P_TEXT(upgrade_extension, value, .def = "x-halfopen",
           .doc = "other: the whole header, as in permessage-deflate; server_max_window_bits=16"),
    P_END,
};

static void change(struct fault *f, struct unit *u)
{
    static const char name[] = "Sec-WebSocket-Extensions";
    const struct upgrade_extension *cfg = fault_config(f);
    struct http_head head;
    if (!head_of_switch(u, &head)) {
        fault_pass(f, u);
        return;
    }
    if (cfg->how == HOW_OTHER)
        head_set(f, u, &head, name, cfg->value);
    else if (http_header_count(&head, name) > 0)
        head_set(f, u, &head, name, NULL);
    else
        fault_pass(f, u);
    http_head_fini(&head);
}

const struct fault_desc upgrade_extension_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_extension",
    .brief = "answer the handshake with the wrong extensions",
    .doc =
        "other: the client gets an extension it did not offer, or parameters that RFC 7692 7.1 does not "
        "allow, and has to fail the connection (RFC 6455 4.1). missing: the server compresses and the "
        "client does not know, so the first compressed message has a reserved bit set that nobody "
        "negotiated, and the client has to fail the connection then (RFC 6455 5.2).",
    .example = "upgrade_extension: {how: other, value: x-halfopen}",
    .dirs = DIR_MASK(TO_CLIENT),
    .params = params,
    .config_size = sizeof(struct upgrade_extension),
    .ops = {.on_head = change},
};

/* upgrade_protocol: the subprotocol is not what the client asked for. */
#include "fault/lib/head.h"

struct upgrade_protocol {
    int how;
    char *name;
};

enum how { HOW_OTHER, HOW_MISSING };

static const char *const hows[] = {"other", "missing", NULL};

static const struct param params[] = {
    P_CHOICE(upgrade_protocol, how, .def = "other", .choices = hows,
             .doc = "a subprotocol that was not offered, or none at all"),
    P_TEXT(upgrade_protocol, name, .def = "x-halfopen",
           .doc = "other: the name of that subprotocol"),
    P_END,
};

static void change(struct fault *f, struct unit *u)
{
    const struct upgrade_protocol *cfg = fault_config(f);
    struct http_head head;
    if (!head_of_switch(u, &head)) {
        fault_pass(f, u);
        return;
    }
    if (cfg->how == HOW_OTHER)
        head_set(f, u, &head, "Sec-WebSocket-Protocol", cfg->name);
    else if (http_header_count(&head, "Sec-WebSocket-Protocol") > 0)
        head_set(f, u, &head, "Sec-WebSocket-Protocol", NULL);
    else
        fault_pass(f, u);
    http_head_fini(&head);
}

const struct fault_desc upgrade_protocol_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_protocol",
    .brief = "answer the handshake with the wrong subprotocol",
    .doc =
        "other: the client gets a Sec-WebSocket-Protocol that it did not offer, which RFC 6455 4.1 has it "
        "refuse. missing: the server's choice is taken out of the answer, which is legal and which a "
        "client that needs its subprotocol has to notice, as after a deploy of an older server. A good "
        "client fails the connection rather than speak a protocol the other end does not.",
    .example = "upgrade_protocol: {how: other, name: x-halfopen}",
    .dirs = DIR_MASK(TO_CLIENT),
    .params = params,
    .config_size = sizeof(struct upgrade_protocol),
    .ops = {.on_head = change},
};

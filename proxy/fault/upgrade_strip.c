/* upgrade_strip: a proxy that forwards the handshake without its hop-by-hop headers. */
#include "fault/lib/head.h"

struct upgrade_strip {
    int version;
};

enum version { VERSION_1_0, VERSION_1_1 };

static const char *const versions[] = {"1.0", "1.1", NULL};

static const struct param params[] = {
    P_CHOICE(
        upgrade_strip, version, .def = "1.0", .choices = versions,
        .doc = "HTTP version towards the server: 1.0 as nginx without proxy_http_version, or 1.1"),
    P_END,
};

static void strip(struct fault *f, struct unit *u)
{
    const struct upgrade_strip *cfg = fault_config(f);
    struct http_head head;
    if (!head_of_handshake(u, &head)) {
        fault_pass(f, u);
        return;
    }
    head_strip(f, u, &head, cfg->version == VERSION_1_0 ? HEAD_HTTP_1_0 : HEAD_HTTP_1_1);
    http_head_fini(&head);
}

const struct fault_desc upgrade_strip_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_strip",
    .brief = "take the upgrade headers out of the request",
    .doc =
        "What nginx does unless it is told otherwise: the server gets HTTP/1.0 with Connection: close and "
        "without Upgrade, so to it this is no handshake. It answers 400, 426 or a page, and the client "
        "sees that instead of a 101. A good server says what is wrong (426 with Upgrade: websocket, RFC "
        "9110 15.5.22); a good client reports the status rather than hang, and backs off.",
    .example = "upgrade_strip: {}",
    .dirs = DIR_MASK(TO_SERVER),
    .params = params,
    .config_size = sizeof(struct upgrade_strip),
    .ops = {.on_head = strip},
};

/* upgrade_bad_accept: a 101 that does not prove that the server understood. */
#include <stdlib.h>

#include "fault/lib/head.h"

struct upgrade_bad_accept {
    int how;
};

enum how { HOW_WRONG, HOW_MISSING, HOW_EMPTY };

static const char *const hows[] = {"wrong", "missing", "empty", NULL};

static const struct param params[] = {
    P_CHOICE(upgrade_bad_accept, how, .def = "wrong", .choices = hows,
             .doc = "the Sec-WebSocket-Accept of another key, none, or an empty one"),
    P_END,
};

/* The proof for another key: one character is another. */
static void set_wrong(struct fault *f, struct unit *u, const struct http_head *head)
{
    char *value = http_header_copy(head, "Sec-WebSocket-Accept");
    if (value[0])
        value[0] = value[0] == 'A' ? 'B' : 'A';
    head_set(f, u, head, "Sec-WebSocket-Accept", value[0] ? value : "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    free(value);
}

static void spoil(struct fault *f, struct unit *u)
{
    const struct upgrade_bad_accept *cfg = fault_config(f);
    struct http_head head;
    if (!head_of_switch(u, &head)) {
        fault_pass(f, u);
        return;
    }
    if (cfg->how == HOW_WRONG)
        set_wrong(f, u, &head);
    else
        head_set(f, u, &head, "Sec-WebSocket-Accept", cfg->how == HOW_MISSING ? NULL : "");
    http_head_fini(&head);
}

const struct fault_desc upgrade_bad_accept_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_bad_accept",
    .brief = "spoil the proof in the server's 101",
    .doc =
        "The client gets a 101 whose Sec-WebSocket-Accept does not belong to its key, as from a cache, or "
        "a server that answers anything with 101. RFC 6455 4.1 has the client fail the connection: a good "
        "one sends no frame, closes, and counts a failed attempt. To the server the WebSocket is open and "
        "ends at once.",
    .example = "upgrade_bad_accept: {how: wrong}",
    .dirs = DIR_MASK(TO_CLIENT),
    .params = params,
    .config_size = sizeof(struct upgrade_bad_accept),
    .ops = {.on_head = spoil},
};

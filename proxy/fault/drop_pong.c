/* drop_pong: pings are answered and the answers never arrive. */
#include "fault/lib/pong.h"

struct drop_pong {
    int kind;
};

static const struct param params[] = {
    P_CHOICE(drop_pong, kind, .def = "any", .choices = pong_kinds,
             .doc = "protocol pongs, replies of an application heartbeat, or any of them"),
    P_END,
};

static void swallow(struct fault *f, struct unit *u)
{
    const struct drop_pong *cfg = fault_config(f);
    if (pong_counts(u, cfg->kind))
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

const struct fault_desc drop_pong_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "drop_pong",
    .brief = "discard pongs while everything else passes",
    .doc =
        "Pings go out and data flows, and no pong, or no reply of an application heartbeat, comes "
        "back. A good endpoint ends the connection within its pong timeout and reconnects; one that "
        "sees other traffic arrive may count that as life. Application heartbeats in several frames are "
        "left alone.",
    .example = "drop_pong: {direction: to_client}",
    .dirs = DIR_BOTH,
    .withholds = WITHHOLDS_PONGS,
    .breaks_deflate = true,
    .whole_frames = PONG_WHOLE_BYTES,
    .params = params,
    .config_size = sizeof(struct drop_pong),
    .ops = {.on_frame = swallow},
};

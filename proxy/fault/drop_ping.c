/* drop_ping: pings never arrive, so nobody answers them. */
#include "fault/lib/pong.h"

struct drop_ping {
    int kind;
};

static const struct param params[] = {
    P_CHOICE(drop_ping, kind, .def = "any", .choices = pong_kinds,
             .doc =
                 "protocol pings, application heartbeats that ask for an answer, or any of them"),
    P_END,
};

static void swallow(struct fault *f, struct unit *u)
{
    const struct drop_ping *cfg = fault_config(f);
    if (ping_counts(u, cfg->kind))
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

const struct fault_desc drop_ping_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "drop_ping",
    .brief = "discard pings while everything else passes",
    .doc =
        "What an intermediary does that filters control frames. The sender of a ping gets no answer "
        "while data flows both ways: it ends the connection within its pong timeout and reconnects, "
        "unless it counts other traffic as life. The receiver hears no ping: one that relies on its "
        "peer's pings to know that the connection lives must notice that they are missing. Application "
        "heartbeats in several frames are left alone.",
    .example = "drop_ping: {direction: to_server}",
    .dirs = DIR_BOTH,
    .breaks_deflate = true,
    .whole_frames = PONG_WHOLE_BYTES,
    .params = params,
    .config_size = sizeof(struct drop_ping),
    .ops = {.on_frame = swallow},
};

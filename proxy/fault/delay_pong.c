/* delay_pong: the peer is alive and slow to say so. */
#include "fault/lib/pong.h"

struct delay_pong {
    nsec delay;
    int kind;
};

static const struct param params[] = {
    P_DURATION(delay_pong, delay, .def = "5s", .min = "1ms", .max = "1h",
               .doc = "how long each pong is kept back"),
    P_CHOICE(delay_pong, kind, .def = "any", .choices = pong_kinds,
             .doc = "protocol pongs, replies of an application heartbeat, or any of them"),
    P_END,
};

static void keep_back(struct fault *f, struct unit *u)
{
    const struct delay_pong *cfg = fault_config(f);
    if (pong_counts(u, cfg->kind))
        fault_set_aside(f, u, nsec_add(u->arrived, cfg->delay));
    else
        fault_pass(f, u);
}

const struct fault_desc delay_pong_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "delay_pong",
    .brief = "deliver pongs late while everything else passes",
    .doc =
        "Data and pings pass at once; a pong, or the reply of an application heartbeat, arrives after "
        "the delay. Shorter than the endpoint's patience it must be harmless: closing a slow but "
        "living connection is a false alarm. Longer, a good endpoint treats the peer as dead, unless "
        "other traffic proves it alive. Application heartbeats in several frames are left alone.",
    .example = "delay_pong: {delay: 5s}",
    .dirs = DIR_BOTH,
    .withholds = WITHHOLDS_PONGS,
    .breaks_deflate = true,
    .whole_frames = PONG_WHOLE_BYTES,
    .params = params,
    .config_size = sizeof(struct delay_pong),
    .ops = {.on_frame = keep_back},
};

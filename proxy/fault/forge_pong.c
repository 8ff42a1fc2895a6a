/* forge_pong: pings are answered by the path, whether the peer lives or not. */
#include "fault/lib/message.h"
#include "fault/lib/pong.h"

#include <stdlib.h>

enum ping { PING_SWALLOW, PING_PASS };

struct forge_pong {
    nsec delay;
    int ping;
};

static const char *const pings[] = {"swallow", "pass", NULL};

static const struct param params[] = {
    P_DURATION(forge_pong, delay, .def = "0s", .max = "1h", .doc = "from the ping to its answer"),
    P_CHOICE(forge_pong, ping, .def = "swallow", .choices = pings,
             .doc = "what becomes of the ping: swallow (the peer never sees it), or pass (a peer "
                    "that lives answers as well)"),
    P_END,
};

/* false: there is no room to answer it. */
static bool answer(struct fault *f, const struct unit *u, nsec delay)
{
    enum dir back = message_back(u->dir);
    const struct frame_head pong = {.fin = true, .opcode = OPCODE_PONG};
    struct text frame;
    text_init(&frame);
    uint8_t *payload = message_payload(u);
    message_add_frame(f, back, &pong, payload, u->frame.payload_len, &frame);
    bool taken = delay > 0 ? fault_inject_at(f, back, text_chars(&frame), frame.len,
                                             nsec_add(fault_now(f), delay))
                           : fault_inject(f, back, text_chars(&frame), frame.len);
    text_fini(&frame);
    free(payload);
    return taken;
}

static void forge(struct fault *f, struct unit *u)
{
    const struct forge_pong *cfg = fault_config(f);
    bool ping = u->frame.opcode == OPCODE_PING && message_is_whole(u) &&
                u->frame.payload_len <= FRAME_CONTROL_MAX;
    if (ping && answer(f, u, cfg->delay) && cfg->ping == PING_SWALLOW)
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

const struct fault_desc forge_pong_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "forge_pong",
    .brief = "answer pings in the place of the peer",
    .doc =
        "What a proxy does that speaks WebSocket on both sides and answers control frames itself: the "
        "pings of an endpoint end at the proxy, and pongs come back although the peer may be long gone. "
        "`direction` is the way of the pings: to_server answers the client's. An endpoint cannot tell, so a "
        "good one does not trust protocol pongs alone: it has a heartbeat in its application, which "
        "only its real peer can answer. Application heartbeats are left alone. Put it before a fault "
        "that kills the peer, as in `forge_pong` then `drop`.",
    .example = "forge_pong: {direction: to_server}",
    .dirs = DIR_BOTH,
    .withholds = WITHHOLDS_PONGS,
    .whole_frames = PONG_WHOLE_BYTES,
    .params = params,
    .config_size = sizeof(struct forge_pong),
    .ops = {.on_frame = forge},
};

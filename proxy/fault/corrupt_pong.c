/* corrupt_pong: pings are answered, with other words than they had. */
#include "fault/lib/message.h"
#include "fault/lib/pong.h"

#include <stdlib.h>

enum how { HOW_CHANGED, HOW_EMPTY, HOW_LONGER };

struct corrupt_pong {
    int how;
};

static const char *const hows[] = {"changed", "empty", "longer", NULL};

static const struct param params[] = {
    P_CHOICE(corrupt_pong, how, .def = "changed", .choices = hows,
             .doc =
                 "what becomes of the pong's payload: changed (every byte of it; an empty one gets "
                 "one), empty, or longer by a byte (at 125 bytes, the limit: changed)"),
    P_END,
};

/* Returns its new length; room for one byte more than it has. */
static size_t change(uint8_t *payload, size_t len, int how)
{
    if (how == HOW_EMPTY && len > 0)
        return 0;
    if (len == 0 || (how == HOW_LONGER && len < FRAME_CONTROL_MAX)) {
        payload[len] = 'x';
        return len + 1;
    }
    for (size_t i = 0; i < len; i++)
        payload[i] = (uint8_t)~payload[i];
    return len;
}

static void corrupt(struct fault *f, struct unit *u)
{
    const struct corrupt_pong *cfg = fault_config(f);
    if (u->frame.opcode != OPCODE_PONG || !message_is_whole(u)) {
        fault_pass(f, u);
        return;
    }
    struct text changed;
    text_init(&changed);
    uint8_t *payload = message_payload(u);
    size_t len = change(payload, u->frame.payload_len, cfg->how);
    message_add_frame(f, u->dir, &u->frame, payload, len, &changed);
    fault_replace(f, u, text_chars(&changed), changed.len);
    text_fini(&changed);
    free(payload);
}

const struct fault_desc corrupt_pong_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "corrupt_pong",
    .brief = "answer pings with pongs of another payload",
    .doc =
        "A pong comes in time and is no answer to any ping: RFC 6455 5.5.3 wants the ping's own "
        "payload in it, so that to the sender of pings it is an unsolicited pong, which it must put up with. "
        "A good endpoint that puts something of its own into its pings ends the connection within its pong "
        "timeout; one that takes any pong, or any traffic, as life stays. None may crash, or count "
        "it as a violation. Application heartbeats are left alone.",
    .example = "corrupt_pong: {direction: to_client, how: changed}",
    .dirs = DIR_BOTH,
    .withholds = WITHHOLDS_PONGS,
    .whole_frames = PONG_WHOLE_BYTES,
    .params = params,
    .config_size = sizeof(struct corrupt_pong),
    .ops = {.on_frame = corrupt},
};

/* swallow_close: the connection is never said goodbye to. */
#include "fault/fault.h"

static void swallow(struct fault *f, struct unit *u)
{
    if (u->frame.opcode == OPCODE_CLOSE)
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

const struct fault_desc swallow_close_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "swallow_close",
    .brief = "discard Close frames, so no close is ever answered",
    .doc =
        "An endpoint that closes gets no Close back, and its peer gets none at all: it sees a bare end "
        "of the connection once the other gives up, which is 1006. To the sender the closing handshake "
        "hangs. A good endpoint waits for the answer no longer than its close timeout, then ends the "
        "TCP connection itself (RFC 6455 7.1.1), and is not kept from reconnecting meanwhile.",
    .example = "swallow_close: {direction: both}",
    .dirs = DIR_BOTH,
    .withholds = WITHHOLDS_CLOSES,
    .ops = {.on_frame = swallow},
};

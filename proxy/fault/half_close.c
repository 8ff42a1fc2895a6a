/* half_close: one direction has ended and the other goes on. */
#include "fault/fault.h"

static void end_directions(struct fault *f)
{
    for (int d = 0; d < DIRS; d++)
        if (fault_acts_on(f, (enum dir)d))
            fault_end(f, (enum dir)d, CUT_FIN);
}

/* After the FIN there is no place for what the other endpoint still sends. */
static void throw_away(struct fault *f, struct unit *u)
{
    fault_drop(f, u);
}

const struct fault_desc half_close_fault = {
    .layer = LAYER_BYTES,
    .name = "half_close",
    .brief = "send a FIN one way while the other direction goes on",
    .doc =
        "The endpoint that direction points to reads the end of the stream; what it sends still "
        "arrives (RFC 9293 3.6). The other endpoint sees nothing, and what it sends that way is read "
        "and thrown away. For WebSocket half a connection is none (RFC 6455 7.1.1, 7.1.7): a good "
        "endpoint that reads the end without a Close frame closes its own side at once, and does not "
        "go on sending into it.",
    .example = "half_close: {direction: to_client, connections: existing}",
    .dirs = DIR_BOTH,
    .usual_dirs = DIR_MASK(TO_CLIENT),
    .instant = true,
    .ops = {.on_start = end_directions, .on_bytes = throw_away, .on_end = throw_away},
};

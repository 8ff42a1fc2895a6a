/* tls_truncate: the end of the stream is not the end of the message. */
#include "fault/lib/legs.h"

static void truncate_legs(struct fault *f)
{
    for (int d = 0; d < DIRS; d++)
        if (fault_acts_on(f, (enum dir)d))
            fault_cut(f, leg_side((enum dir)d), CUT_TRUNCATE);
}

const struct fault_desc tls_truncate_fault = {
    .layer = LAYER_TLS,
    .name = "tls_truncate",
    .brief = "end TCP with a FIN and TLS without close_notify",
    .doc =
        "On each leg named by direction a FIN comes after what was sent, but no close_notify, as "
        "when a proxy process dies or somebody on the path cuts the stream (RFC 8446 6.1). Many TLS "
        "libraries report an error of their own instead of an end (unexpected EOF); the endpoint "
        "sees neither a Close frame nor a clean end, close code 1006 in a browser. A good client "
        "reconnects as after any lost connection.",
    .example = "tls_truncate: {direction: to_client, connections: existing}",
    .dirs = DIR_BOTH,
    .instant = true,
    .tls = true,
    .ops = {.on_start = truncate_legs},
};

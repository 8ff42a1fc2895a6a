/* accept_stall: somebody accepts and then says nothing. */
#include "fault/fault.h"

static void keep_waiting(struct fault *f)
{
    fault_hang(f, NEVER);
}

const struct fault_desc accept_stall_fault = {
    .layer = LAYER_CONNECTING,
    .name = "accept_stall",
    .brief = "accept new connections and never answer",
    .doc =
        "The TCP connection is made and then nothing comes: no TLS handshake, no HTTP response, as "
        "from a process that is stuck or a backlog nobody drains. When the fault ends, connections "
        "that still wait are served. A good client gives up an attempt after some 20 s and counts it "
        "as failed.",
    .example = "accept_stall: {for: 20s}",
    .dirs = DIR_BOTH,
    .silences = true,
    .ops = {.on_attempt = keep_waiting},
};

/* refuse: the service is down; the attempt is seen. */
#include "fault/fault.h"

static void turn_away(struct fault *f)
{
    fault_refuse(f, CUT_RST);
}

const struct fault_desc refuse_fault = {
    .layer = LAYER_CONNECTING,
    .name = "refuse",
    .brief = "accept new connections and answer with an RST",
    .doc =
        "Every new connection is accepted and reset before a byte is read, so that the attempt is "
        "seen and timed, which a closed port would hide. The client sees a reset, close to what "
        "ECONNREFUSED means to it. Connections that exist are left alone. A good client retries "
        "with exponential backoff and jitter, up to a cap.",
    .example = "refuse: {for: 30s}",
    .dirs = DIR_BOTH,
    .ops = {.on_attempt = turn_away},
};

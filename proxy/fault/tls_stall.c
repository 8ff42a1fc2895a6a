/* tls_stall: the handshake never goes on. */
#include "fault/fault.h"

static void keep_waiting(struct fault *f)
{
    fault_tls(f, TLS_STALL, 0);
    fault_hang(f, NEVER);
}

const struct fault_desc tls_stall_fault = {
    .layer = LAYER_TLS,
    .name = "tls_stall",
    .brief = "never answer the ClientHello",
    .doc =
        "TCP connects at once and the ClientHello is acknowledged, but no ServerHello comes: a "
        "process that is stuck, or a middlebox that swallows what it cannot read. A connect timeout "
        "that covers TCP alone never fires. When the fault ends, handshakes that still wait go on. A "
        "good client gives up an attempt after some 20 s and counts it as failed.",
    .example = "tls_stall: {for: 20s}",
    .dirs = DIR_MASK(TO_CLIENT),
    .silences = true,
    .tls = true,
    .ops = {.on_attempt = keep_waiting},
};

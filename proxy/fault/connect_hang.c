/* connect_hang: a connect that nobody answers. */
#include "fault/fault.h"

static enum door hang_connects(const void *config, enum family family, enum family used)
{
    return DOOR_HANG;
}

const struct fault_desc connect_hang_fault = {
    .layer = LAYER_CONNECTING,
    .name = "connect_hang",
    .brief = "leave new connects unanswered",
    .doc =
        "A firewall that drops, an address that is gone, a machine whose backlog is full: the SYN "
        "gets no answer, and connect hangs until the client gives up (a kernel takes two minutes "
        "or more). Where the machine allows it every SYN is dropped; elsewhere the backlog is kept "
        "full, which looks the same to the client. Connections that exist are left alone. When it "
        "is over, connects that still wait succeed with the next retransmission of their SYN, 1, 3, "
        "7, 15 s after the first. Attempts cannot be seen meanwhile, so delays between them are not "
        "judged. A good client gives up an attempt after some 20 s and counts it as failed.",
    .example = "connect_hang: {for: 20s}",
    .dirs = DIR_BOTH,
    .kernel_time = true,
    .door = hang_connects,
};

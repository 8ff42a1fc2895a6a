/* upgrade_delay: the handshake is answered, late. */
#include "fault/fault.h"

struct upgrade_delay {
    nsec delay;
};

static const struct param params[] = {
    P_DURATION(
        upgrade_delay, delay, .def = "", .min = "1ms", .max = "24h",
        .doc = "how long each head is kept; unset: until the fault is cleared, then all at once"),
    P_END,
};

static void keep(struct fault *f, struct unit *u)
{
    const struct upgrade_delay *cfg = fault_config(f);
    if (u->upgrade)
        fault_hold(f, u, cfg->delay > 0 ? nsec_add(u->arrived, cfg->delay) : NEVER);
    else
        fault_pass(f, u);
}

const struct fault_desc upgrade_delay_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_delay",
    .brief = "keep back the head of the opening handshake",
    .doc =
        "to_client: the server answers, and its answer arrives late, with all that follows it; the "
        "client is CONNECTING all that time. to_server: the server sees the request late. Held until "
        "cleared, all clients that waited are let in at the same moment, as when a deploy ends. A good "
        "client gives up after a bounded time and counts that as a failed attempt, sends nothing before "
        "the answer, and keeps what its user wants to send; a good server survives many opening at once.",
    .example = "upgrade_delay: {delay: 5s, direction: to_client}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct upgrade_delay),
    .ops = {.on_head = keep},
};

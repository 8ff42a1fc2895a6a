/* blackhole: the path swallows every packet; nothing is acknowledged. */
#include "fault/lib/legs.h"

struct blackhole {
    bool syns;
};

static const struct param params[] = {
    P_BOOL(blackhole, syns, .def = "false",
           .doc = "new connects vanish too: their SYNs are dropped (with connections all, new or "
                  "{client: 0})"),
    P_END,
};

static enum door hang_connects(const void *config, enum family family, enum family used)
{
    const struct blackhole *cfg = config;
    return cfg->syns ? DOOR_HANG : DOOR_OPEN;
}

static void deafen(struct fault *f, double ratio)
{
    for (int d = 0; d < DIRS; d++)
        if (fault_acts_on(f, (enum dir)d))
            fault_deafen(f, leg_side((enum dir)d), ratio);
}

static void begin(struct fault *f)
{
    deafen(f, 1);
}

/* Accepted by the kernel before a filter could be there: nothing more comes of it. */
static void keep_waiting(struct fault *f)
{
    fault_hang(f, NEVER);
}

static void keep(struct fault *f, struct unit *u)
{
    fault_hold(f, u, NEVER);
}

static void end(struct fault *f)
{
    deafen(f, 0);
}

const struct fault_desc blackhole_fault = {
    .layer = LAYER_KERNEL,
    .name = "blackhole",
    .brief = "lose every packet, so that nothing is acknowledged",
    .doc =
        "As when a cable is pulled, a NAT table is lost or a laptop lid closes. Our kernel drops "
        "whatever the endpoint sends on the legs named by direction before TCP sees it: no ACK "
        "comes, the endpoint retransmits with growing pauses, and its TCP_USER_TIMEOUT and keepalive "
        "do fire, after minutes by default. Nothing is sent to it either, but what was on its way "
        "when it began. Its FIN is lost as well until the end, its RST for good. When it is over the "
        "connection goes on with the next retransmission, which may take as long as the outage did. "
        "New connections are accepted and hear nothing, or, with syns, hang. A good endpoint does "
        "not wait for TCP: its heartbeat finds out in seconds.",
    .example = "blackhole: {connections: existing, for: 20s}",
    .dirs = DIR_BOTH,
    .silences = true,
    .kernel_time = true,
    .need = NEED_FILTER,
    .door = hang_connects,
    .params = params,
    .config_size = sizeof(struct blackhole),
    .ops = {.on_start = begin,
            .on_attempt = keep_waiting,
            .on_bytes = keep,
            .on_end = keep,
            .on_stop = end},
};

/* packet_loss: some packets are lost, and TCP repairs it. */
#include "fault/lib/legs.h"

#define BACKOFF_LIMIT 8 /* losses in a row of the same segment */

struct packet_loss {
    double ratio;
    nsec late;
};

static const struct param params[] = {
    P_RATIO(packet_loss, ratio, .def = "10%", .min = "0.1%", .max = "95%",
            .doc = "share of the packets that is lost"),
    P_DURATION(packet_loss, late, .def = "200ms", .min = "0s", .max = "10s",
               .doc = "how late comes what is lost towards the endpoint, doubled each time it is "
                      "lost again: the sender's retransmission timeout (200 ms at least on Linux)"),
    P_END,
};

static void deafen(struct fault *f, double ratio)
{
    for (int d = 0; d < DIRS; d++)
        if (fault_acts_on(f, (enum dir)d))
            fault_deafen(f, leg_side((enum dir)d), ratio);
}

static void begin(struct fault *f)
{
    const struct packet_loss *cfg = fault_config(f);
    deafen(f, cfg->ratio);
}

static void end(struct fault *f)
{
    deafen(f, 0);
}

/* No filter loses what we send: it comes as late as if it had been lost and sent again. */
static void lose(struct fault *f, struct unit *u)
{
    const struct packet_loss *cfg = fault_config(f);
    nsec late = 0, timeout = cfg->late;
    for (int i = 0; i < BACKOFF_LIMIT && rng_unit(fault_rng(f)) < cfg->ratio; i++) {
        late = nsec_add(late, timeout);
        timeout *= 2;
    }
    if (late > 0)
        fault_hold(f, u, nsec_add(fault_now(f), late));
    else
        fault_pass(f, u);
}

const struct fault_desc packet_loss_fault = {
    .layer = LAYER_KERNEL,
    .name = "packet_loss",
    .brief = "lose a share of the packets; TCP sends them again",
    .doc =
        "A bad radio link. On the legs named by direction our kernel drops this share of what the "
        "endpoint sends, data and ACKs alike: it retransmits for real, its congestion window "
        "shrinks and its RTT estimate grows. What we send cannot be dropped; it is held as if it had "
        "been lost and retransmitted, each chunk as we read it, and all behind it waits (late: 0s "
        "turns that off). The ACKs that are lost make our kernel retransmit too. Which packets the "
        "kernel loses is its own choice: no seed repeats it. A good endpoint feels latency and "
        "nothing else; a heartbeat with too little patience kills connections that are alive.",
    .example = "packet_loss: {ratio: 20%, for: 30s}",
    .dirs = DIR_BOTH,
    .kernel_time = true,
    .need = NEED_FILTER,
    .params = params,
    .config_size = sizeof(struct packet_loss),
    .ops = {.on_start = begin, .on_bytes = lose, .on_stop = end},
};

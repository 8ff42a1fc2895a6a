/* slow_close: the end arrives late. */
#include "fault/fault.h"

struct slow_close {
    nsec delay;
};

static const struct param params[] = {
    P_DURATION(slow_close, delay, .def = "5s", .min = "0s", .max = "1h",
               .doc = "how much later the end of the connection arrives"),
    P_END,
};

static void keep_back(struct fault *f, struct unit *u)
{
    const struct slow_close *cfg = fault_config(f);
    if (cfg->delay > 0)
        fault_hold(f, u, nsec_add(fault_now(f), cfg->delay));
    else
        fault_pass(f, u);
}

const struct fault_desc slow_close_fault = {
    .layer = LAYER_BYTES,
    .name = "slow_close",
    .brief = "deliver the end of a connection late",
    .doc =
        "Bytes pass at once; when one endpoint ends its direction, by FIN or RST, the other is told "
        "only after the delay. Meanwhile it keeps a connection that has no other end, and what it "
        "sends is lost. A good endpoint that has exchanged Close frames does not wait for the FIN "
        "without a limit (RFC 6455 7.1.1), and a client that wants to connect again does not wait for "
        "it at all.",
    .example = "slow_close: {delay: 2s, direction: to_client}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct slow_close),
    .ops = {.on_end = keep_back},
};

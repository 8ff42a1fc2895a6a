/* connect_delay: new connections take their time. */
#include "fault/fault.h"

struct connect_delay {
    nsec delay;
    nsec jitter;
};

struct connect_delay_state {
    nsec admitted; /* 0: not decided */
};

static const struct param params[] = {
    P_DURATION(connect_delay, delay, .def = "3s", .min = "0s", .max = "1h",
               .doc = "how long an attempt waits before it is admitted"),
    P_DURATION(connect_delay, jitter, .def = "0s", .min = "0s", .max = "1h",
               .doc = "random part of it, up or down, evenly spread"),
    P_END,
};

static nsec draw(struct fault *f)
{
    const struct connect_delay *cfg = fault_config(f);
    nsec delay = cfg->delay + rng_between(fault_rng(f), -cfg->jitter, cfg->jitter);
    return nsec_add(fault_now(f), nsec_max(delay, 0));
}

static void keep_waiting(struct fault *f)
{
    struct connect_delay_state *state = fault_state(f);
    if (state->admitted == 0)
        state->admitted = draw(f);
    if (fault_now(f) < state->admitted)
        fault_hang(f, state->admitted);
}

const struct fault_desc connect_delay_fault = {
    .layer = LAYER_CONNECTING,
    .name = "connect_delay",
    .brief = "serve new connections only after a while",
    .doc =
        "The TCP connection is made, and nothing is read or sent on it for the time given: no TLS "
        "handshake, no response. Then it is served as if nothing had been, as by a server that is busy "
        "accepting. Shorter than the client's connect timeout it must be harmless; longer, a good "
        "client gives up the attempt, counts it as failed and closes it. When the fault ends, those "
        "that wait are served at once.",
    .example = "connect_delay: {delay: 3s, jitter: 1s}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct connect_delay),
    .state_size = sizeof(struct connect_delay_state),
    .ops = {.on_attempt = keep_waiting},
};

/* idle_timeout: an intermediary cuts a connection that was silent too long. */
#include "fault/lib/ending.h"

enum counts { COUNTS_ANY, COUNTS_FROM_CLIENT, COUNTS_FROM_SERVER, COUNTS_PER_DIRECTION };

struct idle_timeout {
    nsec after;
    int counts;
    int ending;
};

struct idle_state {
    nsec last[DIRS]; /* newest traffic each way */
};

static const char *const countings[] = {"any", "from_client", "from_server", "per_direction", NULL};

static const struct param params[] = {
    P_DURATION(idle_timeout, after, .def = "60s", .min = "10ms", .max = "24h",
               .doc = "length of the silence that ends the connection"),
    P_CHOICE(idle_timeout, counts, .def = "any", .choices = countings,
             .doc =
                 "whose bytes restart the timer: any (most proxies), from_client, from_server, or "
                 "per_direction (two timers, either ends it)"),
    P_CHOICE(
        idle_timeout, ending, .def = "fin", .choices = ending_words,
        .doc =
            "what both ends see: fin (closed, later data meets an RST), rst, or silent (the flow is "
            "forgotten)"),
    P_END,
};

static nsec silent_since(const struct idle_timeout *cfg, const struct idle_state *state)
{
    nsec client = state->last[TO_SERVER], server = state->last[TO_CLIENT];
    switch ((enum counts)cfg->counts) {
    case COUNTS_ANY:
        return nsec_max(client, server);
    case COUNTS_FROM_CLIENT:
        return client;
    case COUNTS_FROM_SERVER:
        return server;
    case COUNTS_PER_DIRECTION:
        return nsec_min(client, server);
    }
    return nsec_max(client, server);
}

static void set_timer(struct fault *f)
{
    const struct idle_timeout *cfg = fault_config(f);
    fault_wake(f, nsec_add(silent_since(cfg, fault_state(f)), cfg->after));
}

static void begin(struct fault *f)
{
    struct idle_state *state = fault_state(f);
    state->last[TO_SERVER] = state->last[TO_CLIENT] = fault_now(f);
    set_timer(f);
}

static void note(struct fault *f, enum dir d)
{
    struct idle_state *state = fault_state(f);
    state->last[d] = fault_now(f);
    set_timer(f);
}

static void cut_when_idle(struct fault *f)
{
    const struct idle_timeout *cfg = fault_config(f);
    if (fault_now(f) < nsec_add(silent_since(cfg, fault_state(f)), cfg->after)) {
        set_timer(f);
        return;
    }
    fault_cut(f, SIDE_CLIENT, ending_cuts[cfg->ending]);
    fault_cut(f, SIDE_SERVER, ending_cuts[cfg->ending]);
}

const struct fault_desc idle_timeout_fault = {
    .name = "idle_timeout",
    .brief = "cut connections that were silent for too long",
    .doc =
        "What a proxy or load balancer does: no bytes for the time given, and both ends see FIN, RST, "
        "or nothing at all. Nothing else is touched. A good endpoint beats often enough that it "
        "never happens: with room for one lost beat, the timeout exceeds twice the ping interval plus "
        "the pong timeout.",
    .example = "idle_timeout: {after: 20s, counts: any, ending: fin}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct idle_timeout),
    .state_size = sizeof(struct idle_state),
    .ops = {.on_start = begin, .on_traffic = note, .on_timer = cut_when_idle},
};

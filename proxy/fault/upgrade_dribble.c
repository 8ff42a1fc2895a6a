/* upgrade_dribble: the handshake comes a few bytes at a time. */
#include "fault/fault.h"

struct upgrade_dribble {
    uint64_t bytes;
    nsec every;
};

struct dribble_state {
    nsec next[DIRS];
};

static const struct param params[] = {
    P_SIZE(upgrade_dribble, bytes, .def = "1B", .min = "1B", .max = "64KiB", .doc = "in one piece"),
    P_DURATION(upgrade_dribble, every, .def = "1s", .min = "1ms", .max = "1h",
               .doc = "from one piece to the next"),
    P_END,
};

/* A part of a head comes back to this hook as the head that is left. */
static void dribble(struct fault *f, struct unit *u)
{
    const struct upgrade_dribble *cfg = fault_config(f);
    struct dribble_state *state = fault_state(f);
    if (!u->upgrade) {
        fault_pass(f, u);
        return;
    }
    nsec at = nsec_max(state->next[u->dir], fault_now(f));
    state->next[u->dir] = nsec_add(at, cfg->every);
    if (u->len > cfg->bytes)
        fault_split(f, u, (size_t)cfg->bytes);
    fault_hold(f, u, at);
}

const struct fault_desc upgrade_dribble_fault = {
    .layer = LAYER_UPGRADE,
    .name = "upgrade_dribble",
    .brief = "let the handshake trickle in a few bytes at a time",
    .doc =
        "to_server: the request arrives byte by byte, as from a client in slowloris' manner: a good server "
        "closes after a deadline for the whole head, however steadily it grows. to_client: the answer "
        "does, and a good client gives up after a bounded time for the whole handshake.",
    .example = "upgrade_dribble: {bytes: 16B, every: 100ms, direction: to_client}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct upgrade_dribble),
    .state_size = sizeof(struct dribble_state),
    .ops = {.on_head = dribble},
};

/* coalesce: frames that were sent apart arrive in one segment. */
#include "fault/fault.h"

struct coalesce {
    nsec window;
    uint64_t bytes;
};

struct coalesce_state {
    nsec until[DIRS]; /* of the batch under way; it is over when that has come */
    uint64_t gathered[DIRS];
};

static const struct param params[] = {
    P_DURATION(coalesce, window, .def = "200ms", .min = "1ms", .max = "1h",
               .doc = "how long frames are gathered, from the first of them"),
    P_SIZE(coalesce, bytes, .def = "16KiB", .min = "1B", .max = "128KiB",
           .doc = "or until they are so many bytes, if that comes first"),
    P_END,
};

static void gather(struct fault *f, struct unit *u, uint64_t len)
{
    const struct coalesce *cfg = fault_config(f);
    struct coalesce_state *state = fault_state(f);
    enum dir d = u->dir;
    if (state->until[d] <= fault_now(f)) {
        state->until[d] = nsec_add(fault_now(f), cfg->window);
        state->gathered[d] = 0;
    }
    state->gathered[d] += len;
    if (state->gathered[d] >= cfg->bytes) {
        state->until[d] = 0;
        fault_let_go(f, d);
    }
    fault_hold(f, u, state->until[d]);
}

static void gather_frame(struct fault *f, struct unit *u)
{
    gather(f, u, u->frame.head_len + u->frame.payload_len);
}

/* Frames that another fault puts in are joined with the rest; bytes that are none pass. */
static void gather_injected(struct fault *f, struct unit *u)
{
    if (u->injected)
        gather(f, u, u->len);
    else
        fault_pass(f, u);
}

const struct fault_desc coalesce_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "coalesce",
    .brief = "deliver several frames at once, in one write",
    .doc =
        "Frames are gathered and written together, in order, as by a proxy or a kernel that waits for more "
        "(Nagle's algorithm, a radio that sleeps): several frames come in one segment, as far as one "
        "holds them, and each but the last is late by up to the window. The sender notices nothing. A good "
        "endpoint reads as many frames as there are; one that takes a read for a message loses all but "
        "the first. Shorter than its pong timeout the delay must be harmless.",
    .example = "coalesce: {window: 2s, direction: to_client}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct coalesce),
    .state_size = sizeof(struct coalesce_state),
    .ops = {.on_bytes = gather_injected, .on_frame = gather_frame},
};

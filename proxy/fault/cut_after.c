/* cut_after: so many bytes, and then the end. */
#include "fault/lib/ending.h"

struct cut_after {
    uint64_t bytes;
    int ending;
};

struct cut_after_state {
    uint64_t passed[DIRS];
    bool cut;
};

static const struct param params[] = {
    P_SIZE(cut_after, bytes, .def = "64KiB", .min = "0B", .max = "1GiB",
           .doc = "what passes before the end, since the fault began, counted in each direction "
                  "alone; the first to reach it ends the connection"),
    P_CHOICE(cut_after, ending, .def = "fin", .choices = ending_words,
             .doc = "what both ends see: fin, rst, or silent (the flow is forgotten)"),
    P_END,
};

static enum side source_of(enum dir d)
{
    return d == TO_SERVER ? SIDE_CLIENT : SIDE_SERVER;
}

/* The receiver gets its bytes first; the sender is told at once. */
static void end(struct fault *f, enum dir d)
{
    const struct cut_after *cfg = fault_config(f);
    struct cut_after_state *state = fault_state(f);
    state->cut = true;
    fault_end(f, d, ending_cuts[cfg->ending]);
    fault_cut(f, source_of(d), ending_cuts[cfg->ending]);
}

static void count(struct fault *f, struct unit *u)
{
    const struct cut_after *cfg = fault_config(f);
    struct cut_after_state *state = fault_state(f);
    uint64_t left = cfg->bytes - state->passed[u->dir];
    if (state->cut || left == 0) {
        fault_drop(f, u);
    } else {
        if (u->len > left)
            fault_split(f, u, left);
        state->passed[u->dir] += u->len < left ? u->len : left;
        fault_pass(f, u);
    }
    if (!state->cut && state->passed[u->dir] >= cfg->bytes)
        end(f, u->dir);
}

static void pass_end(struct fault *f, struct unit *u)
{
    const struct cut_after_state *state = fault_state(f);
    if (state->cut)
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

const struct fault_desc cut_after_fault = {
    .layer = LAYER_BYTES,
    .name = "cut_after",
    .brief = "end the connection after so many bytes",
    .doc =
        "The receiver gets exactly so many bytes, in the middle of a frame or of the handshake if it "
        "comes to that, and then the end: fin (closed, and an RST for what is sent later), rst (what "
        "was not read by then may be lost), or silence. The sender sees the same at that moment. With "
        "0 bytes the first one ends it. A good endpoint does not take half a message for a whole one, "
        "counts a cut handshake as a failed attempt, and reconnects with growing delays.",
    .example = "cut_after: {bytes: 500B, direction: to_client}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct cut_after),
    .state_size = sizeof(struct cut_after_state),
    .ops = {.on_bytes = count, .on_end = pass_end},
};

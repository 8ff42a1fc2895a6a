/* drop: the bytes vanish on the way. */
#include "fault/fault.h"

enum after { AFTER_RESET, AFTER_SILENT };

struct drop {
    int after;
};

struct drop_state {
    bool lost; /* something vanished: the stream cannot go on */
};

static const char *const afters[] = {"reset", "silent", NULL};

static const struct param params[] = {
    P_CHOICE(
        drop, after, .def = "reset", .choices = afters,
        .doc = "once it is over, what meets a connection that lost bytes: reset (the peer is back "
               "and knows nothing of it, RFC 9293 3.5.1), or silent for good"),
    P_END,
};

static void vanish(struct fault *f, struct unit *u)
{
    struct drop_state *state = fault_state(f);
    state->lost = true;
    fault_drop(f, u);
}

/* Also the end of the connection vanishes: no FIN is ever seen. */
static void vanish_end(struct fault *f, struct unit *u)
{
    fault_drop(f, u);
}

static void settle_what_is_left(struct fault *f)
{
    const struct drop *cfg = fault_config(f);
    const struct drop_state *state = fault_state(f);
    if (!state->lost)
        return;
    enum cut how = cfg->after == AFTER_RESET ? CUT_RST : CUT_SILENT;
    fault_cut(f, SIDE_CLIENT, how);
    fault_cut(f, SIDE_SERVER, how);
}

const struct fault_desc drop_fault = {
    .name = "drop",
    .brief = "discard all bytes while TCP keeps acknowledging them",
    .doc =
        "The endpoint's writes succeed and are acknowledged, and nothing comes back: no data, no "
        "FIN, no RST, as when the peer lost power behind a proxy that still holds the connection. "
        "TCP keepalive and TCP_USER_TIMEOUT never fire, because the acknowledgements are real. A "
        "good endpoint notices by its own heartbeat and makes a new connection.",
    .example = "drop: {direction: both, connections: existing}",
    .dirs = DIR_BOTH,
    .silences = true,
    .params = params,
    .config_size = sizeof(struct drop),
    .state_size = sizeof(struct drop_state),
    .ops = {.on_bytes = vanish, .on_end = vanish_end, .on_stop = settle_what_is_left},
};

/* half_open: one end of the connection is gone and the other does not know (RFC 9293 3.5.1). */
#include "fault/fault.h"

enum gone { GONE_SERVER, GONE_CLIENT };

struct half_open {
    int gone;
    int how;
};

static const char *const gones[] = {"server", "client", NULL};
static const char *const hows[] = {"silent", "fin", "rst", NULL};
static const enum cut cuts[] = {CUT_SILENT, CUT_CLOSE, CUT_RST};

static const struct param params[] = {
    P_CHOICE(half_open, gone, .def = "server", .choices = gones,
             .doc = "the endpoint that is gone; the other is kept and never told"),
    P_CHOICE(half_open, how, .def = "silent", .choices = hows,
             .doc = "what the one that is gone sees itself: silent (nothing at all), fin (the "
                    "connection closed) or rst"),
    P_END,
};

static enum side gone_side(const struct half_open *cfg)
{
    return cfg->gone == GONE_SERVER ? SIDE_SERVER : SIDE_CLIENT;
}

/* It is told of its end, so it is not one that waits in silence. */
static bool spares(const void *config, enum side side)
{
    const struct half_open *cfg = config;
    return side == gone_side(cfg) && cuts[cfg->how] != CUT_SILENT;
}

static void lose(struct fault *f)
{
    const struct half_open *cfg = fault_config(f);
    fault_cut(f, gone_side(cfg), cuts[cfg->how]);
}

/* The kept one's bytes are acknowledged and vanish; so does its own end. */
static void vanish(struct fault *f, struct unit *u)
{
    fault_drop(f, u);
}

const struct fault_desc half_open_fault = {
    .layer = LAYER_BYTES,
    .name = "half_open",
    .brief = "lose one endpoint and never tell the other",
    .doc =
        "One endpoint is gone: without a word, or with the FIN or RST that it sees itself. The other "
        "is kept, as by a load balancer that does not pass the end on: what it writes is acknowledged "
        "and vanishes, nothing ever comes, and even its FIN is never answered. It lasts as long as the "
        "connection. A good endpoint has a heartbeat of its own, takes the missing answer for the end, "
        "and frees what the dead connection held; a good server notices a client that is gone "
        "although its writes succeed.",
    .example = "half_open: {gone: server, how: rst}",
    .dirs = DIR_BOTH,
    .silences = true,
    .spares = spares,
    .instant = true,
    .params = params,
    .config_size = sizeof(struct half_open),
    .ops = {.on_start = lose, .on_bytes = vanish, .on_end = vanish},
};

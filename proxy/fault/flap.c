/* flap: the link goes down and comes up again, and again. */
#include "fault/fault.h"

enum begins { BEGINS_DOWN, BEGINS_UP };

struct flap {
    nsec down, up;
    int begins;
    bool reset;
};

static const char *const beginnings[] = {"down", "up", NULL};

static const struct param params[] = {
    P_DURATION(flap, down, .def = "5s", .min = "1ms", .max = "24h", .doc = "how long it is down"),
    P_DURATION(flap, up, .def = "20s", .min = "1ms", .max = "24h", .doc = "how long it is up"),
    P_CHOICE(flap, begins, .def = "down", .choices = beginnings,
             .doc = "how the link is when the fault begins"),
    P_BOOL(flap, reset, .def = "false",
           .doc = "reset the connections there are each time it goes down"),
    P_END,
};

/* All connections share the link: its phase counts from the beginning of the step. */
static nsec into_cycle(const struct fault *f)
{
    const struct flap *cfg = fault_config(f);
    nsec since = fault_now(f) - fault_began(f);
    nsec first = cfg->begins == BEGINS_DOWN ? 0 : cfg->down; /* a cycle is down, then up */
    return (since + first) % (cfg->down + cfg->up);
}

/* When it comes up; now or earlier: it is up. */
static nsec up_at(const struct fault *f)
{
    const struct flap *cfg = fault_config(f);
    return fault_now(f) + cfg->down - into_cycle(f);
}

static void set_timer(struct fault *f)
{
    const struct flap *cfg = fault_config(f);
    fault_wake(f, fault_now(f) + cfg->down + cfg->up - into_cycle(f));
}

static void cut_both(struct fault *f)
{
    fault_cut(f, SIDE_CLIENT, CUT_RST);
    fault_cut(f, SIDE_SERVER, CUT_RST);
}

static void begin(struct fault *f)
{
    const struct flap *cfg = fault_config(f);
    if (!cfg->reset)
        return;
    if (cfg->begins == BEGINS_DOWN && fault_now(f) == fault_began(f))
        cut_both(f);
    else
        set_timer(f);
}

static void keep_out(struct fault *f)
{
    if (up_at(f) > fault_now(f))
        fault_hang(f, up_at(f));
}

static void keep_back(struct fault *f, struct unit *u)
{
    if (up_at(f) > fault_now(f))
        fault_hold(f, u, up_at(f));
    else
        fault_pass(f, u);
}

const struct fault_desc flap_fault = {
    .layer = LAYER_BYTES,
    .name = "flap",
    .brief = "take the link down and up again and again",
    .doc =
        "A loose cable, a phone between two cells: while the link is down nothing passes either way, "
        "and new connections are made but hang; when it is up all that waited arrives, in order and "
        "late. Writes succeed meanwhile, up to 4 MiB in each direction. With reset the connections "
        "there are get an RST each time it goes down. A good client does not hammer a dead link, and "
        "one that lost its connection at the first flap does not begin its delays anew with every "
        "short success.",
    .example = "flap: {down: 5s, up: 20s}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct flap),
    .ops = {.on_start = begin,
            .on_attempt = keep_out,
            .on_bytes = keep_back,
            .on_end = keep_back,
            .on_timer = cut_both},
};

/* fin: somebody closes the connection and takes back what still comes. */
#include "fault/fault.h"

struct fin {
    nsec linger;
};

static const struct param params[] = {
    P_DURATION(fin, linger, .def = "5s", .min = "0s", .max = "1h",
               .doc = "how long what the endpoint still sends is read and thrown away; after that "
                      "it is met by an RST"),
    P_END,
};

static void cut_legs(struct fault *f, enum cut how)
{
    if (fault_acts_on(f, TO_CLIENT))
        fault_cut(f, SIDE_CLIENT, how);
    if (fault_acts_on(f, TO_SERVER))
        fault_cut(f, SIDE_SERVER, how);
}

static void say_goodbye(struct fault *f)
{
    const struct fin *cfg = fault_config(f);
    cut_legs(f, cfg->linger > 0 ? CUT_FIN : CUT_CLOSE);
    if (cfg->linger > 0)
        fault_wake(f, nsec_add(fault_now(f), cfg->linger));
}

static void throw_away(struct fault *f, struct unit *u)
{
    fault_drop(f, u);
}

static void close_legs(struct fault *f)
{
    cut_legs(f, CUT_CLOSE);
}

const struct fault_desc fin_fault = {
    .layer = LAYER_BYTES,
    .name = "fin",
    .brief = "end the connection with a FIN, without a Close frame",
    .doc =
        "A proxy or a server that is stopped closes its sockets. The endpoint on each leg named by "
        "direction reads the end of the stream, close code 1006 in a browser. What it sends from then "
        "on is read and thrown away for the linger time (as nginx does), then met by an RST; with "
        "linger 0 at once, as after close(2). With only one leg named, the other end sees nothing and "
        "hears nothing any more. A good client takes it for a lost connection, waits a random moment "
        "and reconnects; a good server forgets the session's socket.",
    .example = "fin: {connections: existing}",
    .dirs = DIR_BOTH,
    .on_legs = true,
    .instant = true,
    .params = params,
    .config_size = sizeof(struct fin),
    .ops = {.on_start = say_goodbye,
            .on_bytes = throw_away,
            .on_end = throw_away,
            .on_timer = close_legs},
};

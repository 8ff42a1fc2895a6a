/* connection_cap: there is room for so many. */
#include "fault/fault.h"

enum beyond { BEYOND_REFUSE, BEYOND_HANG, BEYOND_CLOSE };

struct connection_cap {
    uint64_t max;
    int beyond;
};

static const char *const beyonds[] = {"refuse", "hang", "close", NULL};

static const struct param params[] = {
    P_COUNT(connection_cap, max, .def = "100", .min = "0", .max = "1000000",
            .doc = "connections of all clients together that are served at a time"),
    P_CHOICE(connection_cap, beyond, .def = "refuse", .choices = beyonds,
             .doc = "what becomes of one more: refuse (RST), close (FIN), or hang (it waits, and "
                    "is served when another has ended, the oldest first)"),
    P_END,
};

static void look(struct fault *f)
{
    const struct connection_cap *cfg = fault_config(f);
    if (fault_connections(f) <= cfg->max)
        return;
    switch ((enum beyond)cfg->beyond) {
    case BEYOND_REFUSE:
        fault_refuse(f, CUT_RST);
        return;
    case BEYOND_HANG:
        fault_hang(f, NEVER);
        return;
    case BEYOND_CLOSE:
        fault_refuse(f, CUT_CLOSE);
        return;
    }
}

const struct fault_desc connection_cap_fault = {
    .layer = LAYER_CONNECTING,
    .name = "connection_cap",
    .brief = "serve no more than so many connections at a time",
    .doc =
        "A server out of descriptors, a proxy at its worker_connections, a licence that counts. "
        "Connections that are open count and stay; one more is refused, closed, or left waiting. A "
        "good client backs off as after any failed attempt, and one that closes its old connection "
        "before it opens the new one needs no second place.",
    .example = "connection_cap: {max: 0, beyond: close}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct connection_cap),
    .ops = {.on_attempt = look},
};

/* reset: RST on a live connection, at once. */
#include "fault/fault.h"

static void cut_legs(struct fault *f)
{
    if (fault_acts_on(f, TO_CLIENT))
        fault_cut(f, SIDE_CLIENT, CUT_RST);
    if (fault_acts_on(f, TO_SERVER))
        fault_cut(f, SIDE_SERVER, CUT_RST);
}

const struct fault_desc reset_fault = {
    .name = "reset",
    .brief = "end the connection with an RST, at once",
    .doc =
        "Data on its way is lost. The endpoint on each leg named by direction sees a connection "
        "reset (ECONNRESET) without a Close frame, close code 1006 in a browser; with only one leg "
        "named, the other end sees nothing. A good client waits a random moment, then reconnects with "
        "growing, jittered delays.",
    .example = "reset: {connections: existing}",
    .dirs = DIR_BOTH,
    .instant = true,
    .ops = {.on_start = cut_legs},
};

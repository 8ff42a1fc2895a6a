/* stall: nobody reads any more. */
#include "fault/fault.h"

static void freeze(struct fault *f, bool on)
{
    for (int d = 0; d < DIRS; d++)
        if (fault_acts_on(f, (enum dir)d))
            fault_stall(f, (enum dir)d, on);
}

static void begin(struct fault *f)
{
    freeze(f, true);
}

/* What was read before the window closed stays in order behind the stall. */
static void keep(struct fault *f, struct unit *u)
{
    fault_hold(f, u, NEVER);
}

static void end(struct fault *f)
{
    freeze(f, false);
}

const struct fault_desc stall_fault = {
    .name = "stall",
    .brief = "stop reading and writing, so that the TCP window closes",
    .doc =
        "The endpoint's kernel buffers fill, its window closes and its writes block; nothing is "
        "lost and no FIN is sent. With a sender this tests back-pressure: a good one pauses or "
        "drops at a bound instead of buffering for ever. TCP_USER_TIMEOUT fires here, since data "
        "stays unacknowledged. On a real socket the window is made small as it closes, and what the endpoint had "
        "sent beyond it is lost with the acknowledgements it carried: what is sent to the endpoint may come to a "
        "halt too, until the stall ends. Then everything goes on, in order.",
    .example = "stall: {direction: to_server, for: 10s}",
    .dirs = DIR_BOTH,
    .silences = true,
    .ops = {.on_start = begin, .on_bytes = keep, .on_end = keep, .on_stop = end},
};

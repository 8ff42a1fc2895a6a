/* max_lifetime: a connection lives so long, however busy it is. */
#include <string.h>

#include "fault/lib/ending.h"
#include "ws/close.h"

struct max_lifetime {
    nsec after, spread, grace;
    uint64_t code;
    char *reason;
    int ending;
};

enum { ENDING_CLOSE_FRAME = ENDINGS };

struct lifetime_state {
    bool closing; /* Close frames are on their way */
};

static const char *const endings[] = {"fin", "rst", "silent", "close", NULL};

static const struct param params[] = {
    P_DURATION(max_lifetime, after, .def = "60s", .min = "0s", .max = "30d",
               .doc = "how long a connection lives, from its acceptance; one that exists when the "
                      "fault begins, from then"),
    P_DURATION(max_lifetime, spread, .def = "0s", .min = "0s", .max = "30d",
               .doc = "random time on top, so that not all end at once"),
    P_CHOICE(max_lifetime, ending, .def = "fin", .choices = endings,
             .doc = "what both ends see: fin (closed, later data meets an RST), rst, silent (the "
                    "flow is forgotten), or close (a Close frame, and fin after the grace)"),
    P_COUNT(max_lifetime, code, .def = "1001", .min = "1000", .max = "4999",
            .doc = "of the Close frame; 1005: without a code"),
    P_TEXT(max_lifetime, reason, .def = "", .doc = "of the Close frame, at most 123 bytes"),
    P_DURATION(max_lifetime, grace, .def = "5s", .min = "0s", .max = "1h",
               .doc = "after the Close frame, for the answer and for the end of the connection"),
    P_END,
};

static void cut_both(struct fault *f, enum cut how)
{
    fault_cut(f, SIDE_CLIENT, how);
    fault_cut(f, SIDE_SERVER, how);
}

static void begin(struct fault *f)
{
    const struct max_lifetime *cfg = fault_config(f);
    nsec spread = rng_between(fault_rng(f), 0, cfg->spread);
    fault_wake(f, nsec_add(fault_now(f), nsec_add(cfg->after, spread)));
}

static size_t close_frame(struct fault *f, enum dir d, uint8_t frame[])
{
    const struct max_lifetime *cfg = fault_config(f);
    uint8_t payload[FRAME_CONTROL_MAX], key[4];
    uint64_t random = rng_next(fault_rng(f));
    memcpy(key, &random, sizeof key);
    size_t len = close_build(payload, (uint16_t)cfg->code, cfg->reason);
    return frame_build(frame, FRAME_HEAD_MAX + FRAME_CONTROL_MAX, OPCODE_CLOSE, payload, len,
                       d == TO_SERVER ? key : NULL);
}

/* Where there is no room for the frame, the end after the grace is all they see. */
static void say_close(struct fault *f, enum dir d)
{
    uint8_t frame[FRAME_HEAD_MAX + FRAME_CONTROL_MAX];
    size_t len = close_frame(f, d, frame);
    (void)fault_inject(f, d, frame, len);
}

static void end(struct fault *f)
{
    const struct max_lifetime *cfg = fault_config(f);
    struct lifetime_state *state = fault_state(f);
    if (cfg->ending != ENDING_CLOSE_FRAME) {
        cut_both(f, ending_cuts[cfg->ending]);
    } else if (state->closing || !fault_is_open(f)) {
        cut_both(f, CUT_CLOSE);
    } else {
        state->closing = true;
        say_close(f, TO_CLIENT);
        say_close(f, TO_SERVER);
        fault_wake(f, nsec_add(fault_now(f), cfg->grace));
    }
}

/* After a Close nothing more is sent (RFC 6455 5.5.1); a frame under way is finished first. */
static void stop_at_close(struct fault *f, struct unit *u)
{
    const struct lifetime_state *state = fault_state(f);
    if (state->closing)
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

const struct fault_desc max_lifetime_fault = {
    .layer = LAYER_BYTES,
    .name = "max_lifetime",
    .brief = "end every connection after a time, busy or not",
    .doc =
        "Cloud gateways end a WebSocket after an hour or two, a deploy after minutes, whatever is "
        "said on it. Both endpoints see the end named: fin, rst, nothing at all, or a Close frame with "
        "a code, sent to both, and a FIN when the grace is over or they have closed. A good client "
        "takes it as an ordinary event: it reconnects after a short random delay, resumes what was "
        "open, and loses no message; a good server expects the session back.",
    .example = "max_lifetime: {after: 20s, ending: close, code: 1001, reason: going away}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct max_lifetime),
    .state_size = sizeof(struct lifetime_state),
    .ops = {.on_start = begin, .on_frame = stop_at_close, .on_timer = end},
};

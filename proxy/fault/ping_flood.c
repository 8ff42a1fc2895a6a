/* ping_flood: more pings than anybody asked for. */
#include <string.h>

#include "fault/lib/message.h"

#define BATCH     1000                 /* pings at once, when the clock was late */
#define TRY_AGAIN (10 * NSEC_PER_MSEC) /* when there is no room */

struct ping_flood {
    uint64_t rate, size, count;
};

struct flood_state {
    bool closed[DIRS];
    nsec next;
    uint64_t sent[DIRS];
};

static const struct param params[] = {
    P_COUNT(ping_flood, rate, .def = "100", .min = "1", .max = "100000", .doc = "pings a second"),
    P_SIZE(ping_flood, size, .def = "0B", .max = "125B", .doc = "payload of each, random bytes"),
    P_COUNT(ping_flood, count, .def = "1000000000", .min = "1", .max = "1000000000",
            .doc = "no more than so many on one connection, in each direction"),
    P_END,
};

static void add_pings(struct fault *f, enum dir d, uint64_t pings, struct text *out)
{
    const struct ping_flood *cfg = fault_config(f);
    const struct frame_head ping = {.fin = true, .opcode = OPCODE_PING};
    uint8_t payload[FRAME_CONTROL_MAX + sizeof(uint64_t)];
    for (uint64_t i = 0; i < pings; i++) {
        for (uint64_t at = 0; at < cfg->size; at += sizeof(uint64_t)) {
            uint64_t random = rng_next(fault_rng(f));
            memcpy(payload + at, &random, sizeof random);
        }
        message_add_frame(f, d, &ping, payload, cfg->size, out);
    }
}

/* false: there is no room for them. */
static bool send(struct fault *f, enum dir d, uint64_t pings)
{
    const struct ping_flood *cfg = fault_config(f);
    struct flood_state *state = fault_state(f);
    uint64_t left = cfg->count - state->sent[d];
    struct text frames;
    if (!fault_acts_on(f, d) || state->closed[d] || left == 0)
        return true;
    text_init(&frames);
    pings = pings < left ? pings : left;
    add_pings(f, d, pings, &frames);
    bool taken = fault_inject(f, d, text_chars(&frames), frames.len);
    if (taken)
        state->sent[d] += pings;
    text_fini(&frames);
    return taken;
}

static bool is_done(const struct fault *f, const struct flood_state *state, enum dir d)
{
    const struct ping_flood *cfg = fault_config(f);
    return !fault_acts_on(f, d) || state->closed[d] || state->sent[d] == cfg->count;
}

static void flood(struct fault *f)
{
    const struct ping_flood *cfg = fault_config(f);
    struct flood_state *state = fault_state(f);
    nsec interval = NSEC_PER_SEC / (nsec)cfg->rate, now = fault_now(f);
    uint64_t pings = 1 + (uint64_t)((now - state->next) / interval);
    pings = pings < BATCH ? pings : BATCH;
    bool taken = send(f, TO_CLIENT, pings);
    taken = send(f, TO_SERVER, pings) && taken;
    state->next = nsec_max(nsec_add(state->next, (nsec)pings * interval), now + 1);
    if (!taken)
        state->next = nsec_add(now, TRY_AGAIN);
    if (!is_done(f, state, TO_CLIENT) || !is_done(f, state, TO_SERVER))
        fault_wake(f, state->next);
}

static void begin(struct fault *f)
{
    struct flood_state *state = fault_state(f);
    state->next = fault_now(f);
    flood(f);
}

/* RFC 6455 5.5.1: nothing is sent after a Close. */
static void watch(struct fault *f, struct unit *u)
{
    struct flood_state *state = fault_state(f);
    if (u->frame.opcode == OPCODE_CLOSE)
        state->closed[u->dir] = true;
    fault_pass(f, u);
}

static void stop(struct fault *f, struct unit *u)
{
    struct flood_state *state = fault_state(f);
    state->closed[u->dir] = true;
    fault_pass(f, u);
}

const struct fault_desc ping_flood_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "ping_flood",
    .brief = "send many pings in the name of the peer",
    .doc =
        "The endpoint gets pings nobody sent, between the messages of its peer, and its peer gets the "
        "pongs nobody asked for. RFC 6455 5.5.2 wants every ping answered, or the newest of those that "
        "wait; a good endpoint answers in little memory, goes on with its work, and at some rate may "
        "end the connection with 1008. When the endpoint does not read, pings wait as other bytes do.",
    .example = "ping_flood: {rate: 50, size: 125B, count: 500, direction: to_client}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct ping_flood),
    .state_size = sizeof(struct flood_state),
    .ops = {.on_open = begin, .on_frame = watch, .on_end = stop, .on_timer = flood},
};

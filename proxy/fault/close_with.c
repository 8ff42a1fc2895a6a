/* close_with: a Close in the name of the peer. */
#include "fault/lib/message.h"
#include "ws/close.h"

#define TRY_AGAIN (5 * NSEC_PER_MSEC) /* inside a message of the peer */

enum then { THEN_FIN, THEN_REPLY, THEN_NOTHING };

struct close_with {
    uint64_t code;
    char *reason;
    int then;
    nsec patience;
};

struct close_state {
    bool told[DIRS], ended[DIRS];
    nsec since[DIRS]; /* when it began, then when it was told */
};

static const char *const thens[] = {"fin", "reply", "nothing", NULL};

static const struct param params[] = {
    P_COUNT(close_with, code, .def = "1001", .max = "65535",
            .doc = "status code, legal or not; 1005: the Close carries none"),
    P_TEXT(close_with, reason, .def = "", .doc = "reason, cut at 123 bytes; 1005 carries none"),
    P_CHOICE(
        close_with, then, .def = "reply", .choices = thens,
        .doc =
            "what follows: fin (at once), reply (FIN when the endpoint's own Close has come), or "
            "nothing (no FIN, and what the peer sends goes on arriving)"),
    P_DURATION(close_with, patience, .def = "10s", .min = "1ms", .max = "1h",
               .doc = "FIN without a reply after that; also how long the end of a message of the "
                      "peer is waited for"),
    P_END,
};

static enum side side_told(enum dir d)
{
    return d == TO_CLIENT ? SIDE_CLIENT : SIDE_SERVER;
}

static void end(struct fault *f, enum dir d)
{
    struct close_state *state = fault_state(f);
    if (state->ended[d])
        return;
    state->ended[d] = true;
    if (state->told[d])
        fault_end(f, d, CUT_FIN); /* behind the Close, whatever holds that back */
    else
        fault_cut(f, side_told(d), CUT_FIN);
}

static bool send_close(struct fault *f, enum dir d)
{
    const struct close_with *cfg = fault_config(f);
    const struct frame_head head = {.fin = true, .opcode = OPCODE_CLOSE};
    uint8_t payload[FRAME_CONTROL_MAX];
    struct text frame;
    text_init(&frame);
    size_t len = close_build(payload, (uint16_t)cfg->code, cfg->reason ? cfg->reason : "");
    message_add_frame(f, d, &head, payload, len, &frame);
    bool taken = fault_inject(f, d, text_chars(&frame), frame.len);
    text_fini(&frame);
    return taken;
}

/* A Close between two messages; a FIN must not come before it. */
static void tell(struct fault *f, enum dir d)
{
    struct close_state *state = fault_state(f);
    if (state->told[d] || !fault_between(f, d) || !send_close(f, d))
        return;
    state->told[d] = true;
    state->since[d] = fault_now(f);
}

static bool is_settled(const struct fault *f, const struct close_state *state, enum dir d)
{
    const struct close_with *cfg = fault_config(f);
    return !fault_acts_on(f, d) || state->ended[d] || (state->told[d] && cfg->then == THEN_NOTHING);
}

static void work_on(struct fault *f, enum dir d)
{
    const struct close_with *cfg = fault_config(f);
    struct close_state *state = fault_state(f);
    if (is_settled(f, state, d))
        return;
    tell(f, d);
    bool late = fault_now(f) >= nsec_add(state->since[d], cfg->patience);
    if (cfg->then == THEN_NOTHING)
        state->ended[d] = late;
    else if (late || (state->told[d] && cfg->then == THEN_FIN))
        end(f, d);
}

static nsec next_look(const struct fault *f, const struct close_state *state, enum dir d)
{
    const struct close_with *cfg = fault_config(f);
    if (is_settled(f, state, d))
        return NEVER;
    return state->told[d] ? nsec_add(state->since[d], cfg->patience)
                          : nsec_add(fault_now(f), TRY_AGAIN);
}

static void work(struct fault *f)
{
    struct close_state *state = fault_state(f);
    work_on(f, TO_CLIENT);
    work_on(f, TO_SERVER);
    fault_wake(f, nsec_min(next_look(f, state, TO_CLIENT), next_look(f, state, TO_SERVER)));
}

static void begin(struct fault *f)
{
    struct close_state *state = fault_state(f);
    state->since[TO_CLIENT] = state->since[TO_SERVER] = fault_now(f);
    work(f);
}

/* RFC 6455 5.5.1: after a Close nothing comes in that direction. */
static void watch(struct fault *f, struct unit *u)
{
    const struct close_with *cfg = fault_config(f);
    const struct close_state *state = fault_state(f);
    enum dir back = message_back(u->dir);
    if (state->told[u->dir] && cfg->then != THEN_NOTHING)
        fault_drop(f, u);
    else
        fault_pass(f, u);
    if (u->frame.opcode == OPCODE_CLOSE && state->told[back] && cfg->then == THEN_REPLY)
        end(f, back);
}

/* It is over before the reply came: the Close was said, and nothing can follow it. */
static void settle(struct fault *f)
{
    const struct close_with *cfg = fault_config(f);
    const struct close_state *state = fault_state(f);
    for (int d = 0; d < DIRS; d++)
        if (state->told[d] && cfg->then != THEN_NOTHING)
            end(f, (enum dir)d);
}

const struct fault_desc close_with_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "close_with",
    .brief = "close the WebSocket in the name of the peer",
    .doc =
        "The endpoint towards which it acts gets a Close its peer did not send, between two messages; its "
        "answer goes on to that peer, to which it is a close by the endpoint. Connections that open "
        "while the fault is on are closed as they open. A good endpoint answers with a Close, ends the "
        "connection, and takes the code for what it says: 1001 and 1012 to come back, 1008 and the "
        "like not to hammer. A code that must not be sent (1005, 1006, 1015, below 1000) is a "
        "violation, answered by 1002.",
    .example = "close_with: {code: 1012, reason: restart, direction: to_client}",
    .dirs = DIR_BOTH,
    .on_legs = true,
    .params = params,
    .config_size = sizeof(struct close_with),
    .state_size = sizeof(struct close_state),
    .ops = {.on_open = begin, .on_frame = watch, .on_timer = work, .on_stop = settle},
};

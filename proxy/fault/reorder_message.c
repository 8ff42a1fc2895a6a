/* reorder_message: some messages arrive behind later ones. */
#include "fault/lib/message.h"

struct reorder_message {
    uint64_t by;
    nsec at_most;
    struct message_choice message;
};

struct reorder_state {
    struct message_state message;
    nsec back[DIRS]; /* when the message that is set aside goes on by itself; 0: there is none */
    uint64_t passed[DIRS]; /* messages that overtook it */
};

static const struct param params[] = {
    P_COUNT(reorder_message, by, .def = "1", .min = "1", .max = "1000",
            .doc = "how many later messages overtake it"),
    P_DURATION(reorder_message, at_most, .def = "5s", .min = "1ms", .max = "1h",
               .doc = "it is delivered then, even if fewer came"),
    MESSAGE_PARAMS(reorder_message),
    P_END,
};

static void take_out(struct fault *f, struct unit *u)
{
    const struct reorder_message *cfg = fault_config(f);
    struct reorder_state *state = fault_state(f);
    state->back[u->dir] = nsec_add(u->arrived, cfg->at_most);
    state->passed[u->dir] = 0;
    fault_set_aside(f, u, state->back[u->dir]);
}

/* Control frames may come anywhere: only data messages have an order (RFC 6455 5.4). */
static void reorder(struct fault *f, struct unit *u)
{
    const struct reorder_message *cfg = fault_config(f);
    struct reorder_state *state = fault_state(f);
    bool waits = fault_now(f) < state->back[u->dir];
    if (!waits && message_selects(f, &cfg->message, &state->message, u)) {
        take_out(f, u);
        return;
    }
    if (waits && !frame_is_control(u->frame.opcode) && ++state->passed[u->dir] >= cfg->by) {
        state->back[u->dir] = 0;
        fault_put_back(f, u->dir);
    }
    fault_pass(f, u);
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct reorder_message *)config)->message, param, why);
}

const struct fault_desc reorder_message_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "reorder_message",
    .brief = "deliver selected messages behind later ones",
    .doc =
        "The receiver gets a message after others that were sent later, as happens behind a server "
        "that fans out from several threads or brokers; TCP itself never does it. The sender notices "
        "nothing. A good endpoint orders by number, or holds back what comes too early. One message at a "
        "time is taken out in each direction; the end of the connection waits for it.",
    .example = "reorder_message: {by: 2, at_most: 1s, direction: to_client, opcode: any}",
    .dirs = DIR_BOTH,
    .breaks_deflate = true,
    .messages = true,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct reorder_message),
    .state_size = sizeof(struct reorder_state),
    .ops = {.on_frame = reorder},
};

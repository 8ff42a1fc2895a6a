/* drop_message: some messages never arrive. */
#include "fault/lib/message.h"

struct drop_message {
    struct message_choice message;
};

struct drop_state {
    struct message_state message;
};

static const struct param params[] = {
    MESSAGE_PARAMS(drop_message),
    P_END,
};

static void swallow(struct fault *f, struct unit *u)
{
    const struct drop_message *cfg = fault_config(f);
    struct drop_state *state = fault_state(f);
    if (message_selects(f, &cfg->message, &state->message, u))
        fault_drop(f, u);
    else
        fault_pass(f, u);
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct drop_message *)config)->message, param, why);
}

const struct fault_desc drop_message_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "drop_message",
    .brief = "discard selected messages while the rest passes",
    .doc =
        "The sender sees its message acknowledged by TCP, and the receiver never gets it; everything "
        "before and behind it arrives, so nothing looks broken. It is what a crash between a broker and a "
        "socket, or a queue that overflowed, does. A good endpoint numbers or confirms what must not "
        "be lost, and asks again.",
    .example = "drop_message: {direction: to_client, every: 2, opcode: any}",
    .dirs = DIR_BOTH,
    .breaks_deflate = true,
    .messages = true,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct drop_message),
    .state_size = sizeof(struct drop_state),
    .ops = {.on_frame = swallow},
};

/* delay_message: some messages take longer than others. */
#include "fault/lib/message.h"

enum others { OTHERS_PASS, OTHERS_WAIT };

struct delay_message {
    nsec delay;
    int others;
    struct message_choice message;
};

struct delay_state {
    struct message_state message;
};

static const char *const other_names[] = {"pass", "wait", NULL};

static const struct param params[] = {
    P_DURATION(delay_message, delay, .def = "5s", .min = "1ms", .max = "1h",
               .doc = "how long each selected message is kept back"),
    P_CHOICE(delay_message, others, .def = "pass", .choices = other_names,
             .doc = "what becomes of the messages behind it: pass (it is overtaken), or wait (the "
                    "order is kept)"),
    MESSAGE_PARAMS(delay_message),
    P_END,
};

static void keep_back(struct fault *f, struct unit *u)
{
    const struct delay_message *cfg = fault_config(f);
    struct delay_state *state = fault_state(f);
    if (!message_selects(f, &cfg->message, &state->message, u))
        fault_pass(f, u);
    else if (cfg->others == OTHERS_WAIT)
        fault_hold(f, u, nsec_add(u->arrived, cfg->delay));
    else
        fault_set_aside(f, u, nsec_add(u->arrived, cfg->delay));
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct delay_message *)config)->message, param, why);
}

const struct fault_desc delay_message_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "delay_message",
    .brief = "deliver selected messages late",
    .doc =
        "The receiver gets a message later than it was sent, and what was sent after it before or "
        "behind it, as `others` says; the sender notices nothing. A request times out, an answer comes "
        "for a question nobody asks any more. A good endpoint matches answers to questions, not to the "
        "order of arrival, and keeps its own timeouts. With others: pass, a message of more than 2MiB "
        "is not delayed; the end of the connection waits for what is still on its way.",
    .example = "delay_message: {delay: 2s, direction: to_client, opcode: any}",
    .dirs = DIR_BOTH,
    .breaks_deflate = true,
    .messages = true,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct delay_message),
    .state_size = sizeof(struct delay_state),
    .ops = {.on_frame = keep_back},
};

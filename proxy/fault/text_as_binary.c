/* text_as_binary: the payload arrives untouched, under the other opcode. */
#include "fault/lib/message.h"

#include <stdlib.h>
#include <string.h>

enum turn { TURN_TEXT, TURN_BINARY, TURN_BOTH };

struct text_as_binary {
    int turn;
    struct message_choice message;
};

struct text_state {
    struct message_state message;
};

static const char *const turns[] = {"text", "binary", "both", NULL};

static const struct param params[] = {
    P_CHOICE(text_as_binary, turn, .def = "text", .choices = turns,
             .doc = "which messages change: text into binary, binary into text, or both"),
    MESSAGE_PARAMS(text_as_binary),
    P_END,
};

static bool turns_round(int turn, uint8_t opcode)
{
    if (opcode == OPCODE_TEXT)
        return turn != TURN_BINARY;
    return opcode == OPCODE_BINARY && turn != TURN_TEXT;
}

static void change_opcode(struct fault *f, struct unit *u)
{
    uint8_t first = u->bytes[0];
    uint8_t other = (first & 0x0f) == OPCODE_TEXT ? OPCODE_BINARY : OPCODE_TEXT;
    struct text changed;
    text_init(&changed);
    text_add_bytes(&changed, u->bytes, u->len);
    changed.chars[0] = (char)((first & 0xf0) | other);
    fault_replace(f, u, text_chars(&changed), changed.len);
    text_fini(&changed);
}

static void pass_or_change(struct fault *f, struct unit *u)
{
    const struct text_as_binary *cfg = fault_config(f);
    struct text_state *state = fault_state(f);
    bool at_hand = u->whole || message_is_head(u);
    if (at_hand && turns_round(cfg->turn, u->frame.opcode) &&
        message_selects(f, &cfg->message, &state->message, u))
        change_opcode(f, u);
    else
        fault_pass(f, u);
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct text_as_binary *)config)->message, param, why);
}

const struct fault_desc text_as_binary_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "text_as_binary",
    .brief = "deliver text messages as binary, or the reverse",
    .doc =
        "The receiver gets the bytes that were sent under the other opcode, as from a gateway or library "
        "that knows only one kind; the sender notices nothing. Binary turned into text that is no UTF-8 "
        "must be refused with 1007 (RFC 6455 8.1). A good endpoint handles both kinds, or closes with "
        "1003; one that takes the kind for granted crashes in its parser.",
    .example = "text_as_binary: {direction: to_client, turn: both}",
    .dirs = DIR_BOTH,
    .messages = true,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct text_as_binary),
    .state_size = sizeof(struct text_state),
    .ops = {.on_frame = pass_or_change},
};

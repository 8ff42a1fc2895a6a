/* duplicate_message: some messages arrive more than once. */
#include "fault/lib/message.h"

#include <stdlib.h>

struct duplicate_message {
    uint64_t times;
    nsec gap;
    struct message_choice message;
};

struct duplicate_state {
    struct message_state message;
};

static const struct param params[] = {
    P_COUNT(duplicate_message, times, .def = "1", .min = "1", .max = "100",
            .doc = "how many copies come besides the message itself"),
    P_DURATION(duplicate_message, gap, .def = "0s", .max = "1h",
               .doc = "from the message to its first copy, and from copy to copy"),
    MESSAGE_PARAMS(duplicate_message),
    P_END,
};

/* Copies are frames of ours: each is masked with a key of its own (RFC 6455 5.3). */
static void add_copies(struct fault *f, const struct unit *u)
{
    const struct duplicate_message *cfg = fault_config(f);
    uint8_t *payload = message_payload(u);
    nsec at = u->arrived;
    for (uint64_t copy = 0; copy < cfg->times; copy++) {
        struct text frame;
        text_init(&frame);
        message_add_frame(f, u->dir, &u->frame, payload, u->frame.payload_len, &frame);
        at = nsec_add(at, cfg->gap);
        bool taken = fault_inject_at(f, u->dir, text_chars(&frame), frame.len, at);
        text_fini(&frame);
        if (!taken)
            break;
    }
    free(payload);
}

static void duplicate(struct fault *f, struct unit *u)
{
    const struct duplicate_message *cfg = fault_config(f);
    struct duplicate_state *state = fault_state(f);
    if (message_is_whole(u) && message_selects(f, &cfg->message, &state->message, u))
        add_copies(f, u);
    fault_pass(f, u);
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct duplicate_message *)config)->message, param, why);
}

const struct fault_desc duplicate_message_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "duplicate_message",
    .brief = "deliver selected messages more than once",
    .doc =
        "The receiver gets the same message again, at once or later, as when a broker or a client that "
        "resends after a reconnect delivers at least once. The sender notices nothing. A good endpoint "
        "recognises by number or content what it has seen, and does not charge twice. Messages that are "
        "fragmented or larger than 64KiB come once; of copies that wait, no more than 4MiB are kept.",
    .example = "duplicate_message: {times: 2, gap: 100ms, direction: to_client, opcode: any}",
    .dirs = DIR_BOTH,
    .breaks_deflate = true,
    .messages = true,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct duplicate_message),
    .state_size = sizeof(struct duplicate_state),
    .ops = {.on_frame = duplicate},
};

/* interleave_control: a ping or pong in the middle of a message. */
#include <stdlib.h>
#include <string.h>

#include "fault/lib/message.h"

struct interleave_control {
    int control;
    uint64_t size, pieces;
    struct message_choice message;
};

struct interleave_state {
    struct message_state message;
    bool chosen[DIRS]; /* the fragmented message under way */
};

static const char *const controls[] = {"ping", "pong", NULL};
static const uint8_t control_opcodes[] = {OPCODE_PING, OPCODE_PONG};

static const struct param params[] = {
    P_CHOICE(interleave_control, control, .def = "ping", .choices = controls,
             .doc = "what comes between: a ping, which is answered, or a pong nobody asked for"),
    P_SIZE(interleave_control, size, .def = "0B", .max = "125B", .doc = "its payload, of 'x'"),
    P_COUNT(interleave_control, pieces, .def = "2", .min = "2", .max = "100",
            .doc = "into how many fragments an unfragmented message is split for it"),
    MESSAGE_PARAMS(interleave_control),
    P_END,
};

static void add_control(struct fault *f, enum dir d, struct text *out)
{
    const struct interleave_control *cfg = fault_config(f);
    const struct frame_head head = {.fin = true, .opcode = control_opcodes[cfg->control]};
    uint8_t payload[FRAME_CONTROL_MAX];
    memset(payload, 'x', sizeof payload);
    message_add_frame(f, d, &head, payload, cfg->size, out);
}

/* Fragments of about the same size, some empty when there are fewer bytes than fragments. */
static void add_split(struct fault *f, const struct unit *u, struct text *out)
{
    const struct interleave_control *cfg = fault_config(f);
    uint8_t *payload = message_payload(u);
    struct frame_head head = u->frame;
    size_t len = u->frame.payload_len, from = 0;
    for (uint64_t piece = 1; piece <= cfg->pieces; piece++) {
        size_t end = len * piece / cfg->pieces;
        head.fin = piece == cfg->pieces;
        message_add_frame(f, u->dir, &head, payload + from, end - from, out);
        head.opcode = OPCODE_CONTINUATION;
        head.rsv = 0;
        from = end;
        if (!head.fin)
            add_control(f, u->dir, out);
    }
    free(payload);
}

static void split(struct fault *f, struct unit *u)
{
    struct text frames;
    text_init(&frames);
    add_split(f, u, &frames);
    fault_replace(f, u, text_chars(&frames), frames.len);
    text_fini(&frames);
}

/* Before a fragment that is not the first. */
static void put_between(struct fault *f, struct unit *u)
{
    struct text frame;
    text_init(&frame);
    add_control(f, u->dir, &frame);
    (void)fault_inject(f, u->dir, text_chars(&frame), frame.len); /* no room: not this time */
    text_fini(&frame);
    fault_pass(f, u);
}

static void interleave(struct fault *f, struct unit *u)
{
    const struct interleave_control *cfg = fault_config(f);
    struct interleave_state *state = fault_state(f);
    if (u->frame.opcode == OPCODE_CONTINUATION && state->chosen[u->dir]) {
        state->chosen[u->dir] = !u->frame.fin;
        put_between(f, u);
        return;
    }
    bool can = !frame_is_control(u->frame.opcode) && (!u->frame.fin || message_is_whole(u));
    bool chosen = can && message_selects(f, &cfg->message, &state->message, u);
    if (can)
        state->chosen[u->dir] = chosen && !u->frame.fin;
    if (chosen && u->frame.fin)
        split(f, u);
    else
        fault_pass(f, u);
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct interleave_control *)config)->message, param, why);
}

const struct fault_desc interleave_control_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "interleave_control",
    .brief = "put pings or pongs between the fragments of messages",
    .doc =
        "The receiver gets a control frame in the middle of a message, which RFC 6455 5.4 allows and "
        "libraries meet rarely; the sender gets a pong it did not ask for, when it is a ping. A good "
        "endpoint answers the ping at once, without waiting for the end of the message, and joins the "
        "message without it. A message in one frame is split for it, one larger than 64KiB is left "
        "alone; where the sender fragments, the control frame comes before each later fragment.",
    .example = "interleave_control: {control: ping, direction: to_client}",
    .dirs = DIR_BOTH,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct interleave_control),
    .state_size = sizeof(struct interleave_state),
    .ops = {.on_frame = interleave},
};

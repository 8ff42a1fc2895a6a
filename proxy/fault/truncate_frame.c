/* truncate_frame: a frame begins, and the connection ends inside it. */
#include "fault/lib/ending.h"
#include "fault/lib/message.h"

enum part { PART_HEAD, PART_PAYLOAD };

struct truncate_frame {
    int part;
    uint64_t after;
    int ending;
    struct message_choice message;
};

struct truncate_state {
    struct message_state message;
    bool cutting[DIRS]; /* the frame under way is the one */
    uint64_t left[DIRS];
    bool dead;
};

static const char *const part_names[] = {"head", "payload", NULL};

static const struct param params[] = {
    P_CHOICE(truncate_frame, part, .def = "payload", .choices = part_names,
             .doc =
                 "where it is cut: inside the head, or inside the payload (of an empty frame: the "
                 "head)"),
    P_SIZE(truncate_frame, after, .def = "1B", .max = "1024GiB",
           .doc = "so many bytes of that part still arrive; always fewer than there are"),
    P_CHOICE(
        truncate_frame, ending, .def = "fin", .choices = ending_words,
        .doc = "what both ends then see: fin, rst, or silent (nothing comes any more, what is sent "
               "is acknowledged)"),
    MESSAGE_PARAMS(truncate_frame),
    P_END,
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How much of the frame arrives. */
static uint64_t arriving(const struct truncate_frame *cfg, const struct frame_head *head)
{
    if (cfg->part == PART_HEAD)
        return least(cfg->after, head->head_len - 1u);
    if (head->payload_len == 0)
        return head->head_len - 1u;
    return head->head_len + least(cfg->after, head->payload_len - 1);
}

/* The part in hand still arrives: there the end comes behind it, whatever holds that back. */
static void die(struct fault *f, enum dir d)
{
    const struct truncate_frame *cfg = fault_config(f);
    struct truncate_state *state = fault_state(f);
    state->dead = true;
    fault_end(f, d, ending_cuts[cfg->ending]);
    fault_cut(f, d == TO_SERVER ? SIDE_CLIENT : SIDE_SERVER, ending_cuts[cfg->ending]);
}

static void let_arrive(struct fault *f, struct unit *u)
{
    struct truncate_state *state = fault_state(f);
    uint64_t *left = &state->left[u->dir];
    if (*left == 0) {
        fault_drop(f, u);
    } else {
        if (*left < u->len)
            fault_split(f, u, *left);
        *left -= least(*left, u->len);
        fault_pass(f, u);
    }
    if (*left == 0)
        die(f, u->dir);
}

static void look(struct fault *f, struct unit *u)
{
    const struct truncate_frame *cfg = fault_config(f);
    struct truncate_state *state = fault_state(f);
    bool frames = u->kind == UNIT_FRAME || u->kind == UNIT_PAYLOAD;
    if (state->dead) {
        fault_drop(f, u);
        return;
    }
    if (u->kind == UNIT_FRAME && message_selects(f, &cfg->message, &state->message, u)) {
        state->cutting[u->dir] = true;
        state->left[u->dir] = arriving(cfg, &u->frame);
    }
    if (frames && state->cutting[u->dir])
        let_arrive(f, u);
    else
        fault_pass(f, u);
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct truncate_frame *)config)->message, param, why);
}

const struct fault_desc truncate_frame_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "truncate_frame",
    .brief = "end the connection in the middle of a frame",
    .doc =
        "The receiver gets the beginning of the first selected message, then the end; the sender sees the "
        "same end without having closed. It is what a process killed while it writes leaves behind, or, "
        "with silent, a path that breaks at that moment. A good endpoint delivers nothing of the message, "
        "reports 1006, and comes back; with silent only its heartbeat tells it. Under TLS a fin is "
        "announced by close_notify.",
    .example = "truncate_frame: {part: head, ending: rst, direction: to_client, opcode: any}",
    .dirs = DIR_BOTH,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct truncate_frame),
    .state_size = sizeof(struct truncate_state),
    .ops = {.on_bytes = look, .on_end = look},
};

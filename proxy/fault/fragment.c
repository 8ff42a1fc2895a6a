/* fragment: messages arrive in more frames than they were sent in. */
#include <stdlib.h>

#include "fault/lib/message.h"

struct fragment {
    uint64_t size;
    bool empty, mid_character;
    struct message_choice message;
};

struct fragment_state {
    struct message_state message;
};

static const struct param params[] = {
    P_SIZE(fragment, size, .def = "16B", .min = "1B", .max = "64KiB",
           .doc = "payload of each fragment; the last may be shorter"),
    P_BOOL(fragment, empty, .def = "false",
           .doc = "with an empty fragment before each, and an empty one as the last"),
    P_BOOL(fragment, mid_character, .def = "false",
           .doc = "cut text inside characters of several bytes, where there are any: each fragment "
                  "then ends at the next such place"),
    MESSAGE_PARAMS(fragment),
    P_END,
};

struct pieces {
    struct fault *fault;
    enum dir dir;
    struct frame_head head; /* of the next one */
    struct text out;
};

/* RFC 6455 5.4: the opcode stands in the first; RFC 7692 6.1: so does the bit of compression. */
static void add_piece(struct pieces *pieces, const uint8_t *payload, size_t len, bool last)
{
    pieces->head.fin = last;
    message_add_frame(pieces->fault, pieces->dir, &pieces->head, payload, len, &pieces->out);
    pieces->head.opcode = OPCODE_CONTINUATION;
    pieces->head.rsv = 0;
}

static bool is_inside_character(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Where the fragment that begins at `from` ends. */
static size_t end_of_piece(const struct fragment *cfg, const uint8_t *payload, size_t from,
                           size_t len)
{
    size_t end = len - from > cfg->size ? from + cfg->size : len;
    if (!cfg->mid_character || end == len)
        return end;
    for (size_t at = end; at < len; at++)
        if (is_inside_character(payload[at]))
            return at;
    return len;
}

static void cut_up(struct pieces *pieces, const struct fragment *cfg, const uint8_t *payload,
                   size_t len)
{
    size_t from = 0;
    do {
        size_t end = end_of_piece(cfg, payload, from, len);
        if (cfg->empty)
            add_piece(pieces, NULL, 0, false);
        add_piece(pieces, payload + from, end - from, end == len && !cfg->empty);
        from = end;
    } while (from < len);
    if (cfg->empty)
        add_piece(pieces, NULL, 0, true);
}

static void replace(struct fault *f, struct unit *u)
{
    struct pieces pieces = {.fault = f, .dir = u->dir, .head = u->frame};
    uint8_t *payload = message_payload(u);
    text_init(&pieces.out);
    cut_up(&pieces, fault_config(f), payload, u->frame.payload_len);
    fault_replace(f, u, text_chars(&pieces.out), pieces.out.len);
    text_fini(&pieces.out);
    free(payload);
}

static void split(struct fault *f, struct unit *u)
{
    const struct fragment *cfg = fault_config(f);
    struct fragment_state *state = fault_state(f);
    bool worth_it = cfg->empty || u->frame.payload_len > cfg->size;
    if (!frame_is_control(u->frame.opcode) && message_is_whole(u) && worth_it &&
        message_selects(f, &cfg->message, &state->message, u))
        replace(f, u);
    else
        fault_pass(f, u);
}

static bool check(const void *config, const char **param, struct text *why)
{
    return message_check(&((const struct fragment *)config)->message, param, why);
}

const struct fault_desc fragment_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "fragment",
    .brief = "split messages into many frames",
    .doc =
        "The receiver gets the same messages in more frames, as from an intermediary with small buffers, "
        "which RFC 6455 5.4 allows; the sender notices nothing. All fragments of a message come "
        "together. A good endpoint joins them, whatever their size, empty ones too, and checks UTF-8 "
        "over the whole message and not in each. Control frames (RFC 6455 5.5), messages that come "
        "in fragments already, and those larger than 64KiB pass as they are.",
    .example = "fragment: {size: 2B, empty: true, direction: to_client}",
    .dirs = DIR_BOTH,
    .messages = true,
    .whole_frames = MESSAGE_WHOLE_BYTES,
    .params = params,
    .check = check,
    .config_size = sizeof(struct fragment),
    .state_size = sizeof(struct fragment_state),
    .ops = {.on_frame = split},
};

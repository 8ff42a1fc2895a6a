/* bad_frame: frames that RFC 6455 forbids. */
#include <string.h>

#include "fault/lib/message.h"

enum quirk { AS_IT_SHOULD, WRONG_MASK, LONG_LENGTH, TOP_BIT, WITH_CODE };

struct bad_frame {
    int what;
    uint64_t code, times;
    nsec gap;
};

struct bad_state {
    bool closed[DIRS];
    uint64_t sent;
};

static const char *const whats[] = {"reserved_bits",
                                    "reserved_opcode",
                                    "reserved_control",
                                    "masking",
                                    "long_length",
                                    "huge_length",
                                    "large_control",
                                    "fragmented_control",
                                    "orphan_continuation",
                                    "nested_message",
                                    "bad_utf8",
                                    "bad_close_code",
                                    "short_close",
                                    "bad_close_reason",
                                    "compressed_control",
                                    "compressed_continuation",
                                    "bad_deflate",
                                    NULL};

/* What is sent for each of them: one frame, or two. */
struct recipe {
    uint8_t opcode, rsv;
    bool more; /* not final */
    enum quirk quirk;
    const char *payload;
    size_t len; /* 0: to its NUL */
};

#define LARGE_CONTROL (FRAME_CONTROL_MAX + 1)

static const struct recipe recipes[][2] = {
    {{.opcode = OPCODE_TEXT, .rsv = RSV2, .payload = "halfopen"}},
    {{.opcode = 0x3, .payload = "halfopen"}},
    {{.opcode = 0xb, .payload = "halfopen"}},
    {{.opcode = OPCODE_TEXT, .quirk = WRONG_MASK, .payload = "halfopen"}},
    {{.opcode = OPCODE_TEXT, .quirk = LONG_LENGTH, .payload = "halfopen"}},
    {{.opcode = OPCODE_TEXT, .quirk = TOP_BIT, .payload = "halfopen"}},
    {{.opcode = OPCODE_PING, .payload = "", .len = LARGE_CONTROL}},
    {{.opcode = OPCODE_PING, .more = true, .payload = "halfopen"}},
    {{.opcode = OPCODE_CONTINUATION, .payload = "halfopen"}},
    {{.opcode = OPCODE_TEXT, .more = true, .payload = "half"},
     {.opcode = OPCODE_TEXT, .payload = "open"}},
    {{.opcode = OPCODE_TEXT, .payload = "half\xffopen"}},
    {{.opcode = OPCODE_CLOSE, .quirk = WITH_CODE, .payload = "\0\0", .len = 2}},
    {{.opcode = OPCODE_CLOSE, .payload = "\x03"}},
    {{.opcode = OPCODE_CLOSE, .payload = "\x03\xe8\xff\xfe"}},
    {{.opcode = OPCODE_PING, .rsv = RSV1, .payload = "halfopen"}},
    {{.opcode = OPCODE_TEXT, .more = true, .payload = "half"},
     {.opcode = OPCODE_CONTINUATION, .rsv = RSV1, .payload = "open"}},
    /* RFC 1951 3.2.3: blocks of type 3 are an error. */
    {{.opcode = OPCODE_TEXT, .rsv = RSV1, .payload = "\x06halfopen"}},
};

static const struct param params[] = {
    P_CHOICE(
        bad_frame, what, .def = "reserved_bits", .choices = whats,
        .doc =
            "RSV2 set; opcode 0x3; opcode 0xb; masked towards the client or unmasked towards the "
            "server; 8 bytes declared in a 16-bit length; a 64-bit length with the top bit; a "
            "ping of 126 bytes; a ping that is not final; a continuation of nothing; a new "
            "message inside a fragmented one; text that is no UTF-8; a Close with `code`; a "
            "Close of one byte; a Close whose reason is no UTF-8; a ping with RSV1; a message of "
            "two frames of which the second has RSV1; a compressed message that does not inflate "
            "(the last three are forbidden with permessage-deflate too, RFC 7692 6.1)"),
    P_COUNT(bad_frame, code, .def = "1006", .max = "65535", .doc = "of bad_close_code"),
    P_COUNT(bad_frame, times, .def = "1", .min = "1", .max = "1000", .doc = "how often it is sent"),
    P_DURATION(bad_frame, gap, .def = "1s", .min = "1ms", .max = "1h",
               .doc = "from one to the next"),
    P_END,
};

/* --- Making it --- */

static size_t fill(const struct bad_frame *cfg, const struct recipe *recipe,
                   uint8_t payload[LARGE_CONTROL])
{
    size_t len = recipe->len > 0 ? recipe->len : strlen(recipe->payload);
    memset(payload, 'x', LARGE_CONTROL);
    if (len <= FRAME_CONTROL_MAX)
        memcpy(payload, recipe->payload, len);
    if (recipe->quirk == WITH_CODE) {
        payload[0] = (uint8_t)(cfg->code >> 8);
        payload[1] = (uint8_t)cfg->code;
    }
    return len;
}

static void add_odd_head(struct fault *f, enum dir d, const struct recipe *recipe, size_t len,
                         struct frame_head *head, struct text *out)
{
    uint8_t bytes[FRAME_HEAD_MAX];
    bool masked = (d == TO_SERVER) != (recipe->quirk == WRONG_MASK);
    *head = (struct frame_head){.fin = true, .opcode = recipe->opcode, .masked = masked};
    head->payload_len = recipe->quirk == TOP_BIT ? len | (uint64_t)1 << 63 : len;
    if (masked)
        message_fresh_key(f, head->mask_key);
    if (recipe->quirk == LONG_LENGTH)
        head->head_len = masked ? 8 : 4;
    text_add_bytes(out, bytes, frame_encode_head(head, bytes));
}

static void add_odd_frame(struct fault *f, enum dir d, const struct recipe *recipe,
                          const uint8_t *payload, size_t len, struct text *out)
{
    struct frame_head head;
    add_odd_head(f, d, recipe, len, &head, out);
    size_t from = out->len;
    text_add_bytes(out, payload, len);
    if (head.masked)
        frame_mask((uint8_t *)out->chars + from, len, head.mask_key, 0);
}

static void add_bad(struct fault *f, enum dir d, const struct recipe *recipe, struct text *out)
{
    uint8_t payload[LARGE_CONTROL];
    size_t len = fill(fault_config(f), recipe, payload);
    const struct frame_head head = {
        .fin = !recipe->more, .rsv = recipe->rsv, .opcode = recipe->opcode};
    if (recipe->quirk == AS_IT_SHOULD || recipe->quirk == WITH_CODE)
        message_add_frame(f, d, &head, payload, len, out);
    else
        add_odd_frame(f, d, recipe, payload, len, out);
}

/* --- Sending it --- */

static void send(struct fault *f, enum dir d)
{
    const struct bad_frame *cfg = fault_config(f);
    const struct bad_state *state = fault_state(f);
    const struct recipe *recipe = recipes[cfg->what];
    struct text frames;
    if (!fault_acts_on(f, d) || state->closed[d])
        return;
    text_init(&frames);
    add_bad(f, d, &recipe[0], &frames);
    if (recipe[1].payload)
        add_bad(f, d, &recipe[1], &frames);
    (void)fault_inject_at(f, d, text_chars(&frames), frames.len, fault_now(f)); /* full: not now */
    text_fini(&frames);
}

static void strike(struct fault *f)
{
    const struct bad_frame *cfg = fault_config(f);
    struct bad_state *state = fault_state(f);
    send(f, TO_CLIENT);
    send(f, TO_SERVER);
    if (++state->sent < cfg->times)
        fault_wake(f, nsec_add(fault_now(f), cfg->gap));
}

/* RFC 6455 5.5.1: what comes after a Close is not looked at. */
static void watch(struct fault *f, struct unit *u)
{
    struct bad_state *state = fault_state(f);
    if (u->frame.opcode == OPCODE_CLOSE)
        state->closed[u->dir] = true;
    fault_pass(f, u);
}

const struct fault_desc bad_frame_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "bad_frame",
    .brief = "send a frame that the protocol forbids",
    .doc =
        "Between two messages of its peer the endpoint gets a frame that breaks RFC 6455, as from a buggy "
        "server, an intermediary that mixes up two connections, or an attacker; it comes when the "
        "WebSocket opens, or at once on one that is open. A good endpoint fails the connection as 7.1.7 "
        "says: with 1002, or 1007 for text and reasons that are no UTF-8, and without handing "
        "the payload on. One that goes on reads what follows at the wrong place, sooner or later.",
    .example = "bad_frame: {what: reserved_bits, direction: to_client}",
    .dirs = DIR_BOTH,
    .params = params,
    .config_size = sizeof(struct bad_frame),
    .state_size = sizeof(struct bad_state),
    .ops = {.on_open = strike, .on_frame = watch, .on_timer = strike},
};

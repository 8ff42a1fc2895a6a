/* inject: frames of ours, legal or not. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fault/lib/inject.h"
#include "fault/lib/message.h"
#include "ws/close.h"

#define FRAMES_LIMIT 16

enum where { BETWEEN_MESSAGES, BETWEEN_FRAMES };
static const char *const places[] = {"messages", "frames", NULL};

struct inject {
    char *frames;
    int between;
};

static const struct param params[] = {
    P_TEXT(inject, frames, .json = true,
           .doc =
               "a frame, or a list of up to 16, each {opcode: text, binary, continuation, close, "
               "ping, pong or 0 to 15; fin: false; rsv: 0 to 7, RSV1 is 4; mask: true or false "
               "(as it should be when absent); payload: text, or binary: in hexadecimal, or code "
               "and reason of a Close; length: what the head declares; length_bits: 7, 16 or 64}"),
    P_CHOICE(inject, between, .def = "messages", .choices = places,
             .doc = "of the peer: where they go; between frames may be inside a message"),
    P_END,
};

/* --- What a frame is --- */

enum masking { AS_IT_SHOULD, MASKED, BARE };

struct frame {
    struct frame_head head;
    enum masking masking;
    uint64_t length_bits; /* 0: as few as it takes */
    bool lies;            /* head.payload_len is not that of the payload */
    struct text payload;
};

static const struct {
    const char *name;
    uint8_t opcode;
} opcodes[] = {{"text", OPCODE_TEXT},   {"binary", OPCODE_BINARY}, {"continuation", 0},
               {"close", OPCODE_CLOSE}, {"ping", OPCODE_PING},     {"pong", OPCODE_PONG}};

/* A member of a frame: false leaves why. */
typedef bool member(struct frame *, const json_t *value, struct text *why);

static bool read_number(const json_t *value, const char *name, uint64_t most, uint64_t *out,
                        struct text *why)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > most) {
        text_addf(why, "'%s' of a frame is no number from 0 to %llu", name,
                  (unsigned long long)most);
        return false;
    }
    *out = (uint64_t)number;
    return true;
}

static bool read_flag(const json_t *value, const char *name, bool *out, struct text *why)
{
    if (!json_is_boolean(value))
        text_addf(why, "'%s' of a frame is true or false", name);
    *out = json_is_true(value);
    return json_is_boolean(value);
}

static bool read_opcode(struct frame *frame, const json_t *value, struct text *why)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < sizeof opcodes / sizeof *opcodes; i++)
        if (strcmp(opcodes[i].name, name) == 0) {
            frame->head.opcode = opcodes[i].opcode;
            return true;
        }
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= 0 && number <= 15) {
        frame->head.opcode = (uint8_t)number;
        return true;
    }
    text_add(why, "'opcode' of a frame is one of text, binary, continuation, close, ping, pong, or "
                  "a number from 0 to 15");
    return false;
}

static bool read_fin(struct frame *frame, const json_t *value, struct text *why)
{
    return read_flag(value, "fin", &frame->head.fin, why);
}

static bool read_rsv(struct frame *frame, const json_t *value, struct text *why)
{
    uint64_t rsv = 0;
    bool good = read_number(value, "rsv", 7, &rsv, why);
    frame->head.rsv = (uint8_t)rsv;
    return good;
}

static bool read_mask(struct frame *frame, const json_t *value, struct text *why)
{
    bool masked = false;
    bool good = read_flag(value, "mask", &masked, why);
    frame->masking = masked ? MASKED : BARE;
    return good;
}

static bool has_room(struct frame *frame, struct text *why)
{
    if (frame->payload.len > INJECT_LIMIT_BYTES)
        text_add(why, "the payload of a frame is too long: at most 64KiB");
    return frame->payload.len <= INJECT_LIMIT_BYTES;
}

static bool read_payload(struct frame *frame, const json_t *value, struct text *why)
{
    char *other = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    text_add(&frame->payload, other ? other : json_string_value(value));
    free(other);
    return has_room(frame, why);
}

static bool read_binary(struct frame *frame, const json_t *value, struct text *why)
{
    char *other = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    bool good = text_add_hex(&frame->payload, other ? other : json_string_value(value));
    free(other);
    if (!good)
        text_add(why, "'binary' of a frame is not hexadecimal: two digits a byte are expected, as "
                      "in 00ff10");
    return good && has_room(frame, why);
}

static bool read_code(struct frame *frame, const json_t *value, struct text *why)
{
    uint64_t code = 0;
    if (!read_number(value, "code", 65535, &code, why))
        return false;
    const uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    text_add_bytes(&frame->payload, bytes, sizeof bytes);
    return true;
}

static bool read_length(struct frame *frame, const json_t *value, struct text *why)
{
    frame->lies = true;
    return read_number(value, "length", INT64_MAX, &frame->head.payload_len, why);
}

static bool read_length_bits(struct frame *frame, const json_t *value, struct text *why)
{
    uint64_t bits = 0;
    if (read_number(value, "length_bits", 64, &bits, why) && bits != 7 && bits != 16 && bits != 64)
        text_add(why, "'length_bits' of a frame is 7, 16 or 64");
    frame->length_bits = bits;
    return why->len == 0;
}

/* In this order, so that a reason follows its code. */
static const struct {
    const char *name;
    member *read;
} members[] = {{"opcode", read_opcode},   {"fin", read_fin},
               {"rsv", read_rsv},         {"mask", read_mask},
               {"code", read_code},       {"reason", read_payload},
               {"payload", read_payload}, {"binary", read_binary},
               {"length", read_length},   {"length_bits", read_length_bits}};
#define MEMBERS (sizeof members / sizeof *members)

static bool is_member(const char *name)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(members[i].name, name) == 0)
            return true;
    return false;
}

static bool knows_members(json_t *object, struct text *why)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!is_member(key)) {
            text_addf(why,
                      "a frame has no '%s': opcode, fin, rsv, mask, payload, binary, code, "
                      "reason, length, length_bits",
                      key);
            return false;
        }
    }
    bool both = json_object_get(object, "payload") && json_object_get(object, "binary");
    bool coded = json_object_get(object, "code") != NULL;
    if (both ||
        (coded && (json_object_get(object, "payload") || json_object_get(object, "binary"))) ||
        (!coded && json_object_get(object, "reason")))
        text_add(why, "the payload of a frame is one of payload, binary, and code with or without "
                      "reason");
    return why->len == 0;
}

/* How many bytes of length a head of so many bits has, RFC 6455 5.2. */
static uint8_t head_len_of(const struct frame *frame, bool masked)
{
    if (frame->length_bits == 0)
        return 0;
    return (uint8_t)(2 +
                     (frame->length_bits == 16   ? 2
                      : frame->length_bits == 64 ? 8
                                                 : 0) +
                     (masked ? 4 : 0));
}

static bool fits_its_length(const struct frame *frame, struct text *why)
{
    uint64_t len = frame->lies ? frame->head.payload_len : frame->payload.len;
    bool fits = frame->length_bits == 0 || frame->length_bits == 64 ||
                len <= (frame->length_bits == 7 ? 125u : 65535u);
    if (!fits)
        text_addf(why, "a length of %llu does not fit in %llu bits", (unsigned long long)len,
                  (unsigned long long)frame->length_bits);
    return fits;
}

/* false: why tells. The payload is the caller's to free either way. */
static bool read_frame(json_t *object, struct frame *frame, struct text *why)
{
    *frame = (struct frame){.head = {.fin = true, .opcode = OPCODE_TEXT}};
    text_init(&frame->payload);
    if (!json_is_object(object)) {
        text_add(why, "a frame is a mapping, as in {opcode: ping, payload: hello}");
        return false;
    }
    if (!knows_members(object, why))
        return false;
    for (size_t i = 0; i < MEMBERS; i++) {
        const json_t *value = json_object_get(object, members[i].name);
        if (value && !members[i].read(frame, value, why))
            return false;
    }
    return fits_its_length(frame, why);
}

/* --- Making it --- */

static void add_frame(struct fault *f, enum dir d, struct frame *frame, struct text *out)
{
    uint8_t bytes[FRAME_HEAD_MAX];
    struct frame_head head = frame->head;
    head.masked = frame->masking == AS_IT_SHOULD ? d == TO_SERVER : frame->masking == MASKED;
    head.payload_len = frame->lies ? head.payload_len : frame->payload.len;
    head.head_len = head_len_of(frame, head.masked);
    if (head.masked)
        message_fresh_key(f, head.mask_key);
    text_add_bytes(out, bytes, frame_encode_head(&head, bytes));
    size_t from = out->len;
    text_add_bytes(out, text_chars(&frame->payload), frame->payload.len);
    if (head.masked && frame->payload.len > 0)
        frame_mask((uint8_t *)out->chars + from, frame->payload.len, head.mask_key, 0);
}

/* f NULL: only looks at them. false: why tells. */
static bool read_frames(const struct inject *cfg, struct fault *f, enum dir d, struct text *out,
                        struct text *why)
{
    json_error_t error;
    json_t *all = json_loads(cfg->frames, 0, &error);
    size_t count = json_is_array(all) ? json_array_size(all) : 1;
    if (!all)
        text_addf(why, "'frames' is no JSON: %s", error.text);
    else if (count == 0 || count > FRAMES_LIMIT)
        text_addf(why, "'frames' is a list of %zu: 1 to %d are expected", count, FRAMES_LIMIT);
    for (size_t i = 0; i < count && why->len == 0; i++) {
        struct frame frame;
        json_t *object = json_is_array(all) ? json_array_get(all, i) : all;
        if (read_frame(object, &frame, why) && f)
            add_frame(f, d, &frame, out);
        text_fini(&frame.payload);
    }
    json_decref(all);
    return why->len == 0;
}

static bool check(const void *config, const char **param, struct text *why)
{
    struct text out;
    text_init(&out);
    *param = "frames";
    bool good = read_frames(config, NULL, TO_CLIENT, &out, why);
    text_fini(&out);
    return good;
}

static void put_in(struct fault *f, enum dir d)
{
    const struct inject *cfg = fault_config(f);
    struct text out, why;
    if (!fault_acts_on(f, d))
        return;
    text_init(&out);
    text_init(&why);
    if (read_frames(cfg, f, d, &out, &why)) {
        if (cfg->between == BETWEEN_FRAMES)
            (void)fault_inject(f, d, text_chars(&out), out.len); /* full: not now */
        else
            (void)fault_inject_at(f, d, text_chars(&out), out.len, fault_now(f));
    }
    text_fini(&out);
    text_fini(&why);
}

static void strike(struct fault *f)
{
    put_in(f, TO_CLIENT);
    put_in(f, TO_SERVER);
}

const struct fault_desc inject_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "inject",
    .brief = "put in frames of your own, legal or not",
    .doc =
        "Each open connection gets the frames in the name of the peer, one right behind the other, "
        "as they are written: nothing is put right but what is left out. They are recorded as "
        "halfopen's (ws.injected) and held against nobody, nor is the end of a connection that "
        "fails because of them. What a good endpoint does depends on the frames; those that RFC "
        "6455 forbids make it fail the connection (7.1.7), with 1002 or 1007. The fault bad_frame "
        "has the usual violations ready.",
    .example =
        "inject: {to: client, frames: [{opcode: text, fin: false, payload: half}, {opcode: ping}]}",
    .dirs = DIR_BOTH,
    .usual_dirs = DIR_MASK(TO_CLIENT),
    .speaks = true,
    .instant = true,
    .params = params,
    .config_size = sizeof(struct inject),
    .check = check,
    .ops = {.on_open = strike},
};

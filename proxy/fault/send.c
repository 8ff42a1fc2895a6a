/* send: a data message of ours. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fault/lib/inject.h"

struct send {
    char *text, *json, *binary;
};

static const struct param params[] = {
    P_TEXT(send, text, .def = "", .doc = "the message, as a text message"),
    P_TEXT(send, json, .def = "", .json = true,
           .doc = "the message as JSON, in a file as a mapping or a list; a text message too"),
    P_TEXT(send, binary, .def = "", .doc = "the message in hexadecimal, as a binary message"),
    P_END,
};

static bool is_given(const char *value)
{
    return value && *value;
}

static size_t len_of(const char *value)
{
    return value ? strlen(value) : 0;
}

static bool check_json(const char *written, struct text *why)
{
    json_error_t error;
    json_t *json = json_loads(written, JSON_DECODE_ANY, &error);
    if (!json)
        text_addf(why, "'json' is no JSON: %s", error.text);
    json_decref(json);
    return json != NULL;
}

static bool check(const void *config, const char **param, struct text *why)
{
    const struct send *cfg = config;
    struct text bytes;
    int given = is_given(cfg->text) + is_given(cfg->json) + is_given(cfg->binary);
    text_init(&bytes);
    if (given != 1) {
        text_add(why, "a message is one of text, json and binary, as in text: hello");
    } else if (is_given(cfg->json) && !check_json(cfg->json, why)) {
        *param = "json";
    } else if (is_given(cfg->binary) && !text_add_hex(&bytes, cfg->binary)) {
        *param = "binary";
        text_add(why, "'binary' is not hexadecimal: two digits a byte are expected, as in 00ff10");
    } else if (len_of(cfg->text) > INJECT_LIMIT_BYTES || len_of(cfg->json) > INJECT_LIMIT_BYTES ||
               bytes.len > INJECT_LIMIT_BYTES) {
        text_add(why, "the message is too long: at most 64KiB");
    }
    text_fini(&bytes);
    return why->len == 0;
}

static void say(struct fault *f, enum dir d)
{
    const struct send *cfg = fault_config(f);
    struct text payload;
    if (!fault_acts_on(f, d))
        return;
    text_init(&payload);
    uint8_t opcode = is_given(cfg->binary) ? OPCODE_BINARY : OPCODE_TEXT;
    if (is_given(cfg->binary))
        (void)text_add_hex(&payload, cfg->binary); /* checked */
    else
        text_add(&payload, is_given(cfg->json) ? cfg->json : cfg->text);
    (void)inject_message(f, d, opcode, text_chars(&payload), payload.len); /* full: not now */
    text_fini(&payload);
}

static void speak(struct fault *f)
{
    say(f, TO_CLIENT);
    say(f, TO_SERVER);
}

const struct fault_desc send_fault = {
    .layer = LAYER_WEBSOCKET,
    .name = "send",
    .brief = "send a message in the name of the peer",
    .doc =
        "Each open connection carries one more message, between two of the peer's own: towards the "
        "client as from the server, towards the server as from the client, masked. It is recorded "
        "as halfopen's (ws.injected) and held against nobody; what the endpoint does about it is "
        "its own. A good endpoint that gets a message it does not expect goes on.",
    .example = "send: {to: client, json: {type: notice, text: maintenance}}",
    .dirs = DIR_BOTH,
    .usual_dirs = DIR_MASK(TO_CLIENT),
    .speaks = true,
    .instant = true,
    .params = params,
    .config_size = sizeof(struct send),
    .check = check,
    .ops = {.on_open = speak},
};

#include "fault/lib/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *const message_opcodes[] = {"data",  "text",    "binary", "ping", "pong",
                                       "close", "control", "any",    NULL};

/* --- Selection --- */

static bool opcode_fits(int wanted, uint8_t opcode)
{
    switch ((enum message_opcode)wanted) {
    case MESSAGE_DATA:
        return opcode == OPCODE_TEXT || opcode == OPCODE_BINARY;
    case MESSAGE_TEXT:
        return opcode == OPCODE_TEXT;
    case MESSAGE_BINARY:
        return opcode == OPCODE_BINARY;
    case MESSAGE_PING:
        return opcode == OPCODE_PING;
    case MESSAGE_PONG:
        return opcode == OPCODE_PONG;
    case MESSAGE_CLOSE:
        return opcode == OPCODE_CLOSE;
    case MESSAGE_CONTROL:
        return frame_is_control(opcode);
    case MESSAGE_ANY:
        return opcode != OPCODE_CONTINUATION;
    }
    return false;
}

static bool payload_fits(const struct pattern *pattern, const struct unit *u)
{
    if (!pattern)
        return true;
    if (!message_is_whole(u) || u->frame.rsv != 0)
        return false;
    uint8_t *payload = message_payload(u);
    bool fits = pattern_matches(pattern, payload, u->frame.payload_len);
    free(payload);
    return fits;
}

bool message_selects(struct fault *f, const struct message_choice *choice,
                     struct message_state *state, const struct unit *u)
{
    if (u->kind != UNIT_FRAME || !opcode_fits(choice->opcode, u->frame.opcode))
        return false;
    if (u->frame.payload_len < choice->min_size || u->frame.payload_len > choice->max_size)
        return false;
    if (!payload_fits(choice->match, u))
        return false;
    if (++state->seen[u->dir] % choice->every != 0)
        return false;
    return choice->chance >= 1 || rng_unit(fault_rng(f)) < choice->chance;
}

bool message_check(const struct message_choice *choice, const char **param, struct text *why)
{
    if (choice->min_size <= choice->max_size)
        return true;
    *param = "min_size";
    text_add(why, "'min_size' is more than 'max_size': no message is selected");
    return false;
}

/* --- Looking at units --- */

bool message_is_whole(const struct unit *u)
{
    return u->kind == UNIT_FRAME && u->whole && u->frame.fin &&
           u->frame.payload_len <= MESSAGE_WHOLE_BYTES;
}

bool message_is_head(const struct unit *u)
{
    return u->kind == UNIT_FRAME && !u->last && u->len == u->frame.head_len;
}

uint8_t *message_payload(const struct unit *u)
{
    size_t len = u->frame.payload_len;
    uint8_t *payload = xmalloc(len + 1);
    memcpy(payload, u->bytes + u->len - len, len);
    if (u->frame.masked)
        frame_mask(payload, len, u->frame.mask_key, 0);
    return payload;
}

/* --- Frames of ours --- */

enum dir message_back(enum dir d)
{
    return d == TO_SERVER ? TO_CLIENT : TO_SERVER;
}

void message_fresh_key(struct fault *f, uint8_t key[4])
{
    uint32_t random = 0;
    while (random == 0)
        random = (uint32_t)rng_next(fault_rng(f));
    memcpy(key, &random, 4);
}

void message_add_frame(struct fault *f, enum dir d, const struct frame_head *like,
                       const void *payload, size_t len, struct text *out)
{
    uint8_t head_bytes[FRAME_HEAD_MAX];
    struct frame_head head = {
        .fin = like->fin, .rsv = like->rsv, .opcode = like->opcode, .payload_len = len};
    head.masked = d == TO_SERVER;
    if (head.masked)
        message_fresh_key(f, head.mask_key);
    text_add_bytes(out, head_bytes, frame_encode_head(&head, head_bytes));
    size_t from = out->len;
    if (len > 0)
        text_add_bytes(out, payload, len);
    if (head.masked && len > 0)
        frame_mask((uint8_t *)out->chars + from, len, head.mask_key, 0);
}

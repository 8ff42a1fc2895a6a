/* What the messages of a client and of its server hold, kind by kind: JSON, other text or binary.
 * Each kind is told once under each opcode. Kinds are many where messages are all different: those
 * that fit their opcode are told up to a limit, those that do not up to one of their own. */
#include "core/internal.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ws/signature.h"

#define FITTING_LIMIT 256
#define ODD_LIMIT     64
#define TABLE_SIZE    1024 /* a power of two, larger than all that may be in it */

struct message_classes {
    uint64_t told[TABLE_SIZE]; /* signature and opcode; 0: free */
    size_t fitting, odd;
};

_Static_assert(FITTING_LIMIT + ODD_LIMIT < TABLE_SIZE / 2, "the table stays half empty");

void classes_fini(struct run *run)
{
    for (unsigned i = 0; i < run->plan->clients; i++)
        for (int d = 0; d < DIRS; d++)
            free(run->clients[i].classes[d]);
}

/* Where the key is, or would be. */
static uint64_t *place_of(struct message_classes *classes, uint64_t key)
{
    size_t at = (size_t)key % TABLE_SIZE;
    while (classes->told[at] != 0 && classes->told[at] != key)
        at = (at + 1) % TABLE_SIZE;
    return &classes->told[at];
}

static uint8_t opcode_of(const struct event *message)
{
    return (uint8_t)(message->kind == EV_WS_MESSAGE ? message->ws_message.opcode
                                                    : message->ws_frame.opcode);
}

/* RFC 6455 5.6: text is UTF-8. JSON is text. */
static bool is_odd(uint8_t opcode, enum content content)
{
    return opcode == OPCODE_TEXT ? content == CONTENT_BINARY : content == CONTENT_JSON;
}

static bool has_room(struct message_classes *classes, uint8_t opcode, enum content content)
{
    if (is_odd(opcode, content))
        return classes->odd++ < ODD_LIMIT;
    return classes->fitting++ < FITTING_LIMIT;
}

static void emit(struct session *s, const struct event *message, uint64_t signature,
                 enum content content)
{
    char sig[SIGNATURE_DIGITS + 1];
    struct event ev = {.kind = EV_WS_CLASS, .side = message->side, .by = message->by};
    signature_digits(signature, sig);
    ev.ws_class = (struct ev_ws_class){.frame = message->seq,
                                       .opcode = opcode_of(message),
                                       .sig = sig,
                                       .content = content_name(content)};
    session_emit(s, ev);
}

void classes_look(struct session *s, const struct event *message, const uint8_t *bytes, size_t len,
                  enum content_part part, uint64_t signature)
{
    struct message_classes **classes =
        &s->run->clients[s->client].classes[dir_of_source(message->side)];
    uint64_t key = (signature ^ opcode_of(message)) | 1;
    if (len == 0)
        return;
    if (!*classes)
        *classes = xcalloc(1, sizeof **classes);
    uint64_t *place = place_of(*classes, key);
    if (*place != 0)
        return;
    enum content content = content_of(bytes, len, part);
    if (!has_room(*classes, opcode_of(message), content))
        return;
    *place = key;
    emit(s, message, signature, content);
}

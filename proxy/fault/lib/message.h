/* Which messages a fault is about, and how frames of ours are made. Every fault on messages has the
 * same parameters: a member `struct message_choice message` in its config, the rows
 * MESSAGE_PARAMS(structure) in its table, and a `struct message_state` in its state. */
#ifndef HALFOPEN_FAULT_LIB_MESSAGE_H
#define HALFOPEN_FAULT_LIB_MESSAGE_H

#include "base/text.h"
#include "fault/fault.h"

/* Payloads are looked at up to this size. What is larger, fragmented or compressed never matches a
 * pattern; opcode and size (of a fragmented one: of its first frame) still select it. */
#define MESSAGE_WHOLE_BYTES (64 << 10)

enum message_opcode {
    MESSAGE_DATA,
    MESSAGE_TEXT,
    MESSAGE_BINARY,
    MESSAGE_PING,
    MESSAGE_PONG,
    MESSAGE_CLOSE,
    MESSAGE_CONTROL,
    MESSAGE_ANY
};

struct message_choice {
    int opcode;
    uint64_t min_size, max_size;
    struct pattern *match; /* NULL: any */
    uint64_t every;
    double chance;
};

struct message_state {
    uint64_t seen[DIRS]; /* that fit in every other respect */
};

extern const char *const message_opcodes[]; /* in the order of enum message_opcode */

/* clang-format off */
#define MESSAGE_PARAMS(structure)                                                                  \
    {.name = "opcode", .type = PARAM_CHOICE, .def = "data", .choices = message_opcodes,            \
     .offset = PARAM_FIELD(structure, message.opcode, int),                                        \
     .doc = "which messages: data (text and binary), one opcode, control (ping, pong, close), any"}, \
    {.name = "min_size", .type = PARAM_SIZE, .def = "0B", .max = "1024GiB",                           \
     .offset = PARAM_FIELD(structure, message.min_size, uint64_t),                                 \
     .doc = "payload of this size or more; of a fragmented message the first frame counts"},      \
    {.name = "max_size", .type = PARAM_SIZE, .def = "1024GiB", .max = "1024GiB",                         \
     .offset = PARAM_FIELD(structure, message.max_size, uint64_t),                                 \
     .doc = "payload of this size or less"},                                                      \
    {.name = "match", .type = PARAM_PATTERN, .def = "",                                            \
     .offset = PARAM_FIELD(structure, message.match, struct pattern *),                            \
     .doc = "PCRE2 pattern found somewhere in the payload; messages that are fragmented, or larger than " \
            "64KiB, cannot be looked at and never match"},                                        \
    {.name = "every", .type = PARAM_COUNT, .def = "1", .min = "1", .max = "1000000",               \
     .offset = PARAM_FIELD(structure, message.every, uint64_t),                                    \
     .doc = "only every Nth of those, counted per connection and direction: 3 is the third, the sixth"}, \
    {.name = "chance", .type = PARAM_RATIO, .def = "100%", .min = "0%", .max = "100%",             \
     .offset = PARAM_FIELD(structure, message.chance, double),                                     \
     .doc = "share of what is left, by dice for each message (`probability` is for each connection)"}
/* clang-format on */

/* Asked once per frame, for faults on messages once per message: it counts. Continuation frames are
 * never selected. */
bool message_selects(struct fault *, const struct message_choice *, struct message_state *,
                     const struct unit *);
/* For fault_desc.check: sizes the right way round. */
bool message_check(const struct message_choice *, const char **param, struct text *why);
/* An unfragmented frame whose payload is at hand. */
bool message_is_whole(const struct unit *);
/* Unit's bytes are exactly a frame's head, and its payload is still to come. */
bool message_is_head(const struct unit *);
/* The unmasked payload of a whole frame; the caller frees it. Its length is frame.payload_len. */
uint8_t *message_payload(const struct unit *);

/* Adds a frame with the head's fin, rsv and opcode; towards the server masked with a fresh key,
 * towards the client not. */
void message_add_frame(struct fault *, enum dir, const struct frame_head *, const void *payload,
                       size_t len, struct text *out);
void message_fresh_key(struct fault *, uint8_t key[4]); /* never zero, which would mask nothing */
enum dir message_back(enum dir);                        /* the other direction */

#endif

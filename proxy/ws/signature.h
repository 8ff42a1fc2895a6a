/* What a message says and what kind of message it is, as hashes (RULES 5.1.1). In the kind, decimal
 * runs, runs of 8 or more hexadecimal digits and UUIDs are one and the same mark, so that "tick 9"
 * and "tick 10" are of one kind. */
#ifndef HALFOPEN_WS_SIGNATURE_H
#define HALFOPEN_WS_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNATURE_LIMIT_BYTES ((size_t)4096) /* what lies beyond is not looked at */

struct signature {
    uint64_t content; /* of the first bytes and the length */
    uint64_t kind;    /* of the first bytes, masked */
};

/* payload: the start of the message, unmasked and inflated, at least SIGNATURE_LIMIT_BYTES of it or
 * all; total_len: of the whole message. key: per run. */
struct signature signature_of(uint64_t key, const uint8_t *payload, size_t len, uint64_t total_len);
uint64_t signature_content(uint64_t key, const uint8_t *payload, size_t len, uint64_t total_len);
/* Either of them as it is written in traces: hexadecimal, with a NUL. */
#define SIGNATURE_DIGITS 16
void signature_digits(uint64_t, char out[SIGNATURE_DIGITS + 1]);
/* The masked text itself; out has room for SIGNATURE_LIMIT_BYTES. Returns its length. */
size_t signature_mask(const uint8_t *payload, size_t len, uint8_t *out);

/* What one mark of the masked text stands for. Messages of one kind have the same marks. */
struct signature_mark {
    size_t from, len;
    bool decimal;
};

/* The first marks, in order; returns how many, at most room. */
size_t signature_marks(const uint8_t *payload, size_t len, struct signature_mark *out, size_t room);

#endif

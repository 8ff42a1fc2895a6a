/* Close codes and the payload of Close frames (RFC 6455 5.5.1, 7.4; IANA registry). */
#ifndef HALFOPEN_WS_CLOSE_H
#define HALFOPEN_WS_CLOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOSE_REASON_MAX 123 /* bytes */

enum {
    CLOSE_NORMAL = 1000,
    CLOSE_GOING_AWAY = 1001,
    CLOSE_PROTOCOL_ERROR = 1002,
    CLOSE_UNSUPPORTED_DATA = 1003,
    CLOSE_NO_STATUS = 1005,
    CLOSE_ABNORMAL = 1006,
    CLOSE_INVALID_PAYLOAD = 1007,
    CLOSE_POLICY_VIOLATION = 1008,
    CLOSE_TOO_BIG = 1009,
    CLOSE_MANDATORY_EXTENSION = 1010,
    CLOSE_INTERNAL_ERROR = 1011,
    CLOSE_SERVICE_RESTART = 1012,
    CLOSE_TRY_AGAIN_LATER = 1013,
    CLOSE_BAD_GATEWAY = 1014,
    CLOSE_TLS_HANDSHAKE = 1015
};

/* "going away"; for ranges "library or framework", "application"; "unassigned" otherwise. */
const char *close_name(uint16_t code);
/* RFC 6455 7.4.1, 7.4.2: may stand in a Close frame. */
bool close_may_be_sent(uint16_t code);

struct close_payload {
    uint16_t code;         /* CLOSE_NO_STATUS when it carries none */
    const uint8_t *reason; /* into the bytes parsed; not terminated */
    size_t reason_len;
    bool reason_is_utf8;
    const char *wrong; /* what is illegal about it, a sentence without full stop; "": nothing */
};

/* Borrows the unmasked payload; out points into it. Any length is taken. */
void close_parse(const uint8_t *payload, size_t len, struct close_payload *out);
/* Writes the payload and returns its length: 0 for CLOSE_NO_STATUS. A reason that is too long is
 * cut before a character; NULL is none. Illegal codes are written as asked: they are faults of
 * ours. */
size_t close_build(uint8_t out[125], uint16_t code, const char *reason);

#endif

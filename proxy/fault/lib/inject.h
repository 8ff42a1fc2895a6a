/* Whole frames of ours into a connection, masked with a fresh key towards the server (RFC
 * 6455 5.3). */
#ifndef HALFOPEN_FAULT_LIB_INJECT_H
#define HALFOPEN_FAULT_LIB_INJECT_H

#include "fault/fault.h"

#define INJECT_LIMIT_BYTES ((size_t)64 << 10) /* of a payload */

/* An unfragmented frame; false as fault_inject says. */
bool inject_frame(struct fault *, enum dir, uint8_t opcode, const void *payload, size_t len);
/* A data message between two of its source's. */
bool inject_message(struct fault *, enum dir, uint8_t opcode, const void *payload, size_t len);
/* A Close frame; code 1005: without a payload (RFC 6455 7.1.5). The reason is cut to fit. */
bool inject_close(struct fault *, enum dir, unsigned code, const char *reason);
/* A key for a frame in that direction; NULL towards the client. key: room for it. */
const uint8_t *inject_key(struct fault *, enum dir, uint8_t key[4]);

#endif

#include "fault/lib/inject.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/close.h"

const uint8_t *inject_key(struct fault *f, enum dir d, uint8_t key[4])
{
    uint64_t drawn;
    if (d == TO_CLIENT)
        return NULL;
    drawn = rng_next(fault_rng(f));
    memcpy(key, &drawn, 4);
    return key;
}

/* The caller frees it. */
static uint8_t *build(struct fault *f, enum dir d, uint8_t opcode, const void *payload, size_t len,
                      size_t *frame_len)
{
    uint8_t key[4];
    assert(len <= INJECT_LIMIT_BYTES);
    uint8_t *frame = xmalloc(FRAME_HEAD_MAX + len);
    *frame_len =
        frame_build(frame, FRAME_HEAD_MAX + len, opcode, payload, len, inject_key(f, d, key));
    return frame;
}

bool inject_frame(struct fault *f, enum dir d, uint8_t opcode, const void *payload, size_t len)
{
    size_t frame_len;
    uint8_t *frame = build(f, d, opcode, payload, len, &frame_len);
    bool taken = fault_inject(f, d, frame, frame_len);
    free(frame);
    return taken;
}

bool inject_message(struct fault *f, enum dir d, uint8_t opcode, const void *payload, size_t len)
{
    size_t frame_len;
    uint8_t *frame = build(f, d, opcode, payload, len, &frame_len);
    bool taken = fault_inject_at(f, d, frame, frame_len, fault_now(f));
    free(frame);
    return taken;
}

bool inject_close(struct fault *f, enum dir d, unsigned code, const char *reason)
{
    uint8_t payload[FRAME_CONTROL_MAX];
    return inject_frame(f, d, OPCODE_CLOSE, payload, close_build(payload, (uint16_t)code, reason));
}

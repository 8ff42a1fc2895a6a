#include "tests/sim/wire.h"

#include <stdint.h>
#include <string.h>

#define WIRE_LIMIT_BYTES ((size_t)64 << 20)

void wire_init(struct wire *wire, size_t send, size_t receive)
{
    *wire = (struct wire){.send = send, .receive = receive};
    buf_init(&wire->queue, WIRE_LIMIT_BYTES);
}

void wire_fini(struct wire *wire)
{
    buf_fini(&wire->queue);
}

size_t wire_len(const struct wire *wire)
{
    return buf_len(&wire->queue);
}

static size_t room(const struct wire *wire)
{
    size_t limit = wire->send + wire->receive, len = wire_len(wire);
    return len < limit ? limit - len : 0;
}

size_t wire_write(struct wire *wire, const void *bytes, size_t len)
{
    if (wire->fin || wire->rst || wire->deaf)
        return len;
    size_t taken = len < room(wire) ? len : room(wire);
    wire->short_write = taken < len;
    return buf_append(&wire->queue, bytes, taken);
}

size_t wire_take(struct wire *wire, uint8_t *into, size_t len)
{
    size_t taken = len < wire_len(wire) ? len : wire_len(wire);
    if (taken > 0)
        memcpy(into, buf_bytes(&wire->queue), taken);
    buf_consume(&wire->queue, taken);
    return taken;
}

size_t wire_unread(const struct wire *wire)
{
    return wire_len(wire) < wire->receive ? wire_len(wire) : wire->receive;
}

size_t wire_unsent(const struct wire *wire)
{
    return wire_len(wire) - wire_unread(wire);
}

bool wire_at_end(const struct wire *wire)
{
    return !wire->told && (wire->rst || (wire->fin && wire_len(wire) == 0));
}

bool wire_take_room(struct wire *wire)
{
    if (!wire->short_write || room(wire) < wire->send / 3)
        return false;
    wire->short_write = false;
    return true;
}

void wire_reset(struct wire *wire)
{
    buf_clear(&wire->queue);
    wire->rst = true;
    wire->short_write = false;
}

#include "tests/sim/wire.h"

#include <stdint.h>
#include <string.h>

#define WIRE_LIMIT_BYTES ((size_t)64 << 20)
#define RTO_FIRST        (200 * NSEC_PER_MSEC) /* Linux: TCP_RTO_MIN */
#define RTO_LAST         (120 * NSEC_PER_SEC)  /* Linux: TCP_RTO_MAX */

void wire_init(struct wire *wire, size_t send, size_t receive)
{
    *wire = (struct wire){.send = send, .receive = receive, .rto = RTO_FIRST};
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
    if (wire->rst)
        return !wire->told_rst;
    return !wire->told && wire->fin && wire_len(wire) == 0;
}

bool wire_loses(struct wire *wire, struct rng *rng, nsec now)
{
    if (wire->loss <= 0 || (wire_len(wire) == 0 && !wire_at_end(wire)))
        return false;
    if (now < wire->lost_until)
        return true;
    if (wire->loss < 1 && rng_unit(rng) >= wire->loss) {
        wire->rto = RTO_FIRST;
        return false;
    }
    wire->lost_until = wire->loss < 1 ? now + wire->rto : NEVER;
    wire->rto = nsec_min(2 * wire->rto, RTO_LAST);
    return true;
}

void wire_hear(struct wire *wire, double loss, nsec now)
{
    wire->loss = loss;
    wire->rto = RTO_FIRST;
    wire->lost_until = now;
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

#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_ROOM 256

void buf_init(struct buf *buf, size_t limit_bytes)
{
    *buf = (struct buf){.limit_bytes = limit_bytes};
}

void buf_clear(struct buf *buf)
{
    free(buf->bytes);
    buf->bytes = NULL;
    buf->start = buf->len = buf->room = 0;
}

void buf_fini(struct buf *buf)
{
    buf_clear(buf);
}

size_t buf_len(const struct buf *buf)
{
    return buf->len;
}

size_t buf_space(const struct buf *buf)
{
    return buf->limit_bytes - buf->len;
}

const uint8_t *buf_bytes(const struct buf *buf)
{
    return buf->bytes ? buf->bytes + buf->start : NULL;
}

/* Moves what is left to the front, or gets more memory: at least twice as much, at most the
 * limit. */
static void make_room(struct buf *buf, size_t more)
{
    if (buf->start + buf->len + more <= buf->room)
        return;
    if (buf->len > 0 && buf->start > 0)
        memmove(buf->bytes, buf->bytes + buf->start, buf->len);
    buf->start = 0;
    if (buf->len + more <= buf->room)
        return;
    size_t room = buf->room ? buf->room : FIRST_ROOM;
    while (room < buf->len + more)
        room *= 2;
    if (room > buf->limit_bytes)
        room = buf->limit_bytes;
    buf->bytes = xrealloc(buf->bytes, room);
    buf->room = room;
}

size_t buf_append(struct buf *buf, const void *bytes, size_t len)
{
    size_t taken = len < buf_space(buf) ? len : buf_space(buf);
    if (taken == 0)
        return 0;
    make_room(buf, taken);
    memcpy(buf->bytes + buf->start + buf->len, bytes, taken);
    buf->len += taken;
    return taken;
}

uint8_t *buf_room(struct buf *buf, size_t more)
{
    if (more > buf_space(buf))
        return NULL;
    make_room(buf, more);
    return buf->bytes + buf->start + buf->len;
}

void buf_added(struct buf *buf, size_t len)
{
    assert(buf->start + buf->len + len <= buf->room);
    buf->len += len;
}

bool buf_append_all(struct buf *buf, const void *bytes, size_t len)
{
    if (len > buf_space(buf))
        return false;
    (void)buf_append(buf, bytes, len);
    return true;
}

void buf_consume(struct buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->start += len;
    buf->len -= len;
    if (buf->len == 0)
        buf->start = 0;
}

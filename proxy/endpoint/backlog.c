#include "endpoint/backlog.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void backlog_init(struct backlog *backlog, size_t message_size)
{
    backlog->first = backlog->next = 1;
    backlog->message_size =
        message_size > BACKLOG_SMALLEST_MESSAGE ? message_size : BACKLOG_SMALLEST_MESSAGE;
}

void backlog_produce(struct backlog *backlog, uint64_t count)
{
    backlog->next += count;
}

void backlog_pop(struct backlog *backlog)
{
    assert(backlog->first < backlog->next);
    backlog->first++;
}

void backlog_unpop(struct backlog *backlog)
{
    assert(backlog->first > 1);
    backlog->first--;
}

static uint64_t excess(uint64_t count, uint64_t bound)
{
    return bound > 0 && count > bound ? count - bound : 0;
}

uint64_t backlog_trim(struct backlog *backlog, uint64_t messages, uint64_t bytes)
{
    uint64_t count = backlog_count(backlog);
    uint64_t too_many = excess(count, messages);
    uint64_t fitting = bytes / backlog->message_size;
    if (bytes > 0 && count > fitting && count - fitting > too_many)
        too_many = count - fitting;
    backlog->first += too_many;
    return too_many;
}

uint64_t backlog_clear(struct backlog *backlog)
{
    uint64_t count = backlog_count(backlog);
    backlog->first = backlog->next;
    return count;
}

uint64_t backlog_count(const struct backlog *backlog)
{
    return backlog->next - backlog->first;
}

uint64_t backlog_bytes(const struct backlog *backlog)
{
    return backlog_count(backlog) * backlog->message_size;
}

void backlog_pad(const struct backlog *backlog, uint8_t *out)
{
    memset(out, 'x', backlog->message_size);
    out[backlog->message_size - 2] = '"';
    out[backlog->message_size - 1] = '}';
}

void backlog_write(const struct backlog *backlog, uint8_t *out)
{
    char head[BACKLOG_SMALLEST_MESSAGE - 2];
    int len =
        snprintf(head, sizeof head, "{\"id\":%" PRIu64 ",\"k\":\"c\",\"pad\":\"", backlog->first);
    assert(len > 0 && (size_t)len < sizeof head);
    memset(head + len, 'x', sizeof head - (size_t)len); /* after a longer number */
    memcpy(out, head, sizeof head);
}

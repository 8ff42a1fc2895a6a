#include "endpoint/backlog.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void backlog_init(struct backlog *backlog, size_t message_size)
{
    *backlog = (struct backlog){.first = 1, .next = 1, .top = 1};
    backlog->message_size =
        message_size > BACKLOG_SMALLEST_MESSAGE ? message_size : BACKLOG_SMALLEST_MESSAGE;
}

void backlog_produce(struct backlog *backlog, uint64_t count)
{
    backlog->next += count;
}

static bool is_turned(const struct backlog *backlog)
{
    return backlog->top > backlog->first;
}

void backlog_turn(struct backlog *backlog)
{
    if (!is_turned(backlog))
        backlog->top = backlog->end = backlog->next;
}

/* Drops the oldest. */
static void drop(struct backlog *backlog, uint64_t count)
{
    uint64_t turned = backlog->top - backlog->first;
    if (count < turned) {
        backlog->first += count;
        return;
    }
    backlog->first = (turned > 0 ? backlog->end : backlog->first) + count - turned;
    backlog->top = backlog->first;
}

void backlog_pop(struct backlog *backlog)
{
    assert(backlog_count(backlog) > 0);
    backlog->first_before = backlog->first;
    backlog->top_before = backlog->top;
    if (!is_turned(backlog))
        drop(backlog, 1);
    else if (--backlog->top == backlog->first)
        backlog->first = backlog->top = backlog->end;
}

void backlog_unpop(struct backlog *backlog)
{
    assert(backlog->first_before > 0);
    backlog->first = backlog->first_before;
    backlog->top = backlog->top_before;
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
    drop(backlog, too_many);
    return too_many;
}

uint64_t backlog_clear(struct backlog *backlog)
{
    uint64_t count = backlog_count(backlog);
    drop(backlog, count);
    return count;
}

uint64_t backlog_count(const struct backlog *backlog)
{
    uint64_t turned = backlog->top - backlog->first;
    return turned > 0 ? turned + backlog->next - backlog->end : backlog->next - backlog->first;
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
    uint64_t id = is_turned(backlog) ? backlog->top - 1 : backlog->first;
    int len = snprintf(head, sizeof head, "{\"id\":%" PRIu64 ",\"k\":\"c\",\"pad\":\"", id);
    assert(len > 0 && (size_t)len < sizeof head);
    memset(head + len, 'x', sizeof head - (size_t)len); /* after a longer number */
    memcpy(out, head, sizeof head);
}

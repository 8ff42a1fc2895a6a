/* Numbered messages that were produced and not yet sent. All have the same size and are made from
 * their number when they are sent, so that even a boundless backlog costs no memory: a flawed
 * client can be simulated for hours. */
#ifndef HALFOPEN_ENDPOINT_BACKLOG_H
#define HALFOPEN_ENDPOINT_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BACKLOG_SMALLEST_MESSAGE 64
#define BACKLOG_MESSAGE_ID       "^\\{\"id\":(\\d+),\"k\":\"c\"" /* PCRE2: as in messages.id */

struct backlog {
    uint64_t first, next; /* ids from 1; first == next: empty */
    size_t message_size;
};

void backlog_init(struct backlog *, size_t message_size);
void backlog_produce(struct backlog *, uint64_t count);
void backlog_pop(struct backlog *);   /* the oldest; there must be one */
void backlog_unpop(struct backlog *); /* the last one popped was not sent after all */
/* Drops the oldest until both bounds hold (0: no bound). Both return how many went. */
uint64_t backlog_trim(struct backlog *, uint64_t messages, uint64_t bytes);
uint64_t backlog_clear(struct backlog *);
uint64_t backlog_count(const struct backlog *);
uint64_t backlog_bytes(const struct backlog *);
/* The oldest as JSON, {"id":7,"k":"c","pad":"..."}: exactly message_size bytes of out, which
 * backlog_pad has filled once. */
void backlog_write(const struct backlog *, uint8_t *out);
void backlog_pad(const struct backlog *, uint8_t *out);

#endif

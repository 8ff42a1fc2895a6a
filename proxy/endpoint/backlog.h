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
    /* What is emptied newest first: [first, top) is left of [.., end). first == top: nothing is. */
    uint64_t top, end;
    uint64_t first_before, top_before; /* the last pop */
    size_t message_size;
};

void backlog_init(struct backlog *, size_t message_size);
void backlog_produce(struct backlog *, uint64_t count);
void backlog_turn(struct backlog *); /* what is there now is popped newest first: a flaw */
void backlog_pop(
    struct backlog *); /* the oldest, or what is newest of what was turned; there must be one */
void backlog_unpop(struct backlog *); /* the last one popped was not sent after all */
/* Drops the oldest until both bounds hold (0: no bound). Both return how many went. */
uint64_t backlog_trim(struct backlog *, uint64_t messages, uint64_t bytes);
uint64_t backlog_clear(struct backlog *);
uint64_t backlog_count(const struct backlog *);
uint64_t backlog_bytes(const struct backlog *);
/* The one to be popped as JSON, {"id":7,"k":"c","pad":"..."}: exactly message_size bytes of out,
 * which backlog_pad has filled once. */
void backlog_write(const struct backlog *, uint8_t *out);
void backlog_pad(const struct backlog *, uint8_t *out);

#endif

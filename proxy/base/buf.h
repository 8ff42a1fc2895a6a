/* A bounded queue of bytes: appended at the end, consumed from the front. It never holds more than
 * the limit it was made with; what does not fit is refused and the caller pushes back. An empty
 * queue owns no memory. */
#ifndef HALFOPEN_BASE_BUF_H
#define HALFOPEN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *bytes;
    size_t start, len, room, limit_bytes;
};

void buf_init(struct buf *, size_t limit_bytes);
void buf_fini(struct buf *);                                /* frees, leaves an empty queue */
size_t buf_append(struct buf *, const void *bytes, size_t); /* how many were taken: all that fit */
bool buf_append_all(struct buf *, const void *bytes, size_t); /* all or nothing */
/* Where more bytes can be written, all of them or NULL; buf_added says how many were. */
uint8_t *buf_room(struct buf *, size_t more);
void buf_added(struct buf *, size_t); /* at most what buf_room was asked for */
/* borrows; valid until the next change */
const uint8_t *buf_bytes(const struct buf *);
size_t buf_len(const struct buf *);
size_t buf_space(const struct buf *);   /* how many more it would take */
void buf_consume(struct buf *, size_t); /* at most buf_len */
void buf_clear(struct buf *);           /* empties and gives the memory back */

#endif

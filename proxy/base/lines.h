/* Bytes as they come, line by line. Of a line longer than the limit only its beginning is shown. */
#ifndef HALFOPEN_BASE_LINES_H
#define HALFOPEN_BASE_LINES_H

#include <stddef.h>
#include <stdint.h>

#define LINES_LIMIT_BYTES 4096

struct lines {
    /* A line is whole: without its end, terminated, borrowed. */
    void (*on_line)(void *context, const char *line, size_t len);
    void *context;
    char *line; /* as far as it goes; NULL: none yet */
    size_t len;
};

void lines_feed(struct lines *, const uint8_t *bytes, size_t len);
void lines_end(struct lines *); /* nothing more comes: what is left is a line */
void lines_fini(struct lines *);

#endif

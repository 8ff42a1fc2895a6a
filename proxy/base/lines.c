#include "base/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void end_line(struct lines *lines)
{
    size_t len = lines->len;
    if (len > 0 && lines->line[len - 1] == '\r')
        len--;
    lines->line[len] = '\0';
    lines->len = 0;
    lines->on_line(lines->context, lines->line, len);
}

static void add(struct lines *lines, const uint8_t *bytes, size_t len)
{
    size_t space = LINES_LIMIT_BYTES - lines->len;
    len = len < space ? len : space;
    memcpy(lines->line + lines->len, bytes, len);
    lines->len += len;
}

void lines_feed(struct lines *lines, const uint8_t *bytes, size_t len)
{
    if (!lines->line)
        lines->line = xmalloc(LINES_LIMIT_BYTES + 1);
    while (len > 0) {
        const uint8_t *end = memchr(bytes, '\n', len);
        size_t part = end ? (size_t)(end - bytes) : len;
        add(lines, bytes, part);
        if (!end)
            return;
        end_line(lines);
        bytes += part + 1;
        len -= part + 1;
    }
}

void lines_end(struct lines *lines)
{
    if (lines->len > 0)
        end_line(lines);
}

void lines_fini(struct lines *lines)
{
    free(lines->line);
    lines->line = NULL;
}

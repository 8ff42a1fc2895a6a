/* What a message holds, whatever its opcode says. */
#ifndef HALFOPEN_WS_CONTENT_H
#define HALFOPEN_WS_CONTENT_H

#include <stddef.h>
#include <stdint.h>

enum content {
    CONTENT_JSON,  /* an object or an array; several of them in a row too */
    CONTENT_TEXT,  /* UTF-8 of another kind */
    CONTENT_BINARY /* no UTF-8 */
};

enum content_part { CONTENT_WHOLE, CONTENT_START }; /* START: more follows that is not at hand */

enum content content_of(const uint8_t *bytes, size_t len, enum content_part);
const char *content_name(enum content); /* "json", "text", "binary" */

#endif

/* UTF-8 as RFC 3629 has it (RFC 6455 8.1): no overlong forms, no surrogates, nothing past U+10FFFF.
 * Incremental: a character may be cut anywhere. */
#ifndef HALFOPEN_WS_UTF8_H
#define HALFOPEN_WS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed memory is a validator at the start of a text. */
struct utf8 {
    uint8_t missing;   /* continuation bytes to come */
    uint8_t low, high; /* bounds of the next one */
    bool broken;       /* stays so */
};

/* false: the text is broken from here on, however it goes on. */
bool utf8_feed(struct utf8 *, const uint8_t *bytes, size_t len);
bool utf8_is_complete(const struct utf8 *); /* not broken and not inside a character */
bool utf8_is_valid(const uint8_t *bytes, size_t len);

#endif

#include "ws/content.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "ws/utf8.h"

#define LONGEST_TOKEN 32 /* bytes: a word or number cut in two may be no JSON any more */

/* Without the character that may be cut at the end. */
static size_t whole_characters(const uint8_t *bytes, size_t len)
{
    size_t cut = len;
    while (cut > 0 && len - cut < 4 && (bytes[cut - 1] & 0xc0) == 0x80)
        cut--;
    return cut > 0 && bytes[cut - 1] >= 0xc0 ? cut - 1 : len;
}

static bool is_json(const uint8_t *bytes, size_t len, enum content_part part)
{
    const size_t flags = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
    json_error_t error;
    size_t at = 0;
    while (at < len && strchr(" \t\r\n", bytes[at]) && bytes[at] != '\0')
        at++;
    if (at == len || (bytes[at] != '{' && bytes[at] != '['))
        return false;
    json_t *value = json_loadb((const char *)bytes + at, len - at, flags, &error);
    if (value) {
        json_decref(value);
        return true;
    }
    return part == CONTENT_START && (json_error_code(&error) == json_error_premature_end_of_input ||
                                     (size_t)error.position + LONGEST_TOKEN >= len - at);
}

enum content content_of(const uint8_t *bytes, size_t len, enum content_part part)
{
    struct utf8 utf8 = {0};
    bool text = utf8_feed(&utf8, bytes, len);
    if (!text || (part == CONTENT_WHOLE && !utf8_is_complete(&utf8)))
        return CONTENT_BINARY;
    if (part == CONTENT_START)
        len = whole_characters(bytes, len);
    return is_json(bytes, len, part) ? CONTENT_JSON : CONTENT_TEXT;
}

const char *content_name(enum content content)
{
    static const char *const names[] = {"json", "text", "binary"};
    return names[content];
}

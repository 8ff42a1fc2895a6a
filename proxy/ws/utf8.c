#include "ws/utf8.h"

#include <string.h>

#define WORD_TOP_BITS UINT64_C(0x8080808080808080)

/* Unicode table 3-7: the lead byte gives the length and the bounds of the second byte. */
static bool begin(struct utf8 *text, uint8_t lead)
{
    text->low = 0x80;
    text->high = 0xbf;
    if (lead < 0x80)
        text->missing = 0;
    else if (lead >= 0xc2 && lead <= 0xdf)
        text->missing = 1;
    else if (lead >= 0xe0 && lead <= 0xef)
        text->missing = 2;
    else if (lead >= 0xf0 && lead <= 0xf4)
        text->missing = 3;
    else
        return false;
    if (lead == 0xe0)
        text->low = 0xa0;
    if (lead == 0xed)
        text->high = 0x9f;
    if (lead == 0xf0)
        text->low = 0x90;
    if (lead == 0xf4)
        text->high = 0x8f;
    return true;
}

static bool step(struct utf8 *text, uint8_t byte)
{
    if (text->missing == 0)
        return begin(text, byte);
    if (byte < text->low || byte > text->high)
        return false;
    text->missing--;
    text->low = 0x80;
    text->high = 0xbf;
    return true;
}

/* Length of a leading stretch of ASCII, in whole words. */
static size_t ascii_words(const uint8_t *bytes, size_t len)
{
    size_t done = 0;
    uint64_t word, words[4];
    for (; done + sizeof words <= len; done += sizeof words) {
        memcpy(words, bytes + done, sizeof words);
        if ((words[0] | words[1] | words[2] | words[3]) & WORD_TOP_BITS)
            break;
    }
    for (; done + sizeof word <= len; done += sizeof word) {
        memcpy(&word, bytes + done, sizeof word);
        if (word & WORD_TOP_BITS)
            break;
    }
    return done;
}

bool utf8_feed(struct utf8 *text, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && !text->broken) {
        if (text->missing == 0)
            at += ascii_words(bytes + at, len - at);
        if (at < len && !step(text, bytes[at++]))
            text->broken = true;
    }
    return !text->broken;
}

bool utf8_is_complete(const struct utf8 *text)
{
    return !text->broken && text->missing == 0;
}

bool utf8_is_valid(const uint8_t *bytes, size_t len)
{
    struct utf8 text = {0};
    return utf8_feed(&text, bytes, len) && utf8_is_complete(&text);
}

#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_ROOM    64
#define NUMBER_DIGITS 20 /* of the largest */

void text_init(struct text *text)
{
    *text = (struct text){0};
}

void text_fini(struct text *text)
{
    free(text->chars);
    *text = (struct text){0};
}

static void grow(struct text *text, size_t more)
{
    assert(more < TEXT_LIMIT_BYTES && text->len + more < TEXT_LIMIT_BYTES);
    size_t room = text->room ? text->room : FIRST_ROOM;
    while (room < text->len + more + 1)
        room *= 2;
    text->chars = xrealloc(text->chars, room);
    text->room = room;
}

static void make_room(struct text *text, size_t more)
{
    if (more >= text->room - text->len)
        grow(text, more);
}

void text_add_bytes(struct text *text, const void *bytes, size_t len)
{
    make_room(text, len);
    if (len > 0)
        memcpy(text->chars + text->len, bytes, len);
    text->len += len;
    text->chars[text->len] = '\0';
}

void text_add(struct text *text, const char *chars)
{
    text_add_bytes(text, chars, strlen(chars));
}

void text_add_number(struct text *text, uint64_t number, size_t digits)
{
    char chars[NUMBER_DIGITS], *at = chars + sizeof chars;
    assert(digits <= sizeof chars);
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (at > chars + sizeof chars - digits)
        *--at = '0';
    text_add_bytes(text, at, (size_t)(chars + sizeof chars - at));
}

void text_vaddf(struct text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    make_room(text, FIRST_ROOM);
    size_t room = text->room - text->len;
    int len = vsnprintf(text->chars + text->len, room, format, args);
    assert(len >= 0);
    if ((size_t)len >= room) {
        make_room(text, (size_t)len);
        (void)vsnprintf(text->chars + text->len, (size_t)len + 1, format, again);
    }
    text->len += (size_t)len;
    va_end(again);
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_vaddf(text, format, args);
    va_end(args);
}

void text_clear(struct text *text)
{
    text->len = 0;
    if (text->chars)
        text->chars[0] = '\0';
}

const char *text_chars(const struct text *text)
{
    return text->chars ? text->chars : "";
}

char *text_take(struct text *text)
{
    char *chars = text->chars ? text->chars : xstrdup("");
    *text = (struct text){0};
    return chars;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool text_add_hex(struct text *text, const char *written)
{
    for (const char *at = written; *(at += strspn(at, " \t\n")); at += 2) {
        int high = digit_of(at[0]), low = high >= 0 ? digit_of(at[1]) : -1;
        if (low < 0)
            return false;
        const unsigned char byte = (unsigned char)(high << 4 | low);
        text_add_bytes(text, &byte, 1);
    }
    return true;
}

/* A string under construction. Always NUL terminated; grows as needed up to TEXT_LIMIT_BYTES, past
 * which it aborts (a bug: whoever builds text of unbounded size writes to a file instead). */
#ifndef HALFOPEN_BASE_TEXT_H
#define HALFOPEN_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_LIMIT_BYTES ((size_t)256 << 20)

struct text {
    char *chars; /* never NULL once something was added */
    size_t len, room;
};

void text_init(struct text *);
void text_fini(struct text *);
void text_add(struct text *, const char *);
void text_add_bytes(struct text *, const void *, size_t);
/* In decimal, with zeros in front of fewer digits than asked for; at most 20. */
void text_add_number(struct text *, uint64_t number, size_t digits);
void text_addf(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vaddf(struct text *, const char *format, va_list);
void text_clear(struct text *);
/* Bytes written in hexadecimal, blanks between them left out. false: they are not. */
bool text_add_hex(struct text *, const char *written);
const char *text_chars(const struct text *); /* "" when empty; borrows */
/* the caller owns the string; the text is empty again */
char *text_take(struct text *);

#endif

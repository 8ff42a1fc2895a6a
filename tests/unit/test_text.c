#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"

static void an_empty_text_is_an_empty_string(void)
{
    struct text text;
    text_init(&text);
    CHECK_STR(text_chars(&text), "");
    text_add(&text, "");
    CHECK_INT(text.len, 0);
    CHECK_STR(text_chars(&text), "");
    text_fini(&text);
}

static void it_grows_by_strings_bytes_and_formats(void)
{
    struct text text;
    text_init(&text);
    text_add(&text, "a");
    text_add_bytes(&text, "bcd", 2);
    text_addf(&text, "-%d-%s", 7, "x");
    CHECK_STR(text_chars(&text), "abc-7-x");
    CHECK_INT(text.len, 7);
    text_fini(&text);
}

/* A format that just fits, and one byte more, at every size around the first allocations. */
static void a_format_ends_whole_whatever_the_room(void)
{
    for (int len = 0; len < 300; len++) {
        struct text text;
        text_init(&text);
        text_add(&text, "12345");
        text_addf(&text, "%*s", len, "");
        CHECK_INT(text.len, (size_t)len + 5);
        CHECK_INT(strlen(text_chars(&text)), (size_t)len + 5);
        text_fini(&text);
    }
}

static void bytes_of_zero_are_kept(void)
{
    struct text text;
    text_init(&text);
    text_add_bytes(&text, "a\0b", 3);
    CHECK_BYTES(text.chars, text.len, "a\0b", 3);
    text_fini(&text);
}

static void what_is_taken_belongs_to_the_caller(void)
{
    struct text text;
    text_init(&text);
    text_add(&text, "mine");
    char *taken = text_take(&text);
    CHECK_STR(taken, "mine");
    CHECK_STR(text_chars(&text), "");
    free(taken);
    taken = text_take(&text);
    CHECK_STR(taken, "");
    free(taken);
}

static void a_cleared_text_starts_again(void)
{
    struct text text;
    text_init(&text);
    text_clear(&text);
    text_add(&text, "old");
    text_clear(&text);
    CHECK_STR(text_chars(&text), "");
    text_add(&text, "new");
    CHECK_STR(text_chars(&text), "new");
    text_fini(&text);
}

static void memory_of_no_size_is_memory(void)
{
    void *a = xmalloc(0), *b = xcalloc(0, 5), *c = xrealloc(xmalloc(3), 0);
    CHECK(a != NULL);
    CHECK(b != NULL);
    CHECK(c != NULL);
    free(a);
    free(b);
    free(c);
}

static void copies_of_strings_end_where_they_were_told(void)
{
    char *part = xstrndup("abcdef", 3), *formatted = xprintf("%s-%d", "x", 12);
    CHECK_STR(part, "abc");
    CHECK_STR(formatted, "x-12");
    free(part);
    free(formatted);
}

static void a_number_has_the_digits_it_is_asked_for(void)
{
    struct text text;
    text_init(&text);
    text_add_number(&text, 0, 1);
    text_add(&text, " ");
    text_add_number(&text, 120, 1);
    text_add(&text, " ");
    text_add_number(&text, 120, 6);
    text_add(&text, " ");
    text_add_number(&text, 0, 0);
    text_add(&text, " ");
    text_add_number(&text, UINT64_MAX, 20);
    CHECK_STR(text_chars(&text), "0 120 000120 0 18446744073709551615");
    text_fini(&text);
}

SUITE(text, TEST(an_empty_text_is_an_empty_string), TEST(it_grows_by_strings_bytes_and_formats),
      TEST(a_format_ends_whole_whatever_the_room), TEST(bytes_of_zero_are_kept),
      TEST(what_is_taken_belongs_to_the_caller), TEST(a_cleared_text_starts_again),
      TEST(memory_of_no_size_is_memory), TEST(copies_of_strings_end_where_they_were_told),
      TEST(a_number_has_the_digits_it_is_asked_for))

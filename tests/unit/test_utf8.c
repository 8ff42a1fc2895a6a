#include "ws/utf8.h"

#include <string.h>

#include "tests/check.h"
#include "tests/unit/guarded.h"

static void read_text(const uint8_t *bytes, size_t len, size_t first, size_t step, struct text *out)
{
    struct utf8 text = {0};
    bool good = true;
    for (size_t at = 0; at < len;) {
        size_t piece = slice_len(at, len - at, first, step);
        good = utf8_feed(&text, bytes + at, piece);
        at += piece;
    }
    text_addf(out, "%d %d", good, utf8_is_complete(&text));
}

static void check_text(const char *chars, bool valid)
{
    CHECK_INT(utf8_is_valid((const uint8_t *)chars, strlen(chars)), valid);
    CHECK_INT(slices_that_differ(read_text, chars, strlen(chars)), 0);
}

static void valid_texts_are_valid_in_any_slices(void)
{
    check_text("", true);
    check_text("plain text longer than a word of the machine", true);
    check_text("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 twelve bytes \xf0\x9f\x98\x80", true);
}

static void the_edges_of_the_code_space(void)
{
    check_text("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true);
    check_text("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true);
    check_text("\xf4\x90\x80\x80", false);
    check_text("\xf5\x80\x80\x80", false);
}

static void overlong_forms_are_broken(void)
{
    check_text("\xc0\x80", false);
    check_text("\xc1\xbf", false);
    check_text("\xe0\x9f\xbf", false);
    check_text("\xf0\x8f\xbf\xbf", false);
}

static void surrogates_are_broken(void)
{
    check_text("\xed\xa0\x80", false);
    check_text("\xed\xbf\xbf", false);
}

static void a_character_cut_short_is_incomplete_and_not_broken(void)
{
    struct utf8 text = {0};
    CHECK(utf8_feed(&text, (const uint8_t *)"a\xe2\x82", 3));
    CHECK(!utf8_is_complete(&text));
    CHECK(utf8_feed(&text, (const uint8_t *)"\xac", 1));
    CHECK(utf8_is_complete(&text));
}

static void what_is_broken_stays_broken(void)
{
    struct utf8 text = {0};
    CHECK(!utf8_feed(&text, (const uint8_t *)"\x80", 1));
    CHECK(!utf8_feed(&text, (const uint8_t *)"good", 4));
    CHECK(!utf8_is_complete(&text));
}

SUITE(utf8, TEST(valid_texts_are_valid_in_any_slices), TEST(the_edges_of_the_code_space),
      TEST(overlong_forms_are_broken), TEST(surrogates_are_broken),
      TEST(a_character_cut_short_is_incomplete_and_not_broken), TEST(what_is_broken_stays_broken))

#include "base/pattern.h"

#include <string.h>

#include "base/mem.h"
#include "tests/check.h"

static struct pattern *compile(const char *written)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = pattern_new(written, &why);
    CHECK_STR(text_chars(&why), "");
    text_fini(&why);
    return pattern;
}

static void a_pattern_is_found_anywhere(void)
{
    struct pattern *pattern = compile("b+c");
    CHECK(pattern_matches(pattern, "abbcd", 5));
    CHECK(!pattern_matches(pattern, "abb", 3));
    CHECK(!pattern_matches(pattern, NULL, 0));
    pattern_free(pattern);
}

static void bytes_of_any_value_can_be_looked_at(void)
{
    struct pattern *pattern = compile("\\xff\\x00");
    CHECK(pattern_matches(pattern, "a\xff\0b", 4));
    CHECK(!pattern_matches(pattern, "a\xfe\0b", 4));
    pattern_free(pattern);
}

static void the_first_group_is_found(void)
{
    size_t from = 0, len = 0;
    struct pattern *pattern = compile("id=(\\d+)|x(y)");
    CHECK_INT(pattern_groups(pattern), 2);
    CHECK(pattern_find(pattern, "a id=42;", 8, &from, &len));
    CHECK_INT(from, 5);
    CHECK_INT(len, 2);
    CHECK(!pattern_find(pattern, "xy", 2, &from, &len));
    CHECK(!pattern_find(pattern, "id=", 3, &from, &len));
    pattern_free(pattern);
    pattern = compile("b+");
    CHECK_INT(pattern_groups(pattern), 0);
    CHECK(!pattern_find(pattern, "b", 1, &from, &len));
    pattern_free(pattern);
}

static void what_is_no_pattern_is_told_with_its_place(void)
{
    struct text why;
    text_init(&why);
    CHECK(pattern_new("a(b", &why) == NULL);
    CHECK_STR(text_chars(&why),
              "no pattern (PCRE2), missing closing parenthesis after 3 characters");
    text_fini(&why);
}

/* 2^60 ways to fail, were there no bound. */
static void a_pattern_that_backtracks_without_end_is_given_up(void)
{
    struct pattern *pattern = compile("(a|a)*(b|c)\\1z");
    char text[60];
    memset(text, 'a', sizeof text);
    CHECK(!pattern_matches(pattern, text, sizeof text));
    pattern_free(pattern);
}

SUITE(pattern, TEST(a_pattern_is_found_anywhere), TEST(bytes_of_any_value_can_be_looked_at),
      TEST(the_first_group_is_found), TEST(what_is_no_pattern_is_told_with_its_place),
      TEST(a_pattern_that_backtracks_without_end_is_given_up))

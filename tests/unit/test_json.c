#include "base/json.h"

#include <math.h>

#include "tests/check.h"
#include "tests/unit/guarded.h"

static void check_string(const void *bytes, size_t len, const char *want)
{
    struct text text;
    struct json json;
    uint8_t *guarded = guarded_copy(bytes, len);
    text_init(&text);
    json_init(&json, &text, 0);
    json_put_string_bytes(&json, NULL, guarded, len);
    CHECK_STR(text_chars(&text), want);
    text_fini(&text);
    guarded_free(guarded, len);
}

static void commas_and_keys_are_in_their_places(void)
{
    struct text text;
    struct json json;
    text_init(&text);
    json_init(&json, &text, 0);
    json_object_open(&json, NULL);
    json_put_int(&json, "a", INT64_MIN);
    json_array_open(&json, "b");
    json_put_uint(&json, NULL, UINT64_MAX);
    json_put_bool(&json, NULL, true);
    json_array_close(&json);
    json_object_open(&json, "c");
    json_object_close(&json);
    json_put_string(&json, "d", NULL);
    json_put_raw(&json, "e", "[1,2]");
    json_object_close(&json);
    CHECK_STR(text_chars(&text), "{\"a\":-9223372036854775808,\"b\":[18446744073709551615,true],"
                                 "\"c\":{},\"d\":null,\"e\":[1,2]}");
    text_fini(&text);
}

static void indentation_leaves_empty_ones_on_one_line(void)
{
    struct text text;
    struct json json;
    text_init(&text);
    json_init(&json, &text, 2);
    json_object_open(&json, NULL);
    json_array_open(&json, "none");
    json_array_close(&json);
    json_array_open(&json, "one");
    json_put_int(&json, NULL, 1);
    json_array_close(&json);
    json_object_close(&json);
    CHECK_STR(text_chars(&text), "{\n  \"none\": [],\n  \"one\": [\n    1\n  ]\n}");
    text_fini(&text);
}

static void what_would_end_a_string_is_escaped(void)
{
    check_string("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    check_string("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
    check_string("\0\x1f\x20\x7f", 4, "\"\\u0000\\u001f \\u007f\"");
}

static void well_formed_characters_stay(void)
{
    check_string("\xc2\x80", 2, "\"\xc2\x80\"");
    check_string("\xe0\xa0\x80", 3, "\"\xe0\xa0\x80\"");
    check_string("\xed\x9f\xbf\xee\x80\x80", 6, "\"\xed\x9f\xbf\xee\x80\x80\"");
    check_string("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
}

#define GONE "\xef\xbf\xbd"

static void broken_characters_are_replaced_a_byte_at_a_time(void)
{
    check_string("a\x80z", 3, "\"a" GONE "z\"");
    check_string("\xc1\xbf", 2, "\"" GONE GONE "\"");                   /* overlong */
    check_string("\xe0\x9f\xbf", 3, "\"" GONE GONE GONE "\"");          /* overlong */
    check_string("\xed\xa0\x80", 3, "\"" GONE GONE GONE "\"");          /* a surrogate */
    check_string("\xf4\x90\x80\x80", 4, "\"" GONE GONE GONE GONE "\""); /* beyond U+10FFFF */
    check_string("\xf8", 1, "\"" GONE "\"");
}

static void a_character_cut_by_the_end_reads_no_further(void)
{
    check_string("\xc3", 1, "\"" GONE "\"");
    check_string("\xe2\x82", 2, "\"" GONE GONE "\"");
    check_string("\xf0\x9f\x98", 3, "\"" GONE GONE GONE "\"");
}

static void check_seconds(nsec value, const char *want)
{
    struct text text;
    struct json json;
    text_init(&text);
    json_init(&json, &text, 0);
    json_put_seconds(&json, NULL, value);
    CHECK_STR(text_chars(&text), want);
    text_fini(&text);
}

static void seconds_are_cut_to_microseconds_on_either_side_of_zero(void)
{
    check_seconds(0, "0.000000");
    check_seconds(999, "0.000000");
    check_seconds(1000, "0.000001");
    check_seconds(35355826629, "35.355826");
    check_seconds(-1500000000, "-1.500000");
    check_seconds(INT64_MIN, "-9223372036.854775");
}

static void numbers_that_are_none_are_null(void)
{
    struct text text;
    struct json json;
    text_init(&text);
    json_init(&json, &text, 0);
    json_array_open(&json, NULL);
    json_put_real(&json, NULL, (double)NAN);
    json_put_real(&json, NULL, (double)INFINITY);
    json_put_real(&json, NULL, 0.1);
    json_array_close(&json);
    CHECK_STR(text_chars(&text), "[null,null,0.1]");
    text_fini(&text);
}

SUITE(json, TEST(commas_and_keys_are_in_their_places),
      TEST(indentation_leaves_empty_ones_on_one_line), TEST(what_would_end_a_string_is_escaped),
      TEST(well_formed_characters_stay), TEST(broken_characters_are_replaced_a_byte_at_a_time),
      TEST(a_character_cut_by_the_end_reads_no_further),
      TEST(seconds_are_cut_to_microseconds_on_either_side_of_zero),
      TEST(numbers_that_are_none_are_null))

/* What a message holds. */
#include <string.h>

#include "tests/check.h"
#include "ws/content.h"

static const char *whole(const char *text)
{
    return content_name(content_of((const uint8_t *)text, strlen(text), CONTENT_WHOLE));
}

static const char *start(const char *text)
{
    return content_name(content_of((const uint8_t *)text, strlen(text), CONTENT_START));
}

static void objects_and_arrays_are_json(void)
{
    CHECK_STR(whole("{\"op\":1}"), "json");
    CHECK_STR(whole(" \r\n[1, 2.5e3, \"\\u0000\"]"), "json");
    CHECK_STR(whole("{}\n{\"id\":2}\n"), "json");
    CHECK_STR(whole("{\"type\":6}\x1e"), "json");
}

static void words_and_numbers_are_text(void)
{
    CHECK_STR(whole("ping"), "text");
    CHECK_STR(whole("2"), "text");
    CHECK_STR(whole("{op: 1}"), "text");
    CHECK_STR(whole("{\"op\":1"), "text");
    CHECK_STR(whole("   "), "text");
    CHECK_STR(whole("na\xc3\xafve"), "text");
}

static void what_is_no_utf8_is_binary(void)
{
    CHECK_STR(whole("na\xefve"), "binary");
    CHECK_STR(whole("cut \xc3"), "binary");
    CHECK_STR(whole("{\"a\":\"\xff\"}"), "binary");
    CHECK_INT(content_of((const uint8_t *)"\0\x01\x82", 3, CONTENT_WHOLE), CONTENT_BINARY);
    CHECK_INT(content_of((const uint8_t *)"\0\x01", 2, CONTENT_WHOLE), CONTENT_TEXT);
}

/* Wherever a document is cut, its start is told to be one; its characters may be cut as well. */
static void the_start_of_a_document_is_json_at_every_cut(void)
{
    static const char document[] = "{\"text\":\"na\xc3\xafve \xf0\x9f\x98\x80\",\"list\":[true, "
                                   "null,-12.5e-3,{\"deep\":[[]]}],\"end\":\"x\"}";
    for (size_t len = 1; len < sizeof document; len++)
        CHECK_STR(content_name(content_of((const uint8_t *)document, len, CONTENT_START)), "json");
}

static void the_start_of_something_else_is_not(void)
{
    CHECK_STR(start("{this is prose that happens to begin with a brace, and it is rather long}"),
              "text");
    CHECK_STR(start("cut \xc3"), "text");
    CHECK_STR(start("no \xff"), "binary");
}

SUITE(content, TEST(objects_and_arrays_are_json), TEST(words_and_numbers_are_text),
      TEST(what_is_no_utf8_is_binary), TEST(the_start_of_a_document_is_json_at_every_cut),
      TEST(the_start_of_something_else_is_not))

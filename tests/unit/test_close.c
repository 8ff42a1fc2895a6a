#include "ws/close.h"

#include <string.h>

#include "tests/check.h"

static struct close_payload parsed(const char *bytes, size_t len)
{
    struct close_payload payload;
    close_parse((const uint8_t *)bytes, len, &payload);
    return payload;
}

static void an_empty_payload_is_1005_and_legal(void)
{
    struct close_payload payload = parsed("", 0);
    CHECK_INT(payload.code, CLOSE_NO_STATUS);
    CHECK_STR(payload.wrong, "");
}

static void one_byte_is_illegal(void)
{
    CHECK_CONTAINS(parsed("\x03", 1).wrong, "one byte");
}

static void code_and_reason_are_read(void)
{
    struct close_payload payload = parsed("\x03\xe8"
                                          "bye",
                                          5);
    CHECK_INT(payload.code, 1000);
    CHECK_BYTES(payload.reason, payload.reason_len, "bye", 3);
    CHECK_STR(payload.wrong, "");
}

static void a_reason_that_is_not_utf8_is_illegal(void)
{
    CHECK_CONTAINS(parsed("\x03\xe8\xc3", 3).wrong, "UTF-8");
}

static void a_payload_beyond_125_bytes_is_illegal(void)
{
    char bytes[126] = "\x03\xe8";
    memset(bytes + 2, 'x', sizeof bytes - 2);
    CHECK_STR(parsed(bytes, 125).wrong, "");
    CHECK_CONTAINS(parsed(bytes, 126).wrong, "125");
}

static void codes_for_inside_use_are_illegal_on_the_wire(void)
{
    CHECK_CONTAINS(parsed("\x03\xed", 2).wrong, "must not be sent");
    CHECK_CONTAINS(parsed("\x03\xe7", 2).wrong, "nobody assigned");
}

static void what_may_be_sent_ends_where_the_ranges_end(void)
{
    static const struct {
        uint16_t code;
        bool may;
    } edges[] = {{0, false},    {999, false},  {1000, true},  {1003, true}, {1004, false},
                 {1005, false}, {1006, false}, {1007, true},  {1014, true}, {1015, false},
                 {1016, false}, {2999, false}, {3000, true},  {3999, true}, {4000, true},
                 {4999, true},  {5000, false}, {65535, false}};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        CHECK_INT(close_may_be_sent(edges[i].code), edges[i].may);
}

static void codes_have_names(void)
{
    CHECK_STR(close_name(1001), "going away");
    CHECK_STR(close_name(3500), "library or framework");
    CHECK_STR(close_name(4321), "application");
    CHECK_STR(close_name(2000), "unassigned");
}

static void building_gives_what_parsing_reads(void)
{
    uint8_t bytes[125];
    size_t len = close_build(bytes, 1012, "restart");
    CHECK_BYTES(bytes, len, "\x03\xf4restart", 9);
    CHECK_INT(close_build(bytes, CLOSE_NO_STATUS, "ignored"), 0);
    CHECK_INT(close_build(bytes, 1000, NULL), 2);
}

static void a_long_reason_is_cut_before_a_character(void)
{
    char reason[126];
    uint8_t bytes[125];
    memset(reason, 'x', sizeof reason);
    reason[123] = '\0';
    CHECK_INT(close_build(bytes, 1000, reason), 125);
    memcpy(reason + 122, "\xc3\xa9", 3);
    CHECK_INT(close_build(bytes, 1000, reason), 124);
}

SUITE(close, TEST(an_empty_payload_is_1005_and_legal), TEST(one_byte_is_illegal),
      TEST(code_and_reason_are_read), TEST(a_reason_that_is_not_utf8_is_illegal),
      TEST(a_payload_beyond_125_bytes_is_illegal),
      TEST(codes_for_inside_use_are_illegal_on_the_wire),
      TEST(what_may_be_sent_ends_where_the_ranges_end), TEST(codes_have_names),
      TEST(building_gives_what_parsing_reads), TEST(a_long_reason_is_cut_before_a_character))

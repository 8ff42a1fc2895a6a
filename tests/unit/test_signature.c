#include "ws/signature.h"

#include <string.h>

#include "tests/check.h"
#include "tests/unit/guarded.h"

static void check_mask(const char *payload, const char *want)
{
    uint8_t out[SIGNATURE_LIMIT_BYTES];
    uint8_t *copy = guarded_copy(payload, strlen(payload));
    size_t len = signature_mask(copy, strlen(payload), out);
    CHECK_BYTES(out, len, want, strlen(want));
    guarded_free(copy, strlen(payload));
}

static struct signature of(const char *payload)
{
    return signature_of(7, (const uint8_t *)payload, strlen(payload), strlen(payload));
}

static void digits_hex_runs_and_uuids_are_one_mark(void)
{
    check_mask("tick 10: 1.5", "tick #: #.#");
    check_mask("id=deadBEEF12", "id=#");
    check_mask("{\"u\":\"123e4567-e89b-12d3-a456-426614174000\"}", "{\"u\":\"#\"}");
}

static void each_mark_says_where_it_is(void)
{
    static const char payload[] = "a 10 deadbeef 7";
    struct signature_mark marks[4];
    CHECK_INT(signature_marks((const uint8_t *)payload, strlen(payload), marks, 2), 2);
    CHECK_INT(signature_marks((const uint8_t *)payload, strlen(payload), marks, 4), 3);
    CHECK_INT(marks[0].from, 2);
    CHECK_INT(marks[0].len, 2);
    CHECK(marks[0].decimal && !marks[1].decimal && marks[2].decimal);
    CHECK_INT(marks[1].len, 8);
    CHECK_INT(marks[2].from, 14);
}

static void seven_hex_digits_are_a_word_and_eight_are_not(void)
{
    check_mask("abcdefa", "abcdefa");
    check_mask("abcdefab", "#");
}

static void what_is_nearly_a_uuid_is_not_one(void)
{
    check_mask("1-e89b-12d3-a456-426614174000", "#-e#b-#d#-a#-#");
    check_mask("123e4567-e89b-12d3-a456-42661417400", "#-e#b-#d#-a#-#");
}

static void counting_messages_are_of_one_kind_with_different_content(void)
{
    CHECK(of("tick 9").kind == of("tick 10").kind);
    CHECK(of("tick 9").content != of("tick 10").content);
    CHECK(of("tick 9").kind != of("tock 9").kind);
}

static void equal_messages_have_equal_signatures_under_one_key(void)
{
    CHECK(of("ping").content == of("ping").content);
    CHECK(of("ping").content == signature_content(7, (const uint8_t *)"ping", 4, 4));
    CHECK(of("ping").content != signature_of(8, (const uint8_t *)"ping", 4, 4).content);
}

static void what_lies_beyond_the_limit_is_not_looked_at(void)
{
    uint8_t payload[SIGNATURE_LIMIT_BYTES + 1];
    memset(payload, 'x', sizeof payload);
    struct signature at_limit = signature_of(7, payload, SIGNATURE_LIMIT_BYTES, sizeof payload);
    payload[SIGNATURE_LIMIT_BYTES] = 'y';
    struct signature beyond = signature_of(7, payload, sizeof payload, sizeof payload);
    CHECK(beyond.content == at_limit.content);
    CHECK(beyond.kind == at_limit.kind);
    payload[SIGNATURE_LIMIT_BYTES - 1] = 'y';
    CHECK(signature_of(7, payload, sizeof payload, sizeof payload).content != at_limit.content);
}

static void digits_are_hexadecimal_with_leading_zeros(void)
{
    char digits[SIGNATURE_DIGITS + 1];
    signature_digits(UINT64_C(0x0123456789abcdef), digits);
    CHECK_STR(digits, "0123456789abcdef");
    signature_digits(0, digits);
    CHECK_STR(digits, "0000000000000000");
    signature_digits(UINT64_MAX, digits);
    CHECK_STR(digits, "ffffffffffffffff");
}

SUITE(signature, TEST(digits_are_hexadecimal_with_leading_zeros),
      TEST(digits_hex_runs_and_uuids_are_one_mark), TEST(each_mark_says_where_it_is),
      TEST(seven_hex_digits_are_a_word_and_eight_are_not), TEST(what_is_nearly_a_uuid_is_not_one),
      TEST(counting_messages_are_of_one_kind_with_different_content),
      TEST(equal_messages_have_equal_signatures_under_one_key),
      TEST(what_lies_beyond_the_limit_is_not_looked_at))

#include "base/nearest.h"

#include <string.h>

#include "tests/check.h"

#define NEAREST(written, ...)                                                                      \
    nearest_name(written, (const char *const[]){__VA_ARGS__},                                      \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void one_slip_is_forgiven(void)
{
    CHECK_STR(NEAREST("latancy", "drop", "latency"), "latency");
    CHECK_STR(NEAREST("latncy", "drop", "latency"), "latency");
    CHECK_STR(NEAREST("lateency", "drop", "latency"), "latency");
    CHECK_STR(NEAREST("latecny", "drop", "latency"), "latency");
}

static void short_words_are_forgiven_one_slip_and_not_two(void)
{
    CHECK_STR(NEAREST("seef", "seed"), "seed");
    CHECK(NEAREST("seff", "seed") == NULL);
    CHECK_STR(NEAREST("x", "y"), "y");
}

static void longer_words_are_forgiven_a_third(void)
{
    CHECK_STR(NEAREST("heartbxxx", "heartbeat"), "heartbeat");
    CHECK(NEAREST("heartxxxx", "heartbeat") == NULL);
}

static void two_equally_near_are_none(void)
{
    CHECK(NEAREST("stale", "stall", "stalk") == NULL);
    CHECK_STR(NEAREST("stalll", "stall", "stale"), "stall");
}

static void the_same_name_twice_is_one(void)
{
    CHECK_STR(NEAREST("stal", "stall", "stall"), "stall");
}

static void nothing_and_endless_words_are_near_nothing(void)
{
    char longest[65], too_long[66];
    memset(longest, 'a', sizeof longest);
    memset(too_long, 'a', sizeof too_long);
    longest[63] = '\0';
    too_long[64] = '\0';
    CHECK(NEAREST("", "a") == NULL);
    CHECK(NEAREST(longest, longest) != NULL);
    CHECK(NEAREST(too_long, too_long) == NULL);
    CHECK(NEAREST(longest, too_long) == NULL);
}

SUITE(nearest, TEST(one_slip_is_forgiven), TEST(short_words_are_forgiven_one_slip_and_not_two),
      TEST(longer_words_are_forgiven_a_third), TEST(two_equally_near_are_none),
      TEST(the_same_name_twice_is_one), TEST(nothing_and_endless_words_are_near_nothing))

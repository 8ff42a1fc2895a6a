#include "base/nsec.h"

#include "tests/check.h"

static void a_sum_with_never_is_never(void)
{
    CHECK_INT(nsec_add(NEVER, 1), NEVER);
    CHECK_INT(nsec_add(1, NEVER), NEVER);
    CHECK_INT(nsec_add(NEVER, -1), NEVER);
    CHECK_INT(nsec_add(NEVER, NEVER), NEVER);
}

static void a_sum_too_large_is_never_and_the_largest_is_not(void)
{
    CHECK_INT(nsec_add(NEVER - 2, 1), NEVER - 1);
    CHECK_INT(nsec_add(NEVER - 2, 3), NEVER);
    CHECK_INT(nsec_add(NEVER - 1, NEVER - 1), NEVER);
}

static void negative_lengths_add_up(void)
{
    CHECK_INT(nsec_add(5, -1), 4);
    CHECK_INT(nsec_add(-5, -1), -6);
    CHECK_INT(nsec_add(NEVER - 1, -1), NEVER - 2);
}

static void seconds_round_to_the_nearest_nanosecond(void)
{
    CHECK_INT(nsec_from_seconds(1.5), 1500000000);
    CHECK_INT(nsec_from_seconds(0.0000000004), 0);
    CHECK_INT(nsec_from_seconds(0.0000000006), 1);
    CHECK_INT(nsec_from_seconds(-0.0000000006), -1);
    CHECK_REAL(nsec_to_seconds(nsec_from_seconds(34.2)), 34.2, 1e-9);
}

static void the_smaller_and_the_larger_are_told(void)
{
    CHECK_INT(nsec_min(-1, 1), -1);
    CHECK_INT(nsec_max(-1, 1), 1);
    CHECK_INT(nsec_min(NEVER, 3), 3);
}

SUITE(nsec, TEST(a_sum_with_never_is_never), TEST(a_sum_too_large_is_never_and_the_largest_is_not),
      TEST(negative_lengths_add_up), TEST(seconds_round_to_the_nearest_nanosecond),
      TEST(the_smaller_and_the_larger_are_told))

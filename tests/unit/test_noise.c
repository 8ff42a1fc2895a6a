#include "tests/check.h"

#include "net/noise.h"

static void nothing_measured_is_no_noise(void)
{
    struct lateness lateness = {0};
    CHECK_INT(lateness_share(&lateness, 0.95), 0);
}

static void a_share_is_right_within_a_tenth(void)
{
    struct lateness lateness = {0};
    for (int i = 1; i <= 1000; i++)
        lateness_add(&lateness, i * 10 * NSEC_PER_USEC);
    CHECK_REAL((double)lateness_share(&lateness, 0.95), 9.5e6, 0.95e6);
}

static void a_share_is_never_more_than_the_worst(void)
{
    struct lateness lateness = {0};
    lateness_add(&lateness, 1234567);
    CHECK_INT(lateness_share(&lateness, 0.95), 1234567);
}

static void what_is_early_counts_as_punctual(void)
{
    struct lateness lateness = {0};
    lateness_add(&lateness, -5);
    CHECK_INT(lateness.worst, 0);
}

static void what_is_off_the_scale_is_kept_as_the_worst(void)
{
    struct lateness lateness = {0};
    lateness_add(&lateness, 3600 * NSEC_PER_SEC);
    CHECK_INT(lateness.worst, 3600 * NSEC_PER_SEC);
}

static void one_in_twenty_may_be_later(void)
{
    struct lateness lateness = {0};
    for (int i = 0; i < 19; i++)
        lateness_add(&lateness, NSEC_PER_USEC);
    lateness_add(&lateness, NSEC_PER_SEC);
    CHECK_INT(lateness_share(&lateness, 0.95), NSEC_PER_USEC);
}

SUITE(noise, TEST(nothing_measured_is_no_noise), TEST(a_share_is_right_within_a_tenth),
      TEST(a_share_is_never_more_than_the_worst), TEST(what_is_early_counts_as_punctual),
      TEST(what_is_off_the_scale_is_kept_as_the_worst), TEST(one_in_twenty_may_be_later))

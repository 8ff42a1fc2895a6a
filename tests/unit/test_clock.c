#include "tests/check.h"

#include "net/loop.h"

static const struct clock ten = {.start = 1000, .speed = 10};

static void target_time_runs_as_fast_as_the_speed(void)
{
    CHECK_INT(clock_target(&ten, 1000 + NSEC_PER_SEC), 10 * NSEC_PER_SEC);
}

static void before_the_start_it_is_zero(void)
{
    CHECK_INT(clock_target(&ten, 999), 0);
}

static void never_stays_never(void)
{
    CHECK_INT(clock_real(&ten, NEVER), NEVER);
}

static void a_deadline_too_far_to_count_is_never(void)
{
    struct clock slow = {.start = 1, .speed = 0.5};
    CHECK_INT(clock_real(&slow, NEVER - 1), NEVER);
}

static void a_deadline_has_come_when_its_real_instant_has(void)
{
    static const double speeds[] = {1, 3, 7, 10, 20, 0.3};
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++)
        for (nsec target = 0; target < 100 * NSEC_PER_SEC; target += 777777777) {
            struct clock clock = {.start = 123456789012345, .speed = speeds[i]};
            CHECK(clock_target(&clock, clock_real(&clock, target)) >= target);
        }
}

static void a_deadline_has_not_come_one_instant_before(void)
{
    CHECK(clock_target(&ten, clock_real(&ten, 1001) - 1) < 1001);
}

SUITE(clock, TEST(target_time_runs_as_fast_as_the_speed), TEST(before_the_start_it_is_zero),
      TEST(never_stays_never), TEST(a_deadline_too_far_to_count_is_never),
      TEST(a_deadline_has_come_when_its_real_instant_has),
      TEST(a_deadline_has_not_come_one_instant_before))

#include "base/rng.h"

#include "tests/check.h"

static void the_same_seed_gives_the_same_numbers(void)
{
    struct rng a, b;
    rng_init(&a, 7, "latency", 3);
    rng_init(&b, 7, "latency", 3);
    for (int i = 0; i < 100; i++)
        CHECK(rng_next(&a) == rng_next(&b));
}

static void seed_name_and_index_each_make_another_stream(void)
{
    struct rng rng[4];
    uint64_t first[4];
    rng_init(&rng[0], 7, "latency", 3);
    rng_init(&rng[1], 8, "latency", 3);
    rng_init(&rng[2], 7, "drop", 3);
    rng_init(&rng[3], 7, "latency", 4);
    for (int i = 0; i < 4; i++)
        first[i] = rng_next(&rng[i]);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            CHECK(first[i] != first[k]);
}

/* The stream of a seed is part of every golden trace. */
static void the_numbers_never_change(void)
{
    struct rng rng;
    rng_init(&rng, 1, "golden", 0);
    uint64_t first = rng_next(&rng), second = rng_next(&rng);
    CHECK_INT(first, INT64_C(6270318156340158018));
    CHECK_INT(second, INT64_C(-4016433367296873856));
}

static void whole_numbers_fill_their_range_and_no_more(void)
{
    struct rng rng;
    int seen[7] = {0}, outside = 0;
    rng_init(&rng, 1, "between", 0);
    for (int i = 0; i < 7000; i++) {
        int64_t number = rng_between(&rng, -3, 3);
        if (number < -3 || number > 3)
            outside++;
        else
            seen[number + 3]++;
    }
    CHECK_INT(outside, 0);
    for (int i = 0; i < 7; i++)
        CHECK(seen[i] > 800 && seen[i] < 1200); /* 1000 each; 29.3 is a standard deviation */
}

static void ranges_of_one_and_of_all_numbers_work(void)
{
    struct rng rng;
    int negative = 0;
    rng_init(&rng, 1, "ranges", 0);
    CHECK_INT(rng_between(&rng, 5, 5), 5);
    for (int i = 0; i < 1000; i++)
        negative += rng_between(&rng, INT64_MIN, INT64_MAX) < 0;
    CHECK(negative > 400 && negative < 600);
}

static void shares_are_at_least_0_and_below_1_with_the_mean_of_one_half(void)
{
    struct rng rng;
    double sum = 0;
    int outside = 0;
    rng_init(&rng, 1, "unit", 0);
    for (int i = 0; i < 10000; i++) {
        double share = rng_unit(&rng);
        outside += share < 0 || share >= 1;
        sum += share;
    }
    CHECK_INT(outside, 0);
    CHECK_REAL(sum / 10000, 0.5, 0.012); /* four standard errors */
}

static void a_uniform_number_lies_in_its_range(void)
{
    struct rng rng;
    int outside = 0;
    rng_init(&rng, 1, "uniform", 0);
    for (int i = 0; i < 1000; i++) {
        double number = rng_uniform(&rng, 0.5, 1.5);
        outside += number < 0.5 || number >= 1.5;
    }
    CHECK_INT(outside, 0);
    CHECK_REAL(rng_uniform(&rng, 2, 2), 2, 0);
}

SUITE(rng, TEST(the_same_seed_gives_the_same_numbers),
      TEST(seed_name_and_index_each_make_another_stream), TEST(the_numbers_never_change),
      TEST(whole_numbers_fill_their_range_and_no_more), TEST(ranges_of_one_and_of_all_numbers_work),
      TEST(shares_are_at_least_0_and_below_1_with_the_mean_of_one_half),
      TEST(a_uniform_number_lies_in_its_range))

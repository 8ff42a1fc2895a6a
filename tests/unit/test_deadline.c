#include "base/deadline.h"

#include "base/rng.h"
#include "tests/check.h"

#define MANY 500

static void an_empty_heap_is_never_due(void)
{
    struct deadlines heap;
    deadlines_init(&heap);
    CHECK_INT(deadlines_next(&heap), NEVER);
    CHECK(deadlines_pop_due(&heap, NEVER - 1) == NULL);
    deadlines_fini(&heap);
}

static void it_is_due_at_its_instant_and_not_before(void)
{
    struct deadlines heap;
    struct deadline one = {0};
    deadlines_init(&heap);
    deadlines_set(&heap, &one, 10);
    CHECK(deadlines_pop_due(&heap, 9) == NULL);
    CHECK(deadlines_pop_due(&heap, 10) == &one);
    CHECK(deadlines_pop_due(&heap, 10) == NULL);
    deadlines_fini(&heap);
}

static void never_takes_it_out(void)
{
    struct deadlines heap;
    struct deadline one = {0}, two = {0};
    deadlines_init(&heap);
    deadlines_set(&heap, &one, 10);
    deadlines_set(&heap, &two, 20);
    deadlines_set(&heap, &one, NEVER);
    deadlines_set(&heap, &one, NEVER);
    CHECK_INT(deadlines_next(&heap), 20);
    CHECK(deadlines_pop_due(&heap, 100) == &two);
    CHECK(deadlines_pop_due(&heap, 100) == NULL);
    deadlines_fini(&heap);
}

static void a_deadline_moves_both_ways(void)
{
    struct deadlines heap;
    struct deadline one = {0}, two = {0};
    deadlines_init(&heap);
    deadlines_set(&heap, &one, 10);
    deadlines_set(&heap, &two, 20);
    deadlines_set(&heap, &one, 30);
    CHECK_INT(deadlines_next(&heap), 20);
    deadlines_set(&heap, &one, 5);
    CHECK(deadlines_pop_due(&heap, 100) == &one);
    deadlines_fini(&heap);
}

/* Set, moved and removed at random, then emptied: what comes out is a sorted list of what is in. */
static void any_history_leaves_a_heap(void)
{
    static struct deadline all[MANY];
    struct deadlines heap;
    struct rng rng;
    size_t in = 0, out = 0, disorder = 0;
    nsec before = 0;
    deadlines_init(&heap);
    rng_init(&rng, 1, "deadlines", 0);
    for (size_t i = 0; i < MANY; i++)
        all[i] = (struct deadline){0};
    for (int turn = 0; turn < 20 * MANY; turn++) {
        struct deadline *one = &all[rng_between(&rng, 0, MANY - 1)];
        deadlines_set(&heap, one, rng_between(&rng, 0, 3) ? rng_between(&rng, 0, 99) : NEVER);
    }
    for (size_t i = 0; i < MANY; i++)
        in += all[i].slot != 0;
    for (struct deadline *one; (one = deadlines_pop_due(&heap, 1000)); out++) {
        disorder += one->at < before || one->slot != 0;
        before = one->at;
    }
    CHECK(in > 0);
    CHECK_INT(out, in);
    CHECK_INT(disorder, 0);
    deadlines_fini(&heap);
}

SUITE(deadline, TEST(an_empty_heap_is_never_due), TEST(it_is_due_at_its_instant_and_not_before),
      TEST(never_takes_it_out), TEST(a_deadline_moves_both_ways), TEST(any_history_leaves_a_heap))

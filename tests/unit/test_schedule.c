/* Which scenario begins when, and how long the whole will take. */
#include "control/schedule.h"

#include <stdlib.h>

#include "base/mem.h"
#include "control/session_setup.h"
#include "tests/check.h"

#define TASKS_LIMIT 8

struct set {
    struct subject subject;
    struct runner_task tasks[TASKS_LIMIT];
    size_t count;
};

static void begin(struct set *set)
{
    *set = (struct set){.count = 0};
    subject_init(&set->subject);
    set->subject.declared = xstrdup("{}");
}

static void add(struct set *set, double seconds, unsigned clients)
{
    struct plan *plan = plan_new();
    plan->clients = clients;
    plan_add_step(plan, STEP_WAIT)->wait.duration = nsec_from_seconds(seconds);
    set->tasks[set->count++] = (struct runner_task){plan, &set->subject};
}

static void end(struct set *set)
{
    for (size_t i = 0; i < set->count; i++)
        plan_free((struct plan *)set->tasks[i].plan); /* which is ours */
    subject_fini(&set->subject);
}

static double expected(const struct set *set, unsigned places, double speed)
{
    return schedule_expected(set->tasks, set->count, places, speed);
}

static void the_longest_begin_first(void)
{
    struct set set;
    begin(&set);
    add(&set, 10, 1);
    add(&set, 30, 1);
    add(&set, 10, 1);
    add(&set, 20, 1);
    size_t *order = schedule_order(set.tasks, set.count, 10);
    const size_t want[] = {1, 3, 0, 2};
    for (size_t i = 0; i < set.count; i++)
        CHECK_INT(order[i], want[i]);
    free(order);
    end(&set);
}

static void side_by_side_the_longest_decides(void)
{
    struct set set;
    begin(&set);
    add(&set, 100, 10);
    add(&set, 60, 10);
    CHECK_REAL(expected(&set, 20, 1), 100, 2);
    CHECK_REAL(expected(&set, 19, 1), 160, 3);
    CHECK_REAL(expected(&set, 20, 10), 10, 2);
    end(&set);
}

/* 100 and 60 side by side, then 50 beside what is left of the 100. */
static void who_waits_begins_when_a_place_is_free(void)
{
    struct set set;
    begin(&set);
    add(&set, 50, 10);
    add(&set, 60, 10);
    add(&set, 100, 10);
    CHECK_REAL(expected(&set, 20, 1), 110, 3);
    CHECK_REAL(expected(&set, 10, 1), 210, 4);
    end(&set);
}

/* A scenario larger than all places runs alone. */
static void a_large_one_is_not_left_out(void)
{
    struct set set;
    begin(&set);
    add(&set, 10, 50);
    add(&set, 20, 1);
    CHECK_REAL(expected(&set, 10, 1), 33, 2);
    end(&set);
}

static void nothing_takes_hardly_any_time(void)
{
    struct set set;
    begin(&set);
    CHECK_REAL(expected(&set, 10, 1), 0, 1);
    end(&set);
}

static void places_are_as_asked_else_at_least_one(void)
{
    CHECK_INT(schedule_places(7), 7);
    CHECK(schedule_places(0) >= 1);
}

static uint64_t asked;

static uint64_t so_much(const void *context)
{
    asked++;
    return *(const uint64_t *)context;
}

/* Where memory is short, which depends on the machine, what the clients take decides. */
static void clients_that_do_not_fit_into_memory_wait(void)
{
    uint64_t huge = (uint64_t)1 << 50, tiny = 1;
    asked = 0;
    CHECK(schedule_fits_memory(0, so_much, &huge));
    CHECK_INT(asked, 0);
    CHECK(!schedule_fits_memory(1000000, so_much, &huge));
    CHECK(schedule_fits_memory(1000000, so_much, &tiny));
    CHECK_INT(asked, 2);
}

SUITE(schedule, TEST(clients_that_do_not_fit_into_memory_wait), TEST(the_longest_begin_first),
      TEST(side_by_side_the_longest_decides), TEST(who_waits_begins_when_a_place_is_free),
      TEST(a_large_one_is_not_left_out), TEST(nothing_takes_hardly_any_time),
      TEST(places_are_as_asked_else_at_least_one))

/* What a plan says of itself before it runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan.h"
#include "tests/check.h"
#include "tests/sim/world.h"

#define SECONDS(n) ((nsec)(n)*NSEC_PER_SEC)

static struct plan *plan_of_steps(const char *steps)
{
    char yaml[2000];
    snprintf(yaml, sizeof yaml, "scenario: a\nstory: S.\ntests: client\nsteps:\n%s", steps);
    return sim_plan_of(yaml);
}

static void check_longest(const char *steps, nsec want)
{
    struct plan *plan = plan_of_steps(steps);
    CHECK_INT(plan_longest(plan), want);
    plan_free(plan);
}

static void the_longest_time_is_the_sum_of_all_limits(void)
{
    check_longest("  - wait: 10s\n  - wait: {until: open, at_most: 30s}\n", SECONDS(40));
    check_longest("  - refuse: {}\n    for: 20s\n  - wait: 1s\n", SECONDS(21));
    check_longest("  - refuse: {}\n    for: 20s\n    as: x\n  - wait: 1s\n", SECONDS(1));
    check_longest(
        "  - drop: {}\n    at: {after: heartbeat, at_most: 60s}\n    for: 20s\n  - wait: 1s\n",
        SECONDS(81));
    check_longest("  - repeat: {times: 3, steps: [{wait: 2s}]}\n", SECONDS(6));
}

static void what_is_expected_is_less_for_conditions(void)
{
    struct plan *plan = plan_of_steps("  - wait: 10s\n  - wait: {until: open, at_most: 30s}\n");
    struct policy policy;
    policy_defaults(&policy);
    CHECK(plan_expected(plan, &policy) >= SECONDS(10));
    CHECK(plan_expected(plan, &policy) < plan_longest(plan));
    plan_free(plan);
}

static void a_plan_of_nothing_takes_no_time(void)
{
    struct plan *plan = plan_new();
    CHECK_INT(plan_longest(plan), 0);
    struct policy policy;
    policy_defaults(&policy);
    CHECK_INT(plan_expected(plan, &policy), 0);
    CHECK_INT(plan->clients, 1);
    plan_free(plan);
}

static void steps_have_sensible_defaults(void)
{
    struct plan *plan = plan_new();
    const struct step *fault = plan_add_step(plan, STEP_FAULT);
    CHECK_INT(fault->fault.dirs, DIR_BOTH);
    CHECK_REAL(fault->fault.probability, 1, 0);
    CHECK_INT(fault->fault.duration, NEVER);
    const struct step *wait = plan_add_step(plan, STEP_WAIT);
    CHECK_INT(wait->wait.at_most, NEVER);
    plan_free(plan);
}

/* A machine that has nothing, and one that has all. */
static const char *has_nothing(enum fault_need need)
{
    return need == NEED_NOTHING ? "" : "no rights";
}

static const char *has_all(enum fault_need need)
{
    (void)need;
    return "";
}

static void faults_without_needs_are_never_replaced(void)
{
    struct plan *plan = plan_of_steps("  - drop: {}\n    as: x\n  - wait: 1s\n");
    CHECK(plan_unmet(plan, has_nothing) == NULL);
    plan_fall_back(plan, has_nothing);
    CHECK_STR(plan->steps[0].fault.desc->name, "drop");
    CHECK(plan->steps[0].fault.stands_for == NULL);
    plan_free(plan);
}

static const struct fault_desc *first_in_need(void)
{
    for (size_t i = 0; all_faults[i]; i++)
        if (all_faults[i]->need != NEED_NOTHING)
            return all_faults[i];
    abort();
}

static struct plan *plan_in_need(const char *fallback)
{
    char steps[400];
    const struct fault_desc *fault = first_in_need();
    snprintf(steps, sizeof steps, "  - %s: {}\n    as: x\n%s  - wait: 1s\n", fault->name, fallback);
    return plan_of_steps(steps);
}

static void a_fault_the_machine_cannot_do_is_named(void)
{
    struct plan *plan = plan_in_need("");
    CHECK(plan_unmet(plan, has_nothing) == &plan->steps[0].fault);
    CHECK(plan_unmet(plan, has_all) == NULL);
    plan_free(plan);
}

static void or_replaced_and_said_to_be(void)
{
    struct plan *plan = plan_in_need("    fallback: drop\n");
    CHECK(plan_unmet(plan, has_nothing) == NULL);
    plan_fall_back(plan, has_all);
    CHECK_STR(plan->steps[0].fault.desc->name, first_in_need()->name);
    plan_fall_back(plan, has_nothing);
    CHECK_STR(plan->steps[0].fault.desc->name, "drop");
    CHECK_STR(plan->steps[0].fault.stands_for, first_in_need()->name);
    CHECK_STR(plan->steps[0].fault.why_replaced, "no rights");
    plan_free(plan);
}

SUITE(plan, TEST(the_longest_time_is_the_sum_of_all_limits),
      TEST(what_is_expected_is_less_for_conditions), TEST(a_plan_of_nothing_takes_no_time),
      TEST(steps_have_sensible_defaults), TEST(faults_without_needs_are_never_replaced),
      TEST(a_fault_the_machine_cannot_do_is_named), TEST(or_replaced_and_said_to_be))

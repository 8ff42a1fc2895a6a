/* How long a plan is expected to take, against how long it takes the sound client in the simulated
 * world: within a factor of 1.5, or a few seconds. */
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/world.h"

#define FACTOR  1.5
#define SECONDS 6.0

static void check_plan(struct plan *plan)
{
    struct sim_config cfg;
    struct scenario_result result;
    struct policy policy;
    sim_config_init(&cfg, plan);
    policy_defaults(&policy);
    CHECK_STR(sim_verdicts(&cfg, &result), "finished");
    double took = nsec_to_seconds(result.duration);
    double expected = nsec_to_seconds(plan_expected(plan, &policy));
    double less = took < expected ? took : expected, more = took < expected ? expected : took;
    if (more > less * FACTOR && more - less > SECONDS)
        check_real(__FILE__, __LINE__, plan->name, expected, took, SECONDS);
    scenario_result_fini(&result);
}

static void every_scenario_takes_about_as_long_as_expected(void)
{
    struct sim_plans plans = sim_plans_load("client");
    CHECK(plans.count > 30);
    for (size_t i = 0; i < plans.count; i++)
        check_plan(plans.list[i]);
    sim_plans_free(&plans);
}

SUITE(expected, TEST(every_scenario_takes_about_as_long_as_expected))

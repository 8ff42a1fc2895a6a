/* What the faults of a plan need, on a machine that lacks it. */
#include <stdio.h>

#include "core/plan.h"
#include "net/kernel.h"
#include "tests/check.h"
#include "tests/sim/world.h"

static const char *has_nothing(enum fault_need need)
{
    return need == NEED_NOTHING ? "" : need == NEED_FILTER ? "no filters" : "no repair";
}

static struct plan *plan_of(const char *steps)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml, "scenario: a\nstory: x\ntests: client\nsteps:\n%s", steps);
    return sim_plan_of(yaml);
}

static const char *name_of(const struct fault_step *fault)
{
    return fault ? fault->desc->name : "none";
}

static void a_need_may_depend_on_a_parameter(void)
{
    struct plan *plan = plan_of("  - silent_close: {answer: none}\n");
    const struct fault_step *unmet = plan_unmet(plan, has_nothing);
    CHECK_STR(has_nothing(fault_needs(unmet->desc, unmet->config)), "no filters");
    plan_free(plan);
}

static void a_fallback_works_where_and_as_long_as_it_did(void)
{
    struct plan *plan = plan_of("  - blackhole: {direction: to_client, fallback: drop, for: 3s}\n");
    const struct fault_step *fault = &plan->steps[0].fault;
    plan_fall_back(plan, has_nothing);
    CHECK_STR(fault->desc->name, "drop");
    CHECK_STR(fault->stands_for, "blackhole");
    CHECK_STR(fault->why_replaced, "no filters");
    CHECK_INT(fault->dirs, DIR_MASK(TO_CLIENT));
    CHECK_INT(fault->duration, 3 * NSEC_PER_SEC);
    plan_free(plan);
}

static void what_a_kernel_times_is_known_and_no_longer_when_replaced(void)
{
    struct plan *plan = plan_of("  - drop: {}\n  - packet_loss: {fallback: latency}\n");
    CHECK_STR(name_of(plan_kernel_timed(plan)), "packet_loss");
    plan_fall_back(plan, has_nothing);
    CHECK_STR(name_of(plan_kernel_timed(plan)), "none");
    plan_free(plan);
}

static void tls_is_needed_on_the_legs_a_fault_names(void)
{
    struct plan *plan = plan_of("  - drop: {}\n  - tls_truncate: {direction: to_server}\n");
    CHECK_STR(name_of(plan_without_tls(plan, true, false)), "tls_truncate");
    CHECK_STR(name_of(plan_without_tls(plan, false, true)), "none");
    CHECK_STR(name_of(plan_wants_authority(plan)), "none");
    plan_free(plan);
    plan = plan_of("  - tls_stall: {}\n  - tls_expired: {}\n");
    CHECK_STR(name_of(plan_without_tls(plan, false, true)), "tls_stall");
    CHECK_STR(name_of(plan_without_tls(plan, true, false)), "none");
    CHECK_STR(name_of(plan_wants_authority(plan)), "tls_expired");
    plan_free(plan);
}

/* Whatever this machine allows: yes and a reason exclude one another. */
static void the_kernel_says_why_when_it_says_no(void)
{
    CHECK_STR(kernel_why_not(NEED_NOTHING), "");
    CHECK_INT(kernel_has(NEED_FILTER), kernel_why_not(NEED_FILTER)[0] == '\0');
    CHECK_INT(kernel_has(NEED_REPAIR), kernel_why_not(NEED_REPAIR)[0] == '\0');
}

SUITE(plan_needs, TEST(a_need_may_depend_on_a_parameter),
      TEST(a_fallback_works_where_and_as_long_as_it_did),
      TEST(what_a_kernel_times_is_known_and_no_longer_when_replaced),
      TEST(tls_is_needed_on_the_legs_a_fault_names), TEST(the_kernel_says_why_when_it_says_no))

#include "control/testable.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/load.h"
#include "tests/check.h"

/* What is missing for such a scenario, as its member in the target file. */
static const char *lacks(const char *steps, const char *expect, const char *declared)
{
    struct diag *diag = diag_new();
    struct subject subject = {.declared = (char *)declared};
    char *yaml = xprintf("scenario: a\nsteps:\n  - wait: 1s\n%sexpect: [%s]\n", steps, expect);
    struct plan *plan = scenario_parse("a.yaml", yaml, strlen(yaml), diag);
    CHECK(plan != NULL);
    const struct declaration *missing = plan ? plan_lacks(plan, &subject) : NULL;
    plan_free(plan);
    free(yaml);
    diag_free(diag);
    return missing ? missing->member : "nothing";
}

static void closes_that_nobody_can_order_leave_the_scenario_out(void)
{
    CHECK_STR(lacks("  - hook: close\n", "reconnect.final_close", "{}"), "close");
    CHECK_STR(lacks("  - hook: close\n", "", "{\"hooks\":{\"send\":\"http\"}}"), "close");
    CHECK_STR(
        lacks("  - hook: close\n", "reconnect.final_close", "{\"hooks\":{\"close\":\"http\"}}"),
        "nothing");
}

/* Its clients may send by themselves. */
static void sends_that_nobody_can_order_do_not(void)
{
    CHECK_STR(lacks("  - hook: {send: 20}\n", "message.order", "{}"), "nothing");
    CHECK_STR(lacks("  - hook: send\n  - hook: close\n", "message.order", "{}"), "nothing");
}

static void rules_that_cannot_do_without_leave_it_out(void)
{
    CHECK_STR(lacks("", "reconnect.retry_limit", "{}"), "gave_up");
    CHECK_STR(lacks("", "reconnect.retry_limit, reconnect.cap", "{}"), "nothing");
    CHECK_STR(lacks("", "reconnect.retry_limit", "{\"hooks\":{\"gave_up\":\"log\"}}"), "nothing");
}

static void a_scenario_without_hooks_runs(void)
{
    CHECK_STR(lacks("", "reconnect.final_close", "{}"), "nothing");
    CHECK_STR(lacks("", "", "{}"), "nothing");
}

SUITE(testable, TEST(closes_that_nobody_can_order_leave_the_scenario_out),
      TEST(sends_that_nobody_can_order_do_not), TEST(rules_that_cannot_do_without_leave_it_out),
      TEST(a_scenario_without_hooks_runs))

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

static void hooks_that_nobody_declared_leave_the_scenario_out(void)
{
    CHECK_STR(lacks("  - hook: close\n", "reconnect.final_close", "{}"), "close");
    CHECK_STR(
        lacks("  - hook: close\n", "reconnect.final_close", "{\"hooks\":{\"close\":\"http\"}}"),
        "nothing");
    CHECK_STR(
        lacks("  - hook: close\n", "reconnect.final_close", "{\"hooks\":{\"send\":\"http\"}}"),
        "close");
}

static void one_of_several_hooks_is_enough(void)
{
    CHECK_STR(lacks("  - hook: close\n  - hook: send\n", "", "{\"hooks\":{\"send\":\"http\"}}"),
              "nothing");
    CHECK_STR(lacks("  - hook: close\n  - hook: send\n", "", "{}"), "close");
}

static void a_scenario_without_hooks_runs(void)
{
    CHECK_STR(lacks("", "reconnect.final_close", "{}"), "nothing");
    CHECK_STR(lacks("", "", "{}"), "nothing");
}

SUITE(testable, TEST(hooks_that_nobody_declared_leave_the_scenario_out),
      TEST(one_of_several_hooks_is_enough), TEST(a_scenario_without_hooks_runs))

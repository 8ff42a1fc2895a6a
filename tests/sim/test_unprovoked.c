/* A rule that looked at nothing has not passed: each scenario for clients is played without its
 * faults, closes, hooks and signals, and the rules that are about what those provoke pass nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/world.h"
#include "tests/spread.h"

/* What a client says by itself is enough for these. */
static const char *const by_itself[] = {
    "auth.expiry",        "auth.url_secret",   "heartbeat.application", "heartbeat.idle_timeout",
    "heartbeat.interval", "heartbeat.present", "message.chunking",      "message.masking",
    "message.order",      "message.types",
};

static bool needs_no_provocation(const char *rule)
{
    for (size_t i = 0; i < sizeof by_itself / sizeof *by_itself; i++)
        if (strcmp(by_itself[i], rule) == 0)
            return true;
    return false;
}

/* Waits and remarks go first; the others lie behind step_count until they are wanted again. */
static void leave_out_provocations(struct plan *plan)
{
    struct step *steps = xcalloc(plan->step_count + 1, sizeof *steps);
    size_t kept = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0, at = pass == 0 ? 0 : kept; i < plan->step_count; i++) {
            bool plain = plan->steps[i].kind == STEP_WAIT || plan->steps[i].kind == STEP_MARK;
            if (plain == (pass == 0))
                steps[at++] = plan->steps[i];
            kept += pass == 0 && plain;
        }
    memcpy(plan->steps, steps, plan->step_count * sizeof *steps);
    free(steps);
    plan->step_count = kept;
}

static void play_piece(void *context, size_t piece, struct text *out)
{
    const struct sim_plans *plans = context;
    struct plan *plan = plans->list[piece];
    size_t all = plan->step_count;
    struct sim_config cfg;
    struct scenario_result result;
    leave_out_provocations(plan);
    sim_config_init(&cfg, plan);
    CHECK_STR(sim_verdicts(&cfg, &result), "finished");
    for (size_t i = 0; i < result.rule_count; i++) {
        const struct rule_result *rule = &result.rules[i];
        bool passed = rule->verdict == PASS && !needs_no_provocation(rule->rule->name);
        struct text words;
        text_init(&words);
        if (passed || rule->verdict == FAIL)
            text_addf(&words, "%s in %s: %s: %s", rule->rule->name, plan->name,
                      verdict_name(rule->verdict), rule->summary);
        CHECK_STR(text_chars(&words), "");
        text_fini(&words);
    }
    scenario_result_fini(&result);
    plan->step_count = all;
}

static void who_was_not_provoked_does_not_pass(void)
{
    struct sim_plans plans = sim_plans_load("client");
    spread(plans.count, play_piece, &plans, NULL);
    sim_plans_free(&plans);
}

SUITE(unprovoked, TEST(who_was_not_provoked_does_not_pass))

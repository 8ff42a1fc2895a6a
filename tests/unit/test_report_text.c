/* What the text report tells once that several scenarios or rules share. */
#include <string.h>

#include "base/mem.h"
#include "reports/results.h"
#include "tests/check.h"

#define LINE "add to halfopen.yaml: hooks: {send: {stdin: 'send {n}'}}"

static const struct rule_desc cap = {
    .name = "reconnect.cap", .id = "RECON-04", .title = "Cap", .doc = "It ends.", .level = SHOULD};
static const struct rule_desc pressure = {.name = "state.client_backpressure",
                                          .id = "STATE-03",
                                          .title = "Backpressure",
                                          .doc = "It has a bound.",
                                          .level = MUST};

static struct scenario_result *add_scenario(struct results *results, const char *name)
{
    struct scenario_result *scenario = results_add_scenario(results);
    scenario->name = xstrdup(name);
    scenario->story = xprintf("The story of %s.", name);
    scenario->clients = 2;
    return scenario;
}

static size_t times(const char *page, const char *words)
{
    size_t count = 0;
    for (const char *at = page; (at = strstr(at, words)) != NULL; at += strlen(words))
        count++;
    return count;
}

static void add_untested(struct scenario_result *scenario, const struct rule_desc *rule,
                         const char *summary)
{
    struct rule_result *result = scenario_add_rule(scenario);
    result->rule = rule;
    result->verdict = NOT_TESTED;
    result->summary = xstrdup(summary);
    result->fix = xstrdup(LINE);
}

static void check_told(struct results *results, const char *words, size_t want)
{
    struct text out;
    text_init(&out);
    results_conclude(results);
    report_text(results, "halfopen-report", INK_PLAIN, &out);
    CHECK_INT(times(text_chars(&out), words), want);
    text_fini(&out);
    results_free(results);
}

static void what_two_scenarios_leave_open_alike_is_told_once(void)
{
    struct results *results = results_new();
    add_untested(add_scenario(results, "a"), &cap, "the client sends nothing");
    add_untested(add_scenario(results, "b"), &cap, "the client sends nothing");
    check_told(results, "reconnect.cap (not tested)", 1);
}

static void what_they_leave_open_for_other_reasons_is_told_twice(void)
{
    struct results *results = results_new();
    add_untested(add_scenario(results, "a"), &cap, "the client sends nothing");
    add_untested(add_scenario(results, "b"), &cap, "nothing says how to make it send");
    check_told(results, "reconnect.cap (not tested)", 2);
}

static void a_line_to_add_is_told_once(void)
{
    struct results *results = results_new();
    add_untested(add_scenario(results, "a"), &cap, "the client sends nothing");
    add_untested(add_scenario(results, "b"), &pressure, "the client sends nothing");
    check_told(results, LINE, 1);
}

SUITE(report_text, TEST(what_two_scenarios_leave_open_alike_is_told_once),
      TEST(what_they_leave_open_for_other_reasons_is_told_twice), TEST(a_line_to_add_is_told_once))

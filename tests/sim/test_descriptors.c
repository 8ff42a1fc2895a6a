/* Every fault, rule, event and policy there is, now and later, keeps the promises of its
 * descriptor: documentation, `list`, YAML and completion are derived from nothing else. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/catalogue.h"
#include "rules/rule.h"
#include "tests/check.h"
#include "tests/sim/kept.h"
#include "tests/sim/world.h"

#define BRIEF_LIMIT 60
#define FILES_LIMIT 256

/* --- Files and names --- */

struct stems {
    char *names[FILES_LIMIT];
    size_t count;
};

static int by_name(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The *.c files of a folder without their ending, sorted. */
static struct stems stems_of(const char *folder)
{
    struct stems stems = {0};
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir)) && stems.count < FILES_LIMIT;) {
        size_t len = strlen(entry->d_name);
        if (len > 2 && strcmp(entry->d_name + len - 2, ".c") == 0)
            stems.names[stems.count++] = xstrndup(entry->d_name, len - 2);
    }
    if (dir)
        closedir(dir);
    qsort(stems.names, stems.count, sizeof *stems.names, by_name);
    return stems;
}

static void stems_fini(struct stems *stems)
{
    for (size_t i = 0; i < stems->count; i++)
        free(stems->names[i]);
}

/* "reconnect_silent_death" of "reconnect.silent_death". */
static char *file_of_rule(const char *name)
{
    char *file = xstrdup(name);
    for (char *at = file; *at; at++)
        *at = *at == '.' ? '_' : *at;
    return file;
}

static void faults_are_named_as_their_files_and_sorted(void)
{
    struct stems stems = stems_of("proxy/fault");
    size_t count = 0;
    for (; all_faults[count]; count++)
        if (count < stems.count)
            CHECK_STR(all_faults[count]->name, stems.names[count]);
    CHECK_INT(count, stems.count);
    for (size_t i = 0; i + 1 < count; i++)
        CHECK(strcmp(all_faults[i]->name, all_faults[i + 1]->name) < 0);
    stems_fini(&stems);
}

static void rules_are_named_as_their_files_and_ids_are_their_own(void)
{
    struct stems stems = stems_of("proxy/rules");
    size_t count = 0;
    for (; all_rules[count]; count++) {
        char *file = file_of_rule(all_rules[count]->name);
        if (count < stems.count)
            CHECK_STR(file, stems.names[count]);
        free(file);
    }
    CHECK_INT(count, stems.count);
    for (size_t i = 0; i < count; i++) {
        CHECK(rule_find(all_rules[i]->name) == all_rules[i]);
        CHECK(rule_find(all_rules[i]->id) == all_rules[i]);
    }
    stems_fini(&stems);
}

/* --- Words --- */

static bool ends_in_full_stop(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && text[len - 1] == '.' && !(len > 1 && text[len - 2] == '.');
}

/* Completes "This fault will ..." or "This rule checks that ...". */
static void check_brief(const char *name, const char *brief)
{
    bool good = brief && *brief && strlen(brief) <= BRIEF_LIMIT &&
                !isupper((unsigned char)brief[0]) && !ends_in_full_stop(brief);
    CHECK_STR(good ? name : brief, name);
}

static void check_doc(const char *name, const char *doc)
{
    CHECK_STR(doc && strlen(doc) > BRIEF_LIMIT && ends_in_full_stop(doc) ? name : doc, name);
}

static void briefs_and_docs_read_well(void)
{
    for (size_t i = 0; all_faults[i]; i++) {
        check_brief(all_faults[i]->name, all_faults[i]->brief);
        check_doc(all_faults[i]->name, all_faults[i]->doc);
    }
    for (size_t i = 0; all_rules[i]; i++) {
        check_brief(all_rules[i]->name, all_rules[i]->brief);
        check_doc(all_rules[i]->name, all_rules[i]->doc);
        CHECK(all_rules[i]->title && isupper((unsigned char)all_rules[i]->title[0]));
        CHECK(all_rules[i]->source && *all_rules[i]->source);
    }
}

/* --- Parameters --- */

static void check_settable(const struct param *param, const char *written, void *config)
{
    struct text why;
    text_init(&why);
    bool set = param_set(param, config, written, &why);
    if (!set)
        fprintf(stderr, "'%s' is %s: %s\n", param->name, written, text_chars(&why));
    CHECK(set);
    text_fini(&why);
}

/* Defaults and bounds are text as a user would type it: each must parse, the default between the
 * bounds, and be printed as something that parses again. */
static void check_params(const struct param *table, size_t size)
{
    void *config = xcalloc(1, size + 1);
    if (table)
        param_defaults(table, config);
    for (const struct param *param = table; param && param->name; param++) {
        CHECK(param->doc && *param->doc);
        CHECK(param->offset < size);
        for (const struct param *other = table; other < param; other++)
            CHECK(strcmp(other->name, param->name) != 0);
        if (param->def && *param->def)
            check_settable(param, param->def, config);
        if (param->min)
            check_settable(param, param->min, config);
        if (param->max)
            check_settable(param, param->max, config);
    }
    if (table)
        param_free(table, config);
    free(config);
}

static void defaults_lie_within_their_bounds(void)
{
    for (size_t i = 0; all_faults[i]; i++)
        check_params(all_faults[i]->params, all_faults[i]->config_size);
    for (size_t i = 0; all_rules[i]; i++)
        check_params(all_rules[i]->params, all_rules[i]->config_size);
    check_params(client_policy_params, sizeof(struct client_policy));
    check_params(server_policy_params, sizeof(struct server_policy));
    check_params(policy_params, sizeof(struct policy));
}

/* The options of a step stand beside a fault's parameters or among them (DESIGN 4): one name, one
 * thing. */
static void no_parameter_is_named_as_an_option_of_a_step(void)
{
    static const char *const options[] = {"direction", "connections", "probability", "at",
                                          "as",        "for",         "fallback"};
    for (size_t i = 0; all_faults[i]; i++)
        for (size_t option = 0; option < sizeof options / sizeof *options; option++)
            CHECK_STR(param_find(all_faults[i]->params, options[option]) ? all_faults[i]->name : "",
                      "");
}

/* --- Examples --- */

enum traffic { QUIET, BUSY };

static struct plan *plan_around(enum traffic traffic, const char *steps, const char *expect)
{
    const char *ends = "server: {echo: true}\nclient: {sends: 1KiB/s, message: 128B}\n";
    char *yaml = xprintf("scenario: example\nstory: An example of the documentation.\n"
                         "tests: client\n%ssteps:\n%s%s%s",
                         traffic == BUSY ? ends : "", steps, expect ? "expect:\n  - " : "",
                         expect ? expect : "");
    struct plan *plan = sim_plan_of(yaml);
    free(yaml);
    return plan;
}

static bool acted(const struct trace *trace, const char *fault)
{
    const struct event *ev;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_FAULT_ACT));)
        if (strcmp(ev->fault_act.fault, fault) == 0)
            return true;
    return false;
}

static struct trace *run_once(const struct plan *plan)
{
    struct sim_config cfg;
    struct trace *trace;
    sim_config_init(&cfg, plan);
    CHECK_STR(sim_keep(&cfg, NULL, &trace), "finished");
    return trace;
}

/* The same seed and the same input leave the same trace, whatever the fault. */
static bool acts_in(enum traffic traffic, const char *steps, const struct fault_desc *fault)
{
    struct plan *plan = plan_around(traffic, steps, NULL);
    struct trace *trace = run_once(plan), *again = run_once(plan);
    CHECK_INT(kept_same_until(trace, again), trace->count);
    CHECK_INT(again->count, trace->count);
    bool did = acted(trace, fault->name);
    trace_free(trace);
    trace_free(again);
    plan_free(plan);
    return did;
}

/* The steps around the example decide what it meets: connections that exist, new ones, or ends. */
static bool example_acts(const struct fault_desc *fault, enum traffic traffic, const char *before,
                         const char *after)
{
    char *steps = xprintf("  - wait: {until: open, at_most: 10s}\n%s  - %s\n%s  - wait: 60s\n",
                          before, fault->example, after);
    bool did = acts_in(traffic, steps, fault);
    free(steps);
    return did;
}

static void examples_of_faults_do_something_within_a_minute_and_the_same_again(void)
{
    for (size_t i = 0; all_faults[i]; i++) {
        const struct fault_desc *fault = all_faults[i];
        bool did = example_acts(fault, BUSY, "", "") || example_acts(fault, QUIET, "", "") ||
                   example_acts(fault, BUSY, "  - reset: {}\n", "") ||
                   example_acts(fault, BUSY, "", "  - close: {code: 1001}\n");
        CHECK_STR(did || fault->door ? fault->name : "did nothing", fault->name);
    }
}

static void examples_of_rules_are_expectations(void)
{
    for (size_t i = 0; all_rules[i]; i++) {
        struct plan *plan = plan_around(BUSY, "  - wait: 1s\n", all_rules[i]->example);
        CHECK_INT(plan->expect_count, 1);
        CHECK_STR(plan->expect[0].rule, all_rules[i]->name);
        plan_free(plan);
    }
}

static void steps_are_explained_by_an_example_that_loads(void)
{
    static const char *const names[] = {"wait",   "clear",   "mark",    "close",  "repeat", "hook",
                                        "signal", "restart", "request", "prompt", "route"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct text out;
        text_init(&out);
        CHECK(catalogue_explain_step(names[i], &out));
        const char *example = strstr(text_chars(&out), "    - ");
        int len = example ? (int)strcspn(example, "\n") : 0;
        char *steps = xprintf("    - drop: {}\n      as: outage\n%.*s\n", len, example);
        struct plan *plan = plan_around(QUIET, steps, NULL);
        CHECK(plan && plan->step_count >= 2);
        plan_free(plan);
        free(steps);
        text_fini(&out);
    }
}

static void no_other_step_is_explained(void)
{
    struct text out;
    text_init(&out);
    CHECK(!catalogue_explain_step("drop", &out));
    CHECK_STR(text_chars(&out), "");
    text_fini(&out);
}

/* --- Events --- */

static void every_event_and_field_is_documented(void)
{
    for (int kind = 0; kind < EV_KINDS; kind++) {
        const char *doc = event_doc((enum event_kind)kind);
        CHECK(doc && *doc && !ends_in_full_stop(doc));
        const struct event_field *field = event_fields((enum event_kind)kind);
        for (; field->name; field++)
            CHECK_STR(field->doc && *field->doc && !ends_in_full_stop(field->doc) ? field->name
                                                                                  : field->doc,
                      field->name);
    }
}

/* NEEDS is a bit for each event: the catalogue must fit, and a rule needs what the catalogue has.
 */
static void what_rules_need_are_events_that_exist(void)
{
    CHECK(EV_KINDS <= 64);
    uint64_t known = EV_KINDS < 64 ? ((uint64_t)1 << EV_KINDS) - 1 : ~(uint64_t)0;
    for (size_t i = 0; all_rules[i]; i++) {
        CHECK(all_rules[i]->needs != 0);
        CHECK_INT(all_rules[i]->needs & ~known, 0);
        CHECK_INT(all_rules[i]->wants & ~known, 0);
    }
}

SUITE(descriptors, TEST(no_parameter_is_named_as_an_option_of_a_step),
      TEST(faults_are_named_as_their_files_and_sorted),
      TEST(rules_are_named_as_their_files_and_ids_are_their_own), TEST(briefs_and_docs_read_well),
      TEST(defaults_lie_within_their_bounds),
      TEST(examples_of_faults_do_something_within_a_minute_and_the_same_again),
      TEST(examples_of_rules_are_expectations), TEST(steps_are_explained_by_an_example_that_loads),
      TEST(no_other_step_is_explained), TEST(every_event_and_field_is_documented),
      TEST(what_rules_need_are_events_that_exist))

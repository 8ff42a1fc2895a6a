#include "scenario/find.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "scenario/load.h"
#include "tests/check.h"

struct search {
    struct paths paths;
    struct diag *diag;
};

static struct search begin(void)
{
    struct search s = {.diag = diag_new()};
    paths_init(&s.paths);
    return s;
}

static void end(struct search *s)
{
    paths_fini(&s->paths);
    diag_free(s->diag);
}

static void check_says(struct search *s, const char *part)
{
    struct text said;
    text_init(&said);
    diag_add_text(s->diag, &said);
    CHECK_CONTAINS(text_chars(&said), part);
    text_fini(&said);
}

static void a_bundled_scenario_is_found_by_name(void)
{
    struct search s = begin();
    CHECK(find_scenarios("scenarios", "silent-drop", &s.paths, s.diag));
    CHECK_INT(s.paths.count, 1);
    CHECK_STR(s.paths.count ? s.paths.paths[0] : "", "scenarios/client/silent-drop.yaml");
    end(&s);
}

static void a_file_is_itself(void)
{
    struct search s = begin();
    CHECK(find_scenarios(NULL, "scenarios/client/stall.yaml", &s.paths, s.diag));
    CHECK_STR(s.paths.count ? s.paths.paths[0] : "", "scenarios/client/stall.yaml");
    end(&s);
}

static void what_comes_along_is_found_by_its_path_from_anywhere(void)
{
    struct search s = begin();
    CHECK(find_scenarios("scenarios/client", "scenarios/stall.yaml", &s.paths, s.diag));
    CHECK_STR(s.paths.count ? s.paths.paths[0] : "", "scenarios/client/stall.yaml");
    CHECK(!find_scenarios("scenarios/client", "scenarios/nowhere", &s.paths, s.diag));
    check_says(&s, "scenarios/nowhere: there is no such file or folder");
    end(&s);
}

static void a_folder_is_all_its_scenarios_in_order(void)
{
    struct search s = begin();
    CHECK(find_scenarios(NULL, "scenarios", &s.paths, s.diag));
    for (size_t i = 0; i + 1 < s.paths.count; i++)
        CHECK(strcmp(s.paths.paths[i], s.paths.paths[i + 1]) < 0);
    for (size_t i = 0; i < s.paths.count; i++)
        CHECK(!strstr(s.paths.paths[i], "/suites/") && !strstr(s.paths.paths[i], "/profiles/"));
    end(&s);
}

static void one_that_is_found_twice_is_run_once(void)
{
    struct search s = begin();
    CHECK(find_scenarios("scenarios", "stall", &s.paths, s.diag));
    CHECK(find_scenarios("scenarios", "stall", &s.paths, s.diag));
    CHECK_INT(s.paths.count, 1);
    end(&s);
}

static void a_name_nearly_right_is_suggested(void)
{
    struct search s = begin();
    CHECK(!find_scenarios("scenarios", "silent-dorp", &s.paths, s.diag));
    check_says(&s, "no scenario is called 'silent-dorp'");
    check_says(&s, "did you mean 'silent-drop'? (halfopen list scenarios)");
    end(&s);
}

static void a_file_that_is_not_there_is_said_so(void)
{
    struct search s = begin();
    CHECK(!find_scenarios("scenarios", "nowhere/x.yaml", &s.paths, s.diag));
    check_says(&s, "nowhere/x.yaml: there is no such file or folder");
    end(&s);
}

static void a_folder_without_scenarios_is_said_so(void)
{
    struct search s = begin();
    CHECK(!find_scenarios("scenarios", "scripts", &s.paths, s.diag));
    check_says(&s, "scripts: no scenario (*.yaml) in this folder");
    end(&s);
}

static void every_bundled_suite_names_scenarios_that_are_there(void)
{
    struct paths suites;
    paths_init(&suites);
    find_all_suites("scenarios", &suites);
    CHECK(suites.count >= 2);
    for (size_t i = 0; i < suites.count; i++) {
        struct search s = begin();
        char *name = find_name(suites.paths[i]);
        CHECK(find_suite("scenarios", name, &s.paths, s.diag));
        CHECK(s.paths.count > 0);
        free(name);
        end(&s);
    }
    paths_fini(&suites);
}

static void the_suite_all_is_every_bundled_scenario(void)
{
    struct search s = begin();
    struct paths all;
    paths_init(&all);
    find_all_scenarios("scenarios", &all);
    CHECK(find_suite("scenarios", "all", &s.paths, s.diag));
    CHECK_INT(s.paths.count, all.count);
    paths_fini(&all);
    end(&s);
}

/* The suite that everybody runs asks nothing of the machine beside sockets. */
static void no_scenario_of_core_needs_a_fault_of_the_kernel(void)
{
    struct search s = begin();
    CHECK(find_suite("scenarios", "core", &s.paths, s.diag));
    for (size_t i = 0; i < s.paths.count; i++) {
        struct plan *plan = scenario_load(s.paths.paths[i], s.diag);
        for (size_t step = 0; plan && step < plan->step_count; step++) {
            const struct fault_step *fault = &plan->steps[step].fault;
            if (plan->steps[step].kind == STEP_FAULT)
                CHECK_STR(fault_needs(fault->desc, fault->config) == NEED_NOTHING
                              ? plan->name
                              : fault->desc->name,
                          plan->name);
        }
        CHECK(plan != NULL);
        plan_free(plan);
    }
    end(&s);
}

static void an_unknown_suite_is_refused(void)
{
    struct search s = begin();
    CHECK(!find_suite("scenarios", "cor", &s.paths, s.diag));
    check_says(&s, "did you mean 'core'? (halfopen list suites)");
    end(&s);
}

static void a_profile_is_found_by_name_or_file(void)
{
    struct search s = begin();
    char *named = find_profile("scenarios", "default", s.diag);
    char *file = find_profile("scenarios", "mine.yaml", s.diag);
    CHECK_STR(named, "scenarios/profiles/default.yaml");
    CHECK_STR(file, "mine.yaml");
    CHECK(find_profile("scenarios", "defualt", s.diag) == NULL);
    check_says(&s, "did you mean 'default'? (halfopen list profiles)");
    free(named);
    free(file);
    end(&s);
}

static void a_profile_may_be_missing_without_a_word(void)
{
    CHECK(find_profile(NULL, "default", NULL) == NULL);
}

static void the_data_folder_may_be_told(void)
{
    CHECK_INT(setenv("HALFOPEN_DATA", "scenarios", 1), 0);
    char *folder = find_data_folder();
    CHECK_STR(folder, "scenarios");
    free(folder);
    CHECK_INT(setenv("HALFOPEN_DATA", "/nowhere", 1), 0);
    CHECK(find_data_folder() == NULL);
    CHECK_INT(unsetenv("HALFOPEN_DATA"), 0);
}

SUITE(bundled, TEST(a_bundled_scenario_is_found_by_name), TEST(a_file_is_itself),
      TEST(what_comes_along_is_found_by_its_path_from_anywhere),
      TEST(a_folder_is_all_its_scenarios_in_order), TEST(one_that_is_found_twice_is_run_once),
      TEST(a_name_nearly_right_is_suggested), TEST(a_file_that_is_not_there_is_said_so),
      TEST(a_folder_without_scenarios_is_said_so),
      TEST(every_bundled_suite_names_scenarios_that_are_there),
      TEST(the_suite_all_is_every_bundled_scenario), TEST(an_unknown_suite_is_refused),
      TEST(no_scenario_of_core_needs_a_fault_of_the_kernel),
      TEST(a_profile_is_found_by_name_or_file), TEST(a_profile_may_be_missing_without_a_word),
      TEST(the_data_folder_may_be_told))

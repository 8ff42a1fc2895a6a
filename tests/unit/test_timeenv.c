#include "net/timeenv.h"

#include "tests/check.h"

static const struct timeenv_libraries libraries = {.ours = "/a/ours.so", .faketime = "/b/fake.so"};

static void check_entry(size_t index, const char *want, nsec real_passed, const char *preload)
{
    struct timeenv env;
    timeenv_init(&env, &libraries, 10, real_passed, "/tmp/page", preload);
    CHECK_STR(env.entries[index], want);
    timeenv_fini(&env);
}

static void ours_stands_in_front_of_libfaketime(void)
{
    check_entry(0, "LD_PRELOAD=/a/ours.so:/b/fake.so", 0, NULL);
}

static void an_empty_preload_adds_nothing(void)
{
    check_entry(0, "LD_PRELOAD=/a/ours.so:/b/fake.so", 0, "");
}

static void what_the_user_preloads_stays_behind(void)
{
    check_entry(0, "LD_PRELOAD=/a/ours.so:/b/fake.so:/c/user.so", 0, "/c/user.so");
}

static void the_first_child_starts_at_the_time_of_day(void)
{
    check_entry(1, "FAKETIME=+0.000000 x10.000000", 0, NULL);
}

static void a_later_child_starts_where_its_siblings_are(void)
{
    check_entry(1, "FAKETIME=+13.500000 x10.000000", 1500 * NSEC_PER_MSEC, NULL);
}

static void the_page_is_named(void)
{
    check_entry(5, "HALFOPEN_TIME_PAGE=/tmp/page", 0, NULL);
}

static void sanitized_programs_start_too(void)
{
    struct timeenv env;
    timeenv_init(&env, &libraries, 10, 0, "/tmp/page", NULL);
    CHECK_CONTAINS(env.entries[6], "verify_asan_link_order=0");
    timeenv_fini(&env);
}

static void the_list_ends_with_null(void)
{
    struct timeenv env;
    timeenv_init(&env, &libraries, 10, 0, "/tmp/page", NULL);
    CHECK(env.entries[TIMEENV_ENTRIES - 1] == NULL);
    timeenv_fini(&env);
}

static void a_path_that_preload_would_cut_does_not_fit(void)
{
    CHECK(timeenv_path_fits("/opt/half-open/lib.so"));
    CHECK(!timeenv_path_fits("/opt/half open/lib.so"));
    CHECK(!timeenv_path_fits("/opt/half:open/lib.so"));
}

SUITE(timeenv, TEST(ours_stands_in_front_of_libfaketime), TEST(an_empty_preload_adds_nothing),
      TEST(what_the_user_preloads_stays_behind), TEST(the_first_child_starts_at_the_time_of_day),
      TEST(a_later_child_starts_where_its_siblings_are), TEST(the_page_is_named),
      TEST(sanitized_programs_start_too), TEST(the_list_ends_with_null),
      TEST(a_path_that_preload_would_cut_does_not_fit))

#include "scenario/profile.h"

#include <string.h>

#include "tests/check.h"

static struct profile *load(const char *text)
{
    struct diag *diag = diag_new();
    struct profile *profile = profile_parse("mine.yaml", text, strlen(text), diag);
    diag_print(diag, stderr);
    diag_free(diag);
    CHECK(profile != NULL);
    return profile ? profile : profile_new();
}

static void the_default_profile_says_what_the_program_knows(void)
{
    struct diag *diag = diag_new();
    struct profile *written = profile_load("scenarios/profiles/default.yaml", diag);
    struct profile *known = profile_new();
    struct text written_json, known_json;
    text_init(&written_json);
    text_init(&known_json);
    CHECK(written != NULL);
    if (written)
        policy_write_json(&written->policy, NULL, &written_json);
    policy_write_json(&known->policy, NULL, &known_json);
    CHECK_STR(text_chars(&written_json), text_chars(&known_json));
    text_fini(&written_json);
    text_fini(&known_json);
    profile_free(written);
    profile_free(known);
    diag_free(diag);
}

static void the_default_profile_gives_every_value(void)
{
    struct diag *diag = diag_new();
    struct profile *profile = profile_load("scenarios/profiles/default.yaml", diag);
    CHECK(profile != NULL);
    for (size_t row = 0; profile && row < policy_param_count(); row++)
        check_str(__FILE__, __LINE__, policy_params[row].name, profile->origins[row],
                  "default profile");
    profile_free(profile);
    diag_free(diag);
}

static void what_a_profile_gives_has_its_name_as_origin(void)
{
    struct profile *profile = load("profile: mobile\npolicy: {pong: 20s, backoff: {base: 2s}}\n");
    CHECK_STR(profile->name, "mobile");
    CHECK_INT(profile->policy.pong, 20 * NSEC_PER_SEC);
    CHECK_INT(profile->policy.backoff_base, 2 * NSEC_PER_SEC);
    CHECK_STR(profile->origins[1], "mobile profile");
    profile_free(profile);
}

static void what_it_does_not_give_stays_as_required(void)
{
    struct profile *profile = load("profile: mobile\npolicy: {pong: 20s}\n");
    CHECK_INT(profile->policy.ping, 30 * NSEC_PER_SEC);
    CHECK_STR(profile->origins[0], "default profile");
    profile_free(profile);
}

static void a_profile_over_another_gives_only_what_differs(void)
{
    struct profile *profile = load("profile: ours\nbase: mobile\npolicy: {pong: 3s}\n");
    CHECK_STR(profile->name, "ours");
    CHECK_INT(profile->policy.pong, 3 * NSEC_PER_SEC);
    CHECK_STR(profile->origins[1], "ours profile");
    CHECK_INT(profile->policy.ping, 120 * NSEC_PER_SEC);
    CHECK_STR(profile->origins[0], "mobile profile");
    CHECK_INT(profile->policy.close_timeout, 10 * NSEC_PER_SEC);
    profile_free(profile);
}

static void a_script_in_a_browser_has_no_ping_and_sees_no_status(void)
{
    struct diag *diag = diag_new();
    struct profile *profile = profile_load("scenarios/profiles/browser.yaml", diag);
    CHECK(profile && !profile->policy.can_ping && !profile->policy.sees_status);
    CHECK(profile && profile->policy.ping == 30 * NSEC_PER_SEC);
    profile_free(profile);
    diag_free(diag);
}

SUITE(profile, TEST(a_profile_over_another_gives_only_what_differs),
      TEST(a_script_in_a_browser_has_no_ping_and_sees_no_status),
      TEST(the_default_profile_says_what_the_program_knows),
      TEST(the_default_profile_gives_every_value),
      TEST(what_a_profile_gives_has_its_name_as_origin),
      TEST(what_it_does_not_give_stays_as_required))

#include "endpoint/flaws.h"

#include <string.h>

#include "base/text.h"
#include "tests/check.h"

/* How many parameters of the two configurations differ. */
static int differences(const struct param *table, const void *one, const void *other)
{
    int count = 0;
    for (; table->name; table++) {
        struct text first, second;
        text_init(&first);
        text_init(&second);
        param_add_value(table, one, &first);
        param_add_value(table, other, &second);
        count += strcmp(text_chars(&first), text_chars(&second)) != 0;
        text_fini(&first);
        text_fini(&second);
    }
    return count;
}

static int changes(const struct flaw *flaw)
{
    int count = 0;
    while (count < FLAW_CHANGES_LIMIT && flaw->changes[count].parameter)
        count++;
    return count;
}

static void every_client_flaw_changes_what_it_says(void)
{
    struct client_policy sound, flawed;
    client_policy_defaults(&sound);
    for (const struct flaw *flaw = client_flaws; flaw->name; flaw++) {
        client_policy_defaults(&flawed);
        CHECK(client_flaw_apply(&flawed, flaw->name));
        CHECK_INT(differences(client_policy_params, &sound, &flawed), changes(flaw));
    }
}

static void every_server_flaw_differs_from_a_pinging_server(void)
{
    struct server_policy sound, flawed;
    server_policy_defaults(&sound);
    sound.ping = 30 * NSEC_PER_SEC;
    for (const struct flaw *flaw = server_flaws; flaw->name; flaw++) {
        flawed = sound;
        CHECK(server_flaw_apply(&flawed, flaw->name));
        CHECK_INT(differences(server_policy_params, &sound, &flawed), changes(flaw));
    }
}

static void an_unknown_flaw_changes_nothing(void)
{
    struct client_policy sound, policy;
    client_policy_defaults(&sound);
    client_policy_defaults(&policy);
    CHECK(!client_flaw_apply(&policy, "no_such_flaw"));
    CHECK_INT(differences(client_policy_params, &sound, &policy), 0);
}

static void check_sorted(const struct flaw *flaws)
{
    for (; flaws->name; flaws++) {
        CHECK(strlen(flaws->brief) <= 80);
        if (flaws[1].name)
            CHECK(strcmp(flaws[0].name, flaws[1].name) < 0);
    }
}

static void the_lists_are_sorted_and_brief(void)
{
    check_sorted(client_flaws);
    check_sorted(server_flaws);
}

static void the_sound_client_has_the_required_numbers(void)
{
    struct client_policy policy;
    client_policy_defaults(&policy);
    CHECK_INT(policy.ping, 30 * NSEC_PER_SEC);
    CHECK_INT(policy.pong, 10 * NSEC_PER_SEC);
    CHECK_INT(policy.backoff_base, NSEC_PER_SEC);
    CHECK_REAL(policy.backoff_factor, 2, 0);
    CHECK_INT(policy.backoff_cap, 30 * NSEC_PER_SEC);
    CHECK_REAL(policy.jitter_low, 0.5, 0);
    CHECK_REAL(policy.jitter_high, 1.5, 0);
    CHECK_INT(policy.stable_after, 5 * NSEC_PER_SEC);
    CHECK_INT(policy.connect_timeout, 20 * NSEC_PER_SEC);
    CHECK_REAL(policy.rate, 0, 0);
}

static void the_server_is_mute(void)
{
    struct server_policy policy;
    server_policy_defaults(&policy);
    CHECK_INT(policy.ping, 0);
    CHECK(!policy.echo);
}

SUITE(flaws, TEST(every_client_flaw_changes_what_it_says),
      TEST(every_server_flaw_differs_from_a_pinging_server), TEST(an_unknown_flaw_changes_nothing),
      TEST(the_lists_are_sorted_and_brief), TEST(the_sound_client_has_the_required_numbers),
      TEST(the_server_is_mute))

/* From which outages a schedule is read. */
#include "rules/lib/backoff_choice.h"
#include "tests/check.h"

#define STABLE (5 * NSEC_PER_SEC)
#define NOISE  0.025
#define S      NSEC_PER_SEC

static double from_1s[] = {1, 2, 4, 8}, from_1s_too[] = {1.4, 2.8, 3},
              from_16s[] = {16, 30, 30, 30, 30};

static struct retries lost(int client, nsec stood, bool first, double *delays, size_t count)
{
    return (struct retries){
        .client = client, .stood = stood, .first = first, .delays = delays, .count = count};
}

static struct backoff_choice choose(struct outage *list, size_t count)
{
    struct outages outages = {list, count};
    return backoff_choose(&outages, STABLE, NOISE);
}

static void nothing_was_lost(void)
{
    struct backoff_choice choice = choose(NULL, 0);
    CHECK(choice.outage == NULL);
    CHECK(!choice.singles);
}

static void what_was_never_stable_is_not_read_from(void)
{
    struct retries young = lost(0, STABLE - 1, false, from_1s, 4);
    struct outage list[] = {{S, &young, 1}};
    CHECK(choose(list, 1).outage == NULL);
    young.stood = STABLE;
    CHECK(choose(list, 1).outage == &list[0]);
    young.stood = 0;
    young.first = true; /* nothing had failed before */
    CHECK(choose(list, 1).outage == &list[0]);
}

static void outages_of_one_client_count_together(void)
{
    struct retries a = lost(0, S, true, from_1s, 4), b = lost(0, 9 * S, false, from_1s_too, 3);
    struct retries young = lost(0, S, false, from_16s, 5);
    struct outage list[] = {{S, &a, 1}, {60 * S, &b, 1}, {99 * S, &young, 1}};
    struct backoff_choice choice = choose(list, 3);
    CHECK(choice.singles && choice.repeated);
    CHECK_INT(choice.fresh, 2);
    CHECK_INT(choice.left_out, 1);
    b.client = 1;
    CHECK(!choose(list, 2).repeated);
    CHECK(choose(list, 2).singles);
}

static void who_goes_on_is_judged_by_the_first(void)
{
    struct retries a = lost(0, S, true, from_1s, 4), b = lost(0, 9 * S, false, from_16s, 5);
    struct retries c = lost(0, 9 * S, false, from_16s, 5);
    struct outage list[] = {{S, &a, 1}, {60 * S, &b, 1}, {99 * S, &c, 1}};
    struct backoff_choice choice = choose(list, 3);
    CHECK(choice.outage == &list[0]);
    CHECK(choice.goes_on && !choice.singles);
    CHECK_INT(choice.left_out, 2);
}

static void the_outage_of_most_clients_is_taken(void)
{
    struct retries two[] = {lost(0, S, true, from_1s, 4), lost(1, S, true, from_1s_too, 3)};
    struct retries more[] = {lost(0, 9 * S, false, from_1s, 4), lost(1, 9 * S, false, from_1s, 4)};
    struct retries gone_on[] = {lost(0, 9 * S, false, from_16s, 5),
                                lost(1, 9 * S, false, from_16s, 5)};
    struct outage list[] = {{S, two, 2}, {60 * S, more, 2}, {99 * S, gone_on, 2}};
    struct backoff_choice choice = choose(list, 3);
    CHECK(choice.outage == &list[1]);
    CHECK(choice.goes_on);
    more[1].stood = 0; /* of which one does not begin anew */
    CHECK(choose(list, 3).outage == &list[0]);
}

/* Delays of 20 ms that a loud host makes 200 ms long have not grown. */
static void noise_is_not_growth(void)
{
    double quiet[] = {0.02, 0.02}, late[] = {0.2, 0.2};
    struct retries a = lost(0, S, true, quiet, 2), b = lost(0, 9 * S, false, late, 2);
    struct outage list[] = {{S, &a, 1}, {60 * S, &b, 1}};
    struct outages outages = {list, 2};
    CHECK(backoff_choose(&outages, STABLE, 0.025).singles);
    CHECK(!backoff_choose(&outages, STABLE, 0.001).singles);
}

SUITE(backoff_choice, TEST(nothing_was_lost), TEST(what_was_never_stable_is_not_read_from),
      TEST(outages_of_one_client_count_together), TEST(who_goes_on_is_judged_by_the_first),
      TEST(the_outage_of_most_clients_is_taken), TEST(noise_is_not_growth))

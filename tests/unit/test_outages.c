/* Outages: which losses belong together, and what is a delay. */
#include "tests/check.h"
#include "tests/unit/outage_story.h"
#include "trace/attempts.h"

static void take_outages(struct outage_story *o, struct outages *outages)
{
    story_run_end(&o->story, o->last + 1);
    story_trace(&o->story);
    outages_of(o->story.trace, outages);
}

static size_t outages_when(double second_lost)
{
    struct outage_story o;
    struct outages outages;
    outage_begin(&o);
    outage_cut(&o, 0, 10);
    outage_cut(&o, 1, second_lost);
    take_outages(&o, &outages);
    size_t count = outages.count;
    outages_fini(&outages);
    story_end(&o.story);
    return count;
}

static void losses_within_5_s_are_one_outage(void)
{
    CHECK_INT(outages_when(15), 1);
    CHECK_INT(outages_when(15.001), 2);
}

static void a_client_that_loses_again_is_in_another(void)
{
    struct outage_story o;
    struct outages outages;
    outage_begin(&o);
    outage_cut(&o, 0, 20);
    outage_cut(&o, 0, 31);
    o.story.events[0].at = 0;
    take_outages(&o, &outages);
    CHECK_INT(outages.count, 2);
    outages_fini(&outages);
    story_end(&o.story);
}

static void how_long_a_connection_stood_is_known(void)
{
    struct outage_story o;
    struct outages outages;
    outage_begin(&o);
    outage_cut(&o, 0, 20);
    outage_cut(&o, 0, 37);
    o.story.events[0].at = 0;
    take_outages(&o, &outages);
    CHECK_INT(outages.list[0].clients[0].stood, 10 * NSEC_PER_SEC);
    CHECK(outages.list[0].clients[0].first);
    CHECK_INT(outages.list[1].clients[0].stood, 10 * NSEC_PER_SEC);
    CHECK(!outages.list[1].clients[0].first);
    outages_fini(&outages);
    story_end(&o.story);
}

static void what_the_endpoint_closes_is_no_outage(void)
{
    struct outage_story o;
    struct outages outages;
    outage_begin(&o);
    story_open(&o.story, 1);
    story_fin(&o.story, 5, SIDE_CLIENT);
    take_outages(&o, &outages);
    CHECK_INT(outages.count, 0);
    outages_fini(&outages);
    story_end(&o.story);
}

static void delays_are_counted_from_the_failure_before(void)
{
    static const double delays[] = {1, 2, 4};
    struct outage_story o;
    struct outages outages;
    outage_begin(&o);
    o.hang = 3;
    outage_cut(&o, 0, 10);
    double last = outage_retry(&o, 0, 10, delays, 3);
    take_outages(&o, &outages);
    const struct retries *retries = &outages.list[0].clients[0];
    CHECK_INT(retries->count, 3);
    for (int i = 0; i < 3; i++)
        CHECK_REAL(retries->delays[i], delays[i], 1e-6);
    CHECK_REAL(retries->starts[2], 1 + 3 + 2 + 3 + 4, 1e-6);
    CHECK_REAL(nsec_to_seconds(retries->last_failed), last, 1e-6);
    CHECK_REAL(nsec_to_seconds(retries->observed), last + 1, 1e-6);
    CHECK(!retries->reopened);
    outages_fini(&outages);
    story_end(&o.story);
}

static void the_attempt_that_opens_ends_it(void)
{
    static const double delays[] = {1, 2};
    struct outage_story o;
    struct outages outages;
    outage_begin(&o);
    outage_cut(&o, 0, 10);
    double last = outage_retry(&o, 0, 10, delays, 2);
    story_of(&o.story, 0, 90);
    story_open(&o.story, last + 4);
    o.last = last + 100;
    take_outages(&o, &outages);
    const struct retries *retries = &outages.list[0].clients[0];
    CHECK_INT(retries->count, 3);
    CHECK_REAL(retries->delays[2], 4, 1e-6);
    CHECK(retries->reopened);
    CHECK_REAL(nsec_to_seconds(retries->observed), last + 4, 1e-6);
    outages_fini(&outages);
    story_end(&o.story);
}

/* A silence counts from when the client noticed it. */
static void a_silence_is_an_outage_once_it_is_noticed(void)
{
    struct outage_story o;
    struct outages outages;
    outage_begin(&o);
    story_open(&o.story, 1);
    story_fault(&o.story, 5, "drop", SIDE_CLIENT, true);
    story_fin(&o.story, 25, SIDE_CLIENT);
    outage_refused(&o, 0, 26);
    o.story.events[o.story.count - 1].conn = 2;
    take_outages(&o, &outages);
    CHECK_INT(outages.count, 1);
    CHECK_REAL(nsec_to_seconds(outages.list[0].clients[0].lost), 25, 1e-6);
    outages_fini(&outages);
    story_end(&o.story);
}

SUITE(outages, TEST(losses_within_5_s_are_one_outage),
      TEST(a_client_that_loses_again_is_in_another), TEST(how_long_a_connection_stood_is_known),
      TEST(what_the_endpoint_closes_is_no_outage), TEST(delays_are_counted_from_the_failure_before),
      TEST(the_attempt_that_opens_ends_it), TEST(a_silence_is_an_outage_once_it_is_noticed))

#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/unit/endpoint_world.h"

#define SECONDS(n) ((nsec)((n)*1e9))

static struct world *talking(double messages_per_second)
{
    struct world *w = world_new();
    w->client_policy.message_size = 100;
    w->client_policy.rate = 100 * messages_per_second;
    return w;
}

static void messages_arrive_at_the_rate_and_in_order(void)
{
    struct world *w = talking(2);
    world_begin(w, 7);
    world_run(w, SECONDS(10));
    CHECK_INT(w->messages, 20);
    CHECK_INT(w->disorder, 0);
    world_free(w);
}

static void messages_of_an_outage_are_replayed_in_order(void)
{
    struct world *w = talking(5);
    world_begin(w, 7);
    world_run(w, SECONDS(10));
    w->dialling = DIAL_REFUSED;
    world_cut(w);
    world_run(w, SECONDS(40));
    w->dialling = DIAL_ACCEPTED;
    world_run(w, SECONDS(60));
    CHECK_INT(w->messages, 550);
    CHECK_INT(w->last_id, 550);
    CHECK_INT(w->disorder, 0);
    world_free(w);
}

static void messages_before_the_first_connection_are_sent_once_it_opens(void)
{
    struct world *w = talking(5);
    w->dialling = DIAL_REFUSED;
    world_begin(w, 7);
    world_run(w, SECONDS(10));
    w->dialling = DIAL_ACCEPTED;
    world_run(w, SECONDS(40));
    CHECK_INT(w->messages, 250);
    CHECK_INT(w->disorder, 0);
    world_free(w);
}

static struct world *after_outage(const char *flaw)
{
    struct world *w = talking(1);
    w->client_policy.queue_messages = 10;
    if (flaw)
        CHECK(client_flaw_apply(&w->client_policy, flaw));
    w->dialling = DIAL_REFUSED;
    world_begin(w, 7);
    world_run(w, SECONDS(100.5));
    return w;
}

/* 50 messages, an outage of 30 s and 150 more, and what was sent after it. */
static struct world *through_an_outage(const char *flaw)
{
    struct world *w = talking(5);
    CHECK(client_flaw_apply(&w->client_policy, flaw));
    world_begin(w, 7);
    world_run(w, SECONDS(10));
    w->dialling = DIAL_REFUSED;
    world_cut(w);
    world_run(w, SECONDS(30));
    w->dialling = DIAL_ACCEPTED;
    world_run(w, SECONDS(60));
    return w;
}

static void a_client_that_reorders_sends_what_it_kept_newest_first(void)
{
    struct world *w = through_an_outage("reorders_replay");
    CHECK_INT(w->messages, 500);
    CHECK_INT(w->last_id, 500);
    CHECK(w->disorder >= 149);
    world_free(w);
}

static void a_client_that_repeats_gives_its_copies_new_ids(void)
{
    struct world *w = through_an_outage("repeats_as_new");
    CHECK_INT(client_stats(w->client).produced, 500);
    CHECK_INT(w->messages, 503);
    CHECK_INT(w->last_id, 503);
    CHECK_INT(w->disorder, 0);
    world_free(w);
}

static void the_queue_keeps_the_newest_and_says_what_it_drops(void)
{
    struct world *w = after_outage(NULL);
    CHECK_INT(client_buffered(w->client), 10 * 100);
    CHECK_INT(client_stats(w->client).dropped, 90);
    CHECK_INT(world_count(w, "client dropped"), 90);
    world_free(w);
}

static void without_a_bound_the_queue_keeps_everything(void)
{
    struct world *w = after_outage("no_queue_bound");
    CHECK_INT(client_buffered(w->client), 100 * 100);
    world_free(w);
}

static void a_client_that_loses_messages_keeps_none(void)
{
    struct world *w = after_outage("loses_messages");
    CHECK_INT(client_buffered(w->client), 0);
    CHECK_INT(client_stats(w->client).dropped, 100);
    world_free(w);
}

static struct world *jammed(const char *flaw, nsec length)
{
    struct world *w = talking(10);
    w->client_policy.send_buffer = 2000;
    w->client_policy.ping = 0;
    if (flaw)
        CHECK(client_flaw_apply(&w->client_policy, flaw));
    world_begin(w, 7);
    world_run(w, SECONDS(1));
    w->jammed = true;
    world_run(w, length);
    return w;
}

static void production_pauses_at_the_bound(void)
{
    struct world *w = jammed(NULL, SECONDS(600));
    CHECK(client_buffered(w->client) <= 2000);
    CHECK(client_buffered(w->client) > 1800);
    CHECK_INT(world_count(w, "client paused"), 1);
    world_free(w);
}

static void an_unbounded_buffer_grows_as_long_as_it_lasts(void)
{
    struct world *w = jammed("unbounded_buffer", SECONDS(600));
    CHECK(client_buffered(w->client) >= 600 * 1000);
    world_free(w);
}

static void production_resumes_and_nothing_was_lost(void)
{
    struct world *w = jammed(NULL, SECONDS(60));
    world_unjam(w);
    CHECK_INT(client_buffered(w->client), 0);
    world_run(w, SECONDS(5));
    CHECK_INT(world_count(w, "client resumed"), 1);
    CHECK_INT(w->messages, w->last_id);
    CHECK_INT(w->messages, client_stats(w->client).sent);
    CHECK_INT(w->disorder, 0);
    world_free(w);
}

static void production_resumes_below_half_the_bound(void)
{
    struct world *w = jammed(NULL, SECONDS(60));
    w->allowance = (size_t)client_buffered(w->client) - 1050;
    client_writable(w->client, w->now);
    CHECK_INT(world_count(w, "client resumed"), 0);
    w->allowance = 150;
    client_writable(w->client, w->now);
    CHECK(client_buffered(w->client) < 1000);
    CHECK_INT(world_count(w, "client resumed"), 1);
    world_free(w);
}

static void a_message_that_was_not_wholly_taken_is_sent_again(void)
{
    struct world *w = jammed(NULL, SECONDS(1));
    w->jammed = false;
    world_cut(w);
    world_run(w, SECONDS(20));
    CHECK_INT(w->messages, w->last_id);
    CHECK_INT(w->disorder, 0);
    world_free(w);
}

SUITE(endpoint_sending, TEST(messages_arrive_at_the_rate_and_in_order),
      TEST(messages_of_an_outage_are_replayed_in_order),
      TEST(messages_before_the_first_connection_are_sent_once_it_opens),
      TEST(a_client_that_reorders_sends_what_it_kept_newest_first),
      TEST(a_client_that_repeats_gives_its_copies_new_ids),
      TEST(the_queue_keeps_the_newest_and_says_what_it_drops),
      TEST(without_a_bound_the_queue_keeps_everything),
      TEST(a_client_that_loses_messages_keeps_none), TEST(production_pauses_at_the_bound),
      TEST(an_unbounded_buffer_grows_as_long_as_it_lasts),
      TEST(production_resumes_and_nothing_was_lost), TEST(production_resumes_below_half_the_bound),
      TEST(a_message_that_was_not_wholly_taken_is_sent_again))

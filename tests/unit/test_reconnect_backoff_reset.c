#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_backoff_reset_rule;

#define CLIENTS 10
#define FLAPS   8
#define FIRST   20.0 /* seconds: when the first connection is lost */

/* Jitter that is the same in every run of the test, and none of the clients' common. */
static double jitter(int client, int flap)
{
    return 0.5 + (double)((client * 7 + flap * 5) % 11) / 11;
}

/* Each connection lasts 0.2 s; the delay is multiplied by factor from one to the next, up to 30 s.
 * Returns when the next one would be opened. */
static double flaps(struct ended_story *e, int client, double factor)
{
    double at = FIRST, delay = 1;
    ended_cut(e, client, 0, FIRST);
    for (int i = 0; i < FLAPS; i++) {
        at += delay * jitter(client, i);
        ended_cut(e, client, at, 0.2);
        at += 0.2;
        delay = delay * factor < 30 ? delay * factor : 30;
    }
    return at + delay * jitter(client, FLAPS);
}

static void fleet(double factor, double after, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < CLIENTS; i++) {
        double at = flaps(&e, i, factor);
        ended_cut(&e, i, at, 10);
        ended_open(&e, i, at + 10 + after * jitter(i, 3));
    }
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, want, part);
}

static void delays_that_grow_and_become_short_again_pass(void)
{
    fleet(2, 1, PASS, "over 8 connections in a row that opened and were lost at once");
}

static void delays_that_stay_short_fail(void)
{
    fleet(1, 1, FAIL, "the failures are forgotten as soon as a connection opens");
}

static void a_delay_that_stays_long_warns(void)
{
    fleet(2, 30, WARN, "was followed by a delay of");
}

static void without_a_loss_in_the_end_nothing_is_decided(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < CLIENTS; i++)
        ended_open(&e, i, flaps(&e, i, 2));
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, INCONCLUSIVE,
                 "no connection that lasted was lost after that");
}

/* What the server said may have been the sign that all is well. */
static void where_the_server_had_spoken_it_warns(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < CLIENTS; i++)
        (void)flaps(&e, i, 1);
    size_t count = e.story.count;
    for (size_t i = 0; i < count; i++) {
        const struct event opened = e.story.events[i];
        if (opened.kind != EV_WS_OPEN)
            continue;
        story_of(&e.story, opened.client, opened.conn);
        story_data(&e.story, nsec_to_seconds(opened.at) + 0.1, SIDE_SERVER, "welcome", 20);
    }
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, WARN, "the server had said something");
}

static void attempts_that_do_not_open_are_another_matter(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < CLIENTS; i++) {
        ended_cut(&e, i, 0, FIRST);
        for (int k = 0; k < FLAPS; k++)
            ended_refuse(&e, i, FIRST + 1 + k * jitter(i, k));
    }
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, INCONCLUSIVE,
                 "no client came back from 3 connections in a row");
}

static void what_the_client_closes_itself_is_no_flap(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_fault(&e.story, 0, "latency", SIDE_CLIENT, false);
    for (int i = 0; i < FLAPS; i++)
        ended_leave(&e, 0, 10 + i, 0.2);
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, INCONCLUSIVE, "no client came back");
}

static void one_client_and_few_flaps_decide_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, FIRST);
    for (int i = 0; i < 4; i++)
        ended_cut(&e, 0, FIRST + 1 + i * 1.3, 0.2);
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, INCONCLUSIVE, "cannot be told");
}

static void connections_that_last_are_no_flaps(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < FLAPS; i++)
        ended_cut(&e, 0, 8.0 * i, 6);
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, INCONCLUSIVE, "no client came back");
}

static void a_client_with_two_connections_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < CLIENTS; i++) {
        ended_open(&e, i, 1);
        (void)flaps(&e, i, 1);
    }
    ended_expect(&e, 600, &reconnect_backoff_reset_rule, INCONCLUSIVE, "keep several connections");
}

SUITE(reconnect_backoff_reset, TEST(delays_that_grow_and_become_short_again_pass),
      TEST(delays_that_stay_short_fail), TEST(a_delay_that_stays_long_warns),
      TEST(without_a_loss_in_the_end_nothing_is_decided),
      TEST(where_the_server_had_spoken_it_warns),
      TEST(attempts_that_do_not_open_are_another_matter),
      TEST(what_the_client_closes_itself_is_no_flap), TEST(one_client_and_few_flaps_decide_nothing),
      TEST(connections_that_last_are_no_flaps), TEST(a_client_with_two_connections_decides_nothing))

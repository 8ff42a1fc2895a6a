#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc reconnect_single_flight_rule;

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &reconnect_single_flight_rule, want, part);
}

static void one_after_the_other_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_hang(&e, 0, 21, 20);
    ended_open(&e, 0, 43);
    expect(&e, 100, PASS, "never had more than 1 connection or attempt at a time");
}

/* Two attempts at a time for so long. */
static void overlap(double seconds, double noise, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    story_noise(&e.story, noise);
    ended_cut(&e, 0, 0, 20);
    ended_hang(&e, 0, 21, 20);
    ended_open(&e, 0, 41 - seconds);
    expect(&e, 100, want, part);
}

static void a_tenth_of_a_second_passes(void)
{
    overlap(0.1, 0, PASS, "never had more");
}

static void longer_warns(void)
{
    overlap(0.101, 0, WARN, "had up to 2 connections and attempts at a time");
}

static void noise_is_added(void)
{
    overlap(0.2, 0.05, PASS, "never had more");
}

static void nearly_five_seconds_warn(void)
{
    overlap(4.999, 0, WARN, "for 5.0 s");
}

static void five_seconds_fail(void)
{
    overlap(5, 0, FAIL, "for 5.0 s; before the first fault there was 1");
}

static void two_that_stay_open_fail(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_hang_open(&e, 0, 21, 30);
    ended_open(&e, 0, 41);
    expect(&e, 100, FAIL, "had up to 2 connections and attempts at a time, for 59.0 s");
}

static void their_number_is_told(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    for (int i = 0; i < 3; i++)
        ended_open(&e, 0, 21 + i);
    expect(&e, 100, FAIL, "had up to 3 connections");
}

/* An application may keep several; then as many may come back. */
static void as_many_as_before_pass(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 2; i++)
        ended_cut(&e, 0, i, 20 - i);
    for (int i = 0; i < 2; i++)
        ended_open(&e, 0, 21 + i);
    expect(&e, 100, PASS, "more than 2 connections or attempts at a time");
}

static void one_more_than_before_fails(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 2; i++)
        ended_cut(&e, 0, i, 20 - i);
    for (int i = 0; i < 3; i++)
        ended_open(&e, 0, 21 + i);
    expect(&e, 100, FAIL, "had up to 3 connections");
}

static void a_client_for_each_of_two_is_no_overlap(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_cut(&e, 1, 0, 20);
    ended_open(&e, 0, 21);
    ended_open(&e, 1, 21);
    expect(&e, 100, PASS, "2 of 2 clients came back");
}

/* The old one closes while the new one is made. */
static void one_that_closes_does_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 0);
    story_fault(&e.story, 10, "latency", SIDE_CLIENT, false);
    story_close(&e.story, 20, SIDE_CLIENT, 1000);
    story_fin(&e.story, 60, SIDE_CLIENT);
    ended_open(&e, 0, 21);
    expect(&e, 100, PASS, "never had more");
}

/* Its end may not be seen. */
static void one_that_is_silent_does_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 0);
    story_fault(&e.story, 20, "stall", SIDE_CLIENT, true);
    ended_open(&e, 0, 60);
    expect(&e, 100, PASS, "never had more");
}

static void a_fault_from_the_start_hides_how_many_there_are(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 4.9);
    ended_open(&e, 0, 21);
    ended_open(&e, 0, 22);
    expect(&e, 100, INCONCLUSIVE, "for less than 5.00 s before the first fault");
}

static void who_was_not_open_before_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_hang_open(&e, 0, 0, 20);
    expect(&e, 100, INCONCLUSIVE, "no open connection before the first fault");
}

static void who_does_not_come_back_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_refuse(&e, 0, 21);
    expect(&e, 100, INCONCLUSIVE, "opened no connection after the fault");
}

/* Another path is another connection, whenever it comes. */
static void the_target_of_the_last_is(struct ended_story *e, const char *target)
{
    for (size_t i = 0; i < e->story.count; i++) {
        struct event *ev = &e->story.events[i];
        if (ev->kind == EV_HTTP_REQUEST && ev->conn == e->next_conn - 1)
            ev->http_request.target = target;
    }
}

static void a_second_one_to(const char *target, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_open(&e, 0, 21);
    ended_open(&e, 0, 30);
    the_target_of_the_last_is(&e, target);
    expect(&e, 100, want, part);
}

static void one_to_another_path_does_not_count(void)
{
    a_second_one_to("/other", PASS, "never had more");
}

static void one_with_another_query_counts(void)
{
    a_second_one_to("/?token=2", FAIL, "had up to 2 connections");
}

/* Two connections, for prices and for orders: attempts that hang before their request are one for
 * each. */
static void attempts_for_two_paths_are_no_overlap(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 0, 20);
    ended_cut(&e, 0, 0.1, 19.9);
    the_target_of_the_last_is(&e, "/orders");
    ended_hang(&e, 0, 21, 10);
    the_target_of_the_last_is(&e, NULL);
    ended_hang(&e, 0, 21.5, 10);
    the_target_of_the_last_is(&e, NULL);
    ended_open(&e, 0, 33);
    ended_open(&e, 0, 33.5);
    the_target_of_the_last_is(&e, "/orders");
    expect(&e, 100, PASS, "never had more than 1");
}

SUITE(reconnect_single_flight, TEST(attempts_for_two_paths_are_no_overlap),
      TEST(one_after_the_other_passes), TEST(a_tenth_of_a_second_passes), TEST(longer_warns),
      TEST(noise_is_added), TEST(nearly_five_seconds_warn), TEST(five_seconds_fail),
      TEST(two_that_stay_open_fail), TEST(their_number_is_told), TEST(as_many_as_before_pass),
      TEST(one_more_than_before_fails), TEST(a_client_for_each_of_two_is_no_overlap),
      TEST(one_that_closes_does_not_count), TEST(one_that_is_silent_does_not_count),
      TEST(a_fault_from_the_start_hides_how_many_there_are),
      TEST(who_was_not_open_before_is_not_judged), TEST(who_does_not_come_back_is_not_judged),
      TEST(one_to_another_path_does_not_count), TEST(one_with_another_query_counts))

/* reconnect.resubscribe: what a client said at first it says again when it is back. */
#include "tests/check.h"
#include "tests/unit/renewal_story.h"

/* --- By what it began with --- */

static void what_was_said_at_first_and_is_said_again_passes(void)
{
    struct story s;
    renewal_both(&s, renewal_all_of_it);
    renewal_expect(&s, PASS, "on all 2 connections after a loss the client repeated the messages");
}

static void silence_fails(void)
{
    struct story s;
    renewal_both(&s, renewal_nothing);
    renewal_expect(&s, FAIL,
                   "on 2 of 2 connections after a loss the client repeated none of the 2 messages");
}

static void nothing_but_heartbeats(struct story *s, int client)
{
    (void)client;
    story_word(s, BACK + 1, SIDE_CLIENT, "ping");
    story_pings(s, BACK + 2, 5, OVER, true);
}

static void heartbeats_are_silence(void)
{
    struct story s;
    renewal_both(&s, nothing_but_heartbeats);
    renewal_expect(&s, FAIL, "none of the 2");
}

static void one_of_two(struct story *s, int client)
{
    if (client == 0)
        renewal_all_of_it(s, client);
}

static void the_silence_of_one_client_decides_nothing(void)
{
    struct story s;
    renewal_both(&s, one_of_two);
    renewal_expect(&s, INCONCLUSIVE, "one client alone");
}

static void late(struct story *s, int client)
{
    (void)client;
    renewal_say(s, BACK + 12, "hello");
    renewal_say(s, BACK + 12, "prices");
}

static void after_more_than_ten_seconds_it_is_a_warning(void)
{
    struct story s;
    renewal_both(&s, late);
    renewal_expect(&s, WARN, "only 12 s after it was connected again");
}

static void just_in_time(struct story *s, int client)
{
    (void)client;
    renewal_say(s, BACK + 10.2, "hello");
    renewal_say(s, BACK + 10.3, "prices");
}

static void what_a_busy_host_may_take_is_not_late(void)
{
    struct story s;
    renewal_both(&s, just_in_time);
    renewal_expect(&s, PASS, "repeated the messages");
}

static void a_part_of_it_needs_to_be_told_what_subscribes(void)
{
    struct story s;
    renewal_both(&s, renewal_in_part);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
}

static void other_words_need_to_be_told_what_they_are(void)
{
    struct story s;
    renewal_both(&s, renewal_otherwise);
    renewal_expect(&s, NOT_TESTED, "said something else than it began with");
}

static void with_other_tokens(struct story *s, int client)
{
    (void)client;
    renewal_say(s, BACK + 0.1, "hello of another token");
    renewal_say(s, BACK + 0.2, "prices");
}

static void a_new_kind_of_the_same_length_is_taken_for_the_same(void)
{
    struct story s;
    renewal_both(&s, with_other_tokens);
    renewal_expect(&s, PASS, "repeated the messages");
}

static void nine_of_ten(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        for (int i = 0; i < 20; i++)
            renewal_say(&s, 0.1 + i * 0.01, "room");
        renewal_session(&s, client, BACK, OVER);
        for (int i = 0; i < 19; i++)
            renewal_say(&s, BACK + 0.1 + i * 0.01, "room");
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, PASS, "repeated the messages");
}

static void eighteen_of_twenty_are_a_part(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        for (int i = 0; i < 20; i++)
            renewal_say(&s, 0.1 + i * 0.01, "room");
        renewal_session(&s, client, BACK, OVER);
        for (int i = 0; i < 18; i++)
            renewal_say(&s, BACK + 0.1 + i * 0.01, "room");
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, NOT_TESTED, "18 of the 20 messages");
}

/* What it sends all the time is not what it began with. */
static void traffic_is_left_out(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        for (int i = 0; i < 29; i++)
            renewal_say(&s, 0.1 + i, "position");
        renewal_session(&s, client, BACK, OVER);
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, NOT_TESTED, "says nothing of its own when it connects");
}

static void who_says_nothing_is_not_tested(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_session(&s, client, BACK, OVER);
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, NOT_TESTED, "give sessions.subscribe");
}

static void what_authenticates_is_left_out(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_say(&s, 0.1, "auth");
        struct event *ev = story_add(&s, 0.1, EV_WS_AUTH, SIDE_CLIENT, BY_ENDPOINT);
        ev->ws_auth = (struct ev_ws_auth){.what = "auth", .hash = "a"};
        renewal_session(&s, client, BACK, OVER);
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, NOT_TESTED, "says nothing of its own");
}

/* --- What cannot be judged --- */

static void told(struct story *s, double lost, double back, double over, bool left)
{
    renewal_begin(s);
    for (int client = 0; client < 2; client++) {
        story_of(s, client, (uint32_t)client + 1);
        story_open(s, 0);
        renewal_say(s, 0.1, "hello");
        if (left)
            story_close(s, lost, SIDE_CLIENT, 1000);
        if (left)
            story_fin(s, lost, SIDE_CLIENT);
        else
            story_cut(s, lost, "reset", "rst");
        story_of(s, client, (uint32_t)client + SECOND);
        story_open(s, back);
    }
    story_run_end(s, over);
}

static void a_first_connection_too_short_shows_nothing(void)
{
    struct story s;
    told(&s, 14.9, 20, 60, false);
    renewal_expect(&s, INCONCLUSIVE, "did not last 15 s");
    told(&s, 15, 20, 60, false);
    renewal_expect(&s, FAIL, "did not repeat the only message");
}

static void a_second_one_too_short_neither(void)
{
    struct story s;
    told(&s, 30, 40, 50.2, false);
    renewal_expect(&s, INCONCLUSIVE, "no connection after a loss lasted 10 s");
    told(&s, 30, 40, 50.4, false);
    renewal_expect(&s, FAIL, "did not repeat the only message");
}

static void a_first_connection_that_was_disturbed_neither(void)
{
    struct story s;
    renewal_both(&s, renewal_nothing);
    for (int client = 0; client < 2; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        renewal_a_fault_holds_it_up(&s, client);
        s.events[s.count - 1].at = NSEC_PER_SEC;
    }
    renewal_expect(&s, INCONCLUSIVE, "did not last 15 s undisturbed");
}

/* Each says its part, before and after. */
static void two_connections_at_a_time_are_one_client(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++)
        for (int twin = 0; twin < 2; twin++)
            for (int after = 0; after < 2; after++) {
                double from = after ? BACK : 0;
                story_of(&s, client, (uint32_t)(1 + client + 2 * twin + 4 * after));
                story_open(&s, from + 0.01 * twin);
                renewal_say(&s, from + 0.1 + 0.01 * twin, twin ? "prices" : "hello");
                if (!after)
                    story_cut(&s, LOST, "reset", "rst");
            }
    story_run_end(&s, OVER);
    renewal_expect(&s, PASS, "on all 2 connections after a loss the client repeated");
}

static void noise_makes_the_window_longer(void)
{
    for (int noisy = 0; noisy < 2; noisy++) {
        struct story s;
        renewal_begin(&s);
        story_noise(&s, noisy ? 0.5 : 0.001);
        for (int client = 0; client < 2; client++) {
            renewal_session(&s, client, 0, LOST);
            renewal_say(&s, 0.1, "hello");
            renewal_session(&s, client, BACK, OVER);
            renewal_say(&s, BACK + 11.2, "hello");
        }
        story_run_end(&s, OVER);
        renewal_expect(&s, noisy ? PASS : WARN, noisy ? "repeated" : "only 11.2 s");
    }
}

static void who_left_by_itself_need_not_take_up_anything(void)
{
    struct story s;
    told(&s, 30, 40, 60, true);
    renewal_expect(&s, INCONCLUSIVE, "no connection after a loss");
}

static void who_never_came_back_is_not_judged(void)
{
    struct story s;
    renewal_begin(&s);
    renewal_session(&s, 0, 0, LOST);
    renewal_say(&s, 0.1, "hello");
    story_run_end(&s, OVER);
    renewal_expect(&s, INCONCLUSIVE, "no client lost its connection and came back");
}

static void another_process_begins_anew(struct story *s, int client)
{
    s->client = client;
    story_exit(s, LOST + 1, "exit 1", false);
}

static void what_another_process_does_is_not_held_against_it(void)
{
    struct story s;
    renewal_both(&s, another_process_begins_anew);
    renewal_expect(&s, INCONCLUSIVE, "no connection after a loss");
}

static void what_a_fault_disturbs_is_not_held_against_it(void)
{
    struct story s;
    renewal_both(&s, renewal_a_fault_holds_it_up);
    renewal_expect(&s, INCONCLUSIVE, "no connection after a loss");
}

static void of_a_full_trace_nothing_can_be_told(void)
{
    struct story s;
    renewal_both(&s, renewal_nothing);
    (void)story_add(&s, 20, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    renewal_expect(&s, INCONCLUSIVE, "the trace is full");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    renewal_begin(&s);
    s.client_by = BY_BUILTIN;
    renewal_session(&s, 0, 0, LOST);
    renewal_say(&s, 0.1, "hello");
    renewal_session(&s, 0, BACK, OVER);
    story_run_end(&s, OVER);
    renewal_expect(&s, NOT_APPLICABLE, "own");
}

SUITE(reconnect_resubscribe, TEST(what_was_said_at_first_and_is_said_again_passes),
      TEST(silence_fails), TEST(heartbeats_are_silence),
      TEST(the_silence_of_one_client_decides_nothing),
      TEST(after_more_than_ten_seconds_it_is_a_warning),
      TEST(what_a_busy_host_may_take_is_not_late),
      TEST(a_part_of_it_needs_to_be_told_what_subscribes),
      TEST(other_words_need_to_be_told_what_they_are),
      TEST(a_new_kind_of_the_same_length_is_taken_for_the_same), TEST(nine_of_ten),
      TEST(eighteen_of_twenty_are_a_part), TEST(traffic_is_left_out),
      TEST(who_says_nothing_is_not_tested), TEST(what_authenticates_is_left_out),
      TEST(a_first_connection_too_short_shows_nothing), TEST(a_second_one_too_short_neither),
      TEST(who_left_by_itself_need_not_take_up_anything), TEST(who_never_came_back_is_not_judged),
      TEST(what_another_process_does_is_not_held_against_it),
      TEST(what_a_fault_disturbs_is_not_held_against_it), TEST(our_own_client_is_not_judged),
      TEST(of_a_full_trace_nothing_can_be_told),
      TEST(a_first_connection_that_was_disturbed_neither),
      TEST(two_connections_at_a_time_are_one_client), TEST(noise_makes_the_window_longer))

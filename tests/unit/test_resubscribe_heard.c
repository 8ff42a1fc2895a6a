/* reconnect.resubscribe: what the server sends says more of it. */
#include "tests/check.h"
#include "tests/unit/renewal_story.h"

/* --- By what the server sends --- */

static void a_server_that_goes_on_unasked_may_know_it_again(void)
{
    struct story s;
    renewal_streamed(&s, renewal_silent_but_served);
    renewal_expect(&s, NOT_TESTED, "its server may know it again");
}

static void what_our_own_server_says_excuses_nobody(void)
{
    struct story s;
    renewal_streamed(&s, renewal_silent_but_served);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].side == SIDE_SERVER && s.events[i].by == BY_ENDPOINT)
            s.events[i].by = BY_BUILTIN;
    renewal_expect(&s, FAIL, "none of the 2");
}

/* What comes with every connection was not asked for. */
static void a_greeting_is_no_stream(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_hear(&s, 0.05, 1, 0.1, "welcome");
        renewal_say(&s, 0.1, "hello");
        renewal_session(&s, client, BACK, OVER);
        renewal_hear(&s, BACK + 0.05, 1, BACK + 0.1, "welcome");
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, FAIL, "did not repeat the only message");
}

static void all_of_it_and_another_kind(struct story *s, int client)
{
    renewal_all_of_it(s, client);
    renewal_hear(s, BACK + 0.5, 1, OVER, "tock");
}

static void a_part_and_another_kind(struct story *s, int client)
{
    renewal_in_part(s, client);
    renewal_hear(s, BACK + 0.5, 1, OVER, "tock");
}

/* A binary message whose number has one digit more has another length in its head. */
static void a_stream_may_look_different_later(void)
{
    struct story s;
    renewal_streamed(&s, all_of_it_and_another_kind);
    renewal_expect(&s, PASS, "repeated the messages");
    renewal_streamed(&s, a_part_and_another_kind);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
}

static void greeted(struct story *s, int client, int pings)
{
    renewal_in_part(s, client);
    renewal_hear(s, BACK + 0.1, 0.2, BACK + 4.9, "history");
    renewal_hear(s, BACK + 6, 5, BACK + 6 + 5 * pings - 1, "beat");
}

static void greeted_and_two_beats(struct story *s, int client)
{
    greeted(s, client, 2);
}

static void greeted_and_three_beats(struct story *s, int client)
{
    greeted(s, client, 3);
}

static void a_greeting_and_a_heartbeat_are_no_stream(void)
{
    struct story s;
    renewal_streamed(&s, greeted_and_two_beats);
    renewal_expect(&s, FAIL, "came no more");
    renewal_streamed(&s, greeted_and_three_beats);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
}

/* Perhaps it subscribes by other means than its WebSocket. */
static void all_of_it_and_no_stream_decides_nothing(void)
{
    struct story s;
    renewal_streamed(&s, renewal_all_of_it);
    renewal_expect(&s, INCONCLUSIVE,
                   "and still what the server had sent all the time came no more");
}

static void a_part_and_no_stream_fails(void)
{
    struct story s;
    renewal_streamed(&s, renewal_in_part);
    renewal_expect(&s, FAIL,
                   "1 of the 2 messages that it began with, and what the server had sent");
}

static void a_part_and_no_stream_at_another_address(void)
{
    struct story s;
    renewal_streamed(&s, renewal_in_part);
    renewal_another_address(&s, 0);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
}

/* A few messages, or some far apart, may be over. */
static void few(struct story *s, double from, double every)
{
    renewal_begin(s);
    for (int client = 0; client < 2; client++) {
        renewal_session(s, client, 0, LOST);
        renewal_say(s, 0.1, "hello");
        renewal_say(s, 0.2, "prices");
        renewal_hear(s, from, every, LOST - 0.1, "tick");
        renewal_session(s, client, BACK, OVER);
        renewal_in_part(s, client);
    }
    story_run_end(s, OVER);
}

static void a_stream_is_five_messages_no_more_than_3_s_apart(void)
{
    struct story s;
    few(&s, LOST - 3.5, 1);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
    few(&s, LOST - 4.5, 1);
    renewal_expect(&s, FAIL, "came no more");
    few(&s, LOST - 24.6, 3.05);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
    few(&s, LOST - 24.6, 2.95);
    renewal_expect(&s, FAIL, "came no more");
}

/* Nor is it there before the second loss. */
static void a_stream_is_missing_until_it_is_there_again(void)
{
    struct story s;
    renewal_streamed(&s, renewal_in_part);
    for (int client = 0; client < 2; client++) {
        story_of(&s, client, (uint32_t)client + SECOND);
        story_cut(&s, OVER, "reset", "rst");
        story_of(&s, client, (uint32_t)client + 2 * SECOND);
        story_open(&s, OVER + 1);
        renewal_say(&s, OVER + 1.1, "hello");
    }
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_RUN_END)
            s.events[i].at = (nsec)((OVER + 21) * 1e9);
    renewal_expect(&s, FAIL, "on 4 of 4 connections");
}

static void a_part_and_the_stream(struct story *s, int client)
{
    renewal_in_part(s, client);
    renewal_silent_but_served(s, client);
}

static void a_part_and_the_stream_is_not_known(void)
{
    struct story s;
    renewal_streamed(&s, a_part_and_the_stream);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
}

static void other_words_and_the_stream(struct story *s, int client)
{
    renewal_otherwise(s, client);
    renewal_silent_but_served(s, client);
}

static void other_words_after_which_the_stream_comes_again_pass(void)
{
    struct story s;
    renewal_streamed(&s, other_words_and_the_stream);
    renewal_expect(&s, PASS, "the client spoke up, and what the server had sent before came again");
}

static void other_words_and_no_stream_are_not_known(void)
{
    struct story s;
    renewal_streamed(&s, renewal_otherwise);
    renewal_expect(&s, NOT_TESTED, "said something else");
}

/* Ten messages of history are no stream. */
static void what_ended_before_the_loss_need_not_come_again(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_say(&s, 0.1, "hello");
        renewal_say(&s, 0.2, "prices");
        renewal_hear(&s, 0.5, 0.1, 1.5, "history");
        renewal_session(&s, client, BACK, OVER);
        renewal_in_part(&s, client);
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, NOT_TESTED, "1 of the 2 messages");
}

static void another_address_may_say_it_all(void)
{
    struct story s;
    renewal_both(&s, renewal_another_address);
    renewal_expect(&s, NOT_TESTED, "its server may know it again");
}

static void a_server_may_know_a_cookie_again(void)
{
    struct story s;
    renewal_both(&s, renewal_says_who_it_is);
    renewal_expect(&s, NOT_TESTED, "its server may know it again");
}

static void unless_its_streams_are_missing(void)
{
    struct story s;
    renewal_streamed(&s, renewal_says_who_it_is);
    renewal_expect(&s, FAIL, "none of the 2");
}

static void our_own_server_knows_nobody(void)
{
    struct story s;
    renewal_both(&s, renewal_says_who_it_is);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_HTTP_RESPONSE)
            s.events[i].by = BY_BUILTIN;
    renewal_expect(&s, FAIL, "none of the 2");
}

/* --- What was missed --- */

static void what_was_missed_and_came_passes(void)
{
    struct story s;
    renewal_numbered(&s, 30, NULL);
    renewal_expect(&s, PASS, "all of the server's messages that it had missed came");
}

static void what_was_missed_and_not_asked_for_is_a_warning(void)
{
    struct story s;
    renewal_numbered(&s, 41, NULL);
    renewal_expect(&s, WARN, "up to 11 messages of the server never came");
}

static void numbers_that_begin_anew_tell_nothing(void)
{
    struct story s;
    renewal_numbered(&s, 1, NULL);
    renewal_expect(&s, PASS, "what it missed does not show");
}

static void numbers_that_begin_anew_and_go_further_neither(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_say(&s, 0.1, "hello");
        renewal_number(&s, 0.5, 1, 1, 29);
        renewal_session(&s, client, BACK, OVER);
        renewal_say(&s, BACK + 0.1, "hello");
        renewal_number(&s, BACK + 1, 0.2, 1, 60);
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, PASS, "what it missed does not show");
}

static void numbers_that_leave_some_out_neither(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_say(&s, 0.1, "hello");
        for (unsigned id = 11; id < 50; id += 2)
            renewal_number(&s, id * 0.5, 1, id, id);
        renewal_session(&s, client, BACK, OVER);
        renewal_say(&s, BACK + 0.1, "hello");
        renewal_number(&s, BACK + 1, 1, 60, 70);
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, PASS, "what it missed does not show");
}

/* Two subscriptions to the same: each number comes twice. */
static void numbers_may_come_twice(void)
{
    struct story s;
    renewal_numbered(&s, 41, NULL);
    for (int client = 0; client < 2; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        renewal_number(&s, 0.51, 1, 1, 29);
    }
    renewal_expect(&s, WARN, "up to 11 messages of the server never came");
}

/* They may be seconds since the server began. */
static void numbers_that_are_no_ids_decide_nothing(void)
{
    for (int missed = 0; missed < 2; missed++) {
        struct story s;
        renewal_numbered(&s, missed ? 41 : 30, NULL);
        for (size_t i = 0; i < s.count; i++)
            if (s.events[i].kind == EV_WS_ID)
                s.events[i].ws_id.how = "counted";
        renewal_expect(&s, PASS,
                       missed ? "messages.id would say whether they are messages that it missed"
                              : "all of the server's messages that it had missed came");
    }
}

static void what_did_not_reach_the_client_was_missed(void)
{
    struct story s;
    renewal_numbered(&s, 30, NULL);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_WS_FRAME && s.events[i].at == (nsec)(28.5 * 1e9))
            s.events[i].ws_frame.passed = false;
    renewal_expect(&s, WARN, "up to 1 messages of the server never came");
}

/* What was missed in the first outage is not missed in the second. */
static void each_outage_has_its_own_numbers(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_say(&s, 0.1, "hello");
        renewal_number(&s, 0.5, 1, 1, 29);
        story_of(&s, client, (uint32_t)client + SECOND);
        story_open(&s, BACK);
        renewal_say(&s, BACK + 0.1, "hello");
        renewal_number(&s, BACK + 1, 1, 40, 55);
        story_cut(&s, OVER, "reset", "rst");
        story_of(&s, client, (uint32_t)client + 2 * SECOND);
        story_open(&s, OVER + 1);
        renewal_say(&s, OVER + 1.1, "hello");
        renewal_number(&s, OVER + 2, 1, 56, 70);
    }
    story_run_end(&s, OVER + 20);
    renewal_expect(&s, WARN, "up to 10 messages of the server never came");
}

static void an_answer_may_make_up_for_it(void)
{
    struct story s;
    renewal_begin(&s);
    for (int client = 0; client < 2; client++) {
        renewal_session(&s, client, 0, LOST);
        renewal_say(&s, 0.1, "hello");
        renewal_number(&s, 0.5, 1, 1, 29);
        renewal_session(&s, client, BACK, OVER);
        renewal_say(&s, BACK + 0.1, "hello");
        renewal_hear(&s, BACK + 0.5, 1, BACK + 0.6, "snapshot");
        renewal_number(&s, BACK + 1, 1, 41, 50);
    }
    story_run_end(&s, OVER);
    renewal_expect(&s, PASS, "for which its answer may make up");
}

static void asks(struct story *s, int client)
{
    (void)client;
    story_data(s, BACK + 0.3, SIDE_CLIENT, "from 29", 77);
}

static void who_asked_for_it_is_not_blamed(void)
{
    struct story s;
    renewal_numbered(&s, 41, asks);
    renewal_expect(&s, PASS, "never came");
}

/* "prices" with another number in it. */
static void asks_in_the_same_words(struct story *s, int client)
{
    (void)client;
    for (size_t i = 0; i < s->count; i++)
        if (s->events[i].kind == EV_WS_FRAME && s->events[i].at == (nsec)((BACK + 0.2) * 1e9))
            s->events[i].ws_frame.hash = "prices since 29";
}

static void other_digits_may_ask_for_it(void)
{
    struct story s;
    renewal_numbered(&s, 41, asks_in_the_same_words);
    renewal_expect(&s, PASS, "never came");
}

SUITE(resubscribe_heard, TEST(a_stream_may_look_different_later),
      TEST(a_greeting_and_a_heartbeat_are_no_stream), TEST(all_of_it_and_no_stream_decides_nothing),
      TEST(a_server_that_goes_on_unasked_may_know_it_again),
      TEST(what_our_own_server_says_excuses_nobody), TEST(a_part_and_no_stream_fails),
      TEST(a_part_and_the_stream_is_not_known),
      TEST(other_words_after_which_the_stream_comes_again_pass),
      TEST(what_ended_before_the_loss_need_not_come_again), TEST(another_address_may_say_it_all),
      TEST(a_server_may_know_a_cookie_again), TEST(unless_its_streams_are_missing),
      TEST(our_own_server_knows_nobody), TEST(what_was_missed_and_came_passes),
      TEST(what_was_missed_and_not_asked_for_is_a_warning),
      TEST(numbers_that_begin_anew_tell_nothing), TEST(an_answer_may_make_up_for_it),
      TEST(who_asked_for_it_is_not_blamed), TEST(other_digits_may_ask_for_it),
      TEST(a_greeting_is_no_stream), TEST(a_part_and_no_stream_at_another_address),
      TEST(a_stream_is_five_messages_no_more_than_3_s_apart),
      TEST(a_stream_is_missing_until_it_is_there_again),
      TEST(other_words_and_no_stream_are_not_known),
      TEST(numbers_that_begin_anew_and_go_further_neither),
      TEST(numbers_that_leave_some_out_neither), TEST(numbers_may_come_twice),
      TEST(numbers_that_are_no_ids_decide_nothing), TEST(what_did_not_reach_the_client_was_missed),
      TEST(each_outage_has_its_own_numbers))

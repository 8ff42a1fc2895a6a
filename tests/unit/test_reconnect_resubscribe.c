/* reconnect.resubscribe: what a client said at first it says again when it is back. */
#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc reconnect_resubscribe_rule;

static const struct rule_desc *const rule = &reconnect_resubscribe_rule;

/* Connection 1 of client 0, 2 of client 1: open at 0, reset at 30; 11 and 12 open at 40, to 60. */
#define LOST   30.0
#define BACK   40.0
#define OVER   60.0
#define SECOND 11

static void begin(struct story *s)
{
    story_begin(s);
}

static void session(struct story *s, int client, double from, double to)
{
    story_of(s, client, (uint32_t)client + (from > 0 ? SECOND : 1));
    story_open(s, from);
    if (to < OVER)
        story_cut(s, to, "reset", "rst");
}

static void say(struct story *s, double at, const char *kind)
{
    story_data(s, at, SIDE_CLIENT, kind, 20);
}

static void hear(struct story *s, double from, double every, double to, const char *kind)
{
    for (double at = from; at <= to; at += every)
        story_data(s, at, SIDE_SERVER, kind, 30);
}

static void number(struct story *s, double from, double every, unsigned first, unsigned last)
{
    static char ids[400][8];
    for (unsigned id = first; id <= last && id < 400; id++) {
        snprintf(ids[id], sizeof ids[id], "%u", id);
        story_id(s, from + every * (id - first), SIDE_SERVER, ids[id], "counted");
    }
}

/* Both clients begin with "hello" and "prices"; then the story is told of each. */
static void both(struct story *s, void (*then)(struct story *, int client))
{
    begin(s);
    for (int client = 0; client < 2; client++) {
        session(s, client, 0, LOST);
        say(s, 0.1, "hello");
        say(s, 0.2, "prices");
        session(s, client, BACK, OVER);
        then(s, client);
    }
    story_run_end(s, OVER);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, rule, want, part);
}

/* --- By what it began with --- */

static void all_of_it(struct story *s, int client)
{
    (void)client;
    say(s, BACK + 0.1, "hello");
    say(s, BACK + 0.2, "prices");
}

static void what_was_said_at_first_and_is_said_again_passes(void)
{
    struct story s;
    both(&s, all_of_it);
    expect(&s, PASS, "on all 2 connections after a loss the client repeated the messages");
}

static void nothing(struct story *s, int client)
{
    (void)s;
    (void)client;
}

static void silence_fails(void)
{
    struct story s;
    both(&s, nothing);
    expect(&s, FAIL,
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
    both(&s, nothing_but_heartbeats);
    expect(&s, FAIL, "none of the 2");
}

static void one_of_two(struct story *s, int client)
{
    if (client == 0)
        all_of_it(s, client);
}

static void the_silence_of_one_client_decides_nothing(void)
{
    struct story s;
    both(&s, one_of_two);
    expect(&s, INCONCLUSIVE, "one client alone");
}

static void late(struct story *s, int client)
{
    (void)client;
    say(s, BACK + 12, "hello");
    say(s, BACK + 12, "prices");
}

static void after_more_than_ten_seconds_it_is_a_warning(void)
{
    struct story s;
    both(&s, late);
    expect(&s, WARN, "only 12 s after it was connected again");
}

static void just_in_time(struct story *s, int client)
{
    (void)client;
    say(s, BACK + 10.2, "hello");
    say(s, BACK + 10.3, "prices");
}

static void what_a_busy_host_may_take_is_not_late(void)
{
    struct story s;
    both(&s, just_in_time);
    expect(&s, PASS, "repeated the messages");
}

static void in_part(struct story *s, int client)
{
    (void)client;
    say(s, BACK + 0.1, "hello");
}

static void a_part_of_it_needs_to_be_told_what_subscribes(void)
{
    struct story s;
    both(&s, in_part);
    expect(&s, NOT_TESTED, "1 of the 2 messages");
}

static void otherwise(struct story *s, int client)
{
    (void)client;
    story_data(s, BACK + 0.1, SIDE_CLIENT, "resume", 99);
}

static void other_words_need_to_be_told_what_they_are(void)
{
    struct story s;
    both(&s, otherwise);
    expect(&s, NOT_TESTED, "said something else than it began with");
}

static void with_other_tokens(struct story *s, int client)
{
    (void)client;
    say(s, BACK + 0.1, "hello of another token");
    say(s, BACK + 0.2, "prices");
}

static void a_new_kind_of_the_same_length_is_taken_for_the_same(void)
{
    struct story s;
    both(&s, with_other_tokens);
    expect(&s, PASS, "repeated the messages");
}

static void nine_of_ten(void)
{
    struct story s;
    begin(&s);
    for (int client = 0; client < 2; client++) {
        session(&s, client, 0, LOST);
        for (int i = 0; i < 20; i++)
            say(&s, 0.1 + i * 0.01, "room");
        session(&s, client, BACK, OVER);
        for (int i = 0; i < 19; i++)
            say(&s, BACK + 0.1 + i * 0.01, "room");
    }
    story_run_end(&s, OVER);
    expect(&s, PASS, "repeated the messages");
}

static void eighteen_of_twenty_are_a_part(void)
{
    struct story s;
    begin(&s);
    for (int client = 0; client < 2; client++) {
        session(&s, client, 0, LOST);
        for (int i = 0; i < 20; i++)
            say(&s, 0.1 + i * 0.01, "room");
        session(&s, client, BACK, OVER);
        for (int i = 0; i < 18; i++)
            say(&s, BACK + 0.1 + i * 0.01, "room");
    }
    story_run_end(&s, OVER);
    expect(&s, NOT_TESTED, "18 of the 20 messages");
}

/* What it sends all the time is not what it began with. */
static void traffic_is_left_out(void)
{
    struct story s;
    begin(&s);
    for (int client = 0; client < 2; client++) {
        session(&s, client, 0, LOST);
        for (int i = 0; i < 29; i++)
            say(&s, 0.1 + i, "position");
        session(&s, client, BACK, OVER);
    }
    story_run_end(&s, OVER);
    expect(&s, NOT_TESTED, "says nothing of its own when it connects");
}

static void who_says_nothing_is_not_tested(void)
{
    struct story s;
    begin(&s);
    for (int client = 0; client < 2; client++) {
        session(&s, client, 0, LOST);
        session(&s, client, BACK, OVER);
    }
    story_run_end(&s, OVER);
    expect(&s, NOT_TESTED, "give sessions.subscribe");
}

static void what_authenticates_is_left_out(void)
{
    struct story s;
    begin(&s);
    for (int client = 0; client < 2; client++) {
        session(&s, client, 0, LOST);
        say(&s, 0.1, "auth");
        struct event *ev = story_add(&s, 0.1, EV_WS_AUTH, SIDE_CLIENT, BY_ENDPOINT);
        ev->ws_auth = (struct ev_ws_auth){.what = "auth", .hash = "a"};
        session(&s, client, BACK, OVER);
    }
    story_run_end(&s, OVER);
    expect(&s, NOT_TESTED, "says nothing of its own");
}

/* --- What cannot be judged --- */

static void told(struct story *s, double lost, double back, double over, bool left)
{
    begin(s);
    for (int client = 0; client < 2; client++) {
        story_of(s, client, (uint32_t)client + 1);
        story_open(s, 0);
        say(s, 0.1, "hello");
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
    expect(&s, INCONCLUSIVE, "did not last 15 s");
    told(&s, 15, 20, 60, false);
    expect(&s, FAIL, "did not repeat the only message");
}

static void a_second_one_too_short_neither(void)
{
    struct story s;
    told(&s, 30, 40, 50.2, false);
    expect(&s, INCONCLUSIVE, "no connection after a loss lasted 10 s");
    told(&s, 30, 40, 50.4, false);
    expect(&s, FAIL, "did not repeat the only message");
}

static void who_left_by_itself_need_not_take_up_anything(void)
{
    struct story s;
    told(&s, 30, 40, 60, true);
    expect(&s, INCONCLUSIVE, "no connection after a loss");
}

static void who_never_came_back_is_not_judged(void)
{
    struct story s;
    begin(&s);
    session(&s, 0, 0, LOST);
    say(&s, 0.1, "hello");
    story_run_end(&s, OVER);
    expect(&s, INCONCLUSIVE, "no client lost its connection and came back");
}

static void another_process_begins_anew(struct story *s, int client)
{
    s->client = client;
    story_exit(s, LOST + 1, "exit 1", false);
}

static void what_another_process_does_is_not_held_against_it(void)
{
    struct story s;
    both(&s, another_process_begins_anew);
    expect(&s, INCONCLUSIVE, "no connection after a loss");
}

static void a_fault_holds_it_up(struct story *s, int client)
{
    (void)client;
    struct event *ev = story_add(s, BACK + 1, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = "stall", .label = "stall", .verb = "stall", .detail = "", .count = 1};
}

static void what_a_fault_disturbs_is_not_held_against_it(void)
{
    struct story s;
    both(&s, a_fault_holds_it_up);
    expect(&s, INCONCLUSIVE, "no connection after a loss");
}

static void of_a_full_trace_nothing_can_be_told(void)
{
    struct story s;
    both(&s, nothing);
    (void)story_add(&s, 20, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    expect(&s, INCONCLUSIVE, "the trace is full");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    begin(&s);
    s.client_by = BY_BUILTIN;
    session(&s, 0, 0, LOST);
    say(&s, 0.1, "hello");
    session(&s, 0, BACK, OVER);
    story_run_end(&s, OVER);
    expect(&s, NOT_APPLICABLE, "own");
}

/* --- By what the server sends --- */

static void streamed(struct story *s, void (*then)(struct story *, int client))
{
    begin(s);
    for (int client = 0; client < 2; client++) {
        session(s, client, 0, LOST);
        say(s, 0.1, "hello");
        say(s, 0.2, "prices");
        hear(s, 0.5, 1, LOST - 0.5, "tick");
        session(s, client, BACK, OVER);
        then(s, client);
    }
    story_run_end(s, OVER);
}

static void silent_but_served(struct story *s, int client)
{
    (void)client;
    hear(s, BACK + 0.5, 1, OVER, "tick");
}

static void a_server_that_goes_on_unasked_may_know_it_again(void)
{
    struct story s;
    streamed(&s, silent_but_served);
    expect(&s, NOT_TESTED, "its server may know it again");
}

static void one_stream_of_our_own_server(struct story *s, int client)
{
    (void)client;
    s->server_by = BY_BUILTIN;
    hear(s, BACK + 0.5, 1, OVER, "tick");
    s->server_by = BY_ENDPOINT;
}

static void what_our_own_server_says_excuses_nobody(void)
{
    struct story s;
    streamed(&s, one_stream_of_our_own_server);
    expect(&s, FAIL, "none of the 2");
}

static void a_part_and_no_stream_fails(void)
{
    struct story s;
    streamed(&s, in_part);
    expect(&s, FAIL, "1 of the 2 messages that it began with, and what the server had sent");
}

static void a_part_and_the_stream(struct story *s, int client)
{
    in_part(s, client);
    silent_but_served(s, client);
}

static void a_part_and_the_stream_is_not_known(void)
{
    struct story s;
    streamed(&s, a_part_and_the_stream);
    expect(&s, NOT_TESTED, "1 of the 2 messages");
}

static void other_words_and_the_stream(struct story *s, int client)
{
    otherwise(s, client);
    silent_but_served(s, client);
}

static void other_words_after_which_the_stream_comes_again_pass(void)
{
    struct story s;
    streamed(&s, other_words_and_the_stream);
    expect(&s, PASS, "the client spoke up, and what the server had sent before came again");
}

/* Ten messages of history are no stream. */
static void what_ended_before_the_loss_need_not_come_again(void)
{
    struct story s;
    begin(&s);
    for (int client = 0; client < 2; client++) {
        session(&s, client, 0, LOST);
        say(&s, 0.1, "hello");
        say(&s, 0.2, "prices");
        hear(&s, 0.5, 0.1, 1.5, "history");
        session(&s, client, BACK, OVER);
        in_part(&s, client);
    }
    story_run_end(&s, OVER);
    expect(&s, NOT_TESTED, "1 of the 2 messages");
}

static void another_address(struct story *s, int client)
{
    (void)client;
    for (size_t i = 0; i < s->count; i++)
        if (s->events[i].kind == EV_HTTP_REQUEST)
            s->events[i].http_request.target = s->events[i].at < LOST ? "/feed" : "/feed?sid=x";
}

static void another_address_may_say_it_all(void)
{
    struct story s;
    both(&s, another_address);
    expect(&s, NOT_TESTED, "its server may know it again");
}

static void says_who_it_is(struct story *s, int client)
{
    (void)client;
    struct event *ev = story_add(s, BACK, EV_HTTP_CREDENTIAL, SIDE_CLIENT, BY_ENDPOINT);
    ev->http_credential = (struct ev_http_credential){
        .place = "cookie", .name = "sid", .shape = "random", .len = 32, .hash = "a"};
}

static void a_server_may_know_a_cookie_again(void)
{
    struct story s;
    both(&s, says_who_it_is);
    expect(&s, NOT_TESTED, "its server may know it again");
}

static void unless_its_streams_are_missing(void)
{
    struct story s;
    streamed(&s, says_who_it_is);
    expect(&s, FAIL, "none of the 2");
}

static void our_own_server_knows_nobody(void)
{
    struct story s;
    both(&s, says_who_it_is);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].kind == EV_HTTP_RESPONSE)
            s.events[i].by = BY_BUILTIN;
    expect(&s, FAIL, "none of the 2");
}

/* --- What was missed --- */

static void numbered(struct story *s, unsigned first_after, void (*then)(struct story *, int))
{
    begin(s);
    for (int client = 0; client < 2; client++) {
        session(s, client, 0, LOST);
        say(s, 0.1, "hello");
        say(s, 0.2, "prices");
        number(s, 0.5, 1, 1, 29);
        session(s, client, BACK, OVER);
        all_of_it(s, client);
        number(s, BACK + 1, 1, first_after, first_after + 15);
        if (then)
            then(s, client);
    }
    story_run_end(s, OVER);
}

static void what_was_missed_and_came_passes(void)
{
    struct story s;
    numbered(&s, 30, NULL);
    expect(&s, PASS, "all of the server's messages that it had missed came");
}

static void what_was_missed_and_not_asked_for_is_a_warning(void)
{
    struct story s;
    numbered(&s, 41, NULL);
    expect(&s, WARN, "up to 11 messages of the server never came");
}

static void numbers_that_begin_anew_tell_nothing(void)
{
    struct story s;
    numbered(&s, 1, NULL);
    expect(&s, PASS, "what it missed does not show");
}

static void an_answer_may_make_up_for_it(void)
{
    struct story s;
    begin(&s);
    for (int client = 0; client < 2; client++) {
        session(&s, client, 0, LOST);
        say(&s, 0.1, "hello");
        number(&s, 0.5, 1, 1, 29);
        session(&s, client, BACK, OVER);
        say(&s, BACK + 0.1, "hello");
        hear(&s, BACK + 0.5, 1, BACK + 0.6, "snapshot");
        number(&s, BACK + 1, 1, 41, 50);
    }
    story_run_end(&s, OVER);
    expect(&s, PASS, "for which its answer may make up");
}

static void asks(struct story *s, int client)
{
    (void)client;
    story_data(s, BACK + 0.3, SIDE_CLIENT, "from 29", 77);
}

static void who_asked_for_it_is_not_blamed(void)
{
    struct story s;
    numbered(&s, 41, asks);
    expect(&s, PASS, "never came");
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
    numbered(&s, 41, asks_in_the_same_words);
    expect(&s, PASS, "never came");
}

/* --- Declared --- */

#define SUBSCRIBES "{\"sessions\":{\"subscribe\":true}}"
#define RESUMES    "{\"sessions\":{\"subscribe\":true,\"resume\":true}}"

static void subscribe(struct story *s, double at, const char *topic)
{
    say(s, at, "sub");
    story_session(s, at, SIDE_CLIENT, "subscribe", topic);
}

/* One client; topics of the first connection and of the second, NULL ends. */
static void declared(struct story *s, const char *const *before, const char *const *after)
{
    begin(s);
    story_target(s, SUBSCRIBES);
    session(s, 0, 0, LOST);
    say(s, 0.1, "hello");
    for (int i = 0; before[i]; i++)
        subscribe(s, 1 + 5 * i, before[i]);
    session(s, 0, BACK, OVER);
    say(s, BACK + 0.1, "hello");
    for (int i = 0; after[i]; i++)
        subscribe(s, BACK + 1 + 0.1 * i, after[i]);
    story_run_end(s, OVER);
}

static const char *const none[] = {NULL};
static const char *const a[] = {"a", NULL};
static const char *const ab[] = {"a", "b", NULL};
static const char *const aba[] = {"a", "b", "a", NULL};
static const char *const ba[] = {"b", "a", NULL};
static const char *const cd[] = {"c", "d", NULL};
static const char *const nameless[] = {"", NULL};

static void subscriptions_taken_up_again_pass_in_any_order(void)
{
    struct story s;
    declared(&s, ab, ba);
    expect(&s, PASS, "repeated the subscriptions");
    declared(&s, aba, ab);
    expect(&s, PASS, "repeated the subscriptions");
}

static void none_taken_up_again_fails_for_one_client(void)
{
    struct story s;
    declared(&s, ab, none);
    expect(&s, FAIL, "none of the 2 subscriptions");
    declared(&s, ab, cd);
    expect(&s, FAIL, "none of the 2 subscriptions");
}

static void some_not_taken_up_again_are_a_warning(void)
{
    struct story s;
    declared(&s, ab, a);
    expect(&s, WARN, "took up 1 of its 2 subscriptions again");
}

static void without_a_group_one_is_as_good_as_another(void)
{
    struct story s;
    declared(&s, nameless, nameless);
    expect(&s, PASS, "repeated the subscriptions");
    declared(&s, nameless, none);
    expect(&s, FAIL, "did not repeat its only subscription");
}

static void a_pattern_that_never_matched_decides_nothing(void)
{
    struct story s;
    declared(&s, none, none);
    expect(&s, INCONCLUSIVE, "no message of the client matched sessions.subscribe");
}

static void resumed(struct story *s, const char *first_after)
{
    begin(s);
    story_target(s, RESUMES);
    session(s, 0, 0, LOST);
    subscribe(s, 1, "a");
    number(s, 2, 1, 1, 25);
    session(s, 0, BACK, OVER);
    if (*first_after)
        subscribe(s, BACK + 1, first_after);
}

static void a_resume_is_enough(void)
{
    struct story s;
    resumed(&s, "");
    say(&s, BACK + 2, "resume");
    story_session(&s, BACK + 2, SIDE_CLIENT, "resume", "");
    story_run_end(&s, OVER);
    expect(&s, PASS, "the client resumed");
}

/* What a resume looks like is known, and this is none, whatever the server answers. */
static void other_words_are_no_resume_where_that_is_declared(void)
{
    struct story s;
    resumed(&s, "a");
    say(&s, BACK + 2, "something else");
    hear(&s, BACK + 2, 1, BACK + 2.5, "snapshot");
    number(&s, BACK + 3, 1, 40, 50);
    story_run_end(&s, OVER);
    expect(&s, WARN, "up to 14 messages of the server never came");
}

static void a_server_that_goes_on_is_in_the_way_of_a_failure(void)
{
    struct story s;
    begin(&s);
    story_target(&s, SUBSCRIBES);
    session(&s, 0, 0, LOST);
    subscribe(&s, 1, "a");
    hear(&s, 2, 1, LOST, "tick");
    session(&s, 0, BACK, OVER);
    hear(&s, BACK + 2, 1, OVER, "tick");
    story_run_end(&s, OVER);
    expect(&s, INCONCLUSIVE, "its server may know it again");
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
      TEST(a_server_that_goes_on_unasked_may_know_it_again),
      TEST(what_our_own_server_says_excuses_nobody), TEST(a_part_and_no_stream_fails),
      TEST(a_part_and_the_stream_is_not_known),
      TEST(other_words_after_which_the_stream_comes_again_pass),
      TEST(what_ended_before_the_loss_need_not_come_again), TEST(another_address_may_say_it_all),
      TEST(a_server_may_know_a_cookie_again), TEST(unless_its_streams_are_missing),
      TEST(our_own_server_knows_nobody), TEST(of_a_full_trace_nothing_can_be_told),
      TEST(what_was_missed_and_came_passes), TEST(what_was_missed_and_not_asked_for_is_a_warning),
      TEST(numbers_that_begin_anew_tell_nothing), TEST(an_answer_may_make_up_for_it),
      TEST(who_asked_for_it_is_not_blamed), TEST(other_digits_may_ask_for_it),
      TEST(subscriptions_taken_up_again_pass_in_any_order),
      TEST(none_taken_up_again_fails_for_one_client), TEST(some_not_taken_up_again_are_a_warning),
      TEST(without_a_group_one_is_as_good_as_another),
      TEST(a_pattern_that_never_matched_decides_nothing), TEST(a_resume_is_enough),
      TEST(other_words_are_no_resume_where_that_is_declared),
      TEST(a_server_that_goes_on_is_in_the_way_of_a_failure))

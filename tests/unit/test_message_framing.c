/* message.framing, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"
#include "ws/frame.h"

extern const struct rule_desc message_framing_rule;

static void inject_ping(struct story *s, double at, const char *hash)
{
    struct event *ev = story_add(s, at, EV_WS_INJECTED, SIDE_SERVER, BY_FAULT);
    ev->ws_injected = (struct ev_ws_injected){.opcode = OPCODE_PING, .fin = true, .hash = hash};
}

static void pong(struct story *s, double at, const char *hash)
{
    struct event *ev = story_add(s, at, EV_WS_FRAME, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_frame = (struct ev_ws_frame){.opcode = OPCODE_PONG, .fin = true, .hash = hash};
}

/* A first connection on which nothing is touched: it lasts and answers. */
static void untouched(struct story *s, double until)
{
    story_begin(s);
    story_open(s, 0);
    inject_ping(s, 1, "plain");
    pong(s, 1.01, "plain");
    story_shut(s, until, SIDE_CLIENT, BY_FAULT, "rst");
    story_of(s, 0, 2);
}

static void touch(struct story *s, double at, const char *fault)
{
    story_fault_with(s, at, fault, "{}");
}

/* The 101 was held, and is delivered at that time. */
static void open_with_the_101(struct story *s, double at)
{
    story_attempt(s, at - 0.3);
    touch(s, at - 0.3, "upgrade_delay");
    struct event *ev = story_add(s, at - 0.3, EV_FAULT_ACT, SIDE_CLIENT, BY_FAULT);
    ev->fault_act = (struct ev_fault_act){
        .fault = "upgrade_delay", .label = "upgrade_delay", .verb = "hold", .count = 1};
    (void)story_add(s, at, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &message_framing_rule, want, part);
}

/* --- The frame that comes with the 101 --- */

static void a_first_ping_that_is_answered_passes(void)
{
    struct story s;
    untouched(&s, 20);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    pong(&s, 30.01, "first");
    expect(&s, PASS, "the client answered all of 1 pings that came in one segment with the 101");
}

static void a_first_ping_that_a_later_one_leaves_behind_is_lost(void)
{
    struct story s;
    untouched(&s, 20);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    inject_ping(&s, 31, "later");
    pong(&s, 31.01, "later");
    expect(&s, FAIL, "left 1 of 1 pings unanswered that came in one segment with the 101");
}

/* RFC 6455 5.5.3: the newest of those that wait is enough. */
static void a_ping_just_before_the_answered_one_is_answered_too(void)
{
    struct story s;
    untouched(&s, 20);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    inject_ping(&s, 30.99, "later");
    pong(&s, 31, "later");
    expect(&s, PASS, "in one segment with the 101");
}

static void ten_seconds_without_an_answer_are_enough(void)
{
    struct story s;
    untouched(&s, 20);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    story_shut(&s, 40, SIDE_CLIENT, BY_FAULT, "rst");
    expect(&s, FAIL, "left 1 of 1 pings unanswered");
    untouched(&s, 20);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    story_shut(&s, 39.9, SIDE_CLIENT, BY_FAULT, "rst");
    expect(&s, INCONCLUSIVE, "had not answered 1 of 1 pings");
}

static void at_speed_ten_they_are_of_the_wall(void)
{
    struct story s;
    story_begin(&s);
    story_speed(&s, 10);
    story_open(&s, 0);
    inject_ping(&s, 1, "plain");
    pong(&s, 1.01, "plain");
    story_shut(&s, 5, SIDE_CLIENT, BY_FAULT, "rst");
    story_of(&s, 0, 2);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    story_shut(&s, 50, SIDE_CLIENT, BY_FAULT, "rst");
    expect(&s, INCONCLUSIVE, "had not answered 1 of 1 pings");
}

/* Two writes: nobody knows whether they came together. */
static void a_ping_after_the_101_came_by_itself(void)
{
    struct story s;
    untouched(&s, 20);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30.001, "second");
    expect(&s, INCONCLUSIVE, "nothing reached the client cut up or joined");
    untouched(&s, 20);
    story_open(&s, 30);
    touch(&s, 30, "ping_flood");
    inject_ping(&s, 30, "not held");
    expect(&s, INCONCLUSIVE, "nothing reached the client cut up or joined");
}

/* --- Pieces, and several at once --- */

static void pings_in_pieces_that_are_answered_pass(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    touch(&s, 1, "slice");
    inject_ping(&s, 2, "a");
    pong(&s, 2.5, "a");
    expect(&s, PASS, "answered all of 1 pings that came in pieces");
}

static void pings_in_pieces_without_an_answer_fail(void)
{
    struct story s;
    untouched(&s, 20);
    story_open(&s, 30);
    touch(&s, 31, "slice");
    inject_ping(&s, 32, "a");
    inject_ping(&s, 33, "b");
    expect(&s, FAIL, "left 2 of 2 pings unanswered that came in pieces, and answers others");
}

static void what_comes_after_the_fault_is_over_came_as_sent(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    touch(&s, 1, "slice");
    story_fault_off(&s, 2, "slice", "cleared");
    inject_ping(&s, 3, "a");
    pong(&s, 3.01, "a");
    expect(&s, INCONCLUSIVE, "nothing reached the client cut up or joined");
}

static void joined_pings_are_counted_apart(void)
{
    struct story s;
    untouched(&s, 20);
    story_open(&s, 30);
    touch(&s, 31, "coalesce");
    inject_ping(&s, 32, "a");
    inject_ping(&s, 32.1, "b");
    pong(&s, 33, "a");
    inject_ping(&s, 40, "c");
    pong(&s, 40.01, "c");
    expect(&s, FAIL, "left 1 of 3 pings unanswered that came several in one segment");
}

static void a_servers_ping_counts_when_it_is_delivered(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    touch(&s, 1, "slice");
    struct event *ev = story_add(&s, 2, EV_WS_FRAME, SIDE_SERVER, BY_ENDPOINT);
    ev->ws_frame = (struct ev_ws_frame){.opcode = OPCODE_PING, .fin = true, .hash = "a"};
    expect(&s, INCONCLUSIVE, "nothing reached the client");
}

static void a_client_that_answers_no_ping_is_not_known_to_read(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    inject_ping(&s, 1, "plain");
    touch(&s, 2, "slice");
    inject_ping(&s, 3, "a");
    expect(&s, INCONCLUSIVE, "answered no ping at all");
}

static void without_a_ping_to_compare_with_nothing_is_said(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    touch(&s, 2, "slice");
    inject_ping(&s, 3, "a");
    expect(&s, INCONCLUSIVE, "had not answered 1 of 1 pings that came in pieces");
}

/* --- The handshake --- */

/* An attempt whose answer comes in pieces. */
static void attempt_in_pieces(struct story *s, double at, const char *fault)
{
    story_attempt(s, at);
    touch(s, at, fault);
    struct event *ev = story_add(s, at + 0.001, EV_HTTP_RESPONSE, SIDE_SERVER, BY_ENDPOINT);
    ev->http_response = (struct ev_http_response){.status = 101, .upgrade = true};
}

static void a_handshake_in_pieces_that_opens_passes(void)
{
    static const char *const faults[] = {"slice", "upgrade_dribble"};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct story s;
        untouched(&s, 20);
        attempt_in_pieces(&s, 30, faults[i]);
        (void)story_add(&s, 30.5, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
        expect(&s, PASS, "the client opened 1 WebSocket whose 101 came in pieces");
    }
}

static void a_handshake_in_pieces_that_is_given_up_fails(void)
{
    struct story s;
    untouched(&s, 20);
    attempt_in_pieces(&s, 30, "slice");
    story_fin(&s, 30.2, SIDE_CLIENT);
    expect(&s, FAIL, "ended 1 attempt whose 101 came in pieces");
}

static void a_handshake_that_takes_too_long_may_be_given_up(void)
{
    struct story s;
    untouched(&s, 20);
    attempt_in_pieces(&s, 30, "upgrade_dribble");
    story_fin(&s, 31, SIDE_CLIENT);
    expect(&s, INCONCLUSIVE, "where the 101 came in pieces");
    untouched(&s, 20);
    attempt_in_pieces(&s, 30, "upgrade_dribble");
    story_fin(&s, 30.99, SIDE_CLIENT);
    expect(&s, FAIL, "ended 1 attempt whose 101 came in pieces");
}

/* On a host that is busy the pieces take their time, and the client has its limits. */
static void one_that_opens_in_pieces_shows_that_it_can(void)
{
    struct story s;
    untouched(&s, 20);
    attempt_in_pieces(&s, 30, "slice");
    story_fin(&s, 30.5, SIDE_CLIENT);
    story_of(&s, 0, 3);
    attempt_in_pieces(&s, 32, "slice");
    (void)story_add(&s, 32.5, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
    expect(&s, PASS, "the client opened 1 WebSocket whose 101 came in pieces");
}

static void a_client_that_opens_nothing_else_is_not_blamed(void)
{
    struct story s;
    story_begin(&s);
    attempt_in_pieces(&s, 30, "slice");
    story_fin(&s, 30.2, SIDE_CLIENT);
    story_of(&s, 1, 2);
    story_open(&s, 31);
    expect(&s, INCONCLUSIVE, "where the 101 came in pieces");
}

/* --- Ends --- */

/* Opened in pieces or cut up later, and ended so long after that. */
static void ends(struct story *s, double lives, double after, uint64_t code)
{
    untouched(s, lives);
    story_open(s, 50);
    touch(s, 51, "slice");
    if (code > 0)
        story_close(s, 51 + after, SIDE_CLIENT, code);
    story_fin(s, 51 + after, SIDE_CLIENT);
}

static void a_protocol_error_is_one_whenever_it_comes(void)
{
    struct story s;
    ends(&s, 1.5, 30, 1002);
    expect(&s, FAIL, "ended the connection (1002) 30 s after its bytes began");
}

static void an_end_at_once_is_one_where_others_last_longer(void)
{
    struct story s;
    ends(&s, 20, 2, 0);
    expect(&s, FAIL, "ended the connection 2.00 s after its bytes began");
    ends(&s, 20, 2.1, 0);
    expect(&s, INCONCLUSIVE, "nothing reached the client");
    ends(&s, 2, 1.5, 0);
    expect(&s, INCONCLUSIVE, "nothing reached the client");
}

static void a_client_that_is_done_may_go(void)
{
    struct story s;
    ends(&s, 20, 1, 1000);
    expect(&s, INCONCLUSIVE, "nothing reached the client");
}

static void another_fault_on_the_way_ends_what_is_looked_at(void)
{
    struct story s;
    untouched(&s, 20);
    story_open(&s, 50);
    touch(&s, 51, "slice");
    story_fault(&s, 51.1, "corrupt", SIDE_CLIENT, false);
    story_close(&s, 51.2, SIDE_CLIENT, 1002);
    expect(&s, INCONCLUSIVE, "nothing reached the client");
}

static void a_full_trace_ends_it_too(void)
{
    struct story s;
    untouched(&s, 20);
    story_open(&s, 50);
    touch(&s, 51, "slice");
    inject_ping(&s, 52, "a");
    (void)story_add(&s, 53, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    expect(&s, INCONCLUSIVE, "had not answered 1 of 1 pings");
}

static void one_of_two_clients_is_told_apart(void)
{
    struct story s;
    untouched(&s, 20);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    pong(&s, 30.01, "first");
    story_of(&s, 1, 3);
    story_open(&s, 0);
    inject_ping(&s, 1, "plain");
    pong(&s, 1.01, "plain");
    story_shut(&s, 20, SIDE_CLIENT, BY_FAULT, "rst");
    story_of(&s, 1, 4);
    open_with_the_101(&s, 30);
    inject_ping(&s, 30, "first");
    expect(&s, FAIL, "1 of 2 clients left 1 of 1 pings unanswered");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    touch(&s, 1, "slice");
    inject_ping(&s, 2, "a");
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(message_framing, TEST(a_first_ping_that_is_answered_passes),
      TEST(a_first_ping_that_a_later_one_leaves_behind_is_lost),
      TEST(a_ping_just_before_the_answered_one_is_answered_too),
      TEST(ten_seconds_without_an_answer_are_enough), TEST(at_speed_ten_they_are_of_the_wall),
      TEST(a_ping_after_the_101_came_by_itself), TEST(pings_in_pieces_that_are_answered_pass),
      TEST(pings_in_pieces_without_an_answer_fail),
      TEST(what_comes_after_the_fault_is_over_came_as_sent), TEST(joined_pings_are_counted_apart),
      TEST(a_servers_ping_counts_when_it_is_delivered),
      TEST(a_client_that_answers_no_ping_is_not_known_to_read),
      TEST(without_a_ping_to_compare_with_nothing_is_said),
      TEST(a_handshake_in_pieces_that_opens_passes),
      TEST(a_handshake_in_pieces_that_is_given_up_fails),
      TEST(a_handshake_that_takes_too_long_may_be_given_up),
      TEST(one_that_opens_in_pieces_shows_that_it_can),
      TEST(a_client_that_opens_nothing_else_is_not_blamed),
      TEST(a_protocol_error_is_one_whenever_it_comes),
      TEST(an_end_at_once_is_one_where_others_last_longer), TEST(a_client_that_is_done_may_go),
      TEST(another_fault_on_the_way_ends_what_is_looked_at), TEST(a_full_trace_ends_it_too),
      TEST(one_of_two_clients_is_told_apart), TEST(our_own_client_is_not_judged))

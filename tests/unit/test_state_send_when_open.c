/* state.send_when_open: no data before the handshake is complete, none behind the Close. */
#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc state_send_when_open_rule;

#define SENDS "{\"hooks\":{\"send\":\"stdin\"}}"

static void expect(struct ended_story *e, enum verdict want, const char *part)
{
    ended_expect(e, 60, &state_send_when_open_rule, want, part);
}

/* An attempt at 1 s, during which the client is told to send at 2 s, and which opens at 4 s. */
static struct story *begin(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, SENDS);
    story_of(&e->story, 0, 1);
    story_attempt(&e->story, 1);
    (void)story_asked(&e->story, 2, "send");
    return &e->story;
}

static void open(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_HTTP_RESPONSE, SIDE_SERVER, BY_ENDPOINT);
    ev->http_response = (struct ev_http_response){.status = 101, .upgrade = true};
    (void)story_add(s, at, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
}

static void who_waits_passes(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    open(s, 4);
    story_data(s, 4.1, SIDE_CLIENT, "a", 10);
    expect(
        &e, PASS,
        "told to send during handshakes (1 times), behind its Close (0) and without a connection (0)");
}

static void a_frame_before_the_answer_fails(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    story_data(s, 3.9, SIDE_CLIENT, "a", 10);
    open(s, 4);
    expect(&e, FAIL, "the client sent 1 frame before its handshake was complete, on 1 connection");
}

static void a_ping_before_the_answer_fails_too(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    story_ping(s, 3.9, SIDE_CLIENT);
    open(s, 4);
    expect(&e, FAIL, "before its handshake was complete");
}

static void so_does_one_where_the_answer_is_no(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    story_data(s, 3, SIDE_CLIENT, "a", 10);
    struct event *ev = story_add(s, 4, EV_HTTP_RESPONSE, SIDE_SERVER, BY_FAULT);
    ev->http_response = (struct ev_http_response){.status = 503};
    story_shut(s, 4, SIDE_CLIENT, BY_FAULT, "close");
    expect(&e, FAIL, "before its handshake was complete");
}

static void what_the_server_sends_is_not_the_clients(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    story_data(s, 3.9, SIDE_SERVER, "a", 10);
    open(s, 4);
    expect(&e, PASS, "kept silent");
}

static void another_connection_that_is_open_may_send(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    story_of(s, 1, 2);
    story_open(s, 2.5);
    story_data(s, 3, SIDE_CLIENT, "a", 10);
    story_of(s, 0, 1);
    open(s, 4);
    expect(&e, PASS, "kept silent");
}

/* --- Behind the Close --- */

/* Open from 1 s, closed by the client at 5 s, over at 10 s. */
static struct story *closes(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, SENDS);
    ended_open(e, 0, 1);
    story_close(&e->story, 5, SIDE_CLIENT, 1000);
    return &e->story;
}

static void over(struct story *s, double at)
{
    story_fin(s, at, SIDE_CLIENT);
    (void)story_add(s, at, EV_CONN_END, SIDE_NONE, BY_PROXY);
}

static void silence_behind_the_close_passes(void)
{
    struct ended_story e;
    struct story *s = closes(&e);
    (void)story_asked(s, 6, "send");
    over(s, 10);
    expect(&e, PASS, "handshakes (0 times), behind its Close (1)");
}

static void data_behind_the_close_fails(void)
{
    struct ended_story e;
    struct story *s = closes(&e);
    (void)story_asked(s, 6, "send");
    story_data(s, 6.1, SIDE_CLIENT, "a", 10);
    over(s, 10);
    expect(&e, FAIL, "1 frame of data behind its Close");
}

static void a_pong_behind_the_close_does_not_matter(void)
{
    struct ended_story e;
    struct story *s = closes(&e);
    (void)story_asked(s, 6, "send");
    story_pong(s, 6.1, SIDE_CLIENT);
    over(s, 10);
    expect(&e, PASS, "kept silent");
}

static void who_lives_on_without_a_connection_passes(void)
{
    struct ended_story e;
    struct story *s = closes(&e);
    over(s, 6);
    story_asked(s, 7, "send");
    expect(&e, PASS, "behind its Close (0) and without a connection (1)");
}

static void while_it_is_open_it_may_send(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, SENDS);
    ended_open(&e, 0, 1);
    (void)story_asked(&e.story, 2, "send");
    story_data(&e.story, 2.1, SIDE_CLIENT, "a", 10);
    expect(&e, INCONCLUSIVE, "was not told to send");
}

/* --- Falling over --- */

static void who_falls_over_fails(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    story_fin(s, 2.1, SIDE_CLIENT);
    story_exit(s, 2.2, "exit 1", false);
    expect(&e, FAIL, "the client's process ended (exit 1) 0.2 s after it was told to send");
}

/* It has done what it was told twice, and lived. */
static void who_falls_over_later_fell_over_something_else(void)
{
    for (int before = 1; before <= 2; before++) {
        struct ended_story e;
        struct story *s = begin(&e);
        for (int i = 0; i < before; i++)
            (void)story_asked(s, 2.2 + i / 10.0, "send");
        story_fin(s, 2.5, SIDE_CLIENT);
        story_exit(s, 2.6, "exit 1", false);
        expect(&e, before == 1 ? FAIL : INCONCLUSIVE, "the client's process ended (exit 1)");
    }
}

/* In another state. */
static void what_it_lived_through_while_waiting_says_nothing_of_a_handshake(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, SENDS);
    ended_cut(&e, 0, 1, 5);
    for (int i = 0; i < 5; i++)
        (void)story_asked(&e.story, 7 + i / 10.0, "send");
    story_of(&e.story, 0, 2);
    story_attempt(&e.story, 8);
    (void)story_asked(&e.story, 8.1, "send");
    story_fin(&e.story, 8.2, SIDE_CLIENT);
    story_exit(&e.story, 8.3, "exit 1", false);
    expect(&e, FAIL, "the client's process ended (exit 1) 0.2 s after");
}

static void other_ends_are_no_crash(void)
{
    static const struct {
        double at;
        const char *how;
        bool asked;
    } cases[] = {{2.2, "exit 0", false}, {2.2, "signal 15", true}, {7.1, "exit 1", false}};
    for (size_t i = 0; i < 3; i++) {
        struct ended_story e;
        struct story *s = begin(&e);
        story_fin(s, 2.1, SIDE_CLIENT);
        story_exit(s, cases[i].at, cases[i].how, cases[i].asked);
        expect(&e, PASS, "kept silent");
    }
}

static void a_crash_while_it_is_open_is_another_matter(void)
{
    struct ended_story e;
    struct story *s = begin(&e);
    open(s, 2.5);
    (void)story_asked(s, 9, "send");
    story_exit(s, 9.1, "signal 11", false);
    expect(&e, PASS, "kept silent");
}

static void without_the_hook_it_is_not_tested(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 1);
    expect(&e, NOT_TESTED, "give hooks.send");
}

SUITE(state_send_when_open, TEST(who_waits_passes), TEST(a_frame_before_the_answer_fails),
      TEST(a_ping_before_the_answer_fails_too), TEST(so_does_one_where_the_answer_is_no),
      TEST(what_the_server_sends_is_not_the_clients),
      TEST(another_connection_that_is_open_may_send), TEST(silence_behind_the_close_passes),
      TEST(data_behind_the_close_fails), TEST(a_pong_behind_the_close_does_not_matter),
      TEST(who_lives_on_without_a_connection_passes), TEST(while_it_is_open_it_may_send),
      TEST(who_falls_over_fails), TEST(who_falls_over_later_fell_over_something_else),
      TEST(what_it_lived_through_while_waiting_says_nothing_of_a_handshake),
      TEST(other_ends_are_no_crash), TEST(a_crash_while_it_is_open_is_another_matter),
      TEST(without_the_hook_it_is_not_tested))

/* state.survives: what a client's user has is the same before an outage and after it. */
#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc state_survives_rule;

#define HOOKED   "{\"hooks\":{\"state\":\"http\"}}"
#define SESSIONS "{\"sessions\":{\"state\":true}}"
#define BOTH     "{\"hooks\":{\"state\":\"http\"},\"sessions\":{\"state\":true}}"

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 60);
    story_expect(s, &state_survives_rule, want, part);
}

static void answers(struct story *s, double at, const char *hash, uint64_t len)
{
    struct event *ev = story_add(s, at, EV_HOOK_STATE, SIDE_CLIENT, BY_ENDPOINT);
    ev->conn = 0;
    ev->hook_state = (struct ev_hook_state){.number = 1, .how = "http", .len = len, .hash = hash};
}

static void server_tells(struct story *s, double at, const char *hash)
{
    story_data(s, at, SIDE_SERVER, "welcome", 20);
    story_session(s, at, SIDE_SERVER, "state", hash);
}

static void begin(struct story *s, const char *declares)
{
    story_begin(s);
    story_target(s, declares);
    story_open(s, 0);
}

static void lose(struct story *s, double at, double back)
{
    story_cut(s, at, "reset", "rst");
    story_of(s, s->client, s->conn + 10);
    story_open(s, back);
}

/* --- Asked --- */

static void asked(struct story *s, const char *before, const char *after)
{
    begin(s, HOOKED);
    answers(s, 10, before, 5);
    answers(s, 15, before, 5);
    lose(s, 20, 30);
    answers(s, 40, *after ? after : "of nothing", *after ? 5 : 0);
}

static void the_same_before_and_after_passes(void)
{
    struct story s;
    asked(&s, "cart", "cart");
    expect(&s, PASS, "the same before and after 1 loss of its connection");
}

static void another_one_fails(void)
{
    struct story s;
    asked(&s, "cart", "empty cart");
    expect(&s, FAIL, "the client's state was another after 1 of 1 losses");
}

static void none_fails(void)
{
    struct story s;
    asked(&s, "cart", "");
    expect(&s, FAIL, "the client's state was gone after 1 of 1 losses");
}

static void a_client_may_take_a_moment_to_load(void)
{
    struct story s;
    asked(&s, "cart", "");
    answers(&s, 45, "cart", 5);
    expect(&s, PASS, "the same");
}

static void one_loss_of_two_fails(void)
{
    struct story s;
    asked(&s, "cart", "cart");
    lose(&s, 50, 51);
    answers(&s, 55, "other", 5);
    expect(&s, FAIL, "another after 1 of 2 losses");
}

static void one_of_two_clients_fails(void)
{
    struct story s;
    asked(&s, "cart", "cart");
    story_of(&s, 1, 2);
    story_open(&s, 0);
    answers(&s, 10, "cart", 5);
    lose(&s, 20, 30);
    answers(&s, 40, "other", 5);
    expect(&s, FAIL, "another after 1 of 2 losses");
}

static void what_moves_by_itself_decides_nothing(void)
{
    struct story s;
    begin(&s, HOOKED);
    answers(&s, 10, "one", 5);
    answers(&s, 15, "two", 5);
    lose(&s, 20, 30);
    answers(&s, 40, "three", 5);
    expect(&s, INCONCLUSIVE, "another each time it is seen");
}

static void nothing_before_decides_nothing(void)
{
    struct story s;
    begin(&s, HOOKED);
    answers(&s, 10, "", 0);
    lose(&s, 20, 30);
    answers(&s, 40, "", 0);
    expect(&s, INCONCLUSIVE, "no state before");
}

static void no_answer_decides_nothing(void)
{
    struct story s;
    begin(&s, HOOKED);
    answers(&s, 10, "cart", 5);
    lose(&s, 20, 30);
    expect(&s, INCONCLUSIVE, "nothing was seen of the client's state after");
    begin(&s, HOOKED);
    lose(&s, 20, 30);
    answers(&s, 40, "cart", 5);
    expect(&s, INCONCLUSIVE, "nothing was seen of the client's state before");
}

/* What it says while it is away is neither. */
static void what_is_said_without_a_connection_does_not_count(void)
{
    struct story s;
    asked(&s, "cart", "cart");
    answers(&s, 25, "away", 5);
    expect(&s, PASS, "the same");
}

static void who_left_by_itself_is_not_judged(void)
{
    struct story s;
    begin(&s, HOOKED);
    answers(&s, 10, "cart", 5);
    story_close(&s, 20, SIDE_CLIENT, 1000);
    story_fin(&s, 20, SIDE_CLIENT);
    story_of(&s, 0, 2);
    story_open(&s, 30);
    answers(&s, 40, "other", 5);
    expect(&s, INCONCLUSIVE, "no client lost its connection and came back");
}

static void who_never_came_back_is_not_judged(void)
{
    struct story s;
    begin(&s, HOOKED);
    answers(&s, 10, "cart", 5);
    story_cut(&s, 20, "reset", "rst");
    answers(&s, 40, "cart", 5);
    expect(&s, INCONCLUSIVE, "no client lost its connection and came back");
}

static void our_own_client_is_not_judged(void)
{
    struct story s;
    begin(&s, HOOKED);
    for (size_t i = 0; i < s.count; i++)
        if (s.events[i].side == SIDE_CLIENT)
            s.events[i].by = BY_BUILTIN;
    expect(&s, NOT_APPLICABLE, "own");
}

/* --- Told by the server --- */

static void told(struct story *s, const char *before, const char *after)
{
    begin(s, SESSIONS);
    server_tells(s, 1, before);
    lose(s, 20, 30);
    server_tells(s, 31, after);
}

static void a_session_that_goes_on_passes(void)
{
    struct story s;
    told(&s, "17", "17");
    expect(&s, PASS, "the same");
}

static void a_new_session_fails(void)
{
    struct story s;
    told(&s, "17", "18");
    expect(&s, FAIL, "another after 1 of 1 losses");
}

static void what_another_client_is_told_is_not_its(void)
{
    struct story s;
    told(&s, "17", "17");
    story_of(&s, 1, 2);
    story_open(&s, 0);
    server_tells(&s, 1, "99");
    expect(&s, PASS, "the same");
}

static void with_both_either_may_fail_it(void)
{
    struct story s;
    begin(&s, BOTH);
    answers(&s, 10, "cart", 5);
    server_tells(&s, 1, "17");
    lose(&s, 20, 30);
    answers(&s, 40, "cart", 5);
    server_tells(&s, 31, "18");
    expect(&s, FAIL, "another after 1 of 2 losses");
}

static void with_both_one_is_enough(void)
{
    struct story s;
    begin(&s, BOTH);
    answers(&s, 10, "cart", 5);
    lose(&s, 20, 30);
    answers(&s, 40, "cart", 5);
    expect(&s, PASS, "the same");
}

static void without_either_it_is_not_tested(void)
{
    struct story s;
    begin(&s, "{}");
    lose(&s, 20, 30);
    expect(&s, NOT_TESTED, "give hooks.state");
}

SUITE(state_survives, TEST(the_same_before_and_after_passes), TEST(another_one_fails),
      TEST(none_fails), TEST(a_client_may_take_a_moment_to_load), TEST(one_loss_of_two_fails),
      TEST(one_of_two_clients_fails), TEST(what_moves_by_itself_decides_nothing),
      TEST(nothing_before_decides_nothing), TEST(no_answer_decides_nothing),
      TEST(what_is_said_without_a_connection_does_not_count),
      TEST(who_left_by_itself_is_not_judged), TEST(who_never_came_back_is_not_judged),
      TEST(our_own_client_is_not_judged), TEST(a_session_that_goes_on_passes),
      TEST(a_new_session_fails), TEST(what_another_client_is_told_is_not_its),
      TEST(with_both_either_may_fail_it), TEST(with_both_one_is_enough),
      TEST(without_either_it_is_not_tested))

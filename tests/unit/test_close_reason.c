#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc close_reason_rule;

#define CLOSES "{\"hooks\":{\"close\":\"stdin\"}}"

static void begin(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, CLOSES);
}

/* A connection that the client ends. */
static struct event *closed(struct ended_story *e, double at, uint64_t code, const char *reason)
{
    ended_open(e, 0, at);
    struct event *ev = story_add(&e->story, at + 1, EV_WS_CLOSE, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_close = (struct ev_ws_close){.code = code, .reason = reason, .wrong = ""};
    story_fin(&e->story, at + 1.1, SIDE_CLIENT);
    return ev;
}

static void expect(struct ended_story *e, enum verdict want, const char *part)
{
    ended_expect(e, 1000, &close_reason_rule, want, part);
}

static void a_code_and_a_reason_pass(void)
{
    struct ended_story e;
    begin(&e);
    (void)closed(&e, 0, 1000, "logged out");
    expect(&e, PASS, "1 of 1 Close the client began had a code and a reason");
}

static void a_code_alone_warns(void)
{
    struct ended_story e;
    begin(&e);
    (void)closed(&e, 0, 1000, "");
    (void)closed(&e, 10, 1000, "logged out");
    expect(&e, WARN, "1 of 2 Closes the client began had a code and a reason, 1 only a code");
}

static void an_empty_close_fails(void)
{
    struct ended_story e;
    begin(&e);
    (void)closed(&e, 0, 1005, "");
    expect(&e, FAIL, "1 neither");
}

static void an_illegal_one_fails(void)
{
    struct ended_story e;
    begin(&e);
    closed(&e, 0, 1000, "\xff")->ws_close.wrong = "the reason is not UTF-8";
    expect(&e, FAIL, "1 broke the protocol: the reason is not UTF-8");
}

/* 19 of 20 are 95 %, 18 of 19 are less. */
static void nineteen_in_twenty_are_enough(void)
{
    for (int good = 18; good <= 19; good++) {
        struct ended_story e;
        begin(&e);
        for (int i = 0; i < good; i++)
            (void)closed(&e, 10 * i, 1000, "logged out");
        (void)closed(&e, 500, 1005, "");
        expect(&e, good == 19 ? PASS : FAIL, "1 neither");
    }
}

static void answers_are_not_asked_about(void)
{
    struct ended_story e;
    begin(&e);
    ended_close(&e, 0, 0, 5, 1001);
    expect(&e, INCONCLUSIVE, "began no Close by itself");
}

static void what_a_library_says_of_a_violation_is_not_asked_about(void)
{
    static const uint64_t codes[] = {1002, 1003, 1007, 1009, 1010};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct ended_story e;
        begin(&e);
        (void)closed(&e, 0, codes[i], "");
        expect(&e, INCONCLUSIVE, "began no Close by itself");
    }
}

/* Whatever code it takes for it. */
static void nor_is_the_answer_to_something_we_sent(void)
{
    struct ended_story e;
    begin(&e);
    ended_open(&e, 0, 0);
    struct event *ev = story_add(&e.story, 1, EV_WS_INJECTED, SIDE_SERVER, BY_FAULT);
    ev->ws_injected = (struct ev_ws_injected){.opcode = 3};
    ev = story_add(&e.story, 2, EV_WS_CLOSE, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_close = (struct ev_ws_close){.code = 1005, .reason = "", .wrong = ""};
    expect(&e, INCONCLUSIVE, "began no Close by itself");
}

static void a_policy_violation_is_the_applications_to_explain(void)
{
    struct ended_story e;
    begin(&e);
    (void)closed(&e, 0, 1008, "");
    expect(&e, WARN, "1 only a code");
}

static void what_comes_after_the_run_does_not_count(void)
{
    struct ended_story e;
    begin(&e);
    ended_open(&e, 0, 0);
    story_run_end(&e.story, 10);
    story_close(&e.story, 10.1, SIDE_CLIENT, 1005);
    CHECK_INT(story_judge(&e.story, &close_reason_rule, NULL), INCONCLUSIVE);
    story_end(&e.story);
}

static void without_a_close_and_a_hook_it_is_not_tested(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 0);
    expect(&e, NOT_TESTED, "give hooks.close");
    ended_begin(&e);
    (void)closed(&e, 0, 1000, "logged out");
    expect(&e, PASS, "1 of 1");
}

SUITE(close_reason, TEST(a_code_and_a_reason_pass), TEST(a_code_alone_warns),
      TEST(an_empty_close_fails), TEST(an_illegal_one_fails), TEST(nineteen_in_twenty_are_enough),
      TEST(answers_are_not_asked_about),
      TEST(what_a_library_says_of_a_violation_is_not_asked_about),
      TEST(nor_is_the_answer_to_something_we_sent),
      TEST(a_policy_violation_is_the_applications_to_explain),
      TEST(what_comes_after_the_run_does_not_count),
      TEST(without_a_close_and_a_hook_it_is_not_tested))

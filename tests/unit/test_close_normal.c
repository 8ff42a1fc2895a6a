#include "tests/check.h"
#include "tests/unit/ended_story.h"

extern const struct rule_desc close_normal_rule;

#define CLOSES "{\"hooks\":{\"close\":\"stdin\"}}"

static void expect(struct ended_story *e, enum verdict want, const char *part)
{
    ended_expect(e, 60, &close_normal_rule, want, part);
}

/* A connection since 0 s, told to close at 10 s. */
static void begin(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, CLOSES);
    ended_open(e, 0, 0);
    (void)story_asked(&e->story, 10, "close");
}

static void end_with(struct ended_story *e, double at, uint64_t code)
{
    story_close(&e->story, at, SIDE_CLIENT, code);
    story_fin(&e->story, at + 0.1, SIDE_CLIENT);
}

static void codes_that_mean_an_orderly_end_pass(void)
{
    static const uint64_t codes[] = {1000, 1001, 3000, 4000, 4999};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct ended_story e;
        begin(&e);
        end_with(&e, 10.1, codes[i]);
        expect(&e, PASS, "told to close, the client closed with ");
    }
}

static void codes_that_mean_a_failure_warn(void)
{
    static const uint64_t codes[] = {1002, 1011, 1012, 2999, 5000};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct ended_story e;
        begin(&e);
        end_with(&e, 10.1, codes[i]);
        expect(&e, WARN, "does not mean that all is well");
    }
}

static void a_close_without_a_code_warns(void)
{
    struct ended_story e;
    begin(&e);
    end_with(&e, 10.1, 1005);
    expect(&e, WARN, "a Close without a code");
}

static void an_end_without_a_close_fails(void)
{
    static const char *const hows[] = {"fin", "rst"};
    for (int i = 0; i < 2; i++) {
        struct ended_story e;
        begin(&e);
        story_fin(&e.story, 10.1, SIDE_CLIENT);
        e.story.events[e.story.count - 1].tcp_close.how = hows[i];
        expect(&e, FAIL, "ended TCP without a Close");
    }
}

static void who_does_not_end_decides_nothing(void)
{
    struct ended_story e;
    begin(&e);
    expect(&e, INCONCLUSIVE, "had not ended the connection");
    begin(&e);
    end_with(&e, 20.1, 1000);
    expect(&e, INCONCLUSIVE, "had not ended the connection");
    begin(&e);
    end_with(&e, 19.9, 1000);
    expect(&e, PASS, "closed with 1000");
}

static void what_somebody_else_ends_first_decides_nothing(void)
{
    struct ended_story e;
    begin(&e);
    story_close(&e.story, 10.1, SIDE_SERVER, 1001);
    end_with(&e, 10.2, 1001);
    expect(&e, INCONCLUSIVE, "was not the first");
    begin(&e);
    story_fault(&e.story, 10.1, "reset", SIDE_CLIENT, false);
    story_cut(&e.story, 10.1, "reset", "rst");
    story_fin(&e.story, 10.2, SIDE_CLIENT);
    expect(&e, INCONCLUSIVE, "was not the first");
}

/* The answer of a hook over HTTP may come behind what it brought about. */
static void what_came_before_the_answer_counts(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 0, 0);
    end_with(&e, 10.1, 1000);
    story_asked(&e.story, 10.3, "close")->hook_asked.took = nsec_from_seconds(0.3);
    expect(&e, PASS, "closed with 1000");
}

static void other_clients_and_earlier_connections_do_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 1, 0);
    ended_cut(&e, 0, 0, 5);
    ended_open(&e, 0, 6);
    (void)story_asked(&e.story, 10, "close");
    end_with(&e, 10.1, 1000);
    story_of(&e.story, 1, 1);
    story_fin(&e.story, 11, SIDE_CLIENT);
    expect(&e, PASS, "told to close, the client closed with 1000");
}

static void each_of_its_connections_counts(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 0, 0);
    ended_open(&e, 0, 1);
    (void)story_asked(&e.story, 10, "close");
    end_with(&e, 10.1, 1000);
    story_of(&e.story, 0, 1);
    story_fin(&e.story, 10.2, SIDE_CLIENT);
    expect(&e, FAIL, "clients ended 1 of 2 connections: they ended TCP without a Close");
}

/* --- Signals --- */

static void signalled(struct ended_story *e, const char *name)
{
    ended_begin(e);
    ended_open(e, 0, 0);
    story_signal(&e->story, 10, name);
}

static void a_goodbye_before_exiting_passes(void)
{
    struct ended_story e;
    signalled(&e, "TERM");
    end_with(&e, 10.1, 1001);
    story_exit(&e.story, 10.3, "exit 0", true);
    expect(&e, PASS, "told to end, the client closed with 1001");
}

static void a_process_that_the_signal_ends_warns(void)
{
    static const char *const hows[] = {"signal 15", "exit 143"};
    for (int i = 0; i < 2; i++) {
        struct ended_story e;
        signalled(&e, "TERM");
        story_fin(&e.story, 10.1, SIDE_CLIENT);
        story_exit(&e.story, 10.2, hows[i], true);
        expect(&e, WARN, "let the signal end the process");
    }
}

static void a_process_that_exits_by_itself_without_a_close_fails(void)
{
    struct ended_story e;
    signalled(&e, "INT");
    story_fin(&e.story, 10.1, SIDE_CLIENT);
    story_exit(&e.story, 10.2, "exit 0", true);
    expect(&e, FAIL, "told to end, the client ended TCP without a Close");
}

static void signals_that_tell_nobody_to_end_say_nothing(void)
{
    static const char *const names[] = {"KILL", "STOP", "USR1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ended_story e;
        signalled(&e, names[i]);
        story_fin(&e.story, 10.1, SIDE_CLIENT);
        expect(&e, NOT_TESTED, "give hooks.close");
    }
}

/* What halfopen does when the scenario is over is no order to end. */
static void what_comes_after_the_run_does_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 0, 0);
    (void)story_asked(&e.story, 10, "close");
    story_run_end(&e.story, 11);
    story_fin(&e.story, 11.1, SIDE_CLIENT);
    CHECK_INT(story_judge(&e.story, &close_normal_rule, NULL), INCONCLUSIVE);
    story_end(&e.story);
}

static void nothing_asked_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_leave(&e, 0, 0, 5);
    expect(&e, INCONCLUSIVE, "no client was told");
    ended_begin(&e);
    ended_leave(&e, 0, 0, 5);
    expect(&e, NOT_TESTED, "give hooks.close");
}

SUITE(close_normal, TEST(codes_that_mean_an_orderly_end_pass), TEST(codes_that_mean_a_failure_warn),
      TEST(a_close_without_a_code_warns), TEST(an_end_without_a_close_fails),
      TEST(who_does_not_end_decides_nothing), TEST(what_somebody_else_ends_first_decides_nothing),
      TEST(what_came_before_the_answer_counts),
      TEST(other_clients_and_earlier_connections_do_not_count),
      TEST(each_of_its_connections_counts), TEST(a_goodbye_before_exiting_passes),
      TEST(a_process_that_the_signal_ends_warns),
      TEST(a_process_that_exits_by_itself_without_a_close_fails),
      TEST(signals_that_tell_nobody_to_end_say_nothing),
      TEST(what_comes_after_the_run_does_not_count), TEST(nothing_asked_decides_nothing))

#include <string.h>

#include "tests/check.h"
#include "tests/unit/ended_story.h"
#include "tests/unit/login_story.h"

extern const struct rule_desc reconnect_final_close_rule;

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &reconnect_final_close_rule, want, part);
}

static void staying_away_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    expect(&e, 70, PASS, "the client stayed away after the server had closed with 4401");
}

static void less_than_a_minute_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    expect(&e, 69.9, INCONCLUSIVE, "too short a time");
}

/* It cannot come back any more. */
static void a_process_that_ends_stays_away(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 1008);
    story_exit(&e.story, 10.01, "exit 0", false);
    expect(&e, 12, PASS, "stayed away");
}

static void coming_back_as_ever_fails(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 4; i++)
        ended_close(&e, 0, 5 * i, 2, 1008);
    expect(&e, 100, FAIL, "came back up to 3 times, the first time 3.0 s or more");
}

static void coming_back_once_warns(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_open(&e, 0, 12);
    expect(&e, 100, WARN, "came back once, 2.0 s");
}

static void coming_back_once_and_watched_too_short_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_close(&e, 0, 12, 1, 4401);
    expect(&e, 20, INCONCLUSIVE, "too short");
}

/* The close at 10 and so many returns, each with the credential of its digit. */
static void returns_with(unsigned code, const char *hashes, enum verdict want, const char *part)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f"};
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; hashes[i]; i++) {
        ended_close(&e, 0, 4 * i, 2, code);
        login_bearer(&e.story, 4 * i, names[hashes[i] - '0']);
    }
    expect(&e, 100, want, part);
}

static void another_credential_is_not_the_same_again(void)
{
    returns_with(4401, "01", PASS,
                 "came back no more than twice, each time with another credential");
    returns_with(4401, "012", PASS, "no more than twice");
    returns_with(4401, "0123", WARN, "came back several times, each time with another credential");
    returns_with(4401, "00", WARN, "came back once");
    returns_with(4401, "011", FAIL, "came back up to 2 times");
    returns_with(1008, "01", PASS, "another credential");
    returns_with(1002, "012", FAIL, "came back up to 2 times"); /* that was something else */
}

static void a_code_that_the_server_has_for_coming_back_is_not_final(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, "{\"close_codes\":{\"final\":[],\"retry\":[4401]}}");
    for (int i = 0; i < 4; i++)
        ended_close(&e, 0, 5 * i, 2, 4401);
    expect(&e, 100, INCONCLUSIVE, "no client was sent a Close");
}

static void the_longest_delays_warn(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_close(&e, 0, 25.1, 1, 4401);
    ended_close(&e, 0, 41.2, 1, 4401);
    expect(&e, 100, WARN, "came back up to 2 times, with the longest delays");
}

static void one_shorter_delay_among_them_fails(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_close(&e, 0, 25.1, 1, 4401);
    ended_close(&e, 0, 41, 1, 4401);
    expect(&e, 100, FAIL, "came back up to 2 times");
}

static void attempts_after_the_watch_do_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_open(&e, 0, 70.1);
    expect(&e, 100, PASS, "stayed away");
}

static void other_codes_are_not_final(void)
{
    const unsigned codes[] = {1000, 1001, 1011, 1012, 4402};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct ended_story e;
        ended_begin(&e);
        ended_close(&e, 0, 0, 10, codes[i]);
        ended_open(&e, 0, 12);
        expect(&e, 100, INCONCLUSIVE, "no client was sent a Close with one of 1002 1008");
    }
}

/* The answer to the client's own Close says nothing. */
static void an_answer_to_its_own_close_is_no_order(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 0);
    story_fault(&e.story, 5, "latency", SIDE_CLIENT, false);
    story_close(&e.story, 10, SIDE_CLIENT, 1008);
    story_close(&e.story, 10.1, SIDE_SERVER, 1008);
    story_fin(&e.story, 10.2, SIDE_CLIENT);
    ended_open(&e, 0, 12);
    ended_open(&e, 0, 13);
    expect(&e, 100, INCONCLUSIVE, "no client was sent");
}

/* A server that is not ours says it itself. */
static void the_servers_own_close_counts(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 0);
    story_fault(&e.story, 5, "latency", SIDE_CLIENT, false);
    story_close(&e.story, 10, SIDE_SERVER, 4403);
    story_close(&e.story, 10.1, SIDE_CLIENT, 4403);
    story_fin(&e.story, 10.2, SIDE_CLIENT);
    ended_refuse(&e, 0, 12);
    ended_refuse(&e, 0, 14);
    expect(&e, 100, FAIL, "came back up to 2 times");
}

/* The other one may be lost for another reason, and the attempt be its own. */
static void with_another_connection_open_nothing_is_decided(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    ended_cut(&e, 0, 1, 20);
    ended_open(&e, 0, 22);
    ended_open(&e, 0, 23);
    expect(&e, 100, INCONCLUSIVE, "had other connections");
}

static void what_needs_a_hook_is_named(void)
{
    struct ended_story e;
    bool named = false;
    ended_begin(&e);
    ended_close(&e, 0, 0, 10, 4401);
    story_run_end(&e.story, 100);
    CHECK_INT(story_judge(&e.story, &reconnect_final_close_rule, NULL), PASS);
    for (const struct finding *f = e.story.findings.first; f; f = f->next)
        named = named || (f->verdict == NOT_TESTED && strstr(f->text, "hooks.close"));
    CHECK(named);
    story_end(&e.story);
}

/* --- The application closes --- */

#define CLOSES "{\"hooks\":{\"close\":\"stdin\"}}"

/* Told to close at 10 s, it does at 10.1 s. */
static void begin_own(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, CLOSES);
    ended_open(e, 0, 0);
    (void)story_asked(&e->story, 10, "close");
    story_close(&e->story, 10.1, SIDE_CLIENT, 1000);
    story_fin(&e->story, 10.2, SIDE_CLIENT);
}

static void staying_away_after_its_own_close_passes(void)
{
    struct ended_story e;
    begin_own(&e);
    expect(&e, 70.2, PASS,
           "the client stayed away after the application had closed; allowed is no "
           "attempt for 60 s");
}

static void coming_back_after_its_own_close_fails(void)
{
    struct ended_story e;
    begin_own(&e);
    ended_open(&e, 0, 12.2);
    expect(&e, 100, FAIL,
           "came back all the same, with up to 1 attempts, the first 2.0 s after the "
           "application had closed");
}

/* At the longest delay too: nobody asked for it. */
static void one_attempt_just_within_the_minute_fails(void)
{
    struct ended_story e;
    begin_own(&e);
    ended_refuse(&e, 0, 70.1);
    expect(&e, 100, FAIL, "came back");
    begin_own(&e);
    ended_refuse(&e, 0, 70.3);
    expect(&e, 100, PASS, "stayed away");
}

static void half_a_minute_after_its_own_close_decides_nothing(void)
{
    struct ended_story e;
    begin_own(&e);
    expect(&e, 69.9, INCONCLUSIVE, "too short a time");
}

static void a_process_that_ends_after_its_own_close_stays_away(void)
{
    struct ended_story e;
    begin_own(&e);
    story_exit(&e.story, 10.3, "exit 0", false);
    expect(&e, 12, PASS, "stayed away");
}

static void who_does_not_close_was_perhaps_not_reached(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 0, 0);
    (void)story_asked(&e.story, 10, "close");
    expect(&e, 100, INCONCLUSIVE, "did not close an open connection by itself within 10 s");
}

static void a_close_that_comes_much_later_is_another(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 0, 0);
    (void)story_asked(&e.story, 10, "close");
    story_close(&e.story, 20.1, SIDE_CLIENT, 1000);
    story_fin(&e.story, 20.2, SIDE_CLIENT);
    ended_open(&e, 0, 21);
    expect(&e, 100, INCONCLUSIVE, "did not close");
}

/* A loss is a loss, whatever the application was about to do. */
static void a_connection_that_is_cut_meanwhile_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 0, 0);
    (void)story_asked(&e.story, 10, "close");
    story_fault(&e.story, 10.1, "reset", SIDE_CLIENT, false);
    story_cut(&e.story, 10.1, "reset", "rst");
    ended_open(&e, 0, 12);
    expect(&e, 100, INCONCLUSIVE, "did not close");
}

static void what_another_client_does_is_not_its_affair(void)
{
    struct ended_story e;
    begin_own(&e);
    ended_cut(&e, 1, 0, 11);
    ended_open(&e, 1, 13);
    expect(&e, 100, PASS, "the client stayed away");
}

/* It was asked and did not hear of it. */
static void a_hook_that_was_not_taken_says_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, CLOSES);
    ended_open(&e, 0, 0);
    story_asked(&e.story, 10, "close")->hook_asked.answer = "HTTP 404";
    expect(&e, 100, INCONCLUSIVE, "and none was told to close");
}

static void its_own_close_and_a_fatal_one_are_judged_apart(void)
{
    struct ended_story e;
    begin_own(&e);
    for (int i = 0; i < 4; i++)
        ended_close(&e, 1, 5 * i, 2, 1008);
    expect(&e, 100, FAIL, "after the server had closed with 1008");
}

/* The last that is closed had others beside it, though the fault began before any of them. */
static void who_came_with_several_after_the_fault_began_is_not_judged(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_of(&e.story, 0, 0);
    story_fault(&e.story, 0, "close_with", SIDE_CLIENT, false);
    ended_close(&e, 0, 1, 0.1, 4401);
    ended_close(&e, 0, 1.05, 0.1, 4401);
    ended_open(&e, 0, 3);
    ended_open(&e, 0, 4);
    expect(&e, 100, INCONCLUSIVE, "had other connections");
}

SUITE(reconnect_final_close, TEST(who_came_with_several_after_the_fault_began_is_not_judged),
      TEST(staying_away_after_its_own_close_passes), TEST(coming_back_after_its_own_close_fails),
      TEST(one_attempt_just_within_the_minute_fails),
      TEST(half_a_minute_after_its_own_close_decides_nothing),
      TEST(a_process_that_ends_after_its_own_close_stays_away),
      TEST(who_does_not_close_was_perhaps_not_reached),
      TEST(a_close_that_comes_much_later_is_another),
      TEST(a_connection_that_is_cut_meanwhile_decides_nothing),
      TEST(what_another_client_does_is_not_its_affair),
      TEST(a_hook_that_was_not_taken_says_nothing),
      TEST(its_own_close_and_a_fatal_one_are_judged_apart), TEST(staying_away_passes),
      TEST(less_than_a_minute_decides_nothing), TEST(a_process_that_ends_stays_away),
      TEST(coming_back_as_ever_fails), TEST(coming_back_once_warns),
      TEST(coming_back_once_and_watched_too_short_decides_nothing),
      TEST(another_credential_is_not_the_same_again),
      TEST(a_code_that_the_server_has_for_coming_back_is_not_final), TEST(the_longest_delays_warn),
      TEST(one_shorter_delay_among_them_fails), TEST(attempts_after_the_watch_do_not_count),
      TEST(other_codes_are_not_final), TEST(an_answer_to_its_own_close_is_no_order),
      TEST(the_servers_own_close_counts), TEST(with_another_connection_open_nothing_is_decided),
      TEST(what_needs_a_hook_is_named))

/* auth.failure_signal, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/ended_story.h"
#include "tests/unit/login_story.h"

extern const struct rule_desc auth_failure_signal_rule;

#define STATUS "{\"status\":\"401\"}"

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &auth_failure_signal_rule, want, part);
}

static void closed(struct ended_story *e, double at, const char *hash)
{
    ended_close(e, 0, at, 0.5, 4401);
    login_bearer(&e->story, at, hash);
}

static void refused(struct ended_story *e, double at, unsigned status, const char *hash)
{
    ended_status(e, 0, at, status, STATUS);
    login_bearer(&e->story, at, hash);
}

static void staying_away_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    closed(&e, 1, "a");
    expect(&e, 70, PASS, "(closed with 4401) stayed away");
}

static void less_than_a_minute_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    closed(&e, 1, "a");
    expect(&e, 61.4, INCONCLUSIVE, "not watched for long enough");
}

static void a_fresh_credential_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 1, 401, "a");
    ended_open(&e, 0, 2);
    login_bearer(&e.story, 2, "b");
    expect(&e, 70, PASS, "(answered with 401) came back with another credential");
}

static void once_with_the_same_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 1, 403, "a");
    refused(&e, 2, 403, "a");
    expect(&e, 70, PASS, "no more than once");
}

static void twice_with_the_same_warns(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 1, 401, "a");
    refused(&e, 2, 401, "a");
    refused(&e, 4, 401, "a");
    expect(&e, 70, WARN, "as after any loss: up to 2 times within 60 s, the shortest wait 1.00 s");
}

static void at_the_longest_delays_it_warns_too(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 1, 401, "a");
    refused(&e, 16.1, 401, "a");
    refused(&e, 32.2, 401, "a");
    expect(&e, 70, WARN, "at the longest delays");
}

static void times(int count, enum verdict want, const char *part)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i <= count; i++)
        refused(&e, 1 + 3 * i, 401, "a");
    expect(&e, 70, want, part);
}

static void more_than_twelve_in_a_minute_fail(void)
{
    times(12, WARN, "up to 12 times");
    times(13, FAIL, "again and again: up to 13 times");
}

static void attempts_after_the_minute_do_not_count(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 1, 401, "a");
    for (int i = 0; i < 20; i++)
        refused(&e, 61.1 + i, 401, "a");
    expect(&e, 100, PASS, "stayed away");
}

static void what_was_accepted_is_no_loop(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 1, 401, "a");
    for (int i = 0; i < 20; i++) {
        ended_cut(&e, 0, 2 + 2 * i, 1);
        login_bearer(&e.story, 2 + 2 * i, "b");
    }
    expect(&e, 100, PASS, "another credential");
}

static void a_key_that_stays_beside_a_token_that_changes_is_no_loop(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 20; i++) {
        refused(&e, 1 + i, 401, i % 2 ? "a" : "b");
        login_credential(&e.story, 1 + i, "query", "apikey", "word", "k")->http_credential.listed =
            true;
    }
    expect(&e, 100, PASS, "another credential");
}

static void by_message_it_is_the_message_that_counts(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, LOGIN_TARGET);
    for (int i = 0; i < 14; i++) {
        ended_close(&e, 0, 1 + 2 * i, 0.5, 1008);
        login_message(&e.story, 1.1 + 2 * i, "a");
    }
    expect(&e, 100, FAIL, "up to 13 times");
}

static void a_token_is_known_by_its_form_wherever_it_stands(void)
{
    static const char *const shapes[] = {"jwt", "random"};
    for (int i = 0; i < 2; i++) {
        struct ended_story e;
        ended_begin(&e);
        for (int k = 0; k < 14; k++) {
            ended_status(&e, 0, 1 + 2 * k, 401, STATUS);
            login_credential(&e.story, 1 + 2 * k, "path", "", shapes[i], "a");
        }
        expect(&e, 100, i == 0 ? FAIL : NOT_TESTED, i == 0 ? "up to 13 times" : "give auth");
    }
}

/* The token may be in a message, another each time. */
static void a_cookie_may_only_go_along(void)
{
    static const char *const names[] = {"PHPSESSID", "connect.sid", "lang"};
    for (int i = 0; i < 6; i++) {
        struct ended_story e;
        ended_begin(&e);
        for (int k = 0; k < 14; k++) {
            ended_close(&e, 0, 1 + 3 * k, 1, 4401);
            login_credential(&e.story, 1 + 3 * k, "cookie", names[i % 3], "word", "a");
            if (i >= 3)
                story_data(&e.story, 1.5 + 3 * k, SIDE_CLIENT, "m", 10);
        }
        bool judged = i < 2;
        expect(&e, 100, judged ? FAIL : NOT_TESTED, judged ? "up to 13 times" : "give auth");
    }
}

static void closed_before_it_said_who_it_is(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, LOGIN_TARGET);
    ended_close(&e, 0, 1, 0.5, 4401);
    login_message(&e.story, 1.1, "a");
    for (int i = 0; i < 14; i++)
        ended_close(&e, 0, 3 + 2 * i, 0.5, 4401);
    expect(&e, 100, INCONCLUSIVE, "showed no credential before it was refused again");
}

static void without_any_credential_it_is_not_tested(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 20; i++)
        ended_close(&e, 0, 1 + 2 * i, 0.5, 4401);
    expect(&e, 100, NOT_TESTED, "give auth.message");
    ended_begin(&e);
    for (int i = 0; i < 20; i++)
        ended_status(&e, 0, 1 + 2 * i, 401, STATUS);
    expect(&e, 100, NOT_TESTED, "give auth.message");
}

static void a_handshake_without_the_message_shows_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, LOGIN_TARGET);
    for (int i = 0; i < 20; i++)
        ended_status(&e, 0, 1 + 2 * i, 401, STATUS);
    expect(&e, 100, NOT_APPLICABLE, "authenticates later, in a message");
}

static void a_browser_sees_closes_and_no_status(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_policy(&e.story, "{\"sees_status\":{\"value\":\"false\"}}");
    for (int i = 0; i < 20; i++)
        refused(&e, 1 + 2 * i, 401, "a");
    expect(&e, 100, NOT_APPLICABLE, "a browser does not tell its script");
    ended_begin(&e);
    story_policy(&e.story, "{\"sees_status\":{\"value\":\"false\"}}");
    for (int i = 0; i < 20; i++)
        closed(&e, 1 + 2 * i, "a");
    expect(&e, 100, FAIL, "again and again");
}

static void other_codes_and_statuses_refuse_nobody(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 20; i++) {
        ended_close(&e, 0, 1 + 4 * i, 0.5, 1011);
        login_bearer(&e.story, 1 + 4 * i, "a");
        refused(&e, 3 + 4 * i, 503, "a");
    }
    expect(&e, 100, INCONCLUSIVE, "no client was refused");
}

static void a_code_that_asks_to_come_back_refuses_nobody(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, "{\"close_codes\":{\"final\":[],\"retry\":[4401]}}");
    for (int i = 0; i < 20; i++)
        closed(&e, 1 + 2 * i, "a");
    expect(&e, 100, INCONCLUSIVE, "no client was refused");
}

static void several_connections_are_not_told_apart(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 0.5);
    for (int i = 0; i < 20; i++)
        closed(&e, 1 + 2 * i, "a");
    expect(&e, 100, INCONCLUSIVE, "other connections");
}

static void each_client_by_itself(void)
{
    struct ended_story e;
    ended_begin(&e);
    refused(&e, 1, 401, "a");
    for (int i = 0; i < 14; i++) {
        ended_status(&e, 1, 1 + 2 * i, 401, STATUS);
        login_bearer(&e.story, 1 + 2 * i, "a");
    }
    expect(&e, 100, FAIL, "1 of 2 clients whose credential was refused");
}

SUITE(auth_failure_signal, TEST(staying_away_passes), TEST(less_than_a_minute_decides_nothing),
      TEST(a_fresh_credential_passes), TEST(once_with_the_same_passes),
      TEST(twice_with_the_same_warns), TEST(at_the_longest_delays_it_warns_too),
      TEST(more_than_twelve_in_a_minute_fail), TEST(attempts_after_the_minute_do_not_count),
      TEST(what_was_accepted_is_no_loop),
      TEST(a_key_that_stays_beside_a_token_that_changes_is_no_loop),
      TEST(by_message_it_is_the_message_that_counts),
      TEST(a_token_is_known_by_its_form_wherever_it_stands), TEST(a_cookie_may_only_go_along),
      TEST(closed_before_it_said_who_it_is), TEST(without_any_credential_it_is_not_tested),
      TEST(a_handshake_without_the_message_shows_nothing),
      TEST(a_browser_sees_closes_and_no_status), TEST(other_codes_and_statuses_refuse_nobody),
      TEST(a_code_that_asks_to_come_back_refuses_nobody),
      TEST(several_connections_are_not_told_apart), TEST(each_client_by_itself))

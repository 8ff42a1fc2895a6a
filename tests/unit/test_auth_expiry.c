/* auth.expiry, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/ended_story.h"
#include "tests/unit/login_story.h"

extern const struct rule_desc auth_expiry_rule;

static void expect(struct ended_story *e, double at, enum verdict want, const char *part)
{
    ended_expect(e, at, &auth_expiry_rule, want, part);
}

static void closed(struct ended_story *e, double at, const char *hash)
{
    ended_close(e, 0, at, 0.5, 4401);
    login_bearer(&e->story, at, hash);
}

/* A token that expires at that second of the run. */
static void token(struct ended_story *e, double at, double expires, const char *hash)
{
    struct event *ev = login_bearer(&e->story, at, hash);
    ev->http_credential.expires = true;
    ev->http_credential.left = nsec_from_seconds(expires - at);
}

static void renew(struct ended_story *e, double at, double expires, const char *hash)
{
    struct event *ev = login_message(&e->story, at, hash);
    ev->ws_auth.expires = true;
    ev->ws_auth.left = nsec_from_seconds(expires - at);
}

static void a_fresh_credential_after_a_refusal_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    closed(&e, 1, "a");
    ended_open(&e, 0, 3);
    login_bearer(&e.story, 3, "b");
    expect(&e, 70, PASS, "another credential");
}

static void staying_away_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    closed(&e, 1, "a");
    expect(&e, 70, PASS, "stayed away when the credential was refused");
}

static void once_with_the_old_one_warns(void)
{
    struct ended_story e;
    ended_begin(&e);
    closed(&e, 1, "a");
    closed(&e, 3, "a");
    expect(&e, 70, WARN, "came back once with a credential that was over");
}

static void more_than_once_fails(void)
{
    struct ended_story e;
    ended_begin(&e);
    closed(&e, 1, "a");
    closed(&e, 3, "a");
    closed(&e, 6, "a");
    expect(&e, 70, FAIL, "again and again with a credential that was over, up to 2 times");
}

static void refused_again_before_it_said_who_it_is(void)
{
    struct ended_story e;
    ended_begin(&e);
    story_target(&e.story, LOGIN_TARGET);
    ended_close(&e, 0, 1, 0.5, 4401);
    login_message(&e.story, 1.1, "a");
    ended_close(&e, 0, 3, 0.5, 4401);
    expect(&e, 70, INCONCLUSIVE, "what with was not seen");
}

static void too_short_decides_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    closed(&e, 1, "a");
    closed(&e, 3, "a");
    expect(&e, 61.4, INCONCLUSIVE, "not watched for long enough");
}

static void a_token_that_runs_out_and_is_replaced_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 20);
    token(&e, 1, 15, "a");
    ended_open(&e, 0, 23);
    token(&e, 23, 200, "b");
    expect(&e, 70, PASS, "another credential when the old one was over");
}

static void a_token_that_is_renewed_on_the_connection_passes(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 1);
    token(&e, 1, 15, "a");
    renew(&e, 14, 300, "b");
    expect(&e, 200, PASS, "authenticated anew on an open connection");
}

static void an_expired_one_again_and_again_fails(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 20);
    token(&e, 1, 15, "a");
    for (int i = 0; i < 2; i++) {
        ended_cut(&e, 0, 23 + 10 * i, 5);
        token(&e, 23 + 10 * i, 15, "a");
    }
    expect(&e, 70, FAIL, "up to 2 times");
}

static void a_client_that_was_refused_counts_once(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_close(&e, 0, 1, 20, 4401);
    token(&e, 1, 15, "a");
    ended_cut(&e, 0, 23, 5);
    token(&e, 23, 15, "a");
    ended_open(&e, 0, 33);
    token(&e, 33, 15, "a");
    expect(&e, 200, FAIL, "the client came back again and again");
}

static void once_it_is_a_warning(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 20);
    token(&e, 1, 15, "a");
    ended_cut(&e, 0, 23, 5);
    token(&e, 23, 15, "a");
    ended_open(&e, 0, 33);
    token(&e, 33, 200, "b");
    expect(&e, 70, WARN, "once with a credential that was over");
}

/* Clocks differ by seconds, and servers allow for it. */
static void seconds_after_the_expiry_are_no_matter(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 18);
    token(&e, 1, 15, "a");
    ended_cut(&e, 0, 20, 1);
    token(&e, 20, 15, "a");
    ended_open(&e, 0, 22);
    token(&e, 22, 200, "b");
    expect(&e, 70, PASS, "another credential");
}

static void a_minute_after_the_expiry_it_should_be_over(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 1);
    token(&e, 1, 15, "a");
    expect(&e, 75, WARN, "kept a connection for a minute after the token had expired");
    ended_begin(&e);
    ended_open(&e, 0, 1);
    token(&e, 1, 15, "a");
    expect(&e, 74.9, INCONCLUSIVE, "no token was seen to expire");
}

static void our_own_server_ends_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    e.story.server_by = BY_BUILTIN;
    ended_open(&e, 0, 1);
    token(&e, 1, 15, "a");
    expect(&e, 80, INCONCLUSIVE, "halfopen's own server does not end");
}

static void who_was_given_an_expired_one_tells_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 4; i++) {
        ended_cut(&e, 0, 1 + 10 * i, 5);
        token(&e, 1 + 10 * i, -100, "a");
    }
    expect(&e, 70, INCONCLUSIVE, "expired before the first connection");
}

static void the_skew_of_clocks_is_no_excuse_for_it(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 4; i++) {
        ended_cut(&e, 0, 1 + 10 * i, 5);
        token(&e, 1 + 10 * i, 0.9, "a");
    }
    expect(&e, 70, INCONCLUSIVE, "expired before the first connection");
}

/* The session's cookie does not expire, and an old token beside it is of no use to anybody. */
static void beside_one_that_does_not_say_it_tells_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    for (int i = 0; i < 4; i++) {
        ended_cut(&e, 0, 1 + 20 * i, 5);
        token(&e, 1 + 20 * i, 15, "a");
        login_credential(&e.story, 1 + 20 * i, "cookie", "session", "random", "s")
            ->http_credential.listed = true;
    }
    expect(&e, 100, INCONCLUSIVE, "no token was seen to expire");
}

static void a_token_that_lasts_tells_nothing(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 20);
    token(&e, 1, 1000, "a");
    ended_open(&e, 0, 23);
    token(&e, 23, 1000, "a");
    expect(&e, 70, INCONCLUSIVE, "no token was seen to expire");
}

static void the_longest_lived_of_several_counts(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 1);
    token(&e, 1, 15, "a");
    token(&e, 1, 1000, "b");
    expect(&e, 100, INCONCLUSIVE, "no token was seen to expire");
}

static void without_any_credential_it_is_not_tested(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_open(&e, 0, 1);
    login_credential(&e.story, 1, "query", "sid", "random", "a")->http_credential.listed = true;
    expect(&e, 100, NOT_TESTED, "give auth.message");
}

SUITE(auth_expiry, TEST(a_fresh_credential_after_a_refusal_passes), TEST(staying_away_passes),
      TEST(once_with_the_old_one_warns), TEST(more_than_once_fails),
      TEST(refused_again_before_it_said_who_it_is), TEST(too_short_decides_nothing),
      TEST(a_token_that_runs_out_and_is_replaced_passes),
      TEST(a_token_that_is_renewed_on_the_connection_passes),
      TEST(an_expired_one_again_and_again_fails), TEST(a_client_that_was_refused_counts_once),
      TEST(once_it_is_a_warning), TEST(seconds_after_the_expiry_are_no_matter),
      TEST(a_minute_after_the_expiry_it_should_be_over), TEST(our_own_server_ends_nothing),
      TEST(who_was_given_an_expired_one_tells_nothing),
      TEST(the_skew_of_clocks_is_no_excuse_for_it),
      TEST(beside_one_that_does_not_say_it_tells_nothing), TEST(a_token_that_lasts_tells_nothing),
      TEST(the_longest_lived_of_several_counts), TEST(without_any_credential_it_is_not_tested))

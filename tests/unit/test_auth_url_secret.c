/* auth.url_secret, on traces written by hand. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"

extern const struct rule_desc auth_url_secret_rule;

static struct event *credential(struct story *s, double at, const char *place, const char *name,
                                const char *shape, const char *hash)
{
    struct event *ev = story_add(s, at, EV_HTTP_CREDENTIAL, SIDE_CLIENT, s->client_by);
    ev->http_credential = (struct ev_http_credential){
        .place = place, .name = name, .listed = true, .shape = shape, .len = 40, .hash = hash};
    return ev;
}

static void attempt(struct story *s, double at, uint32_t conn, const char *shape, const char *hash)
{
    story_of(s, s->client, conn);
    story_attempt(s, at);
    credential(s, at, "query", "access_token", shape, hash);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_run_end(s, 100);
    story_expect(s, &auth_url_secret_rule, want, part);
}

static void an_address_without_one_passes(void)
{
    struct story s;
    story_begin(&s);
    story_attempt(&s, 1);
    credential(&s, 1, "cookie", "sid", "random", "a");
    credential(&s, 1, "authorization", "Bearer", "jwt", "b");
    expect(&s, PASS, "no credential in the address of 1 request");
}

static void a_jwt_that_comes_again_fails(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "jwt", "a");
    attempt(&s, 9, 2, "jwt", "a");
    expect(&s, FAIL, "a token (JWT) stands in 'access_token' of the URL's query, the same value");
}

static void another_value_each_time_is_a_ticket(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "jwt", "a");
    attempt(&s, 9, 2, "jwt", "b");
    expect(&s, WARN, "another value on each of 2 attempts");
}

static void one_attempt_decides_nothing(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "jwt", "a");
    expect(&s, INCONCLUSIVE, "takes a second attempt");
}

static void the_same_value_of_two_clients_is_not_used_again(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "jwt", "a");
    story_of(&s, 1, 2);
    attempt(&s, 2, 2, "jwt", "a");
    expect(&s, INCONCLUSIVE, "takes a second attempt");
}

static void the_name_alone_is_a_warning(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "random", "a");
    attempt(&s, 9, 2, "random", "a");
    expect(&s, WARN, "what looks like a credential stands in 'access_token'");
}

static void a_value_that_authenticates_elsewhere_fails(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "word", "a");
    credential(&s, 1, "cookie", "sid", "word", "a");
    attempt(&s, 9, 2, "word", "a");
    expect(&s, FAIL, "also what the client authenticates with elsewhere");
    story_begin(&s);
    attempt(&s, 1, 1, "word", "a");
    struct event *ev = story_add(&s, 2, EV_WS_AUTH, SIDE_CLIENT, BY_ENDPOINT);
    ev->ws_auth = (struct ev_ws_auth){.frame = 1, .what = "auth", .hash = "a"};
    attempt(&s, 9, 2, "word", "a");
    expect(&s, FAIL, "also what the client authenticates with elsewhere");
}

/* A language, a page: the same short word stands in many places. */
static void a_word_that_a_cookie_holds_too_is_a_warning(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "word", "a");
    credential(&s, 1, "cookie", "lang", "word", "a")->http_credential.listed = false;
    attempt(&s, 9, 2, "word", "a");
    expect(&s, WARN, "the same value on several attempts");
}

/* The one that comes again is no JWT; the JWT did not come again. */
static void a_jwt_among_other_values_does_not_make_them_one(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "word", "a");
    attempt(&s, 5, 2, "jwt", "b");
    attempt(&s, 9, 3, "word", "a");
    expect(&s, WARN, "the same value on several attempts of a client (3 requests)");
}

static void two_requests_on_one_connection_are_one_attempt(void)
{
    struct story s;
    story_begin(&s);
    attempt(&s, 1, 1, "jwt", "a");
    credential(&s, 1.1, "query", "access_token", "jwt", "a");
    expect(&s, INCONCLUSIVE, "takes a second attempt");
}

static void a_subprotocol_is_a_warning_at_most(void)
{
    struct story s;
    story_begin(&s);
    story_attempt(&s, 1);
    credential(&s, 1, "protocol", "", "jwt", "a");
    story_of(&s, 0, 2);
    story_attempt(&s, 9);
    credential(&s, 9, "protocol", "", "jwt", "a");
    expect(&s, WARN, "in Sec-WebSocket-Protocol");
}

static void what_is_ours_is_nobodys(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    attempt(&s, 1, 1, "jwt", "a");
    attempt(&s, 9, 2, "jwt", "a");
    expect(&s, NOT_APPLICABLE, "no client under test");
}

SUITE(auth_url_secret, TEST(an_address_without_one_passes), TEST(a_jwt_that_comes_again_fails),
      TEST(another_value_each_time_is_a_ticket), TEST(one_attempt_decides_nothing),
      TEST(the_same_value_of_two_clients_is_not_used_again), TEST(the_name_alone_is_a_warning),
      TEST(a_value_that_authenticates_elsewhere_fails),
      TEST(a_word_that_a_cookie_holds_too_is_a_warning),
      TEST(a_jwt_among_other_values_does_not_make_them_one),
      TEST(two_requests_on_one_connection_are_one_attempt),
      TEST(a_subprotocol_is_a_warning_at_most), TEST(what_is_ours_is_nobodys))

/* auth.reauthenticate, on traces written by hand. */
#include <string.h>

#include "tests/check.h"
#include "tests/unit/ended_story.h"
#include "tests/unit/login_story.h"

extern const struct rule_desc auth_reauthenticate_rule;

static void begin(struct ended_story *e)
{
    ended_begin(e);
    story_target(&e->story, LOGIN_TARGET);
}

static void expect(struct ended_story *e, enum verdict want, const char *part)
{
    ended_expect(e, 100, &auth_reauthenticate_rule, want, part);
}

static void data(struct ended_story *e, double at)
{
    story_data(&e->story, at, SIDE_CLIENT, "m", 10);
}

static void message(struct ended_story *e, double at)
{
    login_message(&e->story, at, "a");
}

static void by_message_again_passes(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    message(&e, 1.1);
    data(&e, 2);
    ended_open(&e, 0, 8);
    message(&e, 8.1);
    data(&e, 8.2);
    expect(&e, PASS, "the client authenticated again on every connection");
}

static void data_without_a_credential_fails(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    message(&e, 1.1);
    ended_open(&e, 0, 8);
    data(&e, 8.1);
    expect(&e, FAIL, "came back without the credential of the first connection");
}

static void data_first_fails(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    message(&e, 1.1);
    data(&e, 2);
    ended_open(&e, 0, 8);
    data(&e, 8.1);
    message(&e, 8.2);
    expect(&e, FAIL, "came back and sent data before it authenticated");
}

/* What may be asked for by anybody goes ahead of it. */
static void where_it_was_first_at_first_it_may_be(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    data(&e, 1.1);
    message(&e, 1.2);
    ended_open(&e, 0, 8);
    data(&e, 8.1);
    message(&e, 8.2);
    expect(&e, PASS, "authenticated again");
}

static void any_credential_of_the_request_is_one(void)
{
    static const char *const places[] = {"query", "path", "cookie", "protocol", "authorization"};
    for (size_t i = 0; i < 5; i++) {
        struct ended_story e;
        begin(&e);
        ended_cut(&e, 0, 1, 5);
        message(&e, 1.1);
        ended_open(&e, 0, 8);
        login_credential(&e.story, 8, places[i], "x", "random", "b");
        data(&e, 8.1);
        expect(&e, PASS, "authenticated again");
    }
}

static void a_request_without_the_header_fails(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    login_bearer(&e.story, 1, "a");
    ended_open(&e, 0, 8);
    expect(&e, FAIL, "neither in the request nor in a message");
}

static void a_message_in_its_place_passes(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    login_bearer(&e.story, 1, "a");
    ended_open(&e, 0, 8);
    message(&e, 8.1);
    expect(&e, PASS, "authenticated again");
}

/* Whether a message resumes the session by a secret is not known. */
static void without_the_pattern_data_is_a_warning(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 5);
    login_bearer(&e.story, 1, "a");
    ended_open(&e, 0, 8);
    data(&e, 8.1);
    expect(&e, WARN, "say so under auth.message");
}

static void nothing_at_all_for_a_while_warns(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    message(&e, 3);
    ended_cut(&e, 0, 8, 12.01);
    expect(&e, WARN, "sent neither a credential nor anything else");
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    message(&e, 3);
    ended_cut(&e, 0, 8, 11.9);
    expect(&e, INCONCLUSIVE, "not seen for long enough");
}

static void the_session_of_a_polling_transport_is_not_missed(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 5);
    login_credential(&e.story, 1, "query", "sid", "random", "a")->http_credential.listed = true;
    ended_open(&e, 0, 8);
    data(&e, 8.1);
    expect(&e, NOT_TESTED, "give auth.message");
}

static void what_only_looks_random_is_not_missed(void)
{
    struct ended_story e;
    ended_begin(&e);
    ended_cut(&e, 0, 1, 5);
    login_credential(&e.story, 1, "query", "room", "random", "a");
    login_credential(&e.story, 1, "cookie", "lang", "word", "b");
    ended_open(&e, 0, 8);
    data(&e, 8.1);
    expect(&e, NOT_TESTED, "give auth.message");
}

static void a_named_cookie_is_missed(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    login_credential(&e.story, 1, "cookie", "session", "word", "a")->http_credential.listed = true;
    ended_open(&e, 0, 8);
    data(&e, 8.1);
    expect(&e, FAIL, "came back without the credential");
}

static void moved(struct ended_story *e, double at)
{
    begin(e);
    ended_cut(e, 0, 1, 5);
    message(e, 1.1);
    ended_open(e, 0, 8);
    for (size_t i = 0; i < e->story.count; i++)
        if (e->story.events[i].kind == EV_HTTP_REQUEST && e->story.events[i].conn == 2)
            e->story.events[i].http_request.target = "/public?x=1";
    data(e, at);
}

static void another_path_is_another_matter(void)
{
    struct ended_story e;
    moved(&e, 8.1);
    expect(&e, INCONCLUSIVE, "came back on a connection that opened");
    moved(&e, 8.2);
    message(&e, 8.1);
    expect(&e, PASS, "authenticated again");
}

static void who_has_several_is_not_told_apart(void)
{
    struct ended_story e;
    begin(&e);
    ended_open(&e, 0, 1);
    message(&e, 1.1);
    ended_open(&e, 0, 2);
    data(&e, 2.1);
    story_fault(&e.story, 5, "latency", SIDE_CLIENT, false);
    expect(&e, INCONCLUSIVE, "had several connections");
}

static void the_worst_connection_counts(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    message(&e, 1.1);
    ended_cut(&e, 0, 8, 5);
    message(&e, 8.1);
    ended_cut(&e, 0, 15, 5);
    data(&e, 15.1);
    ended_open(&e, 0, 22);
    message(&e, 22.1);
    ended_cut(&e, 1, 1, 5);
    message(&e, 1.1);
    ended_open(&e, 1, 8);
    message(&e, 8.1);
    expect(&e, FAIL, "1 of 2 clients came back without");
}

static void who_never_comes_back_decides_nothing(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    message(&e, 1.1);
    ended_refuse(&e, 0, 8);
    expect(&e, INCONCLUSIVE, "no client that had authenticated came back");
}

static void declared_and_never_seen_decides_nothing(void)
{
    struct ended_story e;
    begin(&e);
    ended_cut(&e, 0, 1, 5);
    data(&e, 1.1);
    ended_open(&e, 0, 8);
    expect(&e, INCONCLUSIVE, "no connection showed a credential");
}

static void our_own_client_is_not_judged(void)
{
    struct ended_story e;
    begin(&e);
    e.story.client_by = BY_BUILTIN;
    ended_cut(&e, 0, 1, 5);
    message(&e, 1.1);
    ended_open(&e, 0, 8);
    expect(&e, NOT_APPLICABLE, "halfopen's own");
}

SUITE(auth_reauthenticate, TEST(by_message_again_passes), TEST(data_without_a_credential_fails),
      TEST(data_first_fails), TEST(where_it_was_first_at_first_it_may_be),
      TEST(any_credential_of_the_request_is_one), TEST(a_request_without_the_header_fails),
      TEST(a_message_in_its_place_passes), TEST(without_the_pattern_data_is_a_warning),
      TEST(nothing_at_all_for_a_while_warns),
      TEST(the_session_of_a_polling_transport_is_not_missed),
      TEST(what_only_looks_random_is_not_missed), TEST(a_named_cookie_is_missed),
      TEST(another_path_is_another_matter), TEST(who_has_several_is_not_told_apart),
      TEST(the_worst_connection_counts), TEST(who_never_comes_back_decides_nothing),
      TEST(declared_and_never_seen_decides_nothing), TEST(our_own_client_is_not_judged))

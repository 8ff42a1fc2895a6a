#include "endpoint/login.h"

#include <string.h>

#include "ws/jwt.h"

#include "tests/check.h"

static struct client_policy policy;

static struct login login_by(enum authenticates way)
{
    struct login login;
    client_policy_defaults(&policy);
    policy.authenticates = (int)way;
    login_init(&login, &policy, 0);
    return login;
}

static void opened(struct login *login, const char *want)
{
    struct text message;
    text_init(&message);
    text_add(&message, "");
    login_open(login, 0, &message);
    CHECK_CONTAINS(text_chars(&message), want);
    CHECK_INT(message.len > 0, *want != '\0');
    text_fini(&message);
}

static void requested(struct login *login, const char *in_target, const char *in_headers)
{
    struct text target, headers;
    text_init(&target);
    text_init(&headers);
    text_add(&target, "/");
    text_add(&headers, "");
    login_add_to_request(login, 0, &target, &headers);
    CHECK_CONTAINS(text_chars(&target), in_target);
    CHECK_CONTAINS(text_chars(&headers), in_headers);
    CHECK_INT(target.len > 1, *in_target != '\0');
    CHECK_INT(headers.len > 0, *in_headers != '\0');
    text_fini(&target);
    text_fini(&headers);
}

static void the_token_stands_where_the_policy_says(void)
{
    struct login login = login_by(AUTHENTICATES_BY_QUERY);
    requested(&login, "?access_token=eyJ", "");
    login = login_by(AUTHENTICATES_BY_HEADER);
    requested(&login, "", "Authorization: Bearer eyJ");
    login = login_by(AUTHENTICATES_BY_COOKIE);
    requested(&login, "", "Cookie: session=eyJ");
    login = login_by(AUTHENTICATES_BY_MESSAGE);
    requested(&login, "", "");
    opened(&login, "{\"type\":\"auth\",\"token\":\"eyJ");
    login = login_by(AUTHENTICATES_NOT);
    requested(&login, "", "");
    opened(&login, "");
}

static bool answered(struct login *login, const char *words)
{
    return login_is_acknowledged(login, (const uint8_t *)words, strlen(words));
}

static void nothing_else_is_sent_before_the_acknowledgement(void)
{
    struct login login = login_by(AUTHENTICATES_BY_MESSAGE);
    opened(&login, "auth");
    CHECK(!login_done(&login));
    CHECK(!answered(&login, "{\"type\":\"news\"}"));
    CHECK(!login_done(&login));
    CHECK(answered(&login, LOGIN_ANSWER));
    CHECK(login_done(&login));
    CHECK(!answered(&login, LOGIN_ANSWER));
}

static void who_does_not_wait_is_done_at_once(void)
{
    struct login login = login_by(AUTHENTICATES_BY_MESSAGE);
    policy.waits_for_ack = false;
    opened(&login, "auth");
    CHECK(login_done(&login));
}

static void every_connection_begins_anew(void)
{
    struct login login = login_by(AUTHENTICATES_BY_MESSAGE);
    opened(&login, "auth");
    opened(&login, "auth");
    policy.authenticates_again = false;
    opened(&login, "");
    CHECK(login_done(&login));
}

static void a_refusal_makes_the_next_token_another_one(void)
{
    struct login login = login_by(AUTHENTICATES_BY_HEADER);
    struct comeback comeback = {.never = true};
    requested(&login, "", "J9.1\r\n");
    login_closed(&login, 4401, 0, &comeback);
    requested(&login, "", "J9.2\r\n");
    CHECK(!comeback.never);
    comeback.never = true;
    login_closed(&login, 4401, 0, &comeback);
    requested(&login, "", "J9.3\r\n");
    CHECK(comeback.never);
    login_stable(&login);
    login_answered(&login, 401, 0, &comeback);
    CHECK(!comeback.never);
}

static void only_refusals_are(void)
{
    struct login login = login_by(AUTHENTICATES_BY_HEADER);
    struct comeback comeback = {.never = true};
    login_closed(&login, 1000, 0, &comeback);
    login_closed(&login, 4000, 0, &comeback);
    login_answered(&login, 503, 0, &comeback);
    CHECK(comeback.never);
    CHECK_INT(login.serial, 1);
    login = login_by(AUTHENTICATES_NOT);
    login_closed(&login, 4401, 0, &comeback);
    CHECK(comeback.never);
}

static void a_loop_comes_back_with_the_same_token(void)
{
    struct login login = login_by(AUTHENTICATES_BY_HEADER);
    struct comeback comeback = {.never = true};
    policy.refused_retry = NSEC_PER_SEC;
    for (int i = 0; i < 3; i++) {
        login_answered(&login, 403, 0, &comeback);
        CHECK_INT(comeback_delay(comeback, &policy, 9, NULL), NSEC_PER_SEC);
    }
    CHECK_INT(login.serial, 1);
}

/* 10 s before a token of 30 s expires. */
static void a_token_is_renewed_before_it_expires(void)
{
    struct login login = login_by(AUTHENTICATES_BY_MESSAGE);
    struct text message;
    policy.token_life = 30 * NSEC_PER_SEC;
    policy.epoch = 1767225600;
    login_init(&login, &policy, 0);
    CHECK_INT(login_deadline(&login), NEVER);
    opened(&login, ".1\"}");
    CHECK_INT(login_deadline(&login), 20 * NSEC_PER_SEC);
    text_init(&message);
    login_renew(&login, 20 * NSEC_PER_SEC, &message);
    CHECK_CONTAINS(text_chars(&message), ".2\"}");
    CHECK_INT(jwt_expires(text_chars(&message), message.len), 1767225650);
    CHECK_INT(login_deadline(&login), 40 * NSEC_PER_SEC);
    login_lost(&login);
    CHECK_INT(login_deadline(&login), NEVER);
    text_fini(&message);
}

static void a_stale_token_is_not_shown_again(void)
{
    static const nsec at[] = {19 * NSEC_PER_SEC, 20 * NSEC_PER_SEC};
    for (int i = 0; i < 2; i++) {
        struct login login = login_by(AUTHENTICATES_BY_HEADER);
        struct text target, headers;
        policy.token_life = 30 * NSEC_PER_SEC;
        login_init(&login, &policy, 0);
        text_init(&target);
        text_init(&headers);
        login_add_to_request(&login, at[i], &target, &headers);
        CHECK_CONTAINS(text_chars(&headers), i == 0 ? ".1\r\n" : ".2\r\n");
        policy.renews = false;
        text_clear(&headers);
        login_add_to_request(&login, 100 * NSEC_PER_SEC, &target, &headers);
        CHECK_CONTAINS(text_chars(&headers), i == 0 ? ".1\r\n" : ".2\r\n");
        text_fini(&target);
        text_fini(&headers);
    }
}

SUITE(login, TEST(a_token_is_renewed_before_it_expires), TEST(a_stale_token_is_not_shown_again),
      TEST(the_token_stands_where_the_policy_says),
      TEST(nothing_else_is_sent_before_the_acknowledgement),
      TEST(who_does_not_wait_is_done_at_once), TEST(every_connection_begins_anew),
      TEST(a_refusal_makes_the_next_token_another_one), TEST(only_refusals_are),
      TEST(a_loop_comes_back_with_the_same_token))

#include "ws/redact.h"

#include <string.h>

#include "base/rng.h"
#include "tests/check.h"

#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

static void check_target(const char *target, const char *want)
{
    struct text out;
    text_init(&out);
    redact_target(target, strlen(target), &out);
    CHECK_STR(text_chars(&out), want);
    text_fini(&out);
}

static void check_words(const char *words, const char *want)
{
    struct text out;
    text_init(&out);
    redact_words(words, strlen(words), &out);
    CHECK_STR(text_chars(&out), want);
    text_fini(&out);
}

static void secret_query_values_go_and_the_rest_stays(void)
{
    check_target("/ws?room=7&token=abc&x", "/ws?room=7&token=REDACTED&x");
    check_target("/ws?access_token=a;SID=b&EIO=4", "/ws?access_token=REDACTED;SID=REDACTED&EIO=4");
}

static void every_listed_key_is_secret(void)
{
    static const char *const names[] = {"token",  "access_token", "auth",      "jwt",    "key",
                                        "apikey", "session",      "sid",       "ticket", "password",
                                        "secret", "accessToken",  "x-api-key", "to%6Ben"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(redact_is_secret_key(names[i], strlen(names[i])));
}

static void ordinary_keys_are_not_secret(void)
{
    static const char *const names[] = {"", "room", "keyboard", "author", "side", "transport"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK(!redact_is_secret_key(names[i], strlen(names[i])));
}

static void targets_without_secrets_are_unchanged(void)
{
    check_target("/", "/");
    check_target("", "");
    check_target("/token/key?&&=&token=&a=b?c#d", "/token/key?&&=&token=&a=b?c#d");
}

static void a_jwt_goes_wherever_it_stands(void)
{
    check_target("/ws/" JWT "/x?y=" JWT, "/ws/REDACTED/x?y=REDACTED");
    check_words("bearer, token-" JWT, "bearer, token-REDACTED");
}

static void what_only_begins_like_a_jwt_stays(void)
{
    check_target("/eyJhbGci.e.x/eyJhbGci.eyJz", "/eyJhbGci.e.x/eyJhbGci.eyJz");
}

static void what_stands_before_the_host_goes(void)
{
    check_target("ws://joe:pw@host:1/x?a=@", "ws://REDACTED@host:1/x?a=@");
    check_target("/x?u=ws://joe@host", "/x?u=ws://joe@host");
}

/* The secret is in a value or a JWT: wherever it lands, it is not in what comes out. */
static void a_secret_never_survives_among_random_parts(void)
{
    static const char *const parts[] = {
        "/", "?",   "&", ";", "#", "=", "a", ".", "eyJ", "%", "%4", "-", "&token=topsecret&",
        JWT, "://", "@", ","};
    struct rng rng;
    size_t leaks = 0;
    rng_init(&rng, 8, "targets", 0);
    for (int round = 0; round < 5000; round++) {
        struct text target, out;
        text_init(&target);
        text_init(&out);
        text_add(&target, "/?");
        for (int i = 0; i < 10; i++)
            text_add(&target, parts[rng_next(&rng) % (sizeof parts / sizeof *parts)]);
        redact_target(target.chars, target.len, &out);
        leaks +=
            strstr(text_chars(&out), "topsecret") || strstr(text_chars(&out), "eyJzdWIiOiIxIn0");
        text_fini(&target);
        text_fini(&out);
    }
    CHECK_INT(leaks, 0);
}

SUITE(redact, TEST(secret_query_values_go_and_the_rest_stays), TEST(every_listed_key_is_secret),
      TEST(ordinary_keys_are_not_secret), TEST(targets_without_secrets_are_unchanged),
      TEST(a_jwt_goes_wherever_it_stands), TEST(what_only_begins_like_a_jwt_stays),
      TEST(what_stands_before_the_host_goes), TEST(a_secret_never_survives_among_random_parts))

#include "ws/jwt.h"

#include <string.h>

#include "tests/check.h"

static int64_t expires(const char *chars)
{
    return jwt_expires(chars, strlen(chars));
}

#define HEAD "eyJhbGciOiJIUzI1NiJ9."

static void the_claim_exp_is_found(void)
{
    CHECK_INT(expires(HEAD "eyJleHAiOjE3NjcyMjU2MDB9.c2ln"), 1767225600);
    CHECK_INT(expires(HEAD "eyJzdWIiOiJhIiwiZXhwIjoxfQ."), 1);
    CHECK_INT(expires(HEAD "eyJleHAiOjE3NjcyMjU2MDAuOX0.c2ln"), 1767225600);
}

static void it_may_stand_within_other_words(void)
{
    CHECK_INT(expires("{\"token\":\"" HEAD "eyJleHAiOjE3NjcyMjU2MDB9.c2ln\"}"), 1767225600);
    CHECK_INT(expires("Bearer " HEAD "eyJleHAiOjE3NjcyMjU2MDB9.c2ln"), 1767225600);
}

static void what_does_not_say_never_expires(void)
{
    CHECK_INT(expires(""), JWT_EXPIRES_NEVER);
    CHECK_INT(expires("a.b.c"), JWT_EXPIRES_NEVER);
    CHECK_INT(expires(HEAD "eyJzdWIiOiJoYWxmb3BlbiJ9."), JWT_EXPIRES_NEVER);
    CHECK_INT(expires(HEAD "eyJleHAiOiJzb29uIn0.c2ln"), JWT_EXPIRES_NEVER);
    CHECK_INT(expires(HEAD "eyJleHAiOi0xfQ.c2ln"), JWT_EXPIRES_NEVER);
    CHECK_INT(expires(HEAD "eyJleHAiOjE3Njcy.c2ln"), JWT_EXPIRES_NEVER);
}

static void claims_beyond_the_limit_are_left_alone(void)
{
    char long_one[8000];
    memset(long_one, 'A', sizeof long_one);
    memcpy(long_one, HEAD "eyJ", strlen(HEAD "eyJ"));
    memcpy(long_one + sizeof long_one - 4, ".c2l", 4);
    CHECK_INT(jwt_expires(long_one, sizeof long_one), JWT_EXPIRES_NEVER);
}

SUITE(jwt, TEST(the_claim_exp_is_found), TEST(it_may_stand_within_other_words),
      TEST(what_does_not_say_never_expires), TEST(claims_beyond_the_limit_are_left_alone))

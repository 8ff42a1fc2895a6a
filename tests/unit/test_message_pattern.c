#include "control/message_pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"
#include "tests/check.h"
#include "ws/frame.h"

static uint64_t newest;

static void hear(struct overheard *heard, enum side from, const char *bytes, size_t len)
{
    newest++;
    struct event ev = {.kind = EV_WS_FRAME,
                       .seq = newest,
                       .side = from,
                       .by = BY_ENDPOINT,
                       .conn = 1,
                       .at = (nsec)newest * NSEC_PER_SEC};
    ev.ws_frame = (struct ev_ws_frame){.opcode = OPCODE_TEXT, .len = len, .kind = ""};
    overheard_note(heard, &ev, (const uint8_t *)bytes, len);
}

static void says(struct overheard *heard, const char *text)
{
    hear(heard, SIDE_CLIENT, text, strlen(text));
}

static const struct message_kind *first(const struct overheard *heard)
{
    return heard->kinds[0];
}

/* The pattern of the first kind. */
static void expect(struct overheard *heard, const char *want)
{
    char *pattern = message_pattern(heard, first(heard));
    CHECK_STR(pattern ? pattern : "none", want);
    free(pattern);
    overheard_fini(heard);
}

static void expect_id(struct overheard *heard, const char *id, const char *want)
{
    const struct message_kind *kind = first(heard);
    char *pattern = message_pattern_of_id(kind, kind->samples[kind->sample_count - 1].seq, id);
    CHECK_STR(pattern ? pattern : "none", want);
    free(pattern);
    overheard_fini(heard);
}

static void a_type_tells_it(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"type\":\"alive\",\"at\":1}");
    says(&heard, "{\"type\":\"alive\",\"at\":2}");
    says(&heard, "{\"type\":\"order\",\"at\":3}");
    expect(&heard, "\"type\":\"alive\"");
}

static void spaces_are_as_the_client_writes_them(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"op\": \"beat\", \"n\": 1}");
    expect(&heard, "\"op\": \"beat\"");
}

static void a_type_may_be_a_number(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"t\":7}\x1e");
    says(&heard, "{\"op\":12,\"d\":null}");
    overheard_fini(&heard);
    says(&heard, "{\"op\":12,\"d\":null}");
    says(&heard, "{\"op\":1,\"d\":{}}");
    expect(&heard, "\"op\":12\\b");
}

static void a_type_that_others_share_tells_nothing(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"type\":\"message\",\"body\":\"alive\"}");
    says(&heard, "{\"type\":\"message\",\"body\":\"hello\"}");
    expect(&heard, "^\\{\"type\":\"message\",\"body\":\"alive\"\\}$");
}

static void an_echo_is_the_same_message(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"type\":\"alive\"}");
    hear(&heard, SIDE_SERVER, "{\"type\":\"alive\"}", 16);
    expect(&heard, "\"type\":\"alive\"");
}

static void digits_become_a_class(void)
{
    struct overheard heard = {0};
    says(&heard, "tick 9 of 10 (x)");
    says(&heard, "tick 10 of 10 (x)");
    expect(&heard, "^tick \\d+ of \\d+ \\(x\\)$");
}

static void uuids_and_long_hexadecimal_become_a_class(void)
{
    struct overheard heard = {0};
    says(&heard, "<b 123e4567-e89b-12d3-a456-426614174000 deadbeef>");
    expect(&heard, "^<b [0-9A-Fa-f-]+ [0-9A-Fa-f-]+>$");
}

static void bytes_that_do_not_print_are_escaped(void)
{
    struct overheard heard = {0};
    hear(&heard, SIDE_CLIENT, "\xc0\x00'\n", 4);
    expect(&heard, "^\\xc0\\x00'\\x0a$");
}

static void long_runs_may_be_secrets(void)
{
    struct overheard heard = {0};
    says(&heard, "beat sk_live_abcdefghijklmnop end");
    expect(&heard, "^beat [\\w+\\/=.-]+ end$");
}

static void what_is_called_a_credential_is_left_open(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"token\": \"hunter\\\"2\", \"alive\": true}");
    expect(&heard, "^\\{\"token\": \"(?:[^\"\\\\]|\\\\.)*\", \"alive\": true\\}$");
}

static void a_long_message_is_told_by_its_beginning(void)
{
    struct overheard heard = {0};
    char text[400];
    memset(text, '*', sizeof text);
    memcpy(text, "state;", 6);
    hear(&heard, SIDE_CLIENT, text, sizeof text);
    char *pattern = message_pattern(&heard, first(&heard));
    CHECK(pattern && strncmp(pattern, "^state;", 7) == 0 && strlen(pattern) < 200);
    CHECK(pattern && pattern[strlen(pattern) - 1] != '$');
    free(pattern);
    overheard_fini(&heard);
}

static void what_others_begin_like_has_no_pattern(void)
{
    struct overheard heard = {0};
    char text[400];
    memset(text, '*', sizeof text);
    hear(&heard, SIDE_CLIENT, text, sizeof text);
    text[399] = '!';
    hear(&heard, SIDE_CLIENT, text, sizeof text);
    expect(&heard, "none");
}

static void an_empty_message_has_no_pattern(void)
{
    struct overheard heard = {0};
    says(&heard, "");
    expect(&heard, "none");
}

static void the_member_before_a_number_tells_it(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"room\":7,\"seq\":11,\"t\":\"a\"}");
    says(&heard, "{\"room\":7,\"seq\":12,\"t\":\"a\"}");
    expect_id(&heard, "12", "\"seq\":(\\d+)");
}

static void a_quoted_number_is_one(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"id\": \"12\"}");
    expect_id(&heard, "12", "\"id\": \"(\\d+)");
}

static void the_word_before_a_number_tells_it(void)
{
    struct overheard heard = {0};
    says(&heard, "tick 12");
    expect_id(&heard, "12", "^tick (\\d+)");
    says(&heard, "12:hello");
    expect_id(&heard, "12", "^(\\d+)");
}

static void of_two_equal_numbers_the_one_whose_place_is_found(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"a\":1,\"b\":2}");
    says(&heard, "{\"a\":2,\"b\":2}");
    expect_id(&heard, "2", "\"a\":(\\d+)");
}

/* The first match is not the number meant. */
static void a_member_named_twice_tells_nothing(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"x\":{\"id\":5},\"y\":{\"id\":12}}");
    expect_id(&heard, "12", "none");
}

static void a_secret_is_no_context(void)
{
    struct overheard heard = {0};
    says(&heard, "abcdefghijklmnopqrstuvwxyz 12");
    expect_id(&heard, "12", " (\\d+)");
}

static void expect_key(const char *text, const char *want)
{
    struct overheard heard = {0};
    says(&heard, text);
    char *key = message_secret_key(first(&heard));
    CHECK_STR(key ? key : "none", want);
    free(key);
    overheard_fini(&heard);
}

static void credentials_are_named(void)
{
    expect_key("{\"type\":\"x\",\"token\":\"abc\"}", "token");
    expect_key("{\"connect\":{\"token\":\"abc\"},\"id\":1}", "token");
    expect_key("{\"payload\":{\"headers\":{\"Authorization\":\"Bearer x\"}}}", "Authorization");
    expect_key("CONNECT\naccept-version:1.2\nlogin:me\npasscode:secret\n\n", "passcode");
    expect_key("{\"type\":\"hello\",\"name\":\"me\"}", "none");
    expect_key("{\"token\":null}", "none");
    expect_key("hello token", "none");
}

static void some_say_that_they_authenticate(void)
{
    struct overheard heard = {0};
    says(&heard, "{\"type\":\"connection_init\",\"payload\":{}}");
    CHECK(message_says_auth(first(&heard)));
    overheard_fini(&heard);
    says(&heard, "{\"type\":\"subscribe\",\"topic\":\"login\"}");
    CHECK(!message_says_auth(first(&heard)));
    overheard_fini(&heard);
}

SUITE(message_pattern, TEST(a_type_tells_it), TEST(spaces_are_as_the_client_writes_them),
      TEST(a_type_may_be_a_number), TEST(a_type_that_others_share_tells_nothing),
      TEST(an_echo_is_the_same_message), TEST(digits_become_a_class),
      TEST(uuids_and_long_hexadecimal_become_a_class), TEST(bytes_that_do_not_print_are_escaped),
      TEST(long_runs_may_be_secrets), TEST(what_is_called_a_credential_is_left_open),
      TEST(a_long_message_is_told_by_its_beginning), TEST(what_others_begin_like_has_no_pattern),
      TEST(an_empty_message_has_no_pattern), TEST(the_member_before_a_number_tells_it),
      TEST(a_quoted_number_is_one), TEST(the_word_before_a_number_tells_it),
      TEST(of_two_equal_numbers_the_one_whose_place_is_found),
      TEST(a_member_named_twice_tells_nothing), TEST(a_secret_is_no_context),
      TEST(credentials_are_named), TEST(some_say_that_they_authenticate))

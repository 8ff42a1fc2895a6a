#include "ws/credential.h"

#include <stdio.h>
#include <string.h>

#include "tests/check.h"

#define JWT    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
#define RANDOM "q7Zr2mXw9LkT4vB1sNcD"

static void add(void *context, const struct credential *credential)
{
    struct text *out = context;
    text_addf(out, "%s %.*s %s %.*s\n", credential_place_name(credential->place),
              (int)credential->name.len, credential->name.chars,
              credential_shape_name(credential->shape), (int)credential->value.len,
              credential->value.chars);
}

static void expect(const char *target, const char *headers, const char *want)
{
    struct text head, found;
    struct http_head parsed;
    text_init(&head);
    text_init(&found);
    text_addf(&head, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", target, headers);
    CHECK(http_parse(HTTP_REQUEST, text_chars(&head), head.len, &parsed));
    credentials_find(&parsed, add, &found);
    CHECK_STR(text_chars(&found), want);
    http_head_fini(&parsed);
    text_fini(&head);
    text_fini(&found);
}

static void query_keys_by_their_name(void)
{
    expect("/ws?token=abc&room=7", "", "query token word abc\n");
    expect("/ws?sid=&room=7", "", "");
    expect("/ws?a=b#access_token=zzz", "", "query access_token word zzz\n");
}

static void values_by_their_look(void)
{
    expect("/ws?t=" JWT, "", "query t jwt " JWT "\n");
    expect("/ws?t=" RANDOM, "", "query t random " RANDOM "\n");
    expect("/ws/" JWT "/x", "", "path  jwt " JWT "\n");
    expect("/ws/" RANDOM, "", "path  random " RANDOM "\n");
}

static void identifiers_words_and_numbers_are_none(void)
{
    expect("/ws?client=550e8400-e29b-41d4-a716-446655440000", "", "");
    expect("/ws?client=550e8400e29b41d4a7", "", "");
    expect("/ws?topic=a-rather-long-name-of-a-topic-in-words", "", "");
    expect("/ws?t=11111111112222222222333333", "", "");
    expect("/ws?t=aaaaaaaaaaaaaaaaaaaaaaaaaaa1", "", "");
    expect("/", "", "");
}

static void headers_that_carry_them(void)
{
    expect("/", "Authorization: Bearer abc\r\n", "authorization Bearer word abc\n");
    expect("/", "Authorization: abc\r\n", "authorization  word abc\n");
    expect("/", "Cookie: a=1; sid=" RANDOM "\r\n",
           "cookie a word 1\ncookie sid random " RANDOM "\n");
    expect("/", "Sec-WebSocket-Protocol: chat, " JWT "\r\n", "protocol  jwt " JWT "\n");
    expect("/", "Sec-WebSocket-Protocol: graphql-transport-ws, v10.stomp\r\n", "");
}

static void a_look_is_decided_by_length_entropy_and_kinds_of_characters(void)
{
    CHECK_INT(credential_shape_of(RANDOM, 20), CREDENTIAL_RANDOM);
    CHECK_INT(credential_shape_of(RANDOM, 19), CREDENTIAL_WORD);
    CHECK_INT(credential_shape_of("qwertzuiopasdfghjklyxc", 22), CREDENTIAL_WORD);
    CHECK_INT(credential_shape_of("", 0), CREDENTIAL_WORD);
}

SUITE(credential, TEST(query_keys_by_their_name), TEST(values_by_their_look),
      TEST(identifiers_words_and_numbers_are_none), TEST(headers_that_carry_them),
      TEST(a_look_is_decided_by_length_entropy_and_kinds_of_characters))

#include "ws/http.h"

#include <string.h>

#include "base/rng.h"
#include "tests/check.h"

static const char request[] =
    "GET /chat HTTP/1.1\r\n"
    "Host: a\r\n"
    "X-odd  :  spaced \r\n"
    "Sec-WebSocket-Extensions: x-foo;a=1,permessage-deflate; b=\"1,2\"\r\n"
    "host: b\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
    " ;c\r\n"
    "\r\n";

static struct http_head parsed(const char *text)
{
    struct http_head head;
    CHECK(http_parse(HTTP_REQUEST, text, strlen(text), &head));
    return head;
}

static void a_header_is_removed_wherever_it_stands(void)
{
    struct http_head head = parsed(request);
    struct text out;
    text_init(&out);
    http_without_header(&head, "HOST", &out);
    CHECK_STR(text_chars(&out),
              "GET /chat HTTP/1.1\r\nX-odd  :  spaced \r\n"
              "Sec-WebSocket-Extensions: x-foo;a=1,permessage-deflate; b=\"1,2\"\r\n"
              "Sec-WebSocket-Extensions: permessage-deflate\r\n ;c\r\n\r\n");
    text_fini(&out);
    http_head_fini(&head);
}

static void removing_what_is_not_there_changes_nothing(void)
{
    struct http_head head = parsed(request);
    struct text out;
    text_init(&out);
    http_without_header(&head, "Origin", &out);
    CHECK_STR(text_chars(&out), request);
    text_clear(&out);
    CHECK(!http_without_token(&head, "Sec-WebSocket-Extensions", "x-bar", &out));
    CHECK_STR(text_chars(&out), request);
    text_fini(&out);
    http_head_fini(&head);
}

static void a_header_is_set_in_its_place(void)
{
    struct http_head head = parsed("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n\r\n");
    struct text out;
    text_init(&out);
    http_with_header(&head, "Host", "c", &out);
    CHECK_STR(text_chars(&out), "GET / HTTP/1.1\r\nHost: c\r\nX: y\r\n\r\n");
    text_fini(&out);
    http_head_fini(&head);
}

static void a_new_header_goes_to_the_end_with_the_line_ending_in_use(void)
{
    struct http_head head = parsed("GET / HTTP/1.1\nX: y\n\n");
    struct text out;
    text_init(&out);
    http_with_header(&head, "Host", "c", &out);
    CHECK_STR(text_chars(&out), "GET / HTTP/1.1\nX: y\nHost: c\n\n");
    text_fini(&out);
    http_head_fini(&head);
}

static void an_extension_is_taken_out_and_an_empty_header_goes(void)
{
    struct http_head head = parsed(request);
    struct text out;
    text_init(&out);
    CHECK(http_without_token(&head, "Sec-WebSocket-Extensions", "permessage-deflate", &out));
    CHECK_STR(text_chars(&out), "GET /chat HTTP/1.1\r\nHost: a\r\nX-odd  :  spaced \r\n"
                                "Sec-WebSocket-Extensions: x-foo;a=1\r\nhost: b\r\n\r\n");
    text_fini(&out);
    http_head_fini(&head);
}

static void a_built_response_parses_and_has_its_length(void)
{
    struct text out;
    struct http_head head;
    struct http_text length;
    text_init(&out);
    http_add_response(&out, 503, "Retry-After: 7\r\n", "later");
    const char *end = strstr(text_chars(&out), "\r\n\r\n");
    CHECK(http_parse(HTTP_RESPONSE, out.chars, (size_t)(end - out.chars) + 4, &head));
    CHECK_INT(head.status, 503);
    CHECK(http_header(&head, "Content-Length", &length) && http_text_is(length, "5"));
    CHECK_STR(end + 4, "later");
    http_head_fini(&head);
    text_fini(&out);
}

/* A header put in and taken out again leaves the head as it was, whatever it looks like. */
static void setting_and_removing_is_undone_in_random_heads(void)
{
    static const char *const parts[] = {"A: b", "\r\n", "\n",  ":", "x",  " ",  ",",
                                        "\"",   "\\",   "a;b", "A", "\r", "\t", "\x80"};
    struct rng rng;
    size_t different = 0;
    rng_init(&rng, 6, "edits", 0);
    for (int round = 0; round < 5000; round++) {
        struct text bytes, with, without;
        struct http_head head, edited;
        text_init(&bytes);
        text_init(&with);
        text_init(&without);
        text_add(&bytes, "GET / HTTP/1.1\r\n");
        for (int i = 0; i < 10; i++)
            text_add(&bytes, parts[rng_next(&rng) % (sizeof parts / sizeof *parts)]);
        text_add(&bytes, "\r\n\r\n");
        CHECK(http_parse(HTTP_REQUEST, bytes.chars, bytes.len, &head));
        http_with_header(&head, "Z", "1", &with);
        CHECK(http_parse(HTTP_REQUEST, with.chars, with.len, &edited));
        http_without_header(&edited, "Z", &without);
        different +=
            without.len != head.text.len || memcmp(without.chars, bytes.chars, without.len) != 0;
        (void)http_without_token(&edited, "A", "a", &without); /* for the sanitizers */
        http_head_fini(&head);
        http_head_fini(&edited);
        text_fini(&bytes);
        text_fini(&with);
        text_fini(&without);
    }
    CHECK_INT(different, 0);
}

SUITE(http_edit, TEST(a_header_is_removed_wherever_it_stands),
      TEST(removing_what_is_not_there_changes_nothing), TEST(a_header_is_set_in_its_place),
      TEST(a_new_header_goes_to_the_end_with_the_line_ending_in_use),
      TEST(an_extension_is_taken_out_and_an_empty_header_goes),
      TEST(a_built_response_parses_and_has_its_length),
      TEST(setting_and_removing_is_undone_in_random_heads))

#include "ws/http.h"

#include <string.h>

#include "base/rng.h"
#include "tests/check.h"
#include "tests/unit/guarded.h"

static struct http_body request_body(const char *headers)
{
    struct text text;
    struct http_head head;
    struct http_body body;
    text_init(&text);
    text_addf(&text, "POST / HTTP/1.1\r\n%s\r\n", headers);
    (void)http_parse(HTTP_REQUEST, text.chars, text.len, &head);
    http_body_request(&body, &head);
    http_head_fini(&head);
    text_fini(&text);
    return body;
}

static struct http_body response_body(int status, const char *headers, enum http_asked asked)
{
    struct text text;
    struct http_head head;
    struct http_body body;
    text_init(&text);
    text_addf(&text, "HTTP/1.1 %d\r\n%s\r\n", status, headers);
    (void)http_parse(HTTP_RESPONSE, text.chars, text.len, &head);
    http_body_response(&body, &head, asked);
    http_head_fini(&head);
    text_fini(&text);
    return body;
}

static void feed_slices(struct http_body body, const uint8_t *bytes, size_t len, size_t first,
                        size_t step, struct text *out)
{
    size_t at = 0;
    while (at < len) {
        size_t piece = slice_len(at, len - at, first, step);
        size_t taken = http_body_feed(&body, bytes + at, piece);
        at += taken;
        if (taken < piece)
            break;
    }
    text_addf(out, "%zu%s%s", at, http_body_is_done(&body) ? " done" : "",
              body.malformed ? " malformed" : "");
}

static void read_chunked(const uint8_t *bytes, size_t len, size_t first, size_t step,
                         struct text *out)
{
    feed_slices(request_body("Transfer-Encoding: chunked\r\n"), bytes, len, first, step, out);
}

static void read_five(const uint8_t *bytes, size_t len, size_t first, size_t step, struct text *out)
{
    feed_slices(request_body("Content-Length: 5\r\n"), bytes, len, first, step, out);
}

static void check_body(slice_reader reader, const char *bytes, const char *want)
{
    struct text got;
    text_init(&got);
    reader((const uint8_t *)bytes, strlen(bytes), strlen(bytes), 1, &got);
    CHECK_STR(text_chars(&got), want);
    CHECK_INT(slices_that_differ(reader, bytes, strlen(bytes)), 0);
    text_fini(&got);
}

static void a_length_ends_the_body(void)
{
    check_body(read_five, "abcd", "4");
    check_body(read_five, "abcde", "5 done");
    check_body(read_five, "abcdeGET / HTTP/1.1", "5 done");
}

static void chunks_end_with_the_empty_line(void)
{
    check_body(read_chunked, "3\r\nabc\r\n0\r\n\r\nGET /", "13 done");
    check_body(read_chunked, "3\r\nabc\r\n0\r\n", "11");
    check_body(read_chunked, "A;name=value\r\n0123456789\r\n0\r\n\r\n", "31 done");
}

static void trailers_belong_to_the_body(void)
{
    check_body(read_chunked, "1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\nGET", "23 done");
}

static void chunks_with_bare_line_feeds_are_followed(void)
{
    check_body(read_chunked, "3\nabc\n0\n\nGET", "9 done");
}

static void broken_chunks_go_on_until_close(void)
{
    check_body(read_chunked, "xyz\r\n", "5 malformed");
    check_body(read_chunked, "\r\n", "2 malformed");
    check_body(read_chunked, "1\r\nabc\r\n0\r\n\r\n", "13 malformed");
    check_body(read_chunked, "11111111111111111\r\n", "19 malformed");
}

static void a_request_without_lengths_has_no_body(void)
{
    CHECK(request_body("").done);
    CHECK(request_body("Content-Length: 0\r\n").done);
}

static void lengths_that_agree_are_one(void)
{
    struct http_body body = request_body("Content-Length: 5, 5\r\nContent-Length: 5\r\n");
    CHECK_INT(body.framing, HTTP_LENGTH);
    CHECK_INT(body.left, 5);
}

static void lengths_that_cannot_be_read_go_on_until_close(void)
{
    static const char *const bad[] = {"5\r\nContent-Length: 6", "-1", "", "+5", "5x", ",",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct text headers;
        text_init(&headers);
        text_addf(&headers, "Content-Length: %s\r\n", bad[i]);
        struct http_body body = request_body(text_chars(&headers));
        CHECK_INT(body.framing, HTTP_UNTIL_CLOSE);
        CHECK(body.malformed);
        text_fini(&headers);
    }
}

static void chunked_goes_before_a_length_and_both_are_reported(void)
{
    struct http_body body =
        request_body("Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n");
    CHECK_INT(body.framing, HTTP_CHUNKED);
    CHECK_INT(body.left, 0);
    CHECK(body.both);
    CHECK(!body.done);
}

static void some_responses_have_no_body(void)
{
    const char *length = "Content-Length: 5\r\n";
    CHECK(response_body(200, length, HTTP_ASKED_HEAD).done);
    CHECK(response_body(101, length, HTTP_ASKED_OTHER).done);
    CHECK(response_body(204, length, HTTP_ASKED_OTHER).done);
    CHECK(response_body(304, length, HTTP_ASKED_OTHER).done);
    CHECK(!response_body(200, length, HTTP_ASKED_OTHER).done);
}

static void other_responses_without_lengths_go_on_until_close(void)
{
    CHECK_INT(response_body(200, "", HTTP_ASKED_OTHER).framing, HTTP_UNTIL_CLOSE);
    CHECK_INT(response_body(200, "Transfer-Encoding: gzip\r\n", HTTP_ASKED_OTHER).framing,
              HTTP_UNTIL_CLOSE);
    CHECK_INT(response_body(200, "Content-Length: 5\r\n", HTTP_ASKED_CONNECT).framing,
              HTTP_UNTIL_CLOSE);
}

static void random_chunks_read_the_same_in_any_slices(void)
{
    static const char *const parts[] = {"0",  "1",          "a",     "\r\n",     "\n",       "\r",
                                        ";x", "1\r\na\r\n", "0\r\n", "x: y\r\n", "\r\n\r\n", " "};
    struct rng rng;
    size_t different = 0;
    rng_init(&rng, 4, "chunks", 0);
    for (int round = 0; round < 2000; round++) {
        struct text bytes;
        text_init(&bytes);
        for (int i = 0; i < 8; i++)
            text_add(&bytes, parts[rng_next(&rng) % (sizeof parts / sizeof *parts)]);
        different += slices_that_differ(read_chunked, bytes.chars, bytes.len);
        text_fini(&bytes);
    }
    CHECK_INT(different, 0);
}

SUITE(http_body, TEST(a_length_ends_the_body), TEST(chunks_end_with_the_empty_line),
      TEST(trailers_belong_to_the_body), TEST(chunks_with_bare_line_feeds_are_followed),
      TEST(broken_chunks_go_on_until_close), TEST(a_request_without_lengths_has_no_body),
      TEST(lengths_that_agree_are_one), TEST(lengths_that_cannot_be_read_go_on_until_close),
      TEST(chunked_goes_before_a_length_and_both_are_reported), TEST(some_responses_have_no_body),
      TEST(other_responses_without_lengths_go_on_until_close),
      TEST(random_chunks_read_the_same_in_any_slices))

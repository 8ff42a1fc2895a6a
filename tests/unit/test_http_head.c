#include "ws/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/unit/guarded.h"

static const char *const words[] = {"more", "complete", "not HTTP", "too long"};

static void note_head(const struct http_head *head, struct text *out)
{
    http_text_add(out, head->method);
    text_add(out, " ");
    http_text_add(out, head->target);
    text_addf(out, " %d ", head->status);
    http_text_add(out, head->reason);
    text_addf(out, " %d.%d%s%s%s\n", head->major, head->minor, head->bare_lf ? " LF" : "",
              head->folded ? " folded" : "", head->malformed ? " malformed" : "");
    for (size_t i = 0; i < head->header_count; i++) {
        http_text_add(out, head->headers[i].name);
        text_add(out, "=");
        http_text_add(out, head->headers[i].value);
        text_add(out, "\n");
    }
}

static void read_head(enum http_kind kind, const uint8_t *bytes, size_t len, size_t first,
                      size_t step, struct text *out)
{
    struct http_reader *reader = http_reader_new(kind);
    enum http_read result = HTTP_MORE;
    size_t at = 0, taken;
    while (at < len && result == HTTP_MORE) {
        result = http_reader_feed(reader, bytes + at, slice_len(at, len - at, first, step), &taken);
        at += taken;
    }
    text_addf(out, "%s\n", words[result]);
    if (result == HTTP_COMPLETE) {
        text_addf(out, "%zu bytes\n", at);
        note_head(http_reader_head(reader), out);
    }
    http_reader_free(reader);
}

static void read_request(const uint8_t *bytes, size_t len, size_t first, size_t step,
                         struct text *out)
{
    read_head(HTTP_REQUEST, bytes, len, first, step, out);
}

static void read_response(const uint8_t *bytes, size_t len, size_t first, size_t step,
                          struct text *out)
{
    read_head(HTTP_RESPONSE, bytes, len, first, step, out);
}

static void check_head(slice_reader reader, const char *bytes, const char *want)
{
    struct text got;
    text_init(&got);
    reader((const uint8_t *)bytes, strlen(bytes), strlen(bytes), 1, &got);
    CHECK_STR(text_chars(&got), want);
    CHECK_INT(slices_that_differ(reader, bytes, strlen(bytes)), 0);
    text_fini(&got);
}

static void a_request_is_read_up_to_the_empty_line(void)
{
    check_head(read_request, "GET /chat?x=1 HTTP/1.1\r\nHost: a\r\nX-Empty:\r\n\r\nbody",
               "complete\n45 bytes\nGET /chat?x=1 0  1.1\nHost=a\nX-Empty=\n");
}

static void a_response_is_read_with_and_without_a_reason(void)
{
    check_head(read_response, "HTTP/1.1 101 Switching Protocols\r\nUpgrade:websocket \r\n\r\n",
               "complete\n56 bytes\n  101 Switching Protocols 1.1\nUpgrade=websocket\n");
    check_head(read_response, "HTTP/1.0 204\r\n\r\n", "complete\n16 bytes\n  204  1.0\n");
    check_head(read_response, "HTTP/1.1 200 \r\n\r\n", "complete\n17 bytes\n  200  1.1\n");
}

static void bare_line_feeds_are_reported(void)
{
    check_head(read_request, "GET / HTTP/1.1\nHost: a\n\n",
               "complete\n24 bytes\nGET / 0  1.1 LF\nHost=a\n");
}

static void empty_lines_before_a_request_are_part_of_it(void)
{
    check_head(read_request, "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
               "complete\n22 bytes\nGET / 0  1.1\n");
}

static void folded_headers_are_reported(void)
{
    check_head(read_request, "GET / HTTP/1.1\r\nA: b\r\n c\r\nD: e\r\n\r\n",
               "complete\n34 bytes\nGET / 0  1.1 folded\nA=b\r\n c\nD=e\n");
}

static void lines_that_are_no_headers_are_reported(void)
{
    check_head(read_request, "GET / HTTP/1.1\r\njunk\r\n more\r\nA : b\r\n\r\n",
               "complete\n38 bytes\nGET / 0  1.1 malformed\nA=b\n");
}

static void other_protocols_are_not_http(void)
{
    check_head(read_request, "\x16\x03\x01\x02", "not HTTP\n");
    check_head(read_request, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not HTTP\n");
    check_head(read_request, "hello world\r\n", "not HTTP\n");
    check_head(read_request, "AMETHODTHATISLONGERTHANANYMETHODIS / HTTP/1.1\r\n\r\n", "not HTTP\n");
    check_head(read_response, "SSH-2.0-x\r\n", "not HTTP\n");
    check_head(read_response, "HTTP/1.1 abc\r\n\r\n", "not HTTP\n");
}

static void what_is_not_http_is_recognised_before_its_first_line_ends(void)
{
    struct http_reader *reader = http_reader_new(HTTP_REQUEST);
    size_t taken, len;
    CHECK_INT(http_reader_feed(reader, (const uint8_t *)"{\"a\"", 4, &taken), HTTP_NOT_HTTP);
    const uint8_t *bytes = http_reader_bytes(reader, &len);
    CHECK_BYTES(bytes, len, "{\"a\"", 4);
    http_reader_free(reader);
}

static enum http_read read_padded(size_t total, size_t *taken)
{
    static const char begin[] = "GET / HTTP/1.1\r\nX: ";
    uint8_t *bytes = xmalloc(total);
    memset(bytes, 'x', total);
    memcpy(bytes, begin, sizeof begin - 1);
    memcpy(bytes + total - 4, "\r\n\r\n", 4);
    struct http_reader *reader = http_reader_new(HTTP_REQUEST);
    enum http_read result = http_reader_feed(reader, bytes, total, taken);
    http_reader_free(reader);
    free(bytes);
    return result;
}

static void a_head_may_be_as_long_as_the_limit_and_no_longer(void)
{
    size_t taken;
    CHECK_INT(read_padded(HTTP_HEAD_LIMIT, &taken), HTTP_COMPLETE);
    CHECK_INT(taken, HTTP_HEAD_LIMIT);
    CHECK_INT(read_padded(HTTP_HEAD_LIMIT + 1, &taken), HTTP_TOO_LONG);
    CHECK_INT(taken, HTTP_HEAD_LIMIT);
}

static void a_reader_reads_the_next_head_after_a_reset(void)
{
    struct http_reader *reader = http_reader_new(HTTP_RESPONSE);
    size_t taken;
    (void)http_reader_feed(reader, (const uint8_t *)"HTTP/1.1 100 Continue\r\n\r\n", 25, &taken);
    CHECK(http_is_interim(http_reader_head(reader)));
    http_reader_reset(reader);
    CHECK_INT(http_reader_feed(reader, (const uint8_t *)"HTTP/1.1 200 OK\r\n\r\n", 19, &taken),
              HTTP_COMPLETE);
    CHECK_INT(http_reader_head(reader)->status, 200);
    http_reader_free(reader);
}

static void headers_are_found_without_regard_to_case(void)
{
    static const char text[] = "GET / HTTP/1.1\r\nconnection: keep-alive, Upgrade\r\n"
                               "CONNECTION: x;upgrades=1\r\n\r\n";
    struct http_head head;
    CHECK(http_parse(HTTP_REQUEST, text, sizeof text - 1, &head));
    CHECK_INT(http_header_count(&head, "Connection"), 2);
    CHECK(http_has_token(&head, "Connection", "upgrade"));
    CHECK(http_has_token(&head, "Connection", "X"));
    CHECK(!http_has_token(&head, "Connection", "keep"));
    CHECK(!http_has_token(&head, "Upgrade", "websocket"));
    char *all = http_header_copy(&head, "Connection");
    CHECK_STR(all, "keep-alive, Upgrade, x;upgrades=1");
    free(all);
    http_head_fini(&head);
}

static void list_elements_may_hold_quoted_commas(void)
{
    struct http_text list = {" ,a; b=\"c,\\\"d\" , ,e", 19}, element;
    CHECK(http_list_next(&list, ',', &element));
    CHECK_BYTES(element.chars, element.len, "a; b=\"c,\\\"d\"", 12);
    CHECK(http_list_next(&list, ',', &element));
    CHECK_BYTES(element.chars, element.len, "e", 1);
    CHECK(!http_list_next(&list, ',', &element));
}

/* Pieces of heads put together at random. */
static void random_heads_read_the_same_in_any_slices(void)
{
    static const char *const parts[] = {
        "GET ", "/x", " HTTP/1.1", "\r\n", "\n", "HTTP/1.1 200 OK", "Host", ":", " ", "a,b",
        "\r",   "\"", "\t",        "\x80", "=;"};
    struct rng rng;
    size_t different = 0;
    rng_init(&rng, 3, "heads", 0);
    for (int round = 0; round < 1000; round++) {
        struct text bytes;
        text_init(&bytes);
        text_add(&bytes, round % 3 ? "GET /x HTTP/1.1\r\n" : "");
        for (int i = 0; i < 12; i++)
            text_add(&bytes, parts[rng_next(&rng) % (sizeof parts / sizeof *parts)]);
        different += slices_that_differ(read_request, bytes.chars, bytes.len);
        different += slices_that_differ(read_response, bytes.chars, bytes.len);
        text_fini(&bytes);
    }
    CHECK_INT(different, 0);
}

SUITE(http_head, TEST(a_request_is_read_up_to_the_empty_line),
      TEST(a_response_is_read_with_and_without_a_reason), TEST(bare_line_feeds_are_reported),
      TEST(empty_lines_before_a_request_are_part_of_it), TEST(folded_headers_are_reported),
      TEST(lines_that_are_no_headers_are_reported), TEST(other_protocols_are_not_http),
      TEST(what_is_not_http_is_recognised_before_its_first_line_ends),
      TEST(a_head_may_be_as_long_as_the_limit_and_no_longer),
      TEST(a_reader_reads_the_next_head_after_a_reset),
      TEST(headers_are_found_without_regard_to_case), TEST(list_elements_may_hold_quoted_commas),
      TEST(random_heads_read_the_same_in_any_slices))

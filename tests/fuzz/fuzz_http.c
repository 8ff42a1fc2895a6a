#include <assert.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "ws/http.h"

static enum http_read read_in(struct http_reader *reader, const uint8_t *bytes, size_t len,
                              size_t step, size_t *used)
{
    enum http_read said = HTTP_MORE;
    for (*used = 0; *used < len && said == HTTP_MORE;) {
        size_t piece = len - *used < step ? len - *used : step, taken = 0;
        said = http_reader_feed(reader, bytes + *used, piece, &taken);
        assert(taken <= piece && (said != HTTP_MORE || taken == piece));
        *used += taken;
    }
    return said;
}

static void look_at(const struct http_head *head)
{
    struct http_body body;
    struct text edited;
    text_init(&edited);
    http_with_header(head, "Host", "x", &edited);
    text_clear(&edited);
    (void)http_without_token(head, "Sec-WebSocket-Extensions", "permessage-deflate", &edited);
    (void)http_has_token(head, "Connection", "upgrade");
    if (head->kind == HTTP_REQUEST)
        http_body_request(&body, head);
    else
        http_body_response(&body, head, HTTP_ASKED_OTHER);
    text_fini(&edited);
}

/* Whole and a byte at a time come to the same, and no byte is lost. */
static void fuzz_kind(enum http_kind kind, const uint8_t *bytes, size_t len)
{
    struct http_reader *whole = http_reader_new(kind), *bytewise = http_reader_new(kind);
    size_t used, used_bytewise, kept;
    enum http_read said = read_in(whole, bytes, len, len, &used);
    assert(read_in(bytewise, bytes, len, 1, &used_bytewise) == said);
    const uint8_t *held = http_reader_bytes(bytewise, &kept);
    assert(kept == used_bytewise && (kept == 0 || memcmp(held, bytes, kept) == 0));
    if (said == HTTP_COMPLETE) {
        assert(used == used_bytewise);
        look_at(http_reader_head(whole));
    }
    http_reader_free(whole);
    http_reader_free(bytewise);
}

void fuzz_http(const uint8_t *bytes, size_t len)
{
    fuzz_kind(HTTP_REQUEST, bytes, len);
    fuzz_kind(HTTP_RESPONSE, bytes, len);
}

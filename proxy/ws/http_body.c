#include "ws/http.h"

#include <string.h>

enum chunk_state {
    CHUNK_SIZE,      /* hexadecimal digits */
    CHUNK_EXTENSION, /* up to the end of the size line */
    CHUNK_DATA,
    CHUNK_DATA_END,   /* the line ending after the data */
    CHUNK_TRAILER,    /* at the start of a trailer line, or the empty one */
    CHUNK_TRAILER_CR, /* CR at the start of a line */
    CHUNK_TRAILER_LINE
};

enum http_asked http_asked(const struct http_head *request)
{
    /* Methods are case-sensitive, RFC 9110 9.1 */
    if (request->method.len == 4 && memcmp(request->method.chars, "HEAD", 4) == 0)
        return HTTP_ASKED_HEAD;
    if (request->method.len == 7 && memcmp(request->method.chars, "CONNECT", 7) == 0)
        return HTTP_ASKED_CONNECT;
    return HTTP_ASKED_OTHER;
}

static bool parse_length(struct http_text digits, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.chars[i];
        if (c < '0' || c > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(c - '0');
    }
    *out = value;
    return digits.len > 0;
}

enum length { LENGTH_NONE, LENGTH_GOOD, LENGTH_BAD };

/* All values of all Content-Length headers must be the same number, RFC 9112 6.3 */
static enum length read_content_length(const struct http_head *head, uint64_t *out)
{
    enum length found = LENGTH_NONE;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!http_text_is(head->headers[i].name, "Content-Length"))
            continue;
        struct http_text list = head->headers[i].value, element;
        while (http_list_next(&list, ',', &element)) {
            uint64_t value;
            if (!parse_length(element, &value) || (found == LENGTH_GOOD && value != *out))
                return LENGTH_BAD;
            *out = value;
            found = LENGTH_GOOD;
        }
        if (found == LENGTH_NONE)
            return LENGTH_BAD;
    }
    return found;
}

/* RFC 9112 6.3: only a final chunked says where the body ends. */
static bool is_chunked_last(const struct http_head *head)
{
    struct http_text last = {"", 0}, element;
    for (size_t i = 0; i < head->header_count; i++) {
        struct http_text list = head->headers[i].value;
        if (http_text_is(head->headers[i].name, "Transfer-Encoding"))
            while (http_list_next(&list, ',', &element))
                last = element;
    }
    return http_text_is(last, "chunked");
}

static void set_framing(struct http_body *body, const struct http_head *head,
                        enum http_framing without_any)
{
    enum length length = read_content_length(head, &body->left);
    if (http_header_count(head, "Transfer-Encoding") > 0) {
        body->both = length != LENGTH_NONE;
        body->left = 0;
        body->framing = is_chunked_last(head) ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE;
        return;
    }
    body->malformed = length == LENGTH_BAD;
    body->framing = length == LENGTH_GOOD  ? HTTP_LENGTH
                    : length == LENGTH_BAD ? HTTP_UNTIL_CLOSE
                                           : without_any;
    body->done = body->framing == HTTP_NO_BODY || (body->framing == HTTP_LENGTH && body->left == 0);
}

void http_body_request(struct http_body *body, const struct http_head *request)
{
    *body = (struct http_body){.framing = HTTP_NO_BODY};
    set_framing(body, request, HTTP_NO_BODY);
}

void http_body_response(struct http_body *body, const struct http_head *response,
                        enum http_asked asked)
{
    int status = response->status;
    *body = (struct http_body){.framing = HTTP_NO_BODY};
    if (asked == HTTP_ASKED_HEAD || (status >= 100 && status < 200) || status == 204 ||
        status == 304)
        body->done = true;
    else if (asked == HTTP_ASKED_CONNECT && status >= 200 && status < 300)
        body->framing = HTTP_UNTIL_CLOSE;
    else
        set_framing(body, response, HTTP_UNTIL_CLOSE);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void give_up(struct http_body *body)
{
    body->malformed = true;
    body->framing = HTTP_UNTIL_CLOSE;
}

static void end_size_line(struct http_body *body)
{
    body->chunk = body->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
}

static void step_size(struct http_body *body, uint8_t byte)
{
    int digit = hex_digit(byte);
    if (digit >= 0 && body->left <= UINT64_MAX >> 4) {
        body->left = body->left << 4 | (uint64_t)digit;
        body->size_seen = true;
    } else if (digit >= 0 || !body->size_seen) {
        give_up(body);
    } else if (byte == '\n') {
        end_size_line(body);
    } else if (byte == '\r' || byte == ';' || byte == ' ' || byte == '\t') {
        body->chunk = CHUNK_EXTENSION;
    } else {
        give_up(body);
    }
}

static void step_data_end(struct http_body *body, uint8_t byte)
{
    if (byte == '\r')
        return;
    body->chunk = CHUNK_SIZE;
    body->size_seen = false;
    if (byte != '\n')
        give_up(body);
}

static void step_trailer(struct http_body *body, uint8_t byte)
{
    if (byte == '\n')
        body->done = true;
    else
        body->chunk = byte == '\r' ? CHUNK_TRAILER_CR : CHUNK_TRAILER_LINE;
}

static void step_chunk(struct http_body *body, uint8_t byte)
{
    switch ((enum chunk_state)body->chunk) {
    case CHUNK_SIZE:
        step_size(body, byte);
        break;
    case CHUNK_EXTENSION:
        if (byte == '\n')
            end_size_line(body);
        break;
    case CHUNK_DATA_END:
        step_data_end(body, byte);
        break;
    case CHUNK_TRAILER:
    case CHUNK_TRAILER_CR:
        step_trailer(body, byte);
        break;
    case CHUNK_TRAILER_LINE:
        if (byte == '\n')
            body->chunk = CHUNK_TRAILER;
        break;
    case CHUNK_DATA:
        break;
    }
}

static size_t take_data(struct http_body *body, size_t len)
{
    size_t taken = body->left < len ? (size_t)body->left : len;
    body->left -= taken;
    return taken;
}

static size_t feed_chunked(struct http_body *body, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && !body->done && body->framing == HTTP_CHUNKED) {
        if (body->chunk != CHUNK_DATA) {
            step_chunk(body, bytes[at++]);
            continue;
        }
        at += take_data(body, len - at);
        if (body->left == 0)
            body->chunk = CHUNK_DATA_END;
    }
    return body->framing == HTTP_CHUNKED ? at : len;
}

static size_t feed(struct http_body *body, const uint8_t *bytes, size_t len)
{
    switch (body->framing) {
    case HTTP_NO_BODY:
        return 0;
    case HTTP_LENGTH:
        len = take_data(body, len);
        body->done = body->left == 0;
        return len;
    case HTTP_CHUNKED:
        return feed_chunked(body, bytes, len);
    case HTTP_UNTIL_CLOSE:
        return len;
    }
    return len;
}

size_t http_body_feed(struct http_body *body, const uint8_t *bytes, size_t len)
{
    size_t taken = body->done ? 0 : feed(body, bytes, len);
    body->bytes += taken;
    return taken;
}

bool http_body_is_done(const struct http_body *body)
{
    return body->done;
}

bool http_is_interim(const struct http_head *response)
{
    return response->status >= 100 && response->status < 200 && response->status != 101;
}

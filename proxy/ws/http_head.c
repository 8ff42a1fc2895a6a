#include "ws/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define METHOD_MAX 32

struct http_reader {
    enum http_kind kind;
    char *bytes;
    size_t len, room;
    size_t line;  /* where the line under way begins */
    bool started; /* the start line is complete */
    struct http_head head;
};

/* --- Characters --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* tchar, RFC 9110 5.6.2 */
static bool is_token_char(char c)
{
    if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(struct http_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char(text.chars[i]))
            return false;
    return text.len > 0;
}

static struct http_text cut(const char *from, const char *to)
{
    return (struct http_text){from, (size_t)(to - from)};
}

/* CR and LF are blanks here: they stand in folded values only. */
static struct http_text trim(struct http_text text)
{
    while (text.len > 0 && (is_blank(*text.chars) || *text.chars == '\r' || *text.chars == '\n'))
        text = (struct http_text){text.chars + 1, text.len - 1};
    while (text.len > 0 && (is_blank(text.chars[text.len - 1]) ||
                            text.chars[text.len - 1] == '\r' || text.chars[text.len - 1] == '\n'))
        text.len--;
    return text;
}

/* --- The start line --- */

/* "HTTP/1.x"; other versions are framed otherwise and pass as raw bytes. */
static bool parse_version(struct http_text text, struct http_head *head)
{
    if (text.len != 8 || memcmp(text.chars, "HTTP/1.", 7) != 0 || !is_digit(text.chars[7]))
        return false;
    head->major = 1;
    head->minor = text.chars[7] - '0';
    return true;
}

static bool parse_request_line(struct http_text line, struct http_head *head)
{
    const char *first = memchr(line.chars, ' ', line.len);
    const char *last = memrchr(line.chars, ' ', line.len);
    if (!first || last <= first + 1)
        return false;
    head->method = cut(line.chars, first);
    head->target = cut(first + 1, last);
    return is_token(head->method) && head->method.len <= METHOD_MAX &&
           parse_version(cut(last + 1, line.chars + line.len), head);
}

static bool parse_status_line(struct http_text line, struct http_head *head)
{
    if (line.len < 12 || !parse_version(cut(line.chars, line.chars + 8), head))
        return false;
    const char *status = line.chars + 9;
    if (status[-1] != ' ' || !is_digit(status[0]) || !is_digit(status[1]) || !is_digit(status[2]))
        return false;
    head->status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
    if (line.len > 12 && status[3] != ' ')
        return false;
    head->reason =
        line.len > 13 ? cut(status + 4, line.chars + line.len) : cut(status + 3, status + 3);
    return true;
}

static bool parse_start_line(struct http_text line, struct http_head *head)
{
    return head->kind == HTTP_REQUEST ? parse_request_line(line, head)
                                      : parse_status_line(line, head);
}

/* Whether the beginning of a start line may still become one. */
static bool may_start(enum http_kind kind, struct http_text line)
{
    if (line.len == 1 && line.chars[0] == '\r')
        return true;
    if (kind == HTTP_RESPONSE)
        return memcmp(line.chars, "HTTP/1.", line.len < 7 ? line.len : 7) == 0;
    for (size_t i = 0; i < line.len && i <= METHOD_MAX; i++) {
        if (line.chars[i] == ' ')
            return i > 0;
        if (!is_token_char(line.chars[i]))
            return false;
    }
    return line.len <= METHOD_MAX;
}

/* --- Header lines --- */

/* One line without its ending; *after is where the next begins. */
static struct http_text next_line(struct http_head *head, const char *from, const char *end,
                                  const char **after)
{
    const char *feed = memchr(from, '\n', (size_t)(end - from));
    *after = feed ? feed + 1 : end;
    const char *stop = feed ? feed : end;
    if (stop > from && stop[-1] == '\r')
        return cut(from, stop - 1);
    head->bare_lf = true;
    return cut(from, stop);
}

/* RFC 9112 5.2: a line that begins with a blank continues the header before it. */
static void fold(struct http_head *head, struct http_text line, const char *after)
{
    struct http_header *last =
        head->header_count > 0 ? &head->headers[head->header_count - 1] : NULL;
    if (!last || last->line.chars + last->line.len != line.chars) {
        head->malformed = true;
        return;
    }
    head->folded = true;
    last->line = cut(last->line.chars, after);
    last->value = trim(cut(last->value.chars, line.chars + line.len));
}

static void add_header(struct http_head *head, struct http_text line, const char *after)
{
    const char *colon = memchr(line.chars, ':', line.len);
    if (!colon) {
        head->malformed = true;
        return;
    }
    struct http_text name = cut(line.chars, colon);
    if (!is_token(name))
        head->malformed = true;
    /* Doubling: reallocated whenever the count reaches a power of two. */
    size_t count = head->header_count;
    if ((count & (count - 1)) == 0)
        head->headers = xrealloc(head->headers, (count ? count * 2 : 1) * sizeof *head->headers);
    head->headers[head->header_count++] =
        (struct http_header){.name = trim(name),
                             .value = trim(cut(colon + 1, line.chars + line.len)),
                             .line = cut(line.chars, after)};
}

static void add_line(struct http_head *head, struct http_text line, const char *after)
{
    if (is_blank(line.chars[0]))
        fold(head, line, after);
    else
        add_header(head, line, after);
}

bool http_parse(enum http_kind kind, const char *text, size_t len, struct http_head *out)
{
    const char *at = text, *end = text + len;
    struct http_text line = {text, 0};
    *out = (struct http_head){.kind = kind, .text = {text, len}};
    while (at < end && line.len == 0) /* RFC 9112 2.2: empty lines before it */
        line = next_line(out, at, end, &at);
    if (!parse_start_line(line, out)) {
        *out = (struct http_head){.kind = kind};
        return false;
    }
    while (at < end) {
        line = next_line(out, at, end, &at);
        if (line.len == 0)
            break;
        add_line(out, line, at);
    }
    out->text = cut(text, at);
    return true;
}

void http_head_fini(struct http_head *head)
{
    free(head->headers);
    *head = (struct http_head){.kind = head->kind};
}

/* --- The reader --- */

struct http_reader *http_reader_new(enum http_kind kind)
{
    struct http_reader *reader = xcalloc(1, sizeof *reader);
    reader->kind = kind;
    return reader;
}

void http_reader_reset(struct http_reader *reader)
{
    http_head_fini(&reader->head);
    free(reader->bytes);
    *reader = (struct http_reader){.kind = reader->kind};
}

void http_reader_free(struct http_reader *reader)
{
    if (!reader)
        return;
    http_reader_reset(reader);
    free(reader);
}

static void append(struct http_reader *reader, const uint8_t *bytes, size_t len)
{
    if (reader->room - reader->len < len) {
        size_t room = reader->room ? reader->room * 2 : 1024;
        while (room < reader->len + len)
            room *= 2;
        reader->bytes = xrealloc(reader->bytes, room);
        reader->room = room;
    }
    memcpy(reader->bytes + reader->len, bytes, len);
    reader->len += len;
}

/* The line under way, without CR LF when it is complete. */
static struct http_text line_so_far(const struct http_reader *reader)
{
    struct http_text line = {reader->bytes + reader->line, reader->len - reader->line};
    if (line.len > 0 && line.chars[line.len - 1] == '\n') {
        line.len--;
        if (line.len > 0 && line.chars[line.len - 1] == '\r')
            line.len--;
    }
    return line;
}

static enum http_read finish(struct http_reader *reader)
{
    return http_parse(reader->kind, reader->bytes, reader->len, &reader->head) ? HTTP_COMPLETE
                                                                               : HTTP_NOT_HTTP;
}

static enum http_read end_line(struct http_reader *reader)
{
    struct http_head scratch = {.kind = reader->kind};
    struct http_text line = line_so_far(reader);
    if (line.len == 0 && reader->started)
        return finish(reader);
    if (line.len > 0 && !reader->started) {
        if (!parse_start_line(line, &scratch))
            return HTTP_NOT_HTTP;
        reader->started = true;
    }
    reader->line = reader->len;
    return HTTP_MORE;
}

static enum http_read step(struct http_reader *reader, const uint8_t *bytes, size_t len,
                           size_t *taken)
{
    size_t space = HTTP_HEAD_LIMIT - reader->len;
    size_t reach = len < space ? len : space;
    const uint8_t *feed = memchr(bytes, '\n', reach);
    *taken = feed ? (size_t)(feed - bytes) + 1 : reach;
    append(reader, bytes, *taken);
    enum http_read result = HTTP_MORE;
    if (feed)
        result = end_line(reader);
    else if (!reader->started && !may_start(reader->kind, line_so_far(reader)))
        return HTTP_NOT_HTTP;
    return result == HTTP_MORE && reader->len == HTTP_HEAD_LIMIT ? HTTP_TOO_LONG : result;
}

enum http_read http_reader_feed(struct http_reader *reader, const uint8_t *bytes, size_t len,
                                size_t *taken)
{
    enum http_read result = HTTP_MORE;
    *taken = 0;
    while (*taken < len && result == HTTP_MORE) {
        size_t piece;
        result = step(reader, bytes + *taken, len - *taken, &piece);
        *taken += piece;
    }
    return result;
}

const struct http_head *http_reader_head(const struct http_reader *reader)
{
    return &reader->head;
}

const uint8_t *http_reader_bytes(const struct http_reader *reader, size_t *len)
{
    *len = reader->len;
    return (const uint8_t *)reader->bytes;
}

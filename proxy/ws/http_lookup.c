#include "ws/http.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

bool http_text_is(struct http_text text, const char *wanted)
{
    return text.len == strlen(wanted) && strncasecmp(text.chars, wanted, text.len) == 0;
}

void http_text_add(struct text *out, struct http_text text)
{
    text_add_bytes(out, text.chars, text.len);
}

char *http_text_copy(struct http_text text)
{
    return xstrndup(text.chars ? text.chars : "", text.len);
}

bool http_header(const struct http_head *head, const char *name, struct http_text *value)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (!http_text_is(head->headers[i].name, name))
            continue;
        *value = head->headers[i].value;
        return true;
    }
    return false;
}

size_t http_header_count(const struct http_head *head, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        if (http_text_is(head->headers[i].name, name))
            count++;
    return count;
}

void http_header_add(const struct http_head *head, const char *name, struct text *out)
{
    const char *between = "";
    for (size_t i = 0; i < head->header_count; i++) {
        if (!http_text_is(head->headers[i].name, name))
            continue;
        text_add(out, between);
        http_text_add(out, head->headers[i].value);
        between = ", ";
    }
}

char *http_header_copy(const struct http_head *head, const char *name)
{
    struct text all;
    text_init(&all);
    http_header_add(head, name, &all);
    char *copy = xstrdup(text_chars(&all));
    text_fini(&all);
    return copy;
}

static struct http_text skip(struct http_text text, size_t count)
{
    return (struct http_text){text.chars + count, text.len - count};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Length up to a separator that is not inside a quoted string, RFC 9110 5.6.4 */
static size_t element_len(struct http_text list, char separator)
{
    bool quoted = false;
    for (size_t i = 0; i < list.len; i++) {
        char c = list.chars[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == separator && !quoted)
            return i;
    }
    return list.len;
}

bool http_list_next(struct http_text *list, char separator, struct http_text *element)
{
    while (list->len > 0 && (is_blank(*list->chars) || *list->chars == separator))
        *list = skip(*list, 1);
    if (list->len == 0)
        return false;
    *element = (struct http_text){list->chars, element_len(*list, separator)};
    *list = skip(*list, element->len);
    while (element->len > 0 && is_blank(element->chars[element->len - 1]))
        element->len--;
    return true;
}

static bool begins_with(struct http_text element, const char *token)
{
    struct http_text first;
    return http_list_next(&element, ';', &first) && http_text_is(first, token);
}

static bool list_has(struct http_text list, const char *token)
{
    struct http_text element;
    while (http_list_next(&list, ',', &element))
        if (begins_with(element, token))
            return true;
    return false;
}

bool http_has_token(const struct http_head *head, const char *name, const char *token)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (http_text_is(head->headers[i].name, name) && list_has(head->headers[i].value, token))
            return true;
    return false;
}

/* --- Editing --- */

static const char *end_of(struct http_text text)
{
    return text.chars + text.len;
}

static void add_span(struct text *out, const char *from, const char *to)
{
    text_add_bytes(out, from, (size_t)(to - from));
}

/* The empty line at the end: also tells how this head ends its lines. */
static const char *empty_line(const struct http_head *head)
{
    const char *end = end_of(head->text);
    return head->text.len >= 2 && end[-2] == '\r' ? end - 2 : end - 1;
}

static void add_header_line(const struct http_head *head, const char *name, const char *value,
                            struct text *out)
{
    text_add(out, name);
    text_add(out, ": ");
    text_add(out, value);
    add_span(out, empty_line(head), end_of(head->text));
}

void http_without_header(const struct http_head *head, const char *name, struct text *out)
{
    const char *at = head->text.chars;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (!http_text_is(header->name, name))
            continue;
        add_span(out, at, header->line.chars);
        at = end_of(header->line);
    }
    add_span(out, at, end_of(head->text));
}

void http_with_header(const struct http_head *head, const char *name, const char *value,
                      struct text *out)
{
    const char *at = head->text.chars;
    bool written = false;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (!http_text_is(header->name, name))
            continue;
        add_span(out, at, header->line.chars);
        at = end_of(header->line);
        if (!written)
            add_header_line(head, name, value, out);
        written = true;
    }
    if (!written) {
        add_span(out, at, empty_line(head));
        add_header_line(head, name, value, out);
        at = empty_line(head);
    }
    add_span(out, at, end_of(head->text));
}

static void add_list_without(struct http_text list, const char *token, struct text *out)
{
    struct http_text element;
    const char *between = "";
    while (http_list_next(&list, ',', &element)) {
        if (begins_with(element, token))
            continue;
        text_add(out, between);
        http_text_add(out, element);
        between = ", ";
    }
}

static void add_line_without(const struct http_header *header, const char *token, struct text *out)
{
    struct text rest;
    text_init(&rest);
    add_list_without(header->value, token, &rest);
    if (rest.len > 0) {
        add_span(out, header->line.chars, header->value.chars);
        text_add_bytes(out, rest.chars, rest.len);
        add_span(out, end_of(header->value), end_of(header->line));
    }
    text_fini(&rest);
}

bool http_without_token(const struct http_head *head, const char *name, const char *token,
                        struct text *out)
{
    const char *at = head->text.chars;
    bool changed = false;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (!http_text_is(header->name, name) || !list_has(header->value, token))
            continue;
        add_span(out, at, header->line.chars);
        add_line_without(header, token, out);
        at = end_of(header->line);
        changed = true;
    }
    add_span(out, at, end_of(head->text));
    return changed;
}

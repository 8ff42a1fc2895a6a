#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void json_init(struct json *json, struct text *out, int indent)
{
    *json = (struct json){.out = out, .indent = indent};
    json->fresh[0] = true;
}

/* --- Strings --- */

/* Length of the well-formed UTF-8 character at the start; 0: none. */
static size_t character_len(const uint8_t *at, size_t left)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = at[0] < 0x80       ? 1
                 : at[0] >> 5 == 6  ? 2
                 : at[0] >> 4 == 14 ? 3
                 : at[0] >> 3 == 30 ? 4
                                    : 0;
    if (len < 2 || len > left)
        return len == 1 ? 1 : 0;
    uint32_t value = at[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3f);
    }
    bool legal = value >= lowest[len] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
    return legal ? len : 0;
}

static void add_escaped(struct text *out, uint8_t byte)
{
    static const char *const names[] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
        ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t"};
    if (byte < sizeof names / sizeof *names && names[byte])
        text_add(out, names[byte]);
    else
        text_addf(out, "\\u%04x", byte);
}

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static size_t plain_len(const uint8_t *bytes, size_t len)
{
    size_t plain = 0;
    while (plain < len && is_plain(bytes[plain]))
        plain++;
    return plain;
}

/* Returns how many bytes the character took. */
static size_t add_character(struct text *out, const uint8_t *bytes, size_t len)
{
    size_t step = character_len(bytes, len);
    if (step == 0)
        text_add(out, "\xef\xbf\xbd"); /* as it is written when it is read again */
    else if (step == 1)
        add_escaped(out, bytes[0]);
    else
        text_add_bytes(out, bytes, step);
    return step ? step : 1;
}

static void add_quoted(struct text *out, const uint8_t *bytes, size_t len)
{
    text_add_bytes(out, "\"", 1);
    for (size_t i = 0; i < len;) {
        size_t plain = plain_len(bytes + i, len - i);
        text_add_bytes(out, bytes + i, plain);
        i += plain;
        if (i < len)
            i += add_character(out, bytes + i, len - i);
    }
    text_add_bytes(out, "\"", 1);
}

/* --- Structure --- */

static void new_line(struct json *json)
{
    if (json->indent > 0)
        text_addf(json->out, "\n%*s", json->depth * json->indent, "");
}

static void begin(struct json *json, const char *key)
{
    if (!json->fresh[json->depth])
        text_add_bytes(json->out, ",", 1);
    if (json->depth > 0)
        new_line(json);
    json->fresh[json->depth] = false;
    if (!key)
        return;
    add_quoted(json->out, (const uint8_t *)key, strlen(key));
    text_add(json->out, json->indent > 0 ? ": " : ":");
}

static void open_with(struct json *json, const char *key, const char *bracket)
{
    begin(json, key);
    text_add(json->out, bracket);
    assert(json->depth + 1 < JSON_DEPTH_LIMIT);
    json->fresh[++json->depth] = true;
}

static void close_with(struct json *json, const char *bracket)
{
    assert(json->depth > 0);
    bool empty = json->fresh[json->depth--];
    if (!empty)
        new_line(json);
    text_add(json->out, bracket);
}

void json_object_open(struct json *json, const char *key)
{
    open_with(json, key, "{");
}

void json_object_close(struct json *json)
{
    close_with(json, "}");
}

void json_array_open(struct json *json, const char *key)
{
    open_with(json, key, "[");
}

void json_array_close(struct json *json)
{
    close_with(json, "]");
}

/* --- Values --- */

void json_put_string_bytes(struct json *json, const char *key, const void *bytes, size_t len)
{
    begin(json, key);
    add_quoted(json->out, bytes, len);
}

void json_put_string(struct json *json, const char *key, const char *value)
{
    if (!value)
        json_put_raw(json, key, "null");
    else
        json_put_string_bytes(json, key, value, strlen(value));
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

void json_put_int(struct json *json, const char *key, int64_t value)
{
    begin(json, key);
    if (value < 0)
        text_add_bytes(json->out, "-", 1);
    text_add_number(json->out, magnitude(value), 1);
}

void json_put_uint(struct json *json, const char *key, uint64_t value)
{
    begin(json, key);
    text_add_number(json->out, value, 1);
}

void json_put_real(struct json *json, const char *key, double value)
{
    begin(json, key);
    if (isfinite(value))
        text_addf(json->out, "%.6g", value);
    else
        text_add(json->out, "null");
}

void json_put_seconds(struct json *json, const char *key, nsec value)
{
    begin(json, key);
    if (value < 0)
        text_add_bytes(json->out, "-", 1);
    text_add_number(json->out, magnitude(value) / 1000000000, 1);
    text_add_bytes(json->out, ".", 1);
    text_add_number(json->out, magnitude(value) % 1000000000 / 1000, 6);
}

void json_put_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    text_add(json->out, value ? "true" : "false");
}

void json_put_raw(struct json *json, const char *key, const char *valid_json)
{
    begin(json, key);
    text_add(json->out, valid_json);
}

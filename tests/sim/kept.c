#include "tests/sim/kept.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "trace/trace_memory.h"

/* --- Values as they are read --- */

static bool is_ascii(const char *chars)
{
    while (*chars && (unsigned char)*chars < 0x80)
        chars++;
    return *chars == '\0';
}

/* What is no UTF-8 is written as something else: so it is written, and read. */
static const char *keep_rewritten(struct trace_memory *memory, const char *chars)
{
    struct text words;
    struct json json;
    text_init(&words);
    json_init(&json, &words, 0);
    json_put_string(&json, NULL, chars);
    json_t *value = json_loads(text_chars(&words), JSON_DECODE_ANY, NULL);
    const char *kept =
        trace_memory_keep(memory, json_string_value(value), json_string_length(value));
    json_decref(value);
    text_fini(&words);
    return kept;
}

static const char *keep_TEXT(struct trace_memory *memory, const char *chars)
{
    if (!chars)
        return "";
    if (!is_ascii(chars))
        return keep_rewritten(memory, chars);
    return trace_memory_keep(memory, chars, strlen(chars));
}

static const char *keep_JSON(struct trace_memory *memory, const char *chars)
{
    bool some = chars && *chars;
    return trace_memory_keep(memory, some ? chars : "null", some ? strlen(chars) : 4);
}

static uint64_t keep_COUNT(struct trace_memory *memory, uint64_t value)
{
    (void)memory;
    return value;
}

static uint64_t keep_SIZE(struct trace_memory *memory, uint64_t value)
{
    (void)memory;
    return value;
}

static nsec keep_TIME(struct trace_memory *memory, nsec value)
{
    (void)memory;
    return value - value % NSEC_PER_USEC;
}

static double keep_REAL(struct trace_memory *memory, double value)
{
    char digits[32];
    (void)memory;
    if (!isfinite(value))
        return 0;
    if (fabs(value) < 1e6 && !(fabs(value - trunc(value)) > 0))
        return value; /* six digits are all it has */
    snprintf(digits, sizeof digits, "%.6g", value);
    return strtod(digits, NULL);
}

static bool keep_FLAG(struct trace_memory *memory, bool value)
{
    (void)memory;
    return value;
}

/* --- Events --- */

#define FIELD(member, name, TYPE, doc) ev->member.name = keep_##TYPE(memory, ev->member.name);
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    static void keep_##member(struct trace_memory *memory, struct event *ev)                       \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#include "trace/events.def"
#undef EVENT
#undef FIELD

static void (*const keepers[EV_KINDS])(struct trace_memory *, struct event *) = {
#define EVENT(ENUM, member, name, doc, ...) [EV_##ENUM] = keep_##member,
#include "trace/events.def"
#undef EVENT
};

void kept_event(void *memory, const struct event *ev)
{
    struct event *kept = trace_memory_add(memory);
    *kept = *ev;
    kept->at = keep_TIME(memory, ev->at);
    keepers[ev->kind](memory, kept);
}

/* --- Held against each other --- */

#define SAME_TEXT(one, other)  (strcmp(one, other) == 0)
#define SAME_JSON(one, other)  (strcmp(one, other) == 0)
#define SAME_COUNT(one, other) ((one) == (other))
#define SAME_SIZE(one, other)  ((one) == (other))
#define SAME_TIME(one, other)  ((one) == (other))
#define SAME_REAL(one, other)  (!((one) < (other)) && !((one) > (other)))
#define SAME_FLAG(one, other)  ((one) == (other))

#define FIELD(member, name, TYPE, doc) &&SAME_##TYPE(one->member.name, other->member.name)
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    static bool same_##member(const struct event *one, const struct event *other)                  \
    {                                                                                              \
        return true __VA_ARGS__;                                                                   \
    }
#include "trace/events.def"
#undef EVENT
#undef FIELD

static bool (*const samers[EV_KINDS])(const struct event *, const struct event *) = {
#define EVENT(ENUM, member, name, doc, ...) [EV_##ENUM] = same_##member,
#include "trace/events.def"
#undef EVENT
};

bool kept_same(const struct event *one, const struct event *other)
{
    return one->seq == other->seq && one->at == other->at && one->conn == other->conn &&
           one->client == other->client && one->kind == other->kind && one->side == other->side &&
           one->by == other->by && samers[one->kind](one, other);
}

size_t kept_same_until(const struct trace *one, const struct trace *other)
{
    size_t i = 0;
    while (i < one->count && i < other->count && kept_same(&one->events[i], &other->events[i]))
        i++;
    return i;
}

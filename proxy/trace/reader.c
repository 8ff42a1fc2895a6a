/* Traces from files: one JSON object a line. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/trace_memory.h"

#define LINE_LIMIT  ((size_t)4 << 20)
#define PIECE_BYTES ((size_t)64 << 10)
/* 15 digits: a number read and written again stays as it was. */
#define AS_WRITTEN (JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15))

struct reader {
    struct trace_memory *memory;
    struct diag *diag;
    const char *name;
    int line, errors_before;
    struct text chars; /* of the line under way */
    bool too_long;     /* it is, and is left out */
    uint64_t seq;
    nsec at;
};

static struct place place_of(const struct reader *reader)
{
    return (struct place){.file = reader->name, .line = reader->line};
}

/* --- Fields --- */

static const char *get_TEXT(struct reader *reader, const json_t *value)
{
    return trace_memory_keep(reader->memory, json_string_value(value), json_string_length(value));
}

static const char *get_JSON(struct reader *reader, const json_t *value)
{
    char *chars = value ? json_dumps(value, AS_WRITTEN) : NULL;
    const char *kept = chars ? trace_memory_keep(reader->memory, chars, strlen(chars)) : "null";
    free(chars);
    return kept;
}

/* Digits in a string are a number too big for most JSON libraries; a negative number is none. */
static uint64_t get_COUNT(struct reader *reader, const json_t *value)
{
    (void)reader;
    if (json_is_string(value))
        return strtoull(json_string_value(value), NULL, 10);
    json_int_t number = json_integer_value(value);
    return number > 0 ? (uint64_t)number : 0;
}

static uint64_t get_SIZE(struct reader *reader, const json_t *value)
{
    return get_COUNT(reader, value);
}

static nsec get_TIME(struct reader *reader, const json_t *value)
{
    (void)reader;
    double seconds = json_number_value(value);
    return fabs(seconds) < 9e9 ? (nsec)llround(seconds * 1e6) * 1000 : 0;
}

static double get_REAL(struct reader *reader, const json_t *value)
{
    (void)reader;
    return json_number_value(value);
}

static bool get_FLAG(struct reader *reader, const json_t *value)
{
    (void)reader;
    return json_is_true(value);
}

#define FIELD(member, name, TYPE, doc)                                                             \
    ev->member.name = get_##TYPE(reader, json_object_get(line, #name));
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    static void get_##member(struct reader *reader, const json_t *line, struct event *ev)          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#include "trace/events.def"
#undef EVENT
#undef FIELD

typedef void (*getter)(struct reader *, const json_t *, struct event *);

static const getter getters[EV_KINDS] = {
#define EVENT(ENUM, member, name, doc, ...) [EV_##ENUM] = get_##member,
#include "trace/events.def"
#undef EVENT
};

/* --- Lines --- */

static bool find_kind(const char *name, enum event_kind *kind)
{
    for (int i = 0; name && i < EV_KINDS; i++)
        if (strcmp(event_name((enum event_kind)i), name) == 0) {
            *kind = (enum event_kind)i;
            return true;
        }
    return false;
}

static enum cause read_cause(const char *name)
{
    for (int by = BY_ENDPOINT; name && by <= BY_BUILTIN; by++)
        if (strcmp(cause_name((enum cause)by), name) == 0)
            return (enum cause)by;
    return BY_PROXY;
}

static enum side read_side(const char *name)
{
    if (name && strcmp(name, "client") == 0)
        return SIDE_CLIENT;
    return name && strcmp(name, "server") == 0 ? SIDE_SERVER : SIDE_NONE;
}

/* Events are numbered and in order, and the first says what all others are about. */
static void check_order(struct reader *reader, const struct event *ev)
{
    if (ev->seq <= reader->seq)
        diag_error(reader->diag, place_of(reader), "seq is %llu after %llu: it must ascend",
                   (unsigned long long)ev->seq, (unsigned long long)reader->seq);
    else if (ev->at < reader->at)
        diag_error(reader->diag, place_of(reader), "at is %.6f after %.6f: time went back",
                   nsec_to_seconds(ev->at), nsec_to_seconds(reader->at));
    else if (reader->memory->count == 1 && ev->kind != EV_RUN_START)
        diag_error(reader->diag, place_of(reader), "a trace begins with run.start");
    reader->seq = ev->seq;
    reader->at = ev->at;
}

/* A number of the common part; absent: what it is without. */
static json_int_t read_number(struct reader *reader, const json_t *line, const char *name,
                              json_int_t absent, json_int_t most)
{
    const json_t *value = json_object_get(line, name);
    json_int_t number = value ? json_integer_value(value) : absent;
    if (!value || (json_is_integer(value) && number >= 0 && number <= most))
        return number;
    diag_error(reader->diag, place_of(reader),
               "%s is no whole number from 0 to %" JSON_INTEGER_FORMAT, name, most);
    return absent;
}

static void read_event(struct reader *reader, const json_t *line)
{
    enum event_kind kind;
    const char *name = json_string_value(json_object_get(line, "ev"));
    if (!name) {
        diag_error(reader->diag, place_of(reader), "no event: a line has seq, at, ev and by");
        return;
    }
    if (!find_kind(name, &kind))
        return;
    struct event *ev = trace_memory_add(reader->memory);
    ev->kind = kind;
    ev->seq = (uint64_t)read_number(reader, line, "seq", 0, INT64_MAX);
    ev->at = get_TIME(reader, json_object_get(line, "at"));
    ev->conn = (uint32_t)read_number(reader, line, "conn", 0, UINT32_MAX);
    ev->client = (int)read_number(reader, line, "client", -1, TRACE_CLIENTS_LIMIT - 1);
    ev->by = read_cause(json_string_value(json_object_get(line, "by")));
    ev->side = read_side(json_string_value(json_object_get(line, "side")));
    getters[kind](reader, line, ev);
    check_order(reader, ev);
}

enum ending { WHOLE, CUT_SHORT };

/* The last line may have been cut short by a crash: then it has no newline. */
static void read_line(struct reader *reader, const struct text *chars, enum ending ending)
{
    json_error_t error;
    json_t *line = json_loadb(text_chars(chars), chars->len, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(line))
        read_event(reader, line);
    else if (ending == CUT_SHORT)
        diag_warning(reader->diag, place_of(reader), "the last line is cut short and was left out");
    else if (line)
        diag_error(reader->diag, place_of(reader), "no JSON object");
    else
        diag_error(reader->diag, place_of(reader), "no JSON object: %s", error.text);
    json_decref(line);
}

/* --- All of them --- */

static bool had_enough(const struct reader *reader)
{
    return diag_errors(reader->diag) - reader->errors_before >= DIAG_LIMIT;
}

static void end_line(struct reader *reader, enum ending ending)
{
    reader->line++;
    if (reader->too_long)
        diag_error(reader->diag, place_of(reader), "longer than %zu MiB", LINE_LIMIT >> 20);
    else if (reader->chars.len > 0)
        read_line(reader, &reader->chars, ending);
    text_clear(&reader->chars);
    reader->too_long = false;
}

static void take_piece(struct reader *reader, const char *chars, size_t len)
{
    reader->too_long = reader->too_long || len > LINE_LIMIT - reader->chars.len;
    if (!reader->too_long)
        text_add_bytes(&reader->chars, chars, len);
}

static void feed(struct reader *reader, const char *chars, size_t len)
{
    while (len > 0 && !had_enough(reader)) {
        const char *newline = memchr(chars, '\n', len);
        size_t taken = newline ? (size_t)(newline - chars) : len;
        take_piece(reader, chars, taken);
        if (newline) {
            end_line(reader, WHOLE);
            taken++;
        }
        chars += taken;
        len -= taken;
    }
}

static struct reader begin(const char *name, struct diag *diag)
{
    return (struct reader){.memory = trace_memory_new(),
                           .diag = diag,
                           .name = name,
                           .errors_before = diag_errors(diag)};
}

static struct trace *finish(struct reader *reader)
{
    if (!had_enough(reader) && (reader->chars.len > 0 || reader->too_long))
        end_line(reader, CUT_SHORT);
    text_fini(&reader->chars);
    if (reader->memory->count == 0 && diag_errors(reader->diag) == reader->errors_before)
        diag_error(reader->diag, (struct place){.file = reader->name}, "holds no event");
    if (diag_errors(reader->diag) == reader->errors_before)
        return trace_of_memory(reader->memory, NULL);
    trace_memory_free(reader->memory);
    return NULL;
}

struct trace *trace_parse(const char *name, const char *text, size_t len, struct diag *diag)
{
    struct reader reader = begin(name, diag);
    feed(&reader, text, len);
    return finish(&reader);
}

struct trace *trace_read(const char *path, struct diag *diag)
{
    char piece[PIECE_BYTES];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (!file) {
        diag_error(diag, (struct place){.file = path}, "%s", strerror(errno));
        return NULL;
    }
    struct reader reader = begin(path, diag);
    while ((got = fread(piece, 1, sizeof piece, file)) > 0)
        feed(&reader, piece, got);
    if (ferror(file))
        diag_error(diag, (struct place){.file = path}, "%s", strerror(errno));
    (void)fclose(file); /* only read from */
    return finish(&reader);
}

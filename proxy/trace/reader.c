/* Traces from files: one JSON object a line. */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/trace_memory.h"

#define LINE_LIMIT ((size_t)4 << 20)

struct reader {
    struct trace_memory *memory;
    struct diag *diag;
    const char *name;
    int line;
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
    char *chars = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    const char *kept = chars ? trace_memory_keep(reader->memory, chars, strlen(chars)) : "null";
    free(chars);
    return kept;
}

static uint64_t get_COUNT(struct reader *reader, const json_t *value)
{
    (void)reader;
    return (uint64_t)json_integer_value(value);
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

static bool check_order(struct reader *reader, const struct event *ev)
{
    if (ev->seq <= reader->seq)
        diag_error(reader->diag, place_of(reader), "seq is %llu after %llu: it must ascend",
                   (unsigned long long)ev->seq, (unsigned long long)reader->seq);
    else if (ev->at < reader->at)
        diag_error(reader->diag, place_of(reader), "at is %.6f after %.6f: time went back",
                   nsec_to_seconds(ev->at), nsec_to_seconds(reader->at));
    else if (reader->memory->count == 1 && ev->kind != EV_RUN_START)
        diag_error(reader->diag, place_of(reader), "a trace begins with run.start");
    else
        return true;
    return false;
}

static bool read_event(struct reader *reader, const json_t *line)
{
    enum event_kind kind;
    const json_t *client = json_object_get(line, "client");
    const char *name = json_string_value(json_object_get(line, "ev"));
    if (!name) {
        diag_error(reader->diag, place_of(reader), "no event: a line has seq, at, ev and by");
        return false;
    }
    if (!find_kind(name, &kind))
        return true;
    struct event *ev = trace_memory_add(reader->memory);
    ev->kind = kind;
    ev->seq = (uint64_t)json_integer_value(json_object_get(line, "seq"));
    ev->at = get_TIME(reader, json_object_get(line, "at"));
    ev->conn = (uint32_t)json_integer_value(json_object_get(line, "conn"));
    ev->client = client ? (int)json_integer_value(client) : -1;
    ev->by = read_cause(json_string_value(json_object_get(line, "by")));
    ev->side = read_side(json_string_value(json_object_get(line, "side")));
    getters[kind](reader, line, ev);
    bool good = check_order(reader, ev);
    reader->seq = ev->seq;
    reader->at = ev->at;
    return good;
}

/* The last line may have been cut short by a crash: then it has no newline. */
static bool read_line(struct reader *reader, const char *chars, size_t len, bool whole)
{
    json_error_t error;
    json_t *line = json_loadb(chars, len, JSON_REJECT_DUPLICATES, &error);
    bool good = json_is_object(line);
    if (good)
        good = read_event(reader, line);
    else if (!whole)
        diag_warning(reader->diag, place_of(reader), "the last line is cut short and was left out");
    else
        diag_error(reader->diag, place_of(reader), "no JSON object: %s", error.text);
    good = good || (!line && !whole);
    json_decref(line);
    return good;
}

static void read_all(struct reader *reader, const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && diag_errors(reader->diag) < DIAG_LIMIT) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end ? (size_t)(end - text) - at : len - at;
        reader->line++;
        if (line_len > LINE_LIMIT)
            diag_error(reader->diag, place_of(reader), "longer than %zu MiB", LINE_LIMIT >> 20);
        else if (line_len > 0)
            (void)read_line(reader, text + at, line_len, end != NULL);
        at += line_len + 1;
    }
}

struct trace *trace_parse(const char *name, const char *text, size_t len, struct diag *diag)
{
    struct reader reader = {.memory = trace_memory_new(), .diag = diag, .name = name};
    int before = diag_errors(diag);
    read_all(&reader, text, len);
    if (reader.memory->count == 0 && diag_errors(diag) == before)
        diag_error(diag, (struct place){.file = name}, "holds no event");
    if (diag_errors(diag) == before)
        return trace_of_memory(reader.memory);
    trace_memory_free(reader.memory);
    return NULL;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    struct text all;
    char piece[65536];
    size_t got;
    if (!file)
        return NULL;
    text_init(&all);
    while (all.len + sizeof piece < TEXT_LIMIT_BYTES &&
           (got = fread(piece, 1, sizeof piece, file)) > 0)
        text_add_bytes(&all, piece, got);
    bool good = !ferror(file) && feof(file);
    (void)fclose(file);
    *len = all.len;
    char *chars = text_take(&all);
    if (good)
        return chars;
    free(chars);
    errno = errno ? errno : EFBIG;
    return NULL;
}

struct trace *trace_read(const char *path, struct diag *diag)
{
    size_t len = 0;
    errno = 0;
    char *text = read_file(path, &len);
    if (!text) {
        diag_error(diag, (struct place){.file = path}, "%s", strerror(errno));
        return NULL;
    }
    struct trace *trace = trace_parse(path, text, len, diag);
    free(text);
    return trace;
}

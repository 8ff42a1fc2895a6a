#include "trace/recorder.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"

#define HIDDEN_FIELDS 5 /* most of one event */

struct recorder {
    FILE *out;
    struct text line, *copy;
    const struct secrets *secrets;
    struct text hidden[HIDDEN_FIELDS]; /* of the event at hand */
    uint64_t seq;
    nsec last;
    bool failed, full;
    void (*on_event)(void *context, const struct event *);
    void *context;
};

/* --- One event --- */

static void put_TEXT(struct json *json, const char *name, const char *value)
{
    json_put_string(json, name, value ? value : "");
}

static void put_JSON(struct json *json, const char *name, const char *value)
{
    json_put_raw(json, name, value && *value ? value : "null");
}

static void put_COUNT(struct json *json, const char *name, uint64_t value)
{
    char digits[24];
    if (value <= INT64_MAX) {
        json_put_uint(json, name, value);
        return;
    }
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    json_put_string(json, name, digits);
}

static void put_SIZE(struct json *json, const char *name, uint64_t value)
{
    put_COUNT(json, name, value);
}

static void put_TIME(struct json *json, const char *name, nsec value)
{
    json_put_seconds(json, name, value);
}

static void put_REAL(struct json *json, const char *name, double value)
{
    json_put_real(json, name, value);
}

static void put_FLAG(struct json *json, const char *name, bool value)
{
    json_put_bool(json, name, value);
}

#define FIELD(member, name, TYPE, doc) put_##TYPE(json, #name, ev->member.name);
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    static void put_##member(struct json *json, const struct event *ev)                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#include "trace/events.def"
#undef EVENT
#undef FIELD

static void put_fields(struct json *json, const struct event *ev)
{
    switch (ev->kind) {
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    case EV_##ENUM:                                                                                \
        put_##member(json, ev);                                                                    \
        break;
#include "trace/events.def"
#undef EVENT
    case EV_KINDS:
        break;
    }
}

void event_write(const struct event *ev, struct text *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_object_open(&json, NULL);
    json_put_uint(&json, "seq", ev->seq);
    json_put_seconds(&json, "at", ev->at);
    json_put_string(&json, "ev", event_name(ev->kind));
    json_put_string(&json, "by", cause_name(ev->by));
    if (ev->conn > 0)
        json_put_uint(&json, "conn", ev->conn);
    if (ev->client >= 0)
        json_put_int(&json, "client", ev->client);
    if (ev->side != SIDE_NONE)
        json_put_string(&json, "side", side_name(ev->side));
    put_fields(&json, ev);
    json_object_close(&json);
}

/* --- All of them --- */

struct recorder *recorder_new(FILE *out)
{
    struct recorder *recorder = xcalloc(1, sizeof *recorder);
    recorder->out = out;
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    if (!recorder)
        return;
    text_fini(&recorder->line);
    for (size_t i = 0; i < HIDDEN_FIELDS; i++)
        text_fini(&recorder->hidden[i]);
    free(recorder);
}

void recorder_listen(struct recorder *recorder,
                     void (*on_event)(void *context, const struct event *), void *context)
{
    recorder->on_event = on_event;
    recorder->context = context;
}

void recorder_copy_to(struct recorder *recorder, struct text *copy)
{
    recorder->copy = copy;
}

void recorder_hide(struct recorder *recorder, const struct secrets *secrets)
{
    recorder->secrets = secrets;
}

static void hide_one(struct recorder *recorder, size_t slot, const char **field)
{
    struct text *text = &recorder->hidden[slot];
    if (!*field)
        return;
    text_clear(text);
    redact_secrets(recorder->secrets, *field, text);
    *field = text_chars(text);
}

static void hide(struct recorder *recorder, struct event *ev)
{
    if (!recorder->secrets || recorder->secrets->count == 0)
        return;
    if (ev->kind == EV_PROCESS_START) {
        hide_one(recorder, 0, &ev->process_start.command);
    } else if (ev->kind == EV_HTTP_REQUEST) {
        hide_one(recorder, 0, &ev->http_request.target);
        hide_one(recorder, 1, &ev->http_request.host);
        hide_one(recorder, 2, &ev->http_request.origin);
        hide_one(recorder, 3, &ev->http_request.protocols);
        hide_one(recorder, 4, &ev->http_request.agent);
    } else if (ev->kind == EV_HTTP_RESPONSE) {
        hide_one(recorder, 0, &ev->http_response.protocols);
    } else if (ev->kind == EV_WS_CLOSE) {
        hide_one(recorder, 0, &ev->ws_close.reason);
    } else if (ev->kind == EV_WS_ID) {
        hide_one(recorder, 0, &ev->ws_id.id);
    }
}

static void write_line(struct recorder *recorder, const struct event *ev)
{
    if (!recorder->out && !recorder->copy)
        return;
    text_clear(&recorder->line);
    event_write(ev, &recorder->line);
    text_add(&recorder->line, "\n");
    if (recorder->out &&
        fwrite(recorder->line.chars, 1, recorder->line.len, recorder->out) != recorder->line.len)
        recorder->failed = true;
    if (recorder->copy)
        text_add_bytes(recorder->copy, recorder->line.chars, recorder->line.len);
}

static bool is_frame(enum event_kind kind)
{
    return kind == EV_WS_FRAME || kind == EV_WS_MESSAGE || kind == EV_WS_DELIVERED ||
           kind == EV_WS_INJECTED || kind == EV_WS_ID || kind == EV_WS_MATCH;
}

static void say_full(struct recorder *recorder, nsec at)
{
    struct event ev = {.at = at, .client = -1, .kind = EV_TRACE_FULL, .by = BY_PROXY};
    recorder->full = true;
    ev.seq = ++recorder->seq;
    ev.trace_full = (struct ev_trace_full){.limit = RECORDER_FRAMES_LIMIT};
    write_line(recorder, &ev);
}

uint64_t recorder_emit(struct recorder *recorder, struct event ev)
{
    assert(ev.at >= recorder->last);
    recorder->last = ev.at;
    if (!recorder->full && recorder->seq >= RECORDER_FRAMES_LIMIT && is_frame(ev.kind))
        say_full(recorder, ev.at);
    ev.seq = ++recorder->seq;
    hide(recorder, &ev);
    if (!recorder->full || !is_frame(ev.kind))
        write_line(recorder, &ev);
    if (recorder->on_event)
        recorder->on_event(recorder->context, &ev);
    return ev.seq;
}

void recorder_flush(struct recorder *recorder)
{
    if (recorder->out && fflush(recorder->out) != 0)
        recorder->failed = true;
}

bool recorder_failed(const struct recorder *recorder)
{
    return recorder->failed;
}

nsec recorder_last(const struct recorder *recorder)
{
    return recorder->last;
}

#include "trace/recorder.h"

#include <errno.h>
#include <string.h>

#include "base/rng.h"
#include "tests/check.h"
#include "trace/trace.h"

static struct event mark(nsec at, const char *text)
{
    struct event ev = {.at = at, .client = -1, .kind = EV_MARK, .by = BY_PROXY};
    ev.mark = (struct ev_mark){.text = text};
    return ev;
}

static void events_are_numbered_from_one_and_written_a_line_each(void)
{
    struct text text;
    struct recorder *recorder = recorder_new(NULL);
    text_init(&text);
    recorder_copy_to(recorder, &text);
    CHECK_INT(recorder_emit(recorder, mark(1500, "a\nb")), 1);
    CHECK_INT(recorder_emit(recorder, mark(NSEC_PER_SEC, "c")), 2);
    CHECK_STR(text_chars(&text),
              "{\"seq\":1,\"at\":0.000001,\"ev\":\"mark\",\"by\":\"proxy\",\"text\":\"a\\nb\"}\n"
              "{\"seq\":2,\"at\":1.000000,\"ev\":\"mark\",\"by\":\"proxy\",\"text\":\"c\"}\n");
    CHECK_INT(recorder_last(recorder), NSEC_PER_SEC);
    recorder_free(recorder);
    text_fini(&text);
}

static void the_common_part_leaves_out_what_is_not_there(void)
{
    struct text text;
    struct event ev = {.seq = 7, .conn = 3, .client = 0, .kind = EV_WS_OPEN, .side = SIDE_CLIENT};
    text_init(&text);
    event_write(&ev, &text);
    CHECK_CONTAINS(text_chars(&text),
                   "\"by\":\"endpoint\",\"conn\":3,\"client\":0,\"side\":\"client\"");
    ev.conn = 0;
    ev.client = -1;
    ev.side = SIDE_NONE;
    text_clear(&text);
    event_write(&ev, &text);
    CHECK(strstr(text_chars(&text), "conn\":") == NULL);
    CHECK(strstr(text_chars(&text), "client\":") == NULL);
    CHECK(strstr(text_chars(&text), "side\":") == NULL);
    text_fini(&text);
}

static void count_one(void *context, const struct event *ev)
{
    uint64_t *last = context;
    *last = ev->seq;
}

static void the_listener_hears_each_event_with_its_number(void)
{
    uint64_t last = 0;
    struct recorder *recorder = recorder_new(NULL);
    recorder_listen(recorder, count_one, &last);
    (void)recorder_emit(recorder, mark(0, "a"));
    (void)recorder_emit(recorder, mark(0, "b"));
    CHECK_INT(last, 2);
    recorder_free(recorder);
}

static void what_came_from_the_environment_is_not_written(void)
{
    char *values[] = {"hunter", "hunter2", "abc"};
    const struct secrets secrets = {.values = values, .count = 3};
    struct event ev = {.client = 0, .kind = EV_PROCESS_START, .by = BY_PROXY};
    struct text text;
    struct recorder *recorder = recorder_new(NULL);
    text_init(&text);
    recorder_copy_to(recorder, &text);
    recorder_hide(recorder, &secrets);
    ev.process_start = (struct ev_process_start){.role = "client", .command = "app abc hunter2!"};
    recorder_emit(recorder, ev);
    CHECK_CONTAINS(text_chars(&text), "\"command\":\"app abc REDACTED!\"");
    ev.kind = EV_HTTP_REQUEST;
    ev.http_request = (struct ev_http_request){.target = "/?x=hunter", .host = "hunter2.example"};
    recorder_emit(recorder, ev);
    CHECK_CONTAINS(text_chars(&text), "\"target\":\"/?x=REDACTED\"");
    CHECK_CONTAINS(text_chars(&text), "\"host\":\"REDACTED.example\"");
    CHECK(strstr(text_chars(&text), "hunter") == NULL);
    recorder_free(recorder);
    text_fini(&text);
}

static void a_full_disk_is_noticed(void)
{
    FILE *full = fopen("/dev/full", "w");
    struct recorder *recorder = recorder_new(full);
    (void)recorder_emit(recorder, mark(0, "a"));
    CHECK(!recorder_failed(recorder));
    recorder_flush(recorder);
    CHECK(recorder_failed(recorder));
    recorder_free(recorder);
    (void)fclose(full);
}

/* Every kind of event with every field at its edges is read back as it was written. */
static void fill(struct event *ev, struct rng *rng)
{
    static const uint64_t counts[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    static const double reals[] = {0, 1.5, -2, 1e-6, 123456};
    static const char *const texts[] = {"", "a", "\"\\\n", "\xc3\xa9"};
    static const char *const jsons[] = {"{}", "[1,2]", "null", "\"x\""};
    static const nsec times[] = {0, 1000, 35355826000, -1000, 86400 * NSEC_PER_SEC};
#define ANY(list)                      (list)[rng_between(rng, 0, (int64_t)(sizeof(list) / sizeof *(list)) - 1)]
#define FILL_TEXT                      ANY(texts)
#define FILL_JSON                      ANY(jsons)
#define FILL_COUNT                     ANY(counts)
#define FILL_SIZE                      ANY(counts)
#define FILL_TIME                      ANY(times)
#define FILL_REAL                      ANY(reals)
#define FILL_FLAG                      rng_between(rng, 0, 1)
#define FIELD(member, name, TYPE, doc) ev->member.name = FILL_##TYPE;
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    case EV_##ENUM:                                                                                \
        __VA_ARGS__                                                                                \
        break;
    switch (ev->kind) {
#include "trace/events.def"
    case EV_KINDS:
        break;
    }
#undef EVENT
#undef FIELD
}

static void what_is_written_reads_back_and_writes_the_same(void)
{
    struct text first, second;
    struct rng rng;
    struct diag *diag = diag_new();
    text_init(&first);
    text_init(&second);
    rng_init(&rng, 1, "events", 0);
    struct recorder *recorder = recorder_new(NULL);
    recorder_copy_to(recorder, &first);
    for (int i = 0; i < 40 * EV_KINDS; i++) {
        struct event ev = {.at = i * 1000, .kind = (enum event_kind)(i % EV_KINDS)};
        ev.conn = (uint32_t)rng_between(&rng, 0, UINT32_MAX);
        ev.client = (int)rng_between(&rng, -1, TRACE_CLIENTS_LIMIT - 1);
        ev.side = (enum side)rng_between(&rng, SIDE_NONE, SIDE_SERVER);
        ev.by = (enum cause)rng_between(&rng, BY_ENDPOINT, BY_BUILTIN);
        fill(&ev, &rng);
        (void)recorder_emit(recorder, ev);
    }
    recorder_free(recorder);
    struct trace *trace = trace_parse("x", first.chars, first.len, diag);
    CHECK(trace != NULL);
    for (size_t i = 0; trace && i < trace->count; i++) {
        event_write(&trace->events[i], &second);
        text_add(&second, "\n");
    }
    CHECK_STR(text_chars(&second), text_chars(&first));
    trace_free(trace);
    diag_free(diag);
    text_fini(&first);
    text_fini(&second);
}

SUITE(recorder, TEST(events_are_numbered_from_one_and_written_a_line_each),
      TEST(the_common_part_leaves_out_what_is_not_there),
      TEST(the_listener_hears_each_event_with_its_number), TEST(a_full_disk_is_noticed),
      TEST(what_came_from_the_environment_is_not_written),
      TEST(what_is_written_reads_back_and_writes_the_same))

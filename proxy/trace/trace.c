#include "trace/trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trace/trace_memory.h"
#include "ws/frame.h"

#define BLOCK_BYTES ((size_t)64 << 10)

struct block {
    struct block *next;
    size_t used, room;
    char chars[];
};

/* --- Memory --- */

struct trace_memory *trace_memory_new(void)
{
    return xcalloc(1, sizeof(struct trace_memory));
}

void trace_memory_free(struct trace_memory *memory)
{
    if (!memory)
        return;
    while (memory->blocks) {
        struct block *next = memory->blocks->next;
        free(memory->blocks);
        memory->blocks = next;
    }
    free(memory->by_kind);
    free(memory->events);
    free(memory);
}

const char *trace_memory_keep(struct trace_memory *memory, const char *text, size_t len)
{
    struct block *block = memory->blocks;
    if (len == 0)
        return "";
    if (!block || block->room - block->used < len + 1) {
        size_t room = len + 1 > BLOCK_BYTES ? len + 1 : BLOCK_BYTES;
        block = xmalloc(sizeof *block + room);
        *block = (struct block){.next = memory->blocks, .room = room};
        memory->blocks = block;
    }
    char *copy = block->chars + block->used;
    memcpy(copy, text, len);
    copy[len] = '\0';
    block->used += len + 1;
    return copy;
}

struct event *trace_memory_add(struct trace_memory *memory)
{
    if (memory->count == memory->room) {
        memory->room = memory->room ? memory->room * 2 : 256;
        memory->events = xrealloc(memory->events, memory->room * sizeof *memory->events);
    }
    struct event *ev = &memory->events[memory->count++];
    memset(ev, 0, sizeof *ev);
    ev->client = -1;
    return ev;
}

/* So that the next event of a kind is found without looking at all of the others. */
static void sort_by_kind(struct trace_memory *memory)
{
    size_t next[EV_KINDS];
    memory->by_kind = xcalloc(memory->count + 1, sizeof *memory->by_kind);
    for (size_t i = 0; i < memory->count; i++)
        memory->kind_from[memory->events[i].kind + 1]++;
    for (size_t kind = 0; kind < EV_KINDS; kind++) {
        memory->kind_from[kind + 1] += memory->kind_from[kind];
        next[kind] = memory->kind_from[kind];
    }
    for (size_t i = 0; i < memory->count; i++)
        memory->by_kind[next[memory->events[i].kind]++] = i;
}

void trace_terms_read(struct trace_terms *terms, const struct ev_run_start *start)
{
    policy_defaults(&terms->policy);
    (void)policy_read_json(&terms->policy, start->policy);
    terms->declares = declares_read_json(start->target);
}

static struct trace *begin(struct trace_memory *memory)
{
    struct trace *trace = xcalloc(1, sizeof *trace);
    trace->memory = memory;
    trace->events = memory->events;
    trace->count = memory->count;
    trace->reason = "";
    return trace;
}

/* Without a run.start the defaults. */
static void find_terms(const struct ev_run_start *start, struct trace_terms *terms)
{
    *terms = (struct trace_terms){0};
    if (start)
        trace_terms_read(terms, start);
    else
        policy_defaults(&terms->policy);
}

static void read_noise(struct trace *trace)
{
    size_t i = 0;
    trace->noise = trace->start ? nsec_max(0, trace->start->noise) : 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_RUN_NOISE));)
        trace->noise = nsec_max(trace->noise, ev->run_noise.p95);
}

static void read_ending(struct trace *trace)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_RUN_END));) {
        trace->complete = true;
        trace->reason = ev->run_end.reason ? ev->run_end.reason : "";
    }
    i = 0;
    trace->full = trace_next(trace, &i, EV_TRACE_FULL) != NULL;
    trace->end = trace->count > 0 ? trace->events[trace->count - 1].at : 0;
}

struct trace *trace_of_memory(struct trace_memory *memory, const struct trace_terms *known)
{
    struct trace_terms read;
    size_t i = 0;
    sort_by_kind(memory);
    struct trace *trace = begin(memory);
    const struct event *start = trace_next(trace, &i, EV_RUN_START);
    trace->start = start ? &start->run_start : NULL;
    if (!known)
        find_terms(trace->start, &read);
    trace->policy = known ? known->policy : read.policy;
    trace->declares = known ? known->declares : read.declares;
    read_noise(trace);
    read_ending(trace);
    return trace;
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    trace_memory_free(trace->memory);
    free(trace);
}

/* --- Traces written by hand --- */

/* Strings of hand-written events: those of an EV_x are copied field by field. */
#define KEEP_TEXT(field)                                                                           \
    if (field)                                                                                     \
        field = trace_memory_keep(memory, field, strlen(field));                                   \
    else                                                                                           \
        field = "";
#define KEEP_JSON(field)                                                                           \
    KEEP_TEXT(field)                                                                               \
    if (!*(field))                                                                                 \
        field = "null";
#define KEEP_COUNT(field)
#define KEEP_SIZE(field)
#define KEEP_TIME(field)
#define KEEP_REAL(field)
#define KEEP_FLAG(field)

#define FIELD(member, name, TYPE, doc) KEEP_##TYPE(ev->member.name)
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    static void keep_##member(struct trace_memory *memory, struct event *ev)                       \
    {                                                                                              \
        (void)memory;                                                                              \
        (void)ev;                                                                                  \
        __VA_ARGS__                                                                                \
    }
#include "trace/events.def"
#undef EVENT
#undef FIELD

static void keep_strings(struct trace_memory *memory, struct event *ev)
{
    switch (ev->kind) {
#define EVENT(ENUM, member, name, doc, ...)                                                        \
    case EV_##ENUM:                                                                                \
        keep_##member(memory, ev);                                                                 \
        break;
#include "trace/events.def"
#undef EVENT
    case EV_KINDS:
        break;
    }
}

static void add_default_start(struct trace_memory *memory)
{
    struct event *ev = trace_memory_add(memory);
    struct policy policy;
    struct text json;
    text_init(&json);
    policy_defaults(&policy);
    policy_write_json(&policy, NULL, &json);
    ev->kind = EV_RUN_START;
    ev->by = BY_PROXY;
    ev->run_start = (struct ev_run_start){.format = 1,
                                          .speed = 1,
                                          .clients = 1,
                                          .scenario = "test",
                                          .policy = text_chars(&json),
                                          .expect = "[]",
                                          .steps = "[]",
                                          .target = "{}"};
    keep_strings(memory, ev);
    text_fini(&json);
}

struct trace *trace_from(const struct event *events, size_t count)
{
    struct trace_memory *memory = trace_memory_new();
    if (count == 0 || events[0].kind != EV_RUN_START)
        add_default_start(memory);
    for (size_t i = 0; i < count; i++) {
        struct event *ev = trace_memory_add(memory);
        *ev = events[i];
        keep_strings(memory, ev);
    }
    for (size_t i = 0; i < memory->count; i++)
        memory->events[i].seq = i + 1;
    return trace_of_memory(memory, NULL);
}

/* --- Views --- */

const struct declaration *trace_not_run(const struct trace *trace)
{
    const char *name = trace->reason + strlen(RUN_NOT_TESTED);
    if (strncmp(trace->reason, RUN_NOT_TESTED, strlen(RUN_NOT_TESTED)) != 0)
        return NULL;
    for (const struct declaration *at = declarations; at->part; at++) {
        size_t part = strlen(at->part);
        if (strncmp(name, at->part, part) == 0 && name[part] == '.' &&
            strcmp(name + part + 1, at->member) == 0)
            return at;
    }
    return NULL;
}

enum run_ending trace_ending(const struct trace *trace)
{
    if (!trace->complete)
        return ENDING_MISSING;
    if (strcmp(trace->reason, RUN_FINISHED) == 0 ||
        strcmp(trace->reason, RUN_CLIENTS_EXITED) == 0 || trace_not_run(trace))
        return ENDING_REGULAR;
    bool early =
        strcmp(trace->reason, RUN_INTERRUPTED) == 0 || strcmp(trace->reason, RUN_TIMED_OUT) == 0;
    return early ? ENDING_EARLY : ENDING_TROUBLE;
}

static bool is_order_to_end(const char *signal)
{
    static const char *const orders[] = {"TERM", "INT", "QUIT", "KILL"};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (strcmp(orders[i], signal) == 0)
            return true;
    return false;
}

/* The first order to end that the process got; else its end, which some other signal brought. */
static nsec told_at(const struct trace *trace, const struct event *exit)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_SIGNAL)) && ev < exit;)
        if (ev->client == exit->client && is_order_to_end(ev->process_signal.name))
            return ev->at;
    return exit->at;
}

nsec trace_dismissed(const struct trace *trace, int client)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_EXIT));)
        if (ev->client == client && ev->process_exit.asked &&
            strcmp(ev->process_exit.role, "client") == 0)
            return told_at(trace, ev);
    return NEVER;
}

const struct event *trace_at_seq(const struct trace *trace, uint64_t seq)
{
    size_t low = 0, high = trace->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (trace->events[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < trace->count && trace->events[low].seq == seq ? &trace->events[low] : NULL;
}

/* The first of the kind's own indices that is not below i. */
static size_t find_in_kind(const struct trace_memory *memory, enum event_kind kind, size_t i)
{
    size_t low = memory->kind_from[kind], high = memory->kind_from[kind + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memory->by_kind[middle] < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Events that somebody else owns: there is no index. */
static const struct event *scan(const struct trace *trace, size_t *i, enum event_kind kind)
{
    while (*i < trace->count) {
        const struct event *ev = &trace->events[(*i)++];
        if (ev->kind == kind)
            return ev;
    }
    return NULL;
}

const struct event *trace_next(const struct trace *trace, size_t *i, enum event_kind kind)
{
    const struct trace_memory *memory = trace->memory;
    if (!memory)
        return scan(trace, i, kind);
    size_t found = find_in_kind(memory, kind, *i);
    if (found == memory->kind_from[kind + 1]) {
        *i = trace->count;
        return NULL;
    }
    *i = memory->by_kind[found] + 1;
    return &trace->events[memory->by_kind[found]];
}

size_t trace_clients(const struct trace *trace)
{
    uint64_t most = trace->start ? trace->start->clients : 0;
    for (size_t i = 0; i < trace->count; i++)
        if (trace->events[i].client >= 0 && (uint64_t)trace->events[i].client + 1 > most)
            most = (uint64_t)trace->events[i].client + 1;
    return most < TRACE_CLIENTS_LIMIT ? (size_t)most : TRACE_CLIENTS_LIMIT;
}

bool trace_declares(const struct trace *trace, unsigned what)
{
    return (trace->declares & what) == what;
}

bool event_is_message(const struct event *ev)
{
    if (ev->kind == EV_WS_MESSAGE)
        return true;
    return ev->kind == EV_WS_FRAME && ev->ws_frame.fin &&
           (ev->ws_frame.opcode == OPCODE_TEXT || ev->ws_frame.opcode == OPCODE_BINARY);
}

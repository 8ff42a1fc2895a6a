#include "tests/unit/story.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "ws/frame.h"

void story_begin(struct story *s)
{
    *s = (struct story){.conn = 1, .client_by = BY_ENDPOINT, .server_by = BY_ENDPOINT};
    s->events = xcalloc(STORY_LIMIT, sizeof *s->events);
    findings_init(&s->findings);
}

/* Stories may be told connection by connection: the trace has them in order of time. */
static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* The newest frame of that connection that was held back, before the event. */
static size_t held_before(const struct story *s, size_t i)
{
    uint32_t conn = s->events[i].conn;
    while (i > 0 && (s->events[i].kind != EV_WS_FRAME || s->events[i].conn != conn ||
                     s->events[i].ws_frame.passed))
        i--;
    return i;
}

static size_t message_before(const struct story *s, size_t i)
{
    while (i > 0 && s->events[i].kind != EV_WS_FRAME)
        i--;
    return i;
}

/* An id is that of the message just before it, whose seq is known now. */
static void number_ids(struct story *s)
{
    size_t first = s->count > 0 && s->events[0].kind == EV_RUN_START ? 1 : 2;
    for (size_t i = 1; i < s->count; i++) {
        struct event *ev = &s->events[i];
        if (ev->kind == EV_WS_ID && ev->ws_id.frame == 0)
            ev->ws_id.frame = first + i - 1;
        else if (ev->kind == EV_WS_AUTH && ev->ws_auth.frame == 0)
            ev->ws_auth.frame = first + i - 1;
        else if (ev->kind == EV_WS_DELIVERED && ev->ws_delivered.frame == 0)
            ev->ws_delivered.frame = first + held_before(s, i);
        else if (ev->kind == EV_WS_SESSION && ev->ws_session.frame == 0)
            ev->ws_session.frame = first + message_before(s, i);
    }
}

void story_trace(struct story *s)
{
    qsort(s->events, s->count, sizeof *s->events, by_time);
    number_ids(s);
    s->trace = trace_from(s->events, s->count);
}

enum verdict story_judge(struct story *s, const struct rule_desc *rule, const void *config)
{
    story_trace(s);
    rule_judge(rule, s->trace, config, &s->findings);
    return findings_verdict(&s->findings);
}

const char *story_text(const struct story *s)
{
    const struct finding *worst = findings_worst(&s->findings);
    return worst ? worst->text : "";
}

void story_end(struct story *s)
{
    findings_fini(&s->findings);
    trace_free(s->trace);
    free(s->events);
}

void story_expect(struct story *s, const struct rule_desc *rule, enum verdict want,
                  const char *part)
{
    enum verdict got = story_judge(s, rule, NULL);
    CHECK_STR(verdict_name(got), verdict_name(want));
    CHECK_CONTAINS(story_text(s), part);
    if (got == FAIL)
        check_str(__FILE__, __LINE__, rule->name,
                  findings_worst(&s->findings)->fix ? "a fix" : "no fix", "a fix");
    story_end(s);
}

void story_of(struct story *s, int client, uint32_t conn)
{
    s->client = client;
    s->conn = conn;
}

struct event *story_add(struct story *s, double at, enum event_kind kind, enum side side,
                        enum cause by)
{
    assert(s->count < STORY_LIMIT);
    struct event *ev = &s->events[s->count++];
    *ev = (struct event){.seq = s->count,
                         .at = nsec_from_seconds(at),
                         .conn = s->conn,
                         .client = s->client,
                         .kind = kind,
                         .side = side,
                         .by = by};
    return ev;
}

static enum cause cause_of(const struct story *s, enum side side)
{
    return side == SIDE_CLIENT ? s->client_by : s->server_by;
}

/* --- The run --- */

static void start(struct story *s, double speed, const char *target)
{
    struct event *ev = story_add(s, 0, EV_RUN_START, SIDE_NONE, BY_PROXY);
    ev->conn = 0;
    ev->client = -1;
    ev->run_start = (struct ev_run_start){.format = 1,
                                          .speed = speed,
                                          .clients = 1,
                                          .policy = "{}",
                                          .expect = "[]",
                                          .steps = "[]",
                                          .target = target};
}

void story_speed(struct story *s, double speed)
{
    start(s, speed, "{}");
}

void story_target(struct story *s, const char *json)
{
    start(s, 1, json);
}

void story_policy(struct story *s, const char *json)
{
    start(s, 1, "{}");
    struct event begin = s->events[s->count - 1];
    begin.seq = 0;
    memmove(s->events + 1, s->events, (s->count - 1) * sizeof *s->events);
    s->events[0] = begin;
    s->events[0].run_start.policy = json;
}

void story_noise(struct story *s, double noise)
{
    struct event *ev = story_add(s, 0, EV_RUN_NOISE, SIDE_NONE, BY_PROXY);
    ev->conn = 0;
    ev->client = -1;
    ev->run_noise = (struct ev_run_noise){.p95 = nsec_from_seconds(noise)};
}

void story_run_end(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_RUN_END, SIDE_NONE, BY_PROXY);
    ev->conn = 0;
    ev->client = -1;
    ev->run_end = (struct ev_run_end){.reason = "finished"};
}

struct event *story_asked(struct story *s, double at, const char *hook)
{
    struct event *ev = story_add(s, at, EV_HOOK_ASKED, SIDE_CLIENT, BY_PROXY);
    ev->conn = 0;
    ev->hook_asked =
        (struct ev_hook_asked){.hook = hook, .number = 1, .how = "stdin", .answer = "taken"};
    return ev;
}

void story_heard(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_HOOK_HEARD, SIDE_CLIENT, s->client_by);
    ev->conn = 0;
    ev->hook_heard = (struct ev_hook_heard){.hook = "gave_up", .how = "log", .detail = "gave up"};
}

void story_signal(struct story *s, double at, const char *name)
{
    struct event *ev = story_add(s, at, EV_PROCESS_SIGNAL, SIDE_CLIENT, BY_PROXY);
    ev->conn = 0;
    ev->process_signal = (struct ev_process_signal){.pid = 1, .name = name};
}

void story_exit(struct story *s, double at, const char *how, bool asked)
{
    struct event *ev = story_add(s, at, EV_PROCESS_EXIT, SIDE_NONE, BY_ENDPOINT);
    ev->conn = 0;
    ev->process_exit =
        (struct ev_process_exit){.role = "client", .pid = 100, .how = how, .asked = asked};
}

void story_memory(struct story *s, double at, double bytes)
{
    struct event *ev = story_add(s, at, EV_PROCESS_MEMORY, SIDE_NONE, BY_ENDPOINT);
    ev->conn = 0;
    ev->process_memory = (struct ev_process_memory){.pid = 100, .bytes = (uint64_t)bytes};
}

/* --- Connections --- */

void story_attempt(struct story *s, double at)
{
    struct event *ev = story_add(s, at, EV_TCP_OPEN, SIDE_CLIENT, s->client_by);
    ev->tcp_open = (struct ev_tcp_open){.peer = "127.0.0.1:40000", .family = "ipv4"};
    ev = story_add(s, at, EV_HTTP_REQUEST, SIDE_CLIENT, s->client_by);
    ev->http_request =
        (struct ev_http_request){.method = "GET", .target = "/", .upgrade = true, .counts = true};
}

void story_open(struct story *s, double at)
{
    story_attempt(s, at);
    struct event *ev = story_add(s, at, EV_HTTP_RESPONSE, SIDE_SERVER, s->server_by);
    ev->http_response = (struct ev_http_response){.status = 101, .upgrade = true};
    (void)story_add(s, at, EV_WS_OPEN, SIDE_CLIENT, BY_PROXY);
}

void story_fin(struct story *s, double at, enum side side)
{
    struct event *ev = story_add(s, at, EV_TCP_CLOSE, side, cause_of(s, side));
    ev->tcp_close = (struct ev_tcp_close){.how = "fin"};
}

void story_shut(struct story *s, double at, enum side side, enum cause by, const char *how)
{
    struct event *ev = story_add(s, at, EV_TCP_SHUT, side, by);
    ev->tcp_shut = (struct ev_tcp_shut){.how = how};
}

void story_close(struct story *s, double at, enum side side, uint64_t code)
{
    struct event *ev = story_add(s, at, EV_WS_CLOSE, side, cause_of(s, side));
    ev->ws_close = (struct ev_ws_close){.code = code};
}

/* --- Faults --- */

static void add_fault(struct story *s, double at, const char *fault, enum side hears, bool silences,
                      const char *params)
{
    struct event *ev = story_add(s, at, EV_FAULT_ON, hears, BY_FAULT);
    ev->fault_on = (struct ev_fault_on){.fault = fault,
                                        .label = fault,
                                        .direction = "both",
                                        .silences = silences,
                                        .params = params};
}

void story_fault(struct story *s, double at, const char *fault, enum side hears, bool silences)
{
    add_fault(s, at, fault, hears, silences, "{}");
}

void story_idle_fault(struct story *s, double at, const char *params)
{
    add_fault(s, at, "idle_timeout", SIDE_CLIENT, false, params);
    add_fault(s, at, "idle_timeout", SIDE_SERVER, false, params);
}

void story_fault_with(struct story *s, double at, const char *fault, const char *params)
{
    add_fault(s, at, fault, SIDE_CLIENT, false, params);
    add_fault(s, at, fault, SIDE_SERVER, false, params);
}

void story_fault_off(struct story *s, double at, const char *fault, const char *why)
{
    struct event *ev = story_add(s, at, EV_FAULT_OFF, SIDE_NONE, BY_FAULT);
    ev->fault_off = (struct ev_fault_off){.fault = fault, .label = fault, .why = why};
}

void story_cut(struct story *s, double at, const char *fault, const char *how)
{
    const enum side sides[] = {SIDE_CLIENT, SIDE_SERVER};
    for (int i = 0; i < 2; i++) {
        struct event *ev = story_add(s, at, EV_FAULT_ACT, sides[i], BY_FAULT);
        ev->fault_act = (struct ev_fault_act){
            .fault = fault, .label = fault, .verb = "cut", .detail = how, .count = 1};
        story_shut(s, at, sides[i], BY_FAULT, how);
    }
}

void story_pause(struct story *s, double at, bool on, uint64_t ours, uint64_t theirs)
{
    struct event *ev = story_add(s, at, EV_TCP_QUEUES, SIDE_CLIENT, BY_PROXY);
    ev->tcp_queues = (struct ev_tcp_queues){.ours = ours, .theirs = theirs, .known = true};
    ev = story_add(s, at, EV_TCP_PAUSE, SIDE_CLIENT, BY_FAULT);
    ev->tcp_pause = (struct ev_tcp_pause){.on = on, .why = "fault"};
}

/* --- Frames --- */

static void add_frame(struct story *s, double at, enum side from, struct ev_ws_frame frame)
{
    struct event *ev = story_add(s, at, EV_WS_FRAME, from, cause_of(s, from));
    frame.fin = true;
    frame.passed = true;
    frame.masked = from == SIDE_CLIENT;
    ev->ws_frame = frame;
}

void story_ping(struct story *s, double at, enum side from)
{
    add_frame(s, at, from, (struct ev_ws_frame){.opcode = OPCODE_PING, .hash = "a", .sig = "a"});
}

void story_pong(struct story *s, double at, enum side from)
{
    add_frame(s, at, from, (struct ev_ws_frame){.opcode = OPCODE_PONG, .hash = "a", .sig = "a"});
}

void story_data(struct story *s, double at, enum side from, const char *sig, uint64_t len)
{
    add_frame(s, at, from,
              (struct ev_ws_frame){.opcode = OPCODE_TEXT, .len = len, .hash = sig, .sig = sig});
}

void story_id(struct story *s, double at, enum side from, const char *id, const char *how)
{
    story_data(s, at, from, "m", 10);
    struct event *ev = story_add(s, at, EV_WS_ID, from, cause_of(s, from));
    ev->ws_id = (struct ev_ws_id){.id = id, .how = how};
}

void story_session(struct story *s, double at, enum side from, const char *what, const char *hash)
{
    struct event *ev = story_add(s, at, EV_WS_SESSION, from, cause_of(s, from));
    ev->ws_session = (struct ev_ws_session){.what = what, .hash = hash};
}

void story_word(struct story *s, double at, enum side from, const char *kind)
{
    add_frame(s, at, from,
              (struct ev_ws_frame){
                  .opcode = OPCODE_TEXT, .len = 4, .hash = kind, .sig = kind, .kind = kind});
}

void story_pings(struct story *s, double first, double every, double until, bool answered)
{
    for (double at = first; at <= until; at += every) {
        story_ping(s, at, SIDE_CLIENT);
        if (answered)
            story_pong(s, at + 0.001, SIDE_SERVER);
    }
}

/* state.send_when_open: data goes out while the connection is open, neither before nor after. */
#include <string.h>

#include "rules/lib/asked.h"
#include "rules/lib/connection.h"
#include "rules/lib/endings.h"
#include "rules/rule.h"
#include "ws/frame.h"

#define CRASH_WITHIN (5 * NSEC_PER_SEC) /* of being told to send */
#define SURVIVED_FEW 1 /* times in the same state; after more it was something else */
#define LAST_MOMENT  (NSEC_PER_SEC / 2) /* of a process, in which its connections end as well */

/* Frames where there may be none. */
struct wrong {
    size_t connections;
    uint64_t frames, from, to; /* seq of the first and last */
};

struct seen {
    struct wrong early, late; /* before the handshake was complete; behind its own Close */
    size_t asked_early, asked_late, asked_dead; /* to send then, and without a connection */
    const struct event *crash;                  /* the end of a process */
    const struct event *before;                 /* what it was told just before */
    size_t survived;   /* how often it had been told that in the same state, and lived */
    uint64_t from, to; /* of what was asked at those times */
};

static bool is_theirs(const struct event *ev, enum event_kind kind)
{
    return ev->kind == kind && ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT;
}

static void note_wrong(struct wrong *wrong, const struct event *frame)
{
    if (wrong->frames++ == 0)
        wrong->from = frame->seq;
    wrong->to = frame->seq;
}

/* --- Before the handshake is complete --- */

/* How often it was asked to send in that time; the events of it are what a pass cites. */
static size_t count_asked(const struct trace *trace, struct seen *seen, int client, nsec from,
                          nsec to)
{
    size_t count = asked_within(trace, client, "send", from, to), i = 0;
    for (const struct event *ev; count > 0 && (ev = trace_next(trace, &i, EV_HOOK_ASKED));) {
        if (ev->client != client || asked_at(ev) < from || asked_at(ev) >= to)
            continue;
        seen->from = seen->from == 0 || ev->seq < seen->from ? ev->seq : seen->from;
        seen->to = ev->seq > seen->to ? ev->seq : seen->to;
    }
    return count;
}

static void look_before(const struct trace *trace, const struct ending *ending, struct seen *seen)
{
    const struct attempt *attempt = &ending->attempt;
    const struct event *end = trace->events + trace->count;
    uint64_t before = seen->early.frames;
    for (const struct event *ev = trace_at_seq(trace, attempt->from);
         ev && ev < end && ev->seq <= attempt->to; ev++) {
        if (ev->conn != attempt->conn)
            continue;
        if (ev->kind == EV_WS_OPEN)
            break;
        if (is_theirs(ev, EV_WS_FRAME))
            note_wrong(&seen->early, ev);
    }
    seen->early.connections += seen->early.frames > before;
    nsec over = nsec_min(attempt->opened, attempt->failed);
    seen->asked_early += count_asked(trace, seen, attempt->client, attempt->start, over);
}

/* --- Behind its own Close --- */

static void look_behind(const struct trace *trace, const struct event *close,
                        const struct event *last, struct seen *seen)
{
    uint64_t before = seen->late.frames;
    nsec over = nsec_add(close->at, ASKED_PATIENT);
    for (const struct event *ev = close + 1; ev <= last; ev++) {
        if (ev->conn != close->conn)
            continue;
        if (is_theirs(ev, EV_WS_FRAME) && !frame_is_control(ev->ws_frame.opcode))
            note_wrong(&seen->late, ev);
        if (ev->kind == EV_CONN_END)
            over = nsec_min(over, ev->at);
    }
    seen->late.connections += seen->late.frames > before;
    seen->asked_late += count_asked(trace, seen, close->client, close->at, over);
}

static bool is_first_close(const struct trace *trace, const struct event *close)
{
    for (const struct event *ev = close; ev-- > trace->events;)
        if (ev->conn == close->conn && is_theirs(ev, EV_WS_CLOSE))
            return false;
    return true;
}

/* --- A client that falls over --- */

static bool was_open(const struct endings *endings, int client, nsec at)
{
    for (size_t i = 0; i < endings->count; i++) {
        const struct ending *ending = &endings->list[i];
        if (ending->attempt.client == client && ending->attempt.opened <= at &&
            nsec_min(ending->at, ending->closing) > at)
            return true;
    }
    return false;
}

/* Since when the client is in the state in which it ended: the newest attempt, Close or loss. What
 * ended with the process was ended by it. */
static nsec state_since(const struct endings *endings, const struct event *exit)
{
    nsec since = 0, before = exit->at - LAST_MOMENT;
    for (size_t i = 0; i < endings->count; i++) {
        const struct ending *ending = &endings->list[i];
        if (ending->attempt.client != exit->client)
            continue;
        if (ending->attempt.start <= exit->at)
            since = nsec_max(since, ending->attempt.start);
        if (ending->closing <= before)
            since = nsec_max(since, ending->closing);
        if (ending->at <= before)
            since = nsec_max(since, ending->at);
    }
    return since;
}

/* What it was asked last, shortly before it ended; NULL: nothing, or its connection was open. */
static const struct event *asked_before(const struct trace *trace, const struct endings *endings,
                                        const struct event *exit)
{
    const struct event *found = NULL;
    size_t i = 0;
    for (const struct event *ev; (ev = asked_next(trace, &i, "send")) && ev <= exit;)
        if (ev->client == exit->client && exit->at - asked_at(ev) <= CRASH_WITHIN &&
            !was_open(endings, exit->client, asked_at(ev)))
            found = ev;
    return found;
}

static void note_crash(const struct trace *trace, const struct endings *endings,
                       const struct event *exit, struct seen *seen)
{
    seen->before = asked_before(trace, endings, exit);
    if (!seen->before)
        return;
    seen->crash = exit;
    seen->survived =
        asked_within(trace, exit->client, "send", state_since(endings, exit), exit->at) - 1;
}

static void look_for_crash(const struct trace *trace, const struct endings *endings,
                           struct seen *seen)
{
    size_t i = 0;
    for (const struct event *ev; !seen->crash && (ev = trace_next(trace, &i, EV_PROCESS_EXIT));) {
        if (ev->process_exit.asked || strcmp(ev->process_exit.role, "client") != 0 ||
            strcmp(ev->process_exit.how, "exit 0") == 0)
            continue;
        note_crash(trace, endings, ev, seen);
    }
}

static void count_dead(const struct trace *trace, const struct endings *endings, struct seen *seen)
{
    size_t closed = 0, i = 0, counted = seen->asked_early + seen->asked_late;
    for (const struct event *ev; (ev = asked_next(trace, &i, "send"));) {
        if (was_open(endings, ev->client, asked_at(ev)))
            continue;
        closed++;
        seen->from = seen->from == 0 || ev->seq < seen->from ? ev->seq : seen->from;
        seen->to = ev->seq > seen->to ? ev->seq : seen->to;
    }
    seen->asked_dead = closed > counted ? closed - counted : 0;
}

static struct seen look(const struct trace *trace, const struct endings *endings)
{
    const struct event *last = trace_last_counting(trace);
    struct seen seen = {.asked_early = 0};
    size_t i = 0;
    for (size_t k = 0; k < endings->count; k++)
        look_before(trace, &endings->list[k], &seen);
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_WS_CLOSE)) && ev <= last;)
        if (is_theirs(ev, EV_WS_CLOSE) && is_first_close(trace, ev))
            look_behind(trace, ev, last, &seen);
    look_for_crash(trace, endings, &seen);
    count_dead(trace, endings, &seen);
    return seen;
}

/* --- Sentences --- */

static void report_wrong(const struct wrong *wrong, const char *where, struct findings *out)
{
    if (wrong->frames == 0)
        return;
    struct finding *finding =
        finding_add(out, FAIL, "the client sent %llu frame%s %s, on %zu connection%s",
                    (unsigned long long)wrong->frames, wrong->frames == 1 ? "" : "s", where,
                    wrong->connections, wrong->connections == 1 ? "" : "s");
    finding_measured(finding, "frames", (double)wrong->frames);
    finding_allowed(finding, "frames", 0);
    finding_evidence(finding, wrong->from, wrong->to);
    finding_fix(finding, "look at readyState before each send; keep what comes too early for the "
                         "open event, and what comes too late for the next connection");
}

/* Who was told the same before and lived on fell over something else. */
static void report_crash(const struct seen *seen, struct findings *out)
{
    if (!seen->crash)
        return;
    nsec after = seen->crash->at - asked_at(seen->before);
    const char *how = seen->crash->process_exit.how;
    struct finding *finding;
    if (seen->survived > SURVIVED_FEW) {
        finding = finding_add(out, INCONCLUSIVE,
                              "the client's process ended (%s) while its connection was not open; "
                              "it had been told to send %zu times before and lived on",
                              how, seen->survived);
    } else {
        finding = finding_add(out, FAIL,
                              "the client's process ended (%s) %.1f s after it was told to send "
                              "while its connection was not open",
                              how, nsec_to_seconds(after));
        finding_fix(finding,
                    "look at readyState before each send: in a browser send() throws while "
                    "CONNECTING, and elsewhere it may throw in every state but OPEN");
    }
    finding_evidence(finding, seen->before->seq, seen->crash->seq);
}

static void report(const struct seen *seen, struct findings *out)
{
    report_wrong(&seen->early, "before its handshake was complete", out);
    report_wrong(&seen->late, "of data behind its Close", out);
    report_crash(seen, out);
    if (out->first)
        return;
    if (seen->asked_early + seen->asked_late + seen->asked_dead == 0) {
        (void)finding_add(out, INCONCLUSIVE,
                          "the client was not told to send while its connection was not open");
        return;
    }
    struct finding *finding = finding_add(
        out, PASS,
        "told to send during handshakes (%zu times), behind its Close (%zu) and without "
        "a connection (%zu), the client kept silent until one was open",
        seen->asked_early, seen->asked_late, seen->asked_dead);
    finding_measured(finding, "asked_during_handshake", (double)seen->asked_early);
    finding_measured(finding, "asked_after_close", (double)seen->asked_late);
    finding_measured(finding, "asked_without_connection", (double)seen->asked_dead);
    finding_measured(finding, "frames", 0);
    finding_allowed(finding, "frames", 0);
    finding_evidence(finding, seen->from, seen->to);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct endings endings;
    (void)config;
    endings_of(trace, &endings);
    if (endings.count == 0 && endings.builtin) {
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    } else {
        struct seen seen = look(trace, &endings);
        report(&seen, out);
    }
    endings_fini(&endings);
}

const struct rule_desc state_send_when_open_rule = {
    .name = "state.send_when_open",
    .id = "STATE-01",
    .title = "Send only when OPEN",
    .brief = "data is sent while the connection is open, and only then",
    .doc =
        "Provoked by handshakes that take seconds, by a Close of the server in the middle of what the client "
        "sends, and by a Close of the application, while the application is told to send (hooks.send). Observed "
        "is what the client sends before its handshake is complete, which is to be nothing, and behind its own "
        "Close, which is to be no data; one such frame fails, and so does a process that ends within 5 s of the first "
        "or second time that it is told to send while its connection is not open. What comes too early meets a server, or a proxy before "
        "it, that expects HTTP; what comes too late is not read by anybody. The remedy is to look at readyState "
        "before each send and to keep what cannot go out yet.",
    .source = "RFC 6455 4.1, 5.5.1, 6.1",
    .example = "state.send_when_open",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(TCP_OPEN),
    .declares = DECLARES_SEND,
    .check = check,
};

/* close.nothing_after: behind a Close of the client comes nothing more. */
#include "rules/lib/offence.h"
#include "ws/frame.h"

/* Of one run. */
struct seen {
    size_t closed, talked;       /* connections that the client closed; those with data behind it */
    uint64_t frames;             /* of data, behind a Close */
    bool sends;                  /* data, anywhere */
    uint64_t from, to;           /* of all Closes */
    uint64_t data_from, data_to; /* from the first Close that was talked after */
    bool builtin;
};

static bool is_theirs(const struct event *ev, enum event_kind kind)
{
    return ev->kind == kind && ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT;
}

static void look_behind(const struct event *close, const struct event *last, struct seen *seen)
{
    uint64_t frames = 0;
    for (const struct event *ev = close + 1; ev <= last; ev++)
        if (ev->conn == close->conn && is_theirs(ev, EV_WS_FRAME) &&
            !frame_is_control(ev->ws_frame.opcode)) {
            frames++;
            seen->data_from = seen->data_from ? seen->data_from : close->seq;
            seen->data_to = ev->seq;
        }
    seen->talked += frames > 0;
    seen->frames += frames;
}

static bool closed_before(const struct event *close, const struct event *first)
{
    for (const struct event *ev = close; ev-- > first;)
        if (ev->conn == close->conn && is_theirs(ev, EV_WS_CLOSE))
            return true;
    return false;
}

static struct seen look(const struct trace *trace)
{
    const struct event *last = offences_last_counting(trace);
    struct seen seen = {0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        seen.builtin = seen.builtin || (ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN);
        if (is_theirs(ev, EV_WS_FRAME) && !frame_is_control(ev->ws_frame.opcode))
            seen.sends = true;
        if (!is_theirs(ev, EV_WS_CLOSE) || closed_before(ev, trace->events))
            continue;
        if (seen.closed++ == 0)
            seen.from = ev->seq;
        seen.to = ev->seq;
        look_behind(ev, last, &seen);
    }
    return seen;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct seen seen = look(trace);
    struct finding *finding;
    (void)config;
    if (seen.talked > 0) {
        finding = finding_add(out, FAIL,
                              "data came behind the client's Close on %zu of %zu "
                              "connections, %llu frames",
                              seen.talked, seen.closed, (unsigned long long)seen.frames);
        finding_evidence(finding, seen.data_from, seen.data_to);
        finding_fix(finding, "stop the senders before the Close goes out: what is still to be said "
                             "belongs before it, or to the next connection");
    } else if (seen.closed == 0 && seen.builtin) {
        finding_own_client(out);
        return;
    } else if (seen.closed == 0) {
        (void)finding_add(out, INCONCLUSIVE,
                          "the client sent no Close; a server's Close, as by the "
                          "fault close_with, would have shown what comes behind its answer");
        return;
    } else if (!seen.sends) {
        finding = finding_sends_nothing(
            out, trace, "the client sends no data, so none could come behind its Close");
        finding_evidence(finding, seen.from, seen.to);
    } else {
        finding =
            finding_add(out, PASS, "no data came behind the client's Close on %zu connection%s",
                        seen.closed, seen.closed == 1 ? "" : "s");
        finding_evidence(finding, seen.from, seen.to);
    }
    finding_measured(finding, "frames_after_close", (double)seen.frames);
    finding_allowed(finding, "frames_after_close", 0);
}

const struct rule_desc close_nothing_after_rule = {
    .name = "close.nothing_after",
    .id = "CLOSE-07",
    .title = "Nothing after Close",
    .brief = "no data is sent once a Close is",
    .doc =
        "Observed is every connection on which the client sends a Close, its own or in answer to one, as "
        "the fault close_with provokes while the client is sending: a frame of data behind it is a "
        "failure. The server has stopped reading by then: what comes late is lost without a word, and a "
        "strict server reports it as a protocol error. A client that sends no data cannot be judged. "
        "The remedy is to stop the senders, then close, and to keep what is left for the next "
        "connection.",
    .source = "RFC 6455 5.5.1",
    .example = "close.nothing_after",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN) | NEEDS(WS_FRAME),
    .check = check,
};

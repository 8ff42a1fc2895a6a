/* message.chunking: no single message is so large that everything else waits for it. */
#include "base/units.h"
#include "rules/lib/offence.h"
#include "ws/close.h"

struct config {
    uint64_t pass, warn;
};

static const struct param params[] = {
    P_SIZE(config, pass, .def = "1MiB", .min = "1B", .max = "1024GiB",
           .doc = "larger messages are a warning"),
    P_SIZE(config, warn, .def = "16MiB", .min = "1B", .max = "1024GiB",
           .doc = "larger messages are a failure"),
    P_END,
};

struct largest {
    uint64_t count, len;
    const struct event *at;
};

static uint64_t len_of(const struct event *ev)
{
    return ev->kind == EV_WS_MESSAGE ? ev->ws_message.len : ev->ws_frame.len;
}

/* The client closed first, and the server echoes its code. */
static bool is_answer(const struct trace *trace, const struct event *close)
{
    for (const struct event *ev = trace->events; ev < close; ev++)
        if (ev->conn == close->conn && ev->kind == EV_WS_CLOSE)
            return true;
    return false;
}

static struct largest largest_of(const struct trace *trace, bool *builtin)
{
    const struct event *last = offences_last_counting(trace);
    struct largest largest = {0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        *builtin = *builtin || (ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN);
        if (ev->side != SIDE_CLIENT || ev->by != BY_ENDPOINT || !event_is_message(ev))
            continue;
        largest.count++;
        if (len_of(ev) < largest.len)
            continue;
        largest.len = len_of(ev);
        largest.at = ev;
    }
    return largest;
}

/* A message that the server refuses from its head never becomes whole. Halfopen's own server takes
 * 16 MiB; what another one takes is not known. */
static bool judge_refusals(const struct trace *trace, struct findings *out)
{
    const struct event *last = offences_last_counting(trace);
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        if (ev->kind != EV_WS_CLOSE || ev->side != SIDE_SERVER || ev->by == BY_FAULT ||
            ev->ws_close.code != CLOSE_TOO_BIG || is_answer(trace, ev))
            continue;
        bool ours = ev->by == BY_BUILTIN;
        struct finding *finding = finding_add(
            out, ours ? FAIL : WARN,
            ours ? "a message of the client was larger than 16 MiB: halfopen's server "
                   "refused it with 1009"
                 : "the server refused a message of the client as too large, with 1009");
        finding_evidence(finding, ev->seq, ev->seq);
        finding_fix(finding,
                    "send large data as a stream of messages of at most 1 MiB, each with its "
                    "place in the whole");
        return true;
    }
    return false;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    bool builtin = false;
    struct largest largest = largest_of(trace, &builtin);
    bool refused = judge_refusals(trace, out);
    if (largest.count == 0) {
        if (refused)
            return;
        if (builtin)
            finding_own_client(out);
        else
            (void)finding_sends_nothing(out, trace, "the client sends no messages");
        return;
    }
    enum verdict verdict = largest.len > cfg->warn ? FAIL : largest.len > cfg->pass ? WARN : PASS;
    struct text len, limit;
    text_init(&len);
    text_init(&limit);
    units_add_size(&len, largest.len);
    units_add_size(&limit, cfg->pass);
    struct finding *finding =
        finding_add(out, verdict, "the largest of %llu messages of the client has %s, allowed %s",
                    (unsigned long long)largest.count, text_chars(&len), text_chars(&limit));
    if (verdict != PASS)
        finding_fix(finding,
                    "send large data as a stream of messages of at most %s, each with its "
                    "place in the whole, so that heartbeats and other messages fit between",
                    text_chars(&limit));
    text_fini(&len);
    text_fini(&limit);
    finding_measured(finding, "largest_bytes", (double)largest.len);
    finding_allowed(finding, "largest_bytes", (double)cfg->pass);
    finding_evidence(finding, largest.at->seq, largest.at->seq);
}

const struct rule_desc message_chunking_rule = {
    .name = "message.chunking",
    .id = "MSG-06",
    .title = "Large data is chunked",
    .brief = "no message is so large that all else waits for it",
    .doc =
        "Observed is the largest message the client sends, fragments added up. Up to 1 MiB passes, up to "
        "16 MiB is a warning, beyond is a failure; so is one that halfopen's own server refused from its head, "
        "and a warning one that another server did. While such a message is under way nothing else of "
        "that connection gets through, pings and pongs between its fragments apart; the receiver has to "
        "hold all of it, and most servers refuse it. A client that sends nothing cannot be judged. The "
        "remedy is to send large data in pieces that mean something by themselves.",
    .source = "RFC 6455 5.4",
    .example = "message.chunking: {pass: 1MiB, warn: 16MiB}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN) | NEEDS(WS_FRAME),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

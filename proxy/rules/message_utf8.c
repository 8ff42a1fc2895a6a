/* message.utf8: text that is no UTF-8 ends the connection, in messages and in the reason of a
 * Close. */
#include <string.h>

#include "rules/lib/connection.h"
#include "rules/lib/offence.h"

static const struct offence_kind messages[] = {
    {.what = "bad_utf8", .words = "text that is no UTF-8"},
    {0},
};

static const struct offence_kind closes[] = {
    {.what = "bad_close_reason", .words = "a Close whose reason is no UTF-8"},
    {0},
};

/* What the client itself gave as a reason. */
static void judge_own(const struct trace *trace, struct findings *out)
{
    const struct event *last = trace_last_counting(trace);
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        if (ev->kind != EV_WS_CLOSE || ev->side != SIDE_CLIENT || ev->by != BY_ENDPOINT ||
            strcmp(ev->ws_close.wrong, "the reason is not UTF-8") != 0)
            continue;
        struct finding *finding =
            finding_add(out, FAIL, "the client closed with %llu and a reason that is no UTF-8",
                        (unsigned long long)ev->ws_close.code);
        finding_evidence(finding, ev->seq, ev->seq);
        finding_fix(finding, "cut a reason between characters, to at most 123 bytes");
        return;
    }
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct offences all;
    (void)config;
    offences_of(trace, &all);
    bool asked = offences_judge(trace, &all, messages, out);
    offences_judge_echoes(&all, closes, out);
    judge_own(trace, out);
    if (!asked && !out->first)
        offences_say_none(&all, "the fault bad_frame with bad_utf8", out);
    offences_fini(&all);
}

const struct rule_desc message_utf8_rule = {
    .name = "message.utf8",
    .id = "MSG-10",
    .title = "UTF-8",
    .brief = "text that is no UTF-8 is refused, not handed on",
    .doc =
        "Provoked by the fault bad_frame: a text message, and a Close with a reason, that are no UTF-8. The "
        "message has to end the connection within a second of wall time (1007 is the code for it); a "
        "client that is still there after two has handed the text to its application, a failure. "
        "Answering the Close as if nothing were wrong with its reason is a warning. A reason of the "
        "client's own that is no UTF-8 is a failure. The remedy is the library's UTF-8 check, which "
        "some let you switch off for speed.",
    .source = "RFC 6455 8.1",
    .example = "message.utf8",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};

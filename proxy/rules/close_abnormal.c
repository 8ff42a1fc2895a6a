/* close.abnormal: codes that must not be sent are not, are refused, and a bare end is no goodbye.
 */
#include <string.h>

#include "rules/lib/connection.h"
#include "rules/lib/offence.h"
#include "rules/lib/returns.h"

static const struct offence_kind kinds[] = {
    {.what = "bad_close_code", .words = "a Close with a code that must not be sent"},
    {.what = "short_close", .words = "a Close of one byte"},
    {0},
};

/* --- Its own codes --- */

static bool is_illegal(const struct event *ev)
{
    return ev->kind == EV_WS_CLOSE && ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT &&
           (strcmp(ev->ws_close.wrong, "a code that must not be sent") == 0 ||
            strcmp(ev->ws_close.wrong, "a code that nobody assigned") == 0 ||
            strcmp(ev->ws_close.wrong, "a payload of one byte") == 0);
}

static void judge_own(const struct trace *trace, struct findings *out)
{
    const struct event *first = NULL, *newest = NULL, *last = trace_last_counting(trace);
    size_t count = 0;
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        if (!is_illegal(ev))
            continue;
        first = first ? first : ev;
        newest = ev;
        count++;
    }
    if (!first)
        return;
    struct finding *finding =
        finding_add(out, FAIL, "the client sent a Close with %llu, %s (%zu times)",
                    (unsigned long long)first->ws_close.code, first->ws_close.wrong, count);
    finding_measured(finding, "illegal_closes", (double)count);
    finding_allowed(finding, "illegal_closes", 0);
    finding_evidence(finding, first->seq, newest->seq);
    finding_fix(finding,
                "1005, 1006 and 1015 are for the program to see and never for the wire: do not "
                "echo a code that was illegal, answer with 1002");
}

static bool is_builtin(const struct trace *trace)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->events[i].side == SIDE_CLIENT && trace->events[i].by == BY_BUILTIN)
            return true;
    return false;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct offences all;
    (void)config;
    offences_of(trace, &all);
    bool asked = offences_judge(trace, &all, kinds, out);
    judge_own(trace, out);
    offences_judge_echoes(&all, kinds, out);
    if (!is_builtin(trace))
        (void)returns_judge(trace, "", out);
    if (!asked && !out->first)
        offences_say_none(&all, "the fault bad_frame with bad_close_code", out);
    offences_fini(&all);
}

const struct rule_desc close_abnormal_rule = {
    .name = "close.abnormal",
    .id = "CLOSE-02",
    .title = "An end without a Close is abnormal",
    .brief = "codes that must not be sent are neither sent nor believed",
    .doc =
        "Observed are all Close frames of the client: 1005, 1006, 1015 and codes that nobody assigned never "
        "stand in one; each is a failure. Provoked by the fault bad_frame is such a Close in the name of "
        "the server, and one of a single byte: the connection has to end within a second of wall time; "
        "to answer with 1002, or not at all, is right, to echo the code a failure, to answer as if "
        "nothing were wrong a warning. A connection that a fault ends without any Close is a loss: a "
        "client that makes no new one within 60 s took it for a goodbye, which is a failure. The "
        "remedy is to keep 1006 inside the program, where it means: reconnect.",
    .source = "RFC 6455 7.4.1, 7.1.5",
    .example = "close.abnormal",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};

/* close.reason: whoever closes says why. */
#include <string.h>

#include "rules/lib/asked.h"
#include "rules/lib/offence.h"
#include "ws/close.h"

#define SHARE_NEEDED 0.95

enum kind { EXPLAINED, CODE_ONLY, EMPTY, ILLEGAL, KINDS };

struct seen {
    size_t count[KINDS], all;
    uint64_t first[KINDS], last[KINDS]; /* seq */
    const char *wrong;                  /* of the first illegal one */
    bool builtin;
};

/* What a library says of a violation is not the application's to explain. */
static bool is_of_library(uint64_t code)
{
    return (code >= CLOSE_PROTOCOL_ERROR && code <= CLOSE_UNSUPPORTED_DATA) ||
           code == CLOSE_INVALID_PAYLOAD ||
           (code >= CLOSE_TOO_BIG && code <= CLOSE_MANDATORY_EXTENSION);
}

/* It answers the server's, or something that we put in, or is not the first of this client. */
static bool is_answer(const struct trace *trace, const struct event *close)
{
    for (const struct event *ev = trace->events; ev < close; ev++)
        if (ev->conn == close->conn &&
            (ev->kind == EV_WS_CLOSE || ev->kind == EV_WS_INJECTED ||
             (ev->kind == EV_FAULT_ACT && (strcmp(ev->fault_act.verb, "replace") == 0 ||
                                           strcmp(ev->fault_act.verb, "inject") == 0))))
            return true;
    return false;
}

static enum kind kind_of(const struct ev_ws_close *close)
{
    if (close->wrong && *close->wrong)
        return ILLEGAL;
    if (close->code == CLOSE_NO_STATUS)
        return EMPTY;
    return close->reason && *close->reason ? EXPLAINED : CODE_ONLY;
}

static struct seen look(const struct trace *trace)
{
    const struct event *last = offences_last_counting(trace);
    struct seen seen = {.all = 0};
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_WS_CLOSE)) && ev <= last;) {
        if (ev->side != SIDE_CLIENT)
            continue;
        seen.builtin = seen.builtin || ev->by == BY_BUILTIN;
        if (ev->by != BY_ENDPOINT || is_of_library(ev->ws_close.code) || is_answer(trace, ev))
            continue;
        enum kind kind = kind_of(&ev->ws_close);
        seen.all++;
        if (seen.count[kind]++ == 0)
            seen.first[kind] = ev->seq;
        seen.last[kind] = ev->seq;
        if (kind == ILLEGAL && !seen.wrong)
            seen.wrong = ev->ws_close.wrong;
    }
    return seen;
}

static enum verdict verdict_of(const struct seen *seen)
{
    if ((double)seen->count[EXPLAINED] >= SHARE_NEEDED * (double)seen->all)
        return PASS;
    return seen->count[EMPTY] + seen->count[ILLEGAL] > 0 ? FAIL : WARN;
}

static void add_sentence(const struct seen *seen, struct text *out)
{
    text_addf(out, "%zu of %zu Close%s the client began had a code and a reason",
              seen->count[EXPLAINED], seen->all, seen->all == 1 ? "" : "s");
    if (seen->count[CODE_ONLY] > 0)
        text_addf(out, ", %zu only a code", seen->count[CODE_ONLY]);
    if (seen->count[EMPTY] > 0)
        text_addf(out, ", %zu neither", seen->count[EMPTY]);
    if (seen->count[ILLEGAL] > 0)
        text_addf(out, ", %zu broke the protocol: %s", seen->count[ILLEGAL], seen->wrong);
}

/* The worst of them, from the first to the last. */
static void add_evidence(struct finding *finding, const struct seen *seen)
{
    for (int kind = ILLEGAL; kind >= EXPLAINED; kind--)
        if (seen->count[kind] > 0) {
            finding_evidence(finding, seen->first[kind], seen->last[kind]);
            return;
        }
}

static void report(const struct seen *seen, struct findings *out)
{
    struct text text;
    enum verdict verdict = verdict_of(seen);
    text_init(&text);
    add_sentence(seen, &text);
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "share", (double)seen->count[EXPLAINED] / (double)seen->all);
    finding_allowed(finding, "share", SHARE_NEEDED);
    add_evidence(finding, seen);
    if (verdict != PASS)
        finding_fix(finding,
                    "give close() a code and some words, as in close(1000, \"logged out\"): "
                    "they are all that the log of the server can say about it");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct seen seen = look(trace);
    (void)config;
    if (seen.all > 0)
        report(&seen, out);
    else if (seen.builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else if (!trace_declares(trace, DECLARES_CLOSE))
        finding_lacks(out, declaration_missing(DECLARES_CLOSE, trace->declares));
    else
        (void)finding_add(out, INCONCLUSIVE, "the client began no Close by itself");
}

const struct rule_desc close_reason_rule = {
    .name = "close.reason",
    .id = "CLOSE-05",
    .title = "Always code and reason",
    .brief = "every Close that the application begins says why",
    .doc =
        "Provoked by telling the application to close (hooks.close) or its process to end. Observed are "
        "all Closes that the client begins; answers to a Close of the server, and what its library says "
        "of a violation, are left out. If 95 % have a code and a reason the rule passes, if the rest "
        "has at least a code it warns; a Close without a body, one that is too long or whose reason is "
        "not UTF-8 fails. The code decides what the other side does next, and the reason is what "
        "its operator finds in the log, months later, next to a number. To mend it give close() both: "
        "at most 123 bytes of text, without anything secret.",
    .source = "RFC 6455 5.5.1",
    .example = "close.reason",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};

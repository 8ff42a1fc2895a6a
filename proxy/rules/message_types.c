/* message.types: text frames hold text, binary frames what is none, and no kind of message comes as
 * both. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "rules/lib/offence.h"
#include "ws/content.h"
#include "ws/frame.h"

/* A kind of message of the clients, which are all the same program. */
struct kind {
    const char *sig;   /* borrowed from the trace */
    bool text, binary; /* sent as */
    enum content content;
    uint64_t from, to;
};

/* Text messages that a fault delivered as binary, or the reverse, to one connection. */
struct turned {
    uint32_t conn;
    int client;
    const struct event *act;
    bool answered;    /* by a Close, or by the end of TCP */
    const char *exit; /* how its process ended of it; NULL: it did not */
    uint64_t to;
};

struct seen {
    struct kind *kinds;
    size_t kind_count;
    struct turned *turned; /* in order of time */
    size_t turned_count;
    bool builtin;
};

/* --- What the client sends --- */

static enum content content_named(const char *name)
{
    for (int content = CONTENT_JSON; content < CONTENT_BINARY; content++)
        if (strcmp(name, content_name((enum content)content)) == 0)
            return (enum content)content;
    return CONTENT_BINARY;
}

static struct kind *kind_of(struct seen *seen, const struct event *ev)
{
    for (size_t i = 0; i < seen->kind_count; i++)
        if (strcmp(seen->kinds[i].sig, ev->ws_class.sig) == 0)
            return &seen->kinds[i];
    seen->kinds = xrealloc(seen->kinds, (seen->kind_count + 1) * sizeof *seen->kinds);
    struct kind *fresh = &seen->kinds[seen->kind_count++];
    *fresh = (struct kind){.sig = ev->ws_class.sig, .from = ev->ws_class.frame};
    return fresh;
}

static void note_class(struct seen *seen, const struct event *ev)
{
    struct kind *kind = kind_of(seen, ev);
    bool text = ev->ws_class.opcode == OPCODE_TEXT;
    kind->content = content_named(ev->ws_class.content);
    kind->text = kind->text || text;
    kind->binary = kind->binary || !text;
    kind->to = ev->seq;
}

/* --- What it makes of the other opcode --- */

static struct turned *turned_on(struct seen *seen, uint32_t conn)
{
    for (size_t i = 0; i < seen->turned_count; i++)
        if (seen->turned[i].conn == conn)
            return &seen->turned[i];
    return NULL;
}

static void note_turned(struct seen *seen, const struct event *ev)
{
    if (strcmp(ev->fault_act.fault, "text_as_binary") != 0 || ev->side != SIDE_CLIENT ||
        strcmp(ev->fault_act.verb, "replace") != 0 || turned_on(seen, ev->conn))
        return;
    seen->turned = xrealloc(seen->turned, (seen->turned_count + 1) * sizeof *seen->turned);
    seen->turned[seen->turned_count++] =
        (struct turned){.conn = ev->conn, .client = ev->client, .act = ev, .to = ev->seq};
}

static void note_end(struct seen *seen, const struct event *ev)
{
    struct turned *turned = turned_on(seen, ev->conn);
    if (!turned || ev->side != SIDE_CLIENT || !connection_ended_by_endpoint(ev))
        return;
    turned->answered = turned->answered || ev->kind == EV_WS_CLOSE;
    turned->to = ev->seq;
}

/* A process that says goodbye first has handled it, and ended for reasons of its own. */
static void note_exit(const struct trace *trace, struct seen *seen, const struct event *ev)
{
    for (size_t i = 0; i < seen->turned_count; i++) {
        struct turned *turned = &seen->turned[i];
        nsec until = nsec_add(turned->act->at, offence_wall(trace, OFFENCE_PATIENT));
        if (turned->client != ev->client || turned->answered || turned->exit || ev->at > until ||
            ev->process_exit.asked || strcmp(ev->process_exit.how, "exit 0") == 0)
            continue;
        turned->exit = ev->process_exit.how;
        turned->to = ev->seq;
    }
}

static bool is_theirs(const struct event *ev)
{
    return ev->side == SIDE_CLIENT && ev->by == BY_ENDPOINT;
}

static void look(const struct trace *trace, struct seen *seen)
{
    const struct event *last = offences_last_counting(trace);
    *seen = (struct seen){0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        seen->builtin = seen->builtin || (ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN);
        /* What comes after may be an echo of what we changed. */
        if (ev->kind == EV_WS_CLASS && is_theirs(ev) && !turned_on(seen, ev->conn))
            note_class(seen, ev);
        else if (ev->kind == EV_FAULT_ACT)
            note_turned(seen, ev);
        else if (ev->kind == EV_WS_CLOSE || ev->kind == EV_TCP_CLOSE)
            note_end(seen, ev);
        else if (ev->kind == EV_PROCESS_EXIT)
            note_exit(trace, seen, ev);
    }
}

/* --- Verdicts --- */

enum wrong { NOT_UTF8, BOTH_WAYS, JSON_IN_BINARY, WRONGS };

static bool is_wrong(const struct kind *kind, enum wrong wrong)
{
    switch (wrong) {
    case NOT_UTF8:
        return kind->text && kind->content == CONTENT_BINARY;
    case BOTH_WAYS:
        return kind->text && kind->binary;
    case JSON_IN_BINARY:
        return !kind->text && kind->content == CONTENT_JSON;
    case WRONGS:
        break;
    }
    return false;
}

static const struct {
    enum verdict verdict;
    const char *words, *fix;
} wrongs[WRONGS] = {
    [NOT_UTF8] =
        {FAIL, "sent as text although they are no UTF-8",
         "encode text as UTF-8, and send what is no text in binary frames: a server has to "
         "end the connection over it"},
    [BOTH_WAYS] = {WARN, "sent as text and as binary",
                   "send each kind of message under one opcode, which then tells it from others"},
    [JSON_IN_BINARY] =
        {WARN, "JSON in binary frames",
         "send JSON as text: everybody on the way may then look into it, and a browser "
         "hands it on as a string"},
};

static void judge_wrong(const struct seen *seen, enum wrong wrong, struct findings *out)
{
    size_t count = 0;
    uint64_t from = 0, to = 0;
    for (size_t i = 0; i < seen->kind_count; i++) {
        const struct kind *kind = &seen->kinds[i];
        if (!is_wrong(kind, wrong))
            continue;
        from = count++ == 0 ? kind->from : from;
        to = kind->to > to ? kind->to : to;
    }
    if (count == 0)
        return;
    struct finding *finding =
        finding_add(out, wrongs[wrong].verdict, "%zu of %zu kinds of messages of the client are %s",
                    count, seen->kind_count, wrongs[wrong].words);
    finding_measured(finding, "kinds", (double)count);
    finding_allowed(finding, "kinds", 0);
    finding_evidence(finding, from, to);
    finding_fix(finding, "%s", wrongs[wrong].fix);
}

static bool judge_crash(const struct seen *seen, struct findings *out)
{
    for (size_t i = 0; i < seen->turned_count; i++) {
        const struct turned *turned = &seen->turned[i];
        if (!turned->exit)
            continue;
        struct finding *finding = finding_add(
            out, FAIL, "the client's process ended (%s) when a text message came as binary",
            turned->exit);
        finding_evidence(finding, turned->act->seq, turned->to);
        finding_fix(finding,
                    "look at the kind of a message before it is parsed; close with 1003 where "
                    "the other kind cannot be");
        return true;
    }
    return false;
}

static void report_good(const struct seen *seen, struct findings *out)
{
    size_t counts[CONTENT_BINARY + 1] = {0};
    uint64_t to = 0;
    for (size_t i = 0; i < seen->kind_count; i++) {
        counts[seen->kinds[i].content]++;
        to = seen->kinds[i].to > to ? seen->kinds[i].to : to;
    }
    struct finding *finding =
        finding_add(out, PASS,
                    "all messages of the client fit their opcode: %zu kind%s of JSON, %zu of other "
                    "text, %zu of binary",
                    counts[CONTENT_JSON], counts[CONTENT_JSON] == 1 ? "" : "s",
                    counts[CONTENT_TEXT], counts[CONTENT_BINARY]);
    finding_measured(finding, "kinds", (double)seen->kind_count);
    finding_evidence(finding, seen->kinds[0].from, to);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct seen seen;
    (void)config;
    look(trace, &seen);
    bool crashed = judge_crash(&seen, out);
    for (int wrong = 0; wrong < WRONGS; wrong++)
        judge_wrong(&seen, (enum wrong)wrong, out);
    if (seen.kind_count > 0 && !out->first)
        report_good(&seen, out);
    else if (seen.kind_count == 0 && !crashed && seen.builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else if (seen.kind_count == 0 && !crashed)
        (void)finding_sends_nothing(out, trace, "the client sends no messages");
    free(seen.kinds);
    free(seen.turned);
}

const struct rule_desc message_types_rule = {
    .name = "message.types",
    .id = "MSG-01",
    .title = "Text for JSON, binary for blobs",
    .brief = "text frames hold text, and no kind of message is both",
    .doc =
        "Observed are all messages of the client, sorted into kinds (alike but for their digits), each with "
        "what it holds: JSON, other text or binary. Text frames with anything but UTF-8 are a failure, "
        "and every good server ends the connection over one. A warning are JSON in binary frames, where "
        "nobody on the way looks into it and a browser hands on a blob, and a kind that is sent under both "
        "opcodes. Provoked by the fault text_as_binary is the reverse: a message of the server comes "
        "under the other opcode. A client may take it, or close (1003 is the code); one whose process "
        "ends without a Close within two seconds of wall time has crashed, which is a failure.",
    .source = "RFC 6455 5.6",
    .example = "message.types",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};

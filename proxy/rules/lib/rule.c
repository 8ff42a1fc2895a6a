#include "rules/rule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const struct rule_desc *rule_find(const char *name_or_id)
{
    for (size_t i = 0; all_rules[i]; i++)
        if (strcmp(all_rules[i]->name, name_or_id) == 0 ||
            strcmp(all_rules[i]->id, name_or_id) == 0)
            return all_rules[i];
    return NULL;
}

bool rule_is(const struct rule_desc *a, const struct rule_desc *b)
{
    return a == b || strcmp(a->name, b->name) == 0;
}

static const char *const verdict_names[] = {"not_applicable", "not_tested",   "pass",
                                            "warn",           "inconclusive", "fail"};

const char *verdict_name(enum verdict verdict)
{
    return verdict_names[verdict];
}

bool verdict_from_name(const char *name, enum verdict *out)
{
    for (int i = NOT_APPLICABLE; i <= FAIL; i++)
        if (strcmp(verdict_names[i], name) == 0) {
            *out = (enum verdict)i;
            return true;
        }
    return false;
}

const char *level_name(enum level level)
{
    static const char *const names[] = {"must", "should", "advice"};
    return names[level];
}

enum verdict verdict_worst(enum verdict a, enum verdict b)
{
    return a > b ? a : b;
}

/* --- Findings --- */

void findings_init(struct findings *findings)
{
    *findings = (struct findings){0};
}

void findings_fini(struct findings *findings)
{
    while (findings->first) {
        struct finding *finding = findings->first;
        findings->first = finding->next;
        free(finding->text);
        free(finding->fix);
        free(finding->table);
        free(finding->measured);
        free(finding->allowed);
        free(finding);
    }
    findings->last = NULL;
}

struct finding *finding_add(struct findings *findings, enum verdict verdict, const char *format,
                            ...)
{
    struct finding *finding = xcalloc(1, sizeof *finding);
    struct text text;
    va_list args;
    text_init(&text);
    va_start(args, format);
    text_vaddf(&text, format, args);
    va_end(args);
    finding->verdict = verdict;
    finding->text = text_take(&text);
    if (findings->last)
        findings->last->next = finding;
    else
        findings->first = finding;
    findings->last = finding;
    return finding;
}

void finding_own_client(struct findings *findings)
{
    (void)finding_add(findings, NOT_APPLICABLE, "the client is halfopen's own and not under test");
}

void finding_fix(struct finding *finding, const char *format, ...)
{
    struct text text;
    va_list args;
    text_init(&text);
    va_start(args, format);
    text_vaddf(&text, format, args);
    va_end(args);
    free(finding->fix);
    finding->fix = text_take(&text);
}

static void add_member(char **members, const char *key, double value)
{
    struct text text;
    struct json json;
    text_init(&text);
    if (*members)
        text_addf(&text, "%s,", *members);
    json_init(&json, &text, 0);
    json_put_real(&json, key, value);
    free(*members);
    *members = text_take(&text);
}

void finding_measured(struct finding *finding, const char *key, double value)
{
    add_member(&finding->measured, key, value);
}

void finding_allowed(struct finding *finding, const char *key, double value)
{
    add_member(&finding->allowed, key, value);
}

void finding_evidence(struct finding *finding, uint64_t from_seq, uint64_t to_seq)
{
    if (finding->from == 0 || from_seq < finding->from)
        finding->from = from_seq;
    if (to_seq > finding->to)
        finding->to = to_seq;
}

void finding_table(struct finding *finding, const char *lines)
{
    free(finding->table);
    finding->table = xstrdup(lines);
}

static void fix_by(struct finding *finding, const struct declaration *lacks)
{
    finding_fix(finding, "add to halfopen.yaml: %s", lacks->example);
}

void finding_fix_line(struct finding *finding, enum declares what)
{
    fix_by(finding, declaration_missing(what, 0));
}

struct finding *finding_sends_nothing(struct findings *findings, const struct trace *trace,
                                      const char *sentence)
{
    if (trace_declares(trace, DECLARES_SEND))
        return finding_add(findings, INCONCLUSIVE, "%s, asked by hooks.send or not", sentence);
    struct finding *finding = finding_add(findings, NOT_TESTED, "%s; give hooks.send", sentence);
    finding_fix_line(finding, DECLARES_SEND);
    return finding;
}

void finding_lacks(struct findings *findings, const struct declaration *lacks)
{
    struct finding *finding = finding_add(findings, NOT_TESTED, "%s; give %s.%s", lacks->lack,
                                          lacks->part, lacks->member);
    fix_by(finding, lacks);
}

const struct finding *findings_worst(const struct findings *findings)
{
    const struct finding *worst = findings->first;
    for (const struct finding *at = worst; at; at = at->next)
        if (at->verdict > worst->verdict)
            worst = at;
    return worst;
}

enum verdict findings_verdict(const struct findings *findings)
{
    const struct finding *worst = findings_worst(findings);
    return worst ? worst->verdict : INCONCLUSIVE;
}

/* --- The guard --- */

/* What the run lacked, in words. */
static const char *absence_of(enum event_kind kind)
{
    switch ((int)kind) {
    case EV_FAULT_ON:
        return "no fault began to act";
    case EV_WS_OPEN:
        return "no WebSocket connection was opened";
    case EV_TCP_OPEN:
        return "no connection was made";
    case EV_HTTP_REQUEST:
        return "no connection asked for anything";
    case EV_TCP_ADDRESS:
        return "the client was given no name with several addresses";
    case EV_PROCESS_MEMORY:
        return "the memory of the process was not measured";
    default:
        return event_doc(kind);
    }
}

/* Events of which a rule needs all there are. That there are none is its own to tell: the client
 * sent nothing. */
static const uint64_t frames =
    NEEDS(WS_FRAME) | NEEDS(WS_MESSAGE) | NEEDS(WS_DELIVERED) | NEEDS(WS_ID);

/* EV_KINDS: none is missing. */
static enum event_kind missing_event(const struct rule_desc *rule, const struct trace *trace)
{
    uint64_t seen = frames;
    for (size_t i = 0; i < trace->count; i++)
        seen |= (uint64_t)1 << trace->events[i].kind;
    for (int kind = 0; kind < EV_KINDS; kind++)
        if ((rule->needs & ~seen) >> kind & 1)
            return (enum event_kind)kind;
    return EV_KINDS;
}

/* The first step that ran out of its time; NULL: none did. */
static const char *step_that_ran_out(const struct trace *trace)
{
    const char *what = NULL;
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->kind == EV_STEP_START && ev->step_start.what)
            what = ev->step_start.what;
        if (ev->kind == EV_STEP_END && strcmp(ev->step_end.outcome, "ran out") == 0)
            return what;
    }
    return NULL;
}

/* All steps were done, or ran out of their time. */
static bool is_finished(const struct trace *trace)
{
    size_t i = 0;
    const struct event *end = trace_next(trace, &i, EV_RUN_END);
    return end && strcmp(end->run_end.reason, "finished") == 0;
}

static void say_missing(enum event_kind kind, const struct trace *trace, struct findings *out)
{
    const char *step = step_that_ran_out(trace);
    if (kind != EV_FAULT_ON)
        (void)finding_add(out, INCONCLUSIVE, "nothing to judge: %s", absence_of(kind));
    else if (step)
        (void)finding_add(out, INCONCLUSIVE,
                          "nothing to judge: %s, for what was waited for did not happen (%s)",
                          absence_of(kind), step);
    else if (!is_finished(trace))
        (void)finding_add(out, INCONCLUSIVE, "nothing to judge: %s before the run was over",
                          absence_of(kind));
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "nothing to judge: %s: the scenario has none, or the connections ended "
                          "before its moment came",
                          absence_of(kind));
}

_Static_assert(EV_KINDS <= 64, "needs are bits of a uint64_t");

/* Frames are left out of a full trace: nothing can be told from their absence. */
static bool is_cut_of_needs(const struct rule_desc *rule, const struct trace *trace)
{
    return trace->full && (rule->needs & frames) != 0;
}

const struct declaration *rule_lacks(const struct rule_desc *rule, unsigned declared)
{
    bool any = rule->declares_any == 0 || (rule->declares_any & declared) != 0;
    return declaration_missing(any ? rule->declares : rule->declares | rule->declares_any,
                               declared);
}

static bool is_tested(const struct rule_desc *rule, const struct trace *trace, struct findings *out)
{
    const struct declaration *lacks = rule_lacks(rule, trace->declares);
    if (!lacks)
        lacks = trace_not_run(trace);
    if (lacks)
        finding_lacks(out, lacks);
    return lacks == NULL;
}

void rule_judge(const struct rule_desc *rule, const struct trace *trace, const void *config,
                struct findings *out)
{
    void *defaults = NULL;
    if (!is_tested(rule, trace, out))
        return;
    enum event_kind missing = missing_event(rule, trace);
    if (missing != EV_KINDS) {
        say_missing(missing, trace, out);
        return;
    }
    if (is_cut_of_needs(rule, trace)) {
        (void)finding_add(
            out, INCONCLUSIVE,
            "the trace is full: not every frame was recorded; a shorter run would do");
        return;
    }
    if (!config && rule->config_size > 0) {
        defaults = xcalloc(1, rule->config_size);
        param_defaults(rule->params, defaults);
        config = defaults;
    }
    rule->check(trace, config, out);
    if (defaults)
        param_free(rule->params, defaults);
    free(defaults);
    if (!out->first)
        (void)finding_add(out, INCONCLUSIVE, "the trace shows nothing this rule could judge");
}

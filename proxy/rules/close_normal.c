/* close.normal: whoever is done says so, with 1000 or 1001. */
#include <stdlib.h>
#include <string.h>

#include "rules/lib/asked.h"
#include "rules/lib/connection.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"
#include "ws/close.h"

/* How a connection that the client was told to end ended, the best first. */
enum fate {
    TAKEN_AWAY, /* somebody else ended it first */
    UNENDED,    /* in the time that was watched */
    SAID,       /* 1000, 1001 or an application's own code */
    UNCODED,    /* a Close without a code */
    MISSAID,    /* a Close with a code that means a failure */
    KILLED,     /* the signal ended the process, which had not asked to hear of it */
    UNSAID,     /* no Close */
    FATES
};

static const enum verdict verdicts[FATES] = {
    [TAKEN_AWAY] = INCONCLUSIVE,
    [UNENDED] = INCONCLUSIVE,
    [SAID] = PASS,
    [UNCODED] = WARN,
    [MISSAID] = WARN,
    [KILLED] = WARN,
    [UNSAID] = FAIL,
};

struct group {
    struct tally tally;
    uint64_t code;
};

static bool is_orderly(uint64_t code)
{
    return code == CLOSE_NORMAL || code == CLOSE_GOING_AWAY || (code >= 3000 && code <= 4999);
}

/* --- One connection --- */

/* "signal 15", or what a shell makes of it. */
static bool was_killed(const char *how)
{
    return strncmp(how, "signal ", 7) == 0 ||
           (strncmp(how, "exit ", 5) == 0 && strtol(how + 5, NULL, 10) > 128);
}

static bool client_was_killed(const struct trace *trace, const struct event *told)
{
    size_t i = (size_t)(told - trace->events);
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_EXIT));)
        if (ev->client == told->client && strcmp(ev->process_exit.role, "client") == 0)
            return told->kind == EV_PROCESS_SIGNAL && was_killed(ev->process_exit.how);
    return false;
}

/* The first event by which this connection ends for the client, in so long. */
static const struct event *end_of(const struct event *told, const struct event *last, uint32_t conn,
                                  nsec until)
{
    for (const struct event *ev = told; ev <= last && ev->at <= until; ev++) {
        if (ev->conn != conn)
            continue;
        if (ev->kind == EV_WS_CLOSE || ev->kind == EV_CONN_END ||
            ((ev->kind == EV_TCP_CLOSE || ev->kind == EV_TCP_SHUT) && ev->side == SIDE_CLIENT))
            return ev;
    }
    return NULL;
}

static enum fate fate_of(const struct trace *trace, const struct event *told,
                         const struct event *end)
{
    if (!end)
        return UNENDED;
    if (!connection_ended_by_endpoint(end) || end->side != SIDE_CLIENT)
        return TAKEN_AWAY;
    if (end->kind == EV_TCP_CLOSE)
        return client_was_killed(trace, told) ? KILLED : UNSAID;
    if (end->ws_close.code == CLOSE_NO_STATUS)
        return UNCODED;
    return is_orderly(end->ws_close.code) ? SAID : MISSAID;
}

/* When it was told, which may be before the answer to that came. */
static nsec told_at(const struct event *told)
{
    return told->kind == EV_HOOK_ASKED ? asked_at(told) : told->at;
}

static const struct event *first_since(const struct trace *trace, const struct event *told)
{
    nsec at = told_at(told);
    while (told > trace->events && told[-1].at >= at)
        told--;
    return told;
}

/* All that the client had open when it was told. */
static void look(const struct trace *trace, const struct connections *all, const struct event *told,
                 struct group groups[FATES], size_t *count)
{
    const struct event *last = trace_last_counting(trace), *since = first_since(trace, told);
    nsec until = nsec_add(nsec_add(told_at(told), ASKED_PATIENT), trace->noise);
    for (size_t i = 0; i < all->count; i++) {
        const struct connection *c = &all->list[i];
        if (c->client != told->client || c->client_by != BY_ENDPOINT || c->open > since ||
            c->end < since)
            continue;
        const struct event *end = end_of(since, last, c->conn, until);
        enum fate fate = fate_of(trace, told, end);
        tally_add(&groups[fate].tally, 0, told->seq, end ? end->seq : last->seq);
        groups[fate].code = end && end->kind == EV_WS_CLOSE ? end->ws_close.code : 0;
        ++*count;
    }
}

/* --- Sentences --- */

static void add_sentence(enum fate fate, const struct group *group, size_t of, const char *told,
                         struct text *out)
{
    if (of == 1)
        text_addf(out, "told %s, the client ", told);
    else
        text_addf(out, "told %s, clients ended %zu of %zu connections: they ", told,
                  group->tally.count, of);
    switch (fate) {
    case SAID:
        text_addf(out, "closed with %u", (unsigned)group->code);
        break;
    case UNCODED:
        text_add(out, "sent a Close without a code: the server does not learn whether that was "
                      "meant");
        break;
    case MISSAID:
        text_addf(out, "closed with %u, which does not mean that all is well",
                  (unsigned)group->code);
        break;
    case KILLED:
        text_add(out, "let the signal end the process: no Close was sent, and the server takes it "
                      "for a lost connection");
        break;
    case UNSAID:
        text_add(out, "ended TCP without a Close: the server takes it for a lost connection");
        break;
    case UNENDED:
        text_add(out, "had not ended the connection 10 s later, or when the run was over");
        break;
    case TAKEN_AWAY:
        text_add(out, "was not the first to end the connection");
        break;
    case FATES:
        break;
    }
}

static void report(struct findings *out, enum fate fate, const struct group *group, size_t of,
                   const char *told)
{
    struct text text;
    text_init(&text);
    add_sentence(fate, group, of, told, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "connections", (double)group->tally.count);
    if (group->code > 0)
        finding_measured(finding, "code", (double)group->code);
    finding_evidence(finding, group->tally.from, group->tally.to);
    if (fate == KILLED)
        finding_fix(finding, "handle SIGTERM: close with 1001 and a reason, wait a second or two "
                             "for the answer, then exit");
    else if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
        finding_fix(finding, "close with 1000 when the work is done and 1001 when the process or "
                             "page goes away, and end TCP only after the server's answer");
}

static bool judge(const struct trace *trace, const struct connections *all, enum event_kind kind,
                  const char *words, struct findings *out)
{
    struct group groups[FATES] = {{.code = 0}};
    size_t i = 0, count = 0;
    const struct event *told;
    while ((told = kind == EV_HOOK_ASKED ? asked_next(trace, &i, "close")
                                         : trace_next(trace, &i, kind)))
        if (kind == EV_HOOK_ASKED || signal_ends(told->process_signal.name))
            look(trace, all, told, groups, &count);
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].tally.count > 0)
            report(out, (enum fate)fate, &groups[fate], count, words);
    return count > 0;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct connections all;
    (void)config;
    connections_of(trace, &all);
    bool asked = judge(trace, &all, EV_HOOK_ASKED, "to close", out);
    bool signalled = judge(trace, &all, EV_PROCESS_SIGNAL, "to end", out);
    connections_fini(&all);
    if (asked || signalled)
        return;
    if (!trace_declares(trace, DECLARES_CLOSE))
        finding_lacks(out, declaration_missing(DECLARES_CLOSE, trace->declares));
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "no client was told to close or to end while a connection was open");
}

const struct rule_desc close_normal_rule = {
    .name = "close.normal",
    .id = "CLOSE-01",
    .title = "Codes 1000 and 1001 mean what they say",
    .brief = "an orderly end is a Close with 1000 or 1001",
    .doc =
        "Provoked by telling the application to close, as the target file says (hooks.close), and by a "
        "SIGTERM to the client's process. Observed is how the connections end that were open then, "
        "before halfopen itself ends anything. A Close with 1000, 1001 or a code of the "
        "application's own (3000-4999) passes. One without a code, or with a code that means a "
        "failure, is a warning. TCP that ends without a Close fails: the server cannot tell it from a "
        "lost connection and keeps what belongs to the user, in the hope of a return. A process "
        "that SIGTERM ends because nobody handles it is a warning: so most programs are written, "
        "and a deployment of the clients looks to the server like an accident. To mend it close "
        "before exiting and wait for the answer, a second or two at most.",
    .source = "RFC 6455 7.4.1",
    .example = "close.normal",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};

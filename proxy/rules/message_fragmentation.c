/* message.fragmentation: fragments that are legal are joined, and sequences that are not refused.
 */
#include <string.h>

#include "rules/lib/connection.h"
#include "rules/lib/offence.h"
#include "ws/close.h"

static const struct offence_kind kinds[] = {
    {.what = "orphan_continuation", .words = "a continuation of nothing"},
    {.what = "nested_message", .words = "a new message inside a fragmented one"},
    {0},
};

/* A connection whose messages arrived in more frames than they were sent in. */
struct legal {
    uint32_t conn;
    nsec at;
    uint64_t from, to;
    uint64_t code; /* of the Close with which the client refused them; 0 */
    bool ended;    /* by whomever, in whatever way */
    nsec watched;
};

static bool splits(const struct event *ev)
{
    return ev->kind == EV_FAULT_ACT && ev->conn != 0 && ev->side == SIDE_CLIENT &&
           strcmp(ev->fault_act.verb, "replace") == 0 &&
           (strcmp(ev->fault_act.fault, "fragment") == 0 ||
            strcmp(ev->fault_act.fault, "interleave_control") == 0);
}

static bool refuses(uint64_t code)
{
    return code == CLOSE_PROTOCOL_ERROR || code == CLOSE_UNSUPPORTED_DATA ||
           code == CLOSE_INVALID_PAYLOAD;
}

static bool spoils(const struct event *ev)
{
    return ev->kind == EV_FAULT_ACT && ev->side == SIDE_CLIENT &&
           (strcmp(ev->fault_act.verb, "inject") == 0 || strcmp(ev->fault_act.verb, "cut") == 0) &&
           strcmp(ev->fault_act.fault, "ping_flood") != 0;
}

static struct legal follow(const struct event *act, const struct event *last)
{
    struct legal legal = {.conn = act->conn, .at = act->at, .from = act->seq, .to = act->seq};
    const struct event *ev = act + 1;
    for (; ev <= last && !legal.ended; ev++) {
        if (ev->conn != act->conn)
            continue;
        bool theirs = ev->side == SIDE_CLIENT && connection_ended_by_endpoint(ev);
        if (theirs && ev->kind == EV_WS_CLOSE && refuses(ev->ws_close.code))
            legal.code = ev->ws_close.code;
        legal.ended = theirs || spoils(ev) || ev->kind == EV_WS_CLOSE || ev->kind == EV_TCP_CLOSE ||
                      ev->kind == EV_TCP_SHUT || ev->kind == EV_CONN_END;
        legal.to = ev->seq;
    }
    legal.watched = (ev <= last ? ev[-1].at : last->at) - act->at;
    return legal;
}

struct tallies {
    size_t joined, refused, unseen;
    struct legal refusal, example;
    uint64_t from, to;
};

static void tally(struct tallies *all, const struct legal *legal, nsec needed)
{
    if (all->joined + all->refused + all->unseen == 0)
        all->from = legal->from;
    all->to = legal->to;
    all->example = *legal;
    if (legal->code != 0) {
        all->refused++;
        all->refusal = *legal;
    } else if (legal->watched >= needed) {
        all->joined++;
    } else {
        all->unseen++;
    }
}

static bool was_split_before(const struct event *act, const struct event *first)
{
    for (const struct event *ev = act; ev-- > first;)
        if (ev->conn == act->conn && splits(ev))
            return true;
    return false;
}

static bool is_own_client(const struct event *act, const struct event *first)
{
    for (const struct event *ev = first; ev < act; ev++)
        if (ev->conn == act->conn && ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN)
            return true;
    return false;
}

static struct tallies tallies_of(const struct trace *trace)
{
    struct tallies all = {0};
    const struct event *last = trace_last_counting(trace);
    for (const struct event *ev = trace->events; last && ev <= last; ev++) {
        if (!splits(ev) || was_split_before(ev, trace->events) || is_own_client(ev, trace->events))
            continue;
        struct legal legal = follow(ev, last);
        tally(&all, &legal, offence_wall(trace, OFFENCE_PROMPT));
    }
    return all;
}

static void report(const struct tallies *all, struct findings *out)
{
    size_t count = all->joined + all->refused + all->unseen;
    struct finding *finding;
    if (all->refused > 0) {
        finding = finding_add(out, FAIL,
                              "%zu of %zu connections were closed with %llu because their "
                              "messages came in fragments",
                              all->refused, count, (unsigned long long)all->refusal.code);
        finding_fix(finding,
                    "join fragments until FIN, of whatever size, empty ones too, and answer "
                    "pings that come between them");
    } else if (all->joined > 0) {
        finding =
            finding_add(out, PASS, "messages in fragments were taken on %zu of %zu connections",
                        all->joined, count);
    } else {
        finding = finding_add(out, INCONCLUSIVE,
                              "no connection lived for a second of wall time after "
                              "its messages began to come in fragments");
    }
    finding_measured(finding, "refused_connections", (double)all->refused);
    finding_allowed(finding, "refused_connections", 0);
    finding_evidence(finding, all->from, all->to);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct tallies legal = tallies_of(trace);
    struct offences all;
    (void)config;
    offences_of(trace, &all);
    bool asked = offences_judge(trace, &all, kinds, out);
    if (legal.joined + legal.refused + legal.unseen > 0)
        report(&legal, out);
    else if (!asked)
        offences_say_none(&all, "the faults fragment, or bad_frame with nested_message", out);
    offences_fini(&all);
}

const struct rule_desc message_fragmentation_rule = {
    .name = "message.fragmentation",
    .id = "MSG-04",
    .title = "Fragmentation",
    .brief = "fragments are joined, and impossible sequences refused",
    .doc =
        "Provoked by the faults fragment and interleave_control, which deliver the server's messages in "
        "more frames than they were sent in, empty ones and pings among them, and by bad_frame: a "
        "continuation of nothing, and a new message inside one that is not over. The former have to be "
        "taken: a connection closed with 1002, 1003 or 1007 for them is a failure. The latter have to "
        "end the connection within a second of wall time; a client that is still there after two "
        "accepted them, a failure too. Whether the joined message is right can only be seen where the "
        "application answers it. The remedy is a library that implements the whole of fragmentation.",
    .source = "RFC 6455 5.4",
    .example = "message.fragmentation",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};

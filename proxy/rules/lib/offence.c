#include "rules/lib/offence.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/deflated.h"
#include "ws/close.h"
#include "ws/frame.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct {
    const char *name;
    enum offence_fault fault;
} faults[] = {
    {"bad_frame", OFFENCE_BAD_FRAME},
    {"oversize_message", OFFENCE_OVERSIZE},
    {"close_with", OFFENCE_CLOSE},
};

nsec offence_wall(const struct trace *trace, nsec length)
{
    double speed = trace->start->speed > 1 ? trace->start->speed : 1;
    return nsec_add((nsec)((double)length * speed), trace->noise);
}

/* --- Finding them --- */

const struct event *offences_last_counting(const struct trace *trace)
{
    const struct event *last = trace_last_counting(trace), *step = NULL;
    if (!last || last->kind != EV_RUN_END)
        return last;
    for (const struct event *ev = trace->events; ev < last; ev++)
        if (ev->kind == EV_STEP_END)
            step = ev;
    return step ? step : last;
}

const struct event *offence_fault_on(const struct trace *trace, const struct event *act)
{
    for (const struct event *ev = act; ev-- > trace->events;)
        if (ev->kind == EV_FAULT_ON && (ev->conn == act->conn || ev->conn == 0) &&
            strcmp(ev->fault_on.label, act->fault_act.label) == 0)
            return ev;
    return NULL;
}

static uint64_t number(json_t *params, const char *key)
{
    const char *text = json_string_value(json_object_get(params, key));
    return text ? strtoull(text, NULL, 10) : 0;
}

static void read_params(const struct event *on, struct offence *offence)
{
    json_t *params = json_loads(on->fault_on.params, 0, NULL);
    const char *what = json_string_value(json_object_get(params, "what"));
    for (size_t i = 0; what && what[i] && i + 1 < sizeof offence->what; i++)
        offence->what[i] = what[i];
    const char *form = json_string_value(json_object_get(params, "form"));
    if (offence->fault == OFFENCE_OVERSIZE && form && strcmp(form, "deflated") == 0)
        offence->fault = OFFENCE_BOMB;
    offence->code = number(params, "code");
    offence->size = number(params, "size");
    json_decref(params);
}

static bool is_offence(const struct event *ev, enum offence_fault *fault)
{
    if (ev->kind != EV_FAULT_ACT || ev->conn == 0 || ev->side != SIDE_CLIENT ||
        strcmp(ev->fault_act.verb, "inject") != 0)
        return false;
    for (size_t i = 0; i < COUNT(faults); i++)
        if (strcmp(ev->fault_act.fault, faults[i].name) == 0) {
            *fault = faults[i].fault;
            return true;
        }
    return false;
}

/* Acts of the same kind are counted together: only the first shows when. */
static bool acted_before(const struct trace *trace, const struct event *on, const struct event *act)
{
    for (const struct event *ev = act; ev-- > trace->events && ev > on;)
        if (ev->kind == EV_FAULT_ACT && ev->conn == act->conn && ev->side == SIDE_CLIENT &&
            strcmp(ev->fault_act.label, act->fault_act.label) == 0)
            return true;
    return false;
}

/* Behind an offence that was accepted nobody knows what the client makes of the bytes. */
static bool is_spoiled(const struct offences *all, uint32_t conn)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].conn == conn)
            return true;
    return false;
}

/* The connection was already on its way out: what is sent then need not be answered. */
static bool was_closing(const struct trace *trace, const struct event *act)
{
    for (const struct event *ev = trace->events; ev < act; ev++)
        if (ev->conn == act->conn &&
            (ev->kind == EV_WS_CLOSE || ev->kind == EV_TCP_CLOSE || ev->kind == EV_TCP_SHUT))
            return true;
    return false;
}

/* --- What came of them --- */

/* Its own fault's Close is the offence; what another sends afterwards would be answered too. */
static bool ends_watch(const struct event *ev, const struct offence *offence)
{
    if (ev->kind == EV_TRACE_FULL)
        return true;
    if (ev->conn != offence->conn)
        return false;
    switch (ev->kind) {
    case EV_TCP_SHUT:
        return ev->side == SIDE_CLIENT;
    case EV_TCP_PAUSE: /* we do not read from the client, or it does not read */
        return ev->tcp_pause.on;
    case EV_CONN_END:
    case EV_TCP_CLOSE:
        return true;
    case EV_WS_CLOSE:
        return ev->by != BY_FAULT || ev->at > offence->at;
    default:
        return false;
    }
}

static void note_end(struct offence *offence, const struct event *ev)
{
    bool close = ev->kind == EV_WS_CLOSE;
    if (close && offence->close_code == 0 && offence->ended == NEVER)
        offence->close_code = ev->ws_close.code;
    if (!close && offence->ended == NEVER)
        offence->ended = ev->at;
    if (offence->closed == NEVER) {
        offence->closed = ev->at;
        offence->to = ev->seq;
    }
}

static void note_exit(struct offence *offence, const struct event *ev)
{
    if (!offence->exit && !ev->process_exit.asked && strcmp(ev->process_exit.how, "exit 0") != 0)
        offence->exit = ev->process_exit.how;
}

static void follow(const struct trace *trace, const struct event *act, const struct event *last,
                   struct offence *offence)
{
    nsec until = nsec_add(act->at, offence_wall(trace, OFFENCE_PATIENT));
    for (const struct event *ev = act + 1; ev <= last; ev++) {
        bool theirs =
            ev->conn == act->conn && ev->side == SIDE_CLIENT && connection_ended_by_endpoint(ev);
        /* What comes of our own fault's answer to a Close is recorded before that Close. */
        if (theirs &&
            (offence->watched == NEVER || offence->watched == ev->at || offence->closed != NEVER))
            note_end(offence, ev);
        if (offence->watched == NEVER && ends_watch(ev, offence))
            offence->watched = ev->at;
        if (ev->kind == EV_PROCESS_EXIT && ev->client == act->client && ev->at <= until)
            note_exit(offence, ev);
    }
    if (offence->watched == NEVER)
        offence->watched = last->at;
    if (offence->to == 0)
        offence->to = last->seq;
}

/* --- Whether a client reads: it answered a ping, or an offence --- */

static bool is_ping_to(const struct event *ev, int client)
{
    if (ev->client != client || ev->side != SIDE_SERVER)
        return false;
    return (ev->kind == EV_WS_FRAME && ev->ws_frame.opcode == OPCODE_PING) ||
           (ev->kind == EV_WS_INJECTED && ev->ws_injected.opcode == OPCODE_PING);
}

static bool answers_pings(const struct trace *trace, int client)
{
    bool asked = false;
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        asked = asked || is_ping_to(ev, client);
        if (asked && ev->client == client && ev->kind == EV_WS_FRAME && ev->side == SIDE_CLIENT &&
            ev->by == BY_ENDPOINT && ev->ws_frame.opcode == OPCODE_PONG)
            return true;
    }
    return false;
}

static bool answers_offences(const struct trace *trace, const struct offences *all, int client)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].client == client && all->list[i].closed != NEVER &&
            all->list[i].closed - all->list[i].at <= offence_wall(trace, OFFENCE_PROMPT))
            return true;
    return false;
}

static void settle(const struct trace *trace, struct offences *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct offence *offence = &all->list[i];
        bool first = true;
        for (size_t j = 0; j < i && first; j++)
            if (all->list[j].client == offence->client) {
                first = false;
                offence->reads = all->list[j].reads;
            }
        if (first) {
            all->clients++;
            offence->reads = answers_pings(trace, offence->client) ||
                             answers_offences(trace, all, offence->client);
        }
    }
}

/* --- All of them --- */

static bool is_builtin(const struct trace *trace, const struct event *act)
{
    for (const struct event *ev = trace->events; ev < act; ev++)
        if (ev->conn == act->conn && ev->side == SIDE_CLIENT && ev->by == BY_BUILTIN)
            return true;
    return false;
}

static void add(const struct trace *trace, const struct event *act, const struct event *last,
                enum offence_fault fault, struct offences *out)
{
    const struct event *on = offence_fault_on(trace, act);
    if (!on || acted_before(trace, on, act) || was_closing(trace, act) ||
        is_spoiled(out, act->conn))
        return;
    if (is_builtin(trace, act)) {
        out->builtin = true;
        return;
    }
    struct offence offence = {.fault = fault,
                              .client = act->client,
                              .conn = act->conn,
                              .deflate = deflate_state_of(trace, act->conn) == DEFLATE_AGREED,
                              .at = act->at,
                              .closed = NEVER,
                              .ended = NEVER,
                              .watched = NEVER,
                              .from = on->seq};
    read_params(on, &offence);
    follow(trace, act, last, &offence);
    out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
    out->list[out->count++] = offence;
}

void offences_of(const struct trace *trace, struct offences *out)
{
    const struct event *last = offences_last_counting(trace);
    enum offence_fault fault;
    *out = (struct offences){0};
    for (const struct event *ev = trace->events; last && ev <= last; ev++)
        if (is_offence(ev, &fault))
            add(trace, ev, last, fault, out);
    settle(trace, out);
}

void offences_fini(struct offences *all)
{
    free(all->list);
    *all = (struct offences){0};
}

enum reaction offence_reaction(const struct trace *trace, const struct offence *offence)
{
    nsec took = offence->closed - offence->at;
    nsec patient = offence_wall(trace, OFFENCE_PATIENT);
    if (offence->exit && (offence->closed == NEVER || took <= patient))
        return REACTION_DIED;
    if (offence->closed != NEVER && took <= offence_wall(trace, OFFENCE_PROMPT))
        return REACTION_CLOSED;
    if (offence->closed != NEVER && took <= patient)
        return REACTION_LATE;
    nsec seen = offence->closed != NEVER ? offence->closed : offence->watched;
    if (seen - offence->at < patient)
        return REACTION_UNSEEN;
    return offence->reads ? REACTION_ACCEPTED : REACTION_UNREAD;
}

/* --- Sentences --- */

static const enum verdict verdicts[REACTIONS] = {
    [REACTION_CLOSED] = PASS,         [REACTION_LATE] = WARN,           [REACTION_DIED] = WARN,
    [REACTION_UNSEEN] = INCONCLUSIVE, [REACTION_UNREAD] = INCONCLUSIVE, [REACTION_ACCEPTED] = FAIL,
};

/* All offences of the rule that ended alike. */
struct group {
    size_t count, clients;
    bool kinds[32];
    const struct offence *example;
    nsec most;
    uint64_t from, to;
};

static void group_add(struct group *group, size_t kind, const struct offence *offence, bool fresh)
{
    nsec until = offence->closed != NEVER ? offence->closed : offence->watched;
    group->kinds[kind] = true;
    group->most = nsec_max(group->most, until - offence->at);
    if (group->count++ == 0) {
        group->example = offence;
        group->from = offence->from;
    }
    group->from = offence->from < group->from ? offence->from : group->from;
    group->to = offence->to > group->to ? offence->to : group->to;
    group->clients += fresh;
}

static void add_kinds(struct text *out, const struct group *group, const struct offence_kind *kinds)
{
    size_t left = 0;
    for (size_t i = 0; kinds[i].what; i++)
        left += group->kinds[i];
    for (size_t i = 0; kinds[i].what; i++) {
        if (!group->kinds[i])
            continue;
        text_add(out, kinds[i].words);
        left--;
        text_add(out, left == 0 ? "" : left == 1 ? " and " : ", ");
    }
}

static void add_who(struct text *out, size_t clients, size_t of)
{
    if (of <= 1)
        text_add(out, "the client");
    else
        text_addf(out, "%zu of %zu clients", clients, of);
}

static double speed_of(const struct trace *trace)
{
    return trace->start->speed > 1 ? trace->start->speed : 1;
}

static void add_wall(struct text *out, const struct trace *trace, nsec length)
{
    double speed = speed_of(trace);
    units_add_duration(out, (nsec)((double)length / speed));
    text_add(out, speed > 1 ? " of wall time" : "");
}

static void add_sentence(const struct trace *trace, struct text *out, enum reaction reaction,
                         const struct group *group, const struct offence_kind *kinds, size_t of)
{
    add_who(out, group->clients, of);
    switch (reaction) {
    case REACTION_CLOSED:
    case REACTION_LATE:
        text_add(out, reaction == REACTION_LATE ? " closed late, within " : " closed within ");
        add_wall(out, trace, group->most);
        text_add(out, " after ");
        add_kinds(out, group, kinds);
        break;
    case REACTION_DIED:
        text_addf(out, " did not only close, the process ended (%s) after ", group->example->exit);
        add_kinds(out, group, kinds);
        break;
    case REACTION_UNSEEN:
        text_add(out, " did nothing about ");
        add_kinds(out, group, kinds);
        text_add(out, " until the connection ended otherwise or the run did, after ");
        add_wall(out, trace, group->most);
        break;
    case REACTION_UNREAD:
        text_add(out, " did nothing about ");
        add_kinds(out, group, kinds);
        text_add(out, ", and answered no ping either: nothing shows that it reads what it is sent");
        break;
    case REACTION_ACCEPTED:
        text_add(out, " went on after ");
        add_kinds(out, group, kinds);
        text_add(out, " as if nothing had happened, for ");
        add_wall(out, trace, group->most);
        break;
    case REACTIONS:
        break;
    }
}

static void add_fix(struct finding *finding, enum reaction reaction)
{
    if (reaction == REACTION_ACCEPTED || reaction == REACTION_LATE)
        finding_fix(
            finding,
            "fail the connection at once: a Close with the code that fits (1002, 1007), then "
            "the end of TCP; a library whose checks are switched off has an option for them");
    else if (reaction == REACTION_DIED)
        finding_fix(finding, "handle the library's error event: one bad frame of a server must not "
                             "end the process");
    else if (reaction == REACTION_UNREAD)
        finding_fix(finding,
                    "read from the connection all the time, also in a client that only sends");
}

static void report(const struct trace *trace, struct findings *out, enum reaction reaction,
                   const struct group *group, const struct offence_kind *kinds, size_t of,
                   bool lenient)
{
    struct text text;
    assert(reaction < REACTIONS);
    text_init(&text);
    add_sentence(trace, &text, reaction, group, kinds, of);
    enum verdict verdict = lenient && reaction == REACTION_ACCEPTED ? WARN : verdicts[reaction];
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    double speed = speed_of(trace);
    bool closed = reaction == REACTION_CLOSED || reaction == REACTION_LATE;
    finding_measured(finding, closed ? "closed_after_wall_s" : "went_on_wall_s",
                     nsec_to_seconds(group->most) / speed);
    finding_measured(finding, "times", (double)group->count);
    finding_allowed(finding, "closed_after_wall_s", nsec_to_seconds(OFFENCE_PROMPT));
    finding_evidence(finding, group->from, group->to);
    add_fix(finding, reaction);
}

static bool find_kind(const struct offence_kind *kinds, const struct offence *offence, size_t *kind)
{
    if (offence->fault != OFFENCE_BAD_FRAME)
        return false;
    for (*kind = 0; kinds[*kind].what; (*kind)++)
        if (strcmp(kinds[*kind].what, offence->what) == 0)
            return offence->deflate || !kinds[*kind].deflate;
    return false;
}

struct asked {
    const struct offence_kind *kinds;
    enum reaction reaction;
    bool lenient;
};

static bool belongs(const struct trace *trace, const struct offence *offence,
                    const struct asked *asked, size_t *kind)
{
    if (!find_kind(asked->kinds, offence, kind) ||
        offence_reaction(trace, offence) != asked->reaction)
        return false;
    return asked->reaction != REACTION_ACCEPTED || asked->kinds[*kind].lenient == asked->lenient;
}

static struct group gather(const struct trace *trace, const struct offences *all,
                           const struct asked *asked)
{
    struct group group = {0};
    size_t kind, other;
    for (size_t i = 0; i < all->count; i++) {
        bool fresh = true;
        if (!belongs(trace, &all->list[i], asked, &kind))
            continue;
        for (size_t j = 0; j < i && fresh; j++)
            fresh = all->list[j].client != all->list[i].client ||
                    !belongs(trace, &all->list[j], asked, &other);
        group_add(&group, kind, &all->list[i], fresh);
    }
    return group;
}

bool offences_judge(const struct trace *trace, const struct offences *all,
                    const struct offence_kind *kinds, struct findings *out)
{
    bool any = false;
    for (int reaction = REACTIONS - 1; reaction >= 0; reaction--)
        for (int lenient = 0; lenient <= (reaction == REACTION_ACCEPTED ? 1 : 0); lenient++) {
            const struct asked asked = {kinds, (enum reaction)reaction, lenient};
            struct group group = gather(trace, all, &asked);
            any = any || group.count > 0;
            if (group.count > 0)
                report(trace, out, asked.reaction, &group, kinds, all->clients, lenient);
        }
    return any;
}

static bool is_echo(const struct offence *offence)
{
    return offence->close_code != 0 && offence->close_code != CLOSE_PROTOCOL_ERROR &&
           offence->close_code != CLOSE_INVALID_PAYLOAD;
}

void offences_judge_echoes(const struct offences *all, const struct offence_kind *kinds,
                           struct findings *out)
{
    struct group group = {0};
    struct text text;
    size_t kind;
    for (size_t i = 0; i < all->count; i++)
        if (find_kind(kinds, &all->list[i], &kind) && is_echo(&all->list[i]))
            group_add(&group, kind, &all->list[i], true);
    if (group.count == 0)
        return;
    text_init(&text);
    add_kinds(&text, &group, kinds);
    struct finding *finding = finding_add(
        out, WARN, "%zu time%s the client answered %s with %llu as if nothing were wrong",
        group.count, group.count == 1 ? "" : "s", text_chars(&text),
        (unsigned long long)group.example->close_code);
    text_fini(&text);
    finding_measured(finding, "times", (double)group.count);
    finding_allowed(finding, "times", 0);
    finding_evidence(finding, group.from, group.to);
    finding_fix(finding, "answer a Close that is illegal with 1002, or 1007 for its reason");
}

void offences_check(const struct trace *trace, const struct offence_kind *kinds, const char *needed,
                    struct findings *out)
{
    struct offences all;
    offences_of(trace, &all);
    if (!offences_judge(trace, &all, kinds, out))
        offences_say_none(&all, needed, out);
    offences_fini(&all);
}

void offences_say_none(const struct offences *all, const char *needed, struct findings *out)
{
    if (all->builtin && all->count == 0)
        finding_own_client(out);
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "nothing of the kind reached an open connection; it takes %s", needed);
}

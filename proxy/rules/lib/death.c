#include "rules/lib/death.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/connection.h"
#include "ws/close.h"
#include "ws/frame.h"

#define PATIENCE_LEAST NSEC_PER_SEC       /* nobody takes an answer for missing sooner */
#define GRACE          (5 * NSEC_PER_SEC) /* on top of ping interval and pong timeout */
#define TIMERS         2
/* What a client does between its timer and its socket is work, which a speed multiplies (DESIGN 5):
 * socket.io's 25 s + 20 s showed as 45.1 s at speed 10. Wall time. */
#define WORK (20 * NSEC_PER_MSEC)

/* What can be missed during the silence. */
struct watch {
    struct death *death;
    const char *label; /* of the fault that silences */
    nsec missed;       /* since when something of the peer was missed; NEVER */
    bool sent, over;
};

/* --- Where the silence begins --- */

static bool ends_it(const struct event *ev)
{
    switch (ev->kind) {
    case EV_WS_CLOSE:
    case EV_TCP_CLOSE:
    case EV_TCP_SHUT:
    case EV_CONN_END:
        return true;
    default:
        return false;
    }
}

/* NULL: the connection never fell silent for the client while it was open. */
static const struct event *beginning(const struct connection *c, const struct event *last)
{
    for (const struct event *ev = c->open; ev <= last; ev++) {
        if (ev->conn != c->conn)
            continue;
        if (ends_it(ev))
            return NULL;
        if (ev->kind == EV_FAULT_ON && ev->side == SIDE_CLIENT && ev->fault_on.silences)
            return ev;
    }
    return NULL;
}

/* --- What the client does --- */

static bool is_ordinary(uint64_t code)
{
    return code == 1000 || code == 1001 || code == 1005;
}

static void note_end(struct watch *watch, const struct event *ev, nsec patience)
{
    struct death *death = watch->death;
    death->noticed = ev->at;
    death->to = ev->seq;
    if (ev->kind != EV_WS_CLOSE)
        return;
    death->code = ev->ws_close.code;
    death->unprompted = is_ordinary(death->code) && ev->at < nsec_add(watch->missed, patience);
}

/* A ping, or whatever the server sent and the client never got, is missed from then on. */
static void note_frame(struct watch *watch, const struct event *ev)
{
    bool data = ev->ws_frame.opcode < OPCODE_CLOSE;
    bool ping = ev->ws_frame.opcode == OPCODE_PING || strcmp(ev->ws_frame.kind, "ping") == 0;
    if (ev->ws_frame.opcode == OPCODE_CLOSE)
        return;
    if (ev->side == SIDE_CLIENT) {
        watch->sent = watch->sent || data;
        if (!ping)
            return;
        watch->death->beats = BEATS_OWN;
    }
    watch->missed = nsec_min(watch->missed, ev->at);
}

/* Another fault spoke in the peer's name, as forge_pong does: that is no silence. */
static bool is_word_of_a_fault(const struct watch *watch, const struct event *ev)
{
    return ev->kind == EV_FAULT_ACT && ev->side == SIDE_CLIENT &&
           strcmp(ev->fault_act.verb, "inject") == 0 &&
           strcmp(ev->fault_act.label, watch->label) != 0;
}

static void be_over(struct watch *watch, nsec at)
{
    watch->death->watched = at;
    watch->over = true;
}

static void note_on_conn(struct watch *watch, const struct event *ev, nsec patience)
{
    struct death *death = watch->death;
    bool of_client = ev->side == SIDE_CLIENT;
    if (watch->over || death->noticed != NEVER)
        return;
    if (of_client && connection_ended_by_endpoint(ev))
        note_end(watch, ev, patience);
    else if (ev->kind == EV_WS_FRAME)
        note_frame(watch, ev);
    else if (ev->kind == EV_FAULT_OFF && strcmp(ev->fault_off.label, watch->label) == 0)
        be_over(watch, ev->at);
    else if ((of_client && (ev->kind == EV_TCP_SHUT || ev->kind == EV_TCP_CLOSE)) ||
             ev->kind == EV_CONN_END || is_word_of_a_fault(watch, ev))
        be_over(watch, ev->at);
}

/* Returns false when nothing the client does later counts. */
static bool note_exit(struct watch *watch, const struct event *ev)
{
    struct death *death = watch->death;
    if (ev->process_exit.asked) {
        death->end = ev->at;
        return false;
    }
    death->exit = ev->process_exit.how;
    if (death->noticed == NEVER && !watch->over)
        death->noticed = ev->at;
    death->to = ev->seq;
    return true;
}

static bool is_exit_of(const struct event *ev, int client)
{
    return ev->kind == EV_PROCESS_EXIT && ev->client == client &&
           strcmp(ev->process_exit.role, "client") == 0;
}

static void observe(struct watch *watch, const struct event *on, const struct event *last,
                    nsec patience)
{
    struct death *death = watch->death;
    death->watched = death->end = last->at;
    for (const struct event *ev = on + 1; ev <= last; ev++) {
        if (ev->conn == death->conn)
            note_on_conn(watch, ev, patience);
        else if (is_exit_of(ev, death->client) && !note_exit(watch, ev))
            break;
    }
    death->watched = nsec_min(death->watched, death->end);
}

/* While connects are not answered no new connection is seen: none proves that none was wanted, and
 * the first one after it does not show when the silence was noticed. */
static nsec go_blind(const struct trace *trace, struct death *death)
{
    nsec blind = attempts_hidden(trace, death->client, death->began, death->end);
    death->watched = nsec_min(death->watched, blind);
    return blind;
}

static void forget_unseen_return(struct death *death, nsec blind)
{
    if (death->back != NEVER || blind >= death->end)
        return;
    death->end = death->noticed == NEVER ? blind : nsec_max(blind, death->noticed);
}

/* --- Its new connection --- */

static void look_for_return(const struct trace *trace, struct death *death)
{
    struct attempts attempts;
    attempts_of(trace, death->client, &attempts);
    for (size_t i = 0; i < attempts.count; i++) {
        const struct attempt *attempt = &attempts.list[i];
        bool later = attempt->start > death->began ||
                     (attempt->start == death->began && attempt->from > death->from);
        if (!later || attempt->conn == death->conn || attempt->start > death->end)
            continue;
        death->back = attempt->start;
        if (attempt->start < death->noticed && attempt->start <= death->watched) {
            death->noticed = attempt->start;
            death->unprompted = false;
            death->code = 0;
        }
        death->to = death->to > attempt->from ? death->to : attempt->from;
        break;
    }
    attempts_fini(&attempts);
}

/* --- One connection --- */

/* Behind a closed window no frame is seen: a beat that was due is taken for sent. */
static void expect_beat(struct watch *watch, const struct heartbeat_group *group, nsec interval)
{
    if (group)
        watch->missed = nsec_min(watch->missed, nsec_add(group->last, interval));
}

static void look_at_beats(const struct trace *trace, const struct connection *c,
                          struct watch *watch)
{
    struct heartbeats *beats = connection_heartbeats(trace, c);
    const struct heartbeat_group *own = heartbeats_best(beats, SIDE_CLIENT);
    const struct heartbeat_group *servers = heartbeats_best(beats, SIDE_SERVER);
    watch->death->beats = own ? BEATS_OWN : servers ? BEATS_OF_SERVER : BEATS_NONE;
    expect_beat(watch, own, own && own->median > 0 ? own->median : trace->policy.ping);
    expect_beat(watch, servers,
                servers && servers->median > 0 ? servers->median : trace->policy.ping);
    if (own && own->replied < own->beats && own->last + trace->policy.pong > watch->death->began)
        watch->missed = watch->death->began; /* its newest ping was not answered any more */
    heartbeats_free(beats);
}

static enum death_tcp tcp_of(const struct death *death, const struct event *on,
                             const struct event *last)
{
    nsec until = nsec_min(death->noticed, death->watched);
    for (const struct event *ev = on; ev <= last && ev->at <= until; ev++) {
        if (ev->conn != death->conn || ev->side != SIDE_CLIENT)
            continue;
        if (ev->kind == EV_FAULT_ACT && strcmp(ev->fault_act.verb, "deafen") == 0)
            return TCP_LOST;
        if (ev->kind == EV_TCP_PAUSE && ev->tcp_pause.on)
            return TCP_CLOSED;
    }
    return TCP_ACKED;
}

static struct death death_of(const struct trace *trace, const struct connection *c,
                             const struct event *on, const struct event *last)
{
    struct death death = {.client = c->client,
                          .conn = c->conn,
                          .began = on->at,
                          .noticed = NEVER,
                          .back = NEVER,
                          .from = on->seq,
                          .to = on->seq};
    struct watch watch = {.death = &death, .label = on->fault_on.label, .missed = NEVER};
    look_at_beats(trace, c, &watch);
    observe(&watch, on, last, nsec_min(PATIENCE_LEAST, trace->policy.pong / 2));
    if (death.beats == BEATS_NONE && watch.sent)
        death.beats = BEATS_UNCLEAR;
    nsec blind = go_blind(trace, &death);
    look_for_return(trace, &death);
    forget_unseen_return(&death, blind);
    death.tcp = tcp_of(&death, on, last);
    return death;
}

void deaths_of(const struct trace *trace, struct deaths *out)
{
    const struct event *last = trace_last_counting(trace);
    struct connections all;
    *out = (struct deaths){0};
    connections_of(trace, &all);
    for (size_t i = 0; i < all.count; i++) {
        const struct connection *c = &all.list[i];
        const struct event *on = beginning(c, last);
        if (!on)
            continue;
        if (c->client_by == BY_BUILTIN) {
            out->builtin = true;
            continue;
        }
        out->list = xrealloc(out->list, (out->count + 1) * sizeof *out->list);
        out->list[out->count++] = death_of(trace, c, on, last);
    }
    connections_fini(&all);
}

void deaths_fini(struct deaths *deaths)
{
    free(deaths->list);
    *deaths = (struct deaths){0};
}

/* --- Whether it was noticed in time --- */

static nsec work_of(const struct trace *trace)
{
    return trace->start->speed > 1 ? (nsec)((double)WORK * trace->start->speed) : 0;
}

struct death_limits death_limits_of(const struct trace *trace, nsec within, nsec warn_within)
{
    const struct policy *policy = &trace->policy;
    nsec window = nsec_add(policy->ping, policy->pong);
    struct death_limits limits = {.noise = nsec_add(TIMERS * trace->noise, work_of(trace))};
    limits.pass = within > 0 ? within : nsec_add(window, GRACE);
    limits.warn = nsec_max(warn_within, limits.pass);
    limits.patience = nsec_max(nsec_add(window, nsec_add(window, window)), limits.warn);
    return limits;
}

enum death_notice death_notice(const struct death *death, const struct death_limits *limits)
{
    nsec took = death->noticed - death->began;
    if (death->noticed == NEVER)
        return death->watched - death->began >= limits->patience - limits->noise ? NOTICE_NEVER
                                                                                 : NOTICE_TOO_SHORT;
    if (death->unprompted)
        return NOTICE_OWN_WISH;
    if (took > nsec_add(limits->warn, limits->noise))
        return NOTICE_TOO_LATE;
    return took > nsec_add(limits->pass, limits->noise) ? NOTICE_LATE : NOTICE_IN_TIME;
}

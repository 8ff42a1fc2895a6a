/* A scenario under way: its connections and its clients' counters. Faults begin and end in
 * activation.c, the steps advance in steps.c. */
#include "core/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

uint64_t run_emit(struct run *run, struct event ev)
{
    if (ev.at < recorder_last(run->recorder))
        ev.at = recorder_last(run->recorder);
    return recorder_emit(run->recorder, ev);
}

void run_note(struct run *run, struct session *s, enum note note)
{
    struct client_state *client = &run->clients[s->client];
    struct counters *counters = &client->counters;
    switch (note) {
    case NOTE_ATTEMPT:
        counters->attempts++;
        break;
    case NOTE_OPEN:
        counters->opens++;
        client->open++;
        client->connected_once = true;
        client->used = s->family;
        break;
    case NOTE_CLOSED:
        counters->closes++;
        client->open--;
        break;
    case NOTE_PING:
        counters->pings++;
        break;
    case NOTE_PONG:
        counters->pongs++;
        break;
    case NOTE_HEARTBEAT:
        counters->beats++;
        break;
    case NOTE_TRAFFIC:
        client->last_traffic = s->now;
        break;
    }
}

static bool wants_heads(const struct fault_step *step)
{
    return step->connections.path || step->desc->ops.on_head ||
           (step->fallback && step->fallback->ops.on_head);
}

static bool plan_wants_heads(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_FAULT && wants_heads(&plan->steps[i].fault))
            return true;
    return false;
}

struct run *run_new(const struct plan *plan, struct recorder *recorder,
                    const struct run_options *options)
{
    struct run *run = xcalloc(1, sizeof *run);
    run->plan = plan;
    run->recorder = recorder;
    run->options = *options;
    run->clients = xcalloc(plan->clients, sizeof *run->clients);
    run->baselines = xcalloc(plan->step_count + 1, sizeof *run->baselines);
    for (unsigned i = 0; i < plan->clients; i++)
        run->clients[i].number = i;
    run->step_ends = NEVER;
    run->keeps_heads = plan_wants_heads(plan);
    run->hash_key = options->seed * 0x9e3779b97f4a7c15u + 1;
    run->dirty_end = &run->dirty;
    deadlines_init(&run->deadlines);
    recognise_init(run);
    ids_init(run);
    auth_init(run);
    watches_init(run);
    sessions_init(run);
    return run;
}

static void end_session(struct session *s)
{
    if (!s->over_told && s->ops->on_over)
        s->ops->on_over(s->driver);
    s->over_told = true;
}

void run_free(struct run *run)
{
    while (run->sessions) {
        struct session *s = run->sessions;
        run->sessions = s->next;
        end_session(s);
        chain_free(s, "run ended");
        s->dirty = false; /* nothing settles any more */
        session_free(s);
    }
    while (run->activations) {
        struct activation *next = run->activations->next;
        free(run->activations);
        run->activations = next;
    }
    for (size_t i = 0; i <= run->plan->step_count; i++)
        free(run->baselines[i]);
    free(run->baselines);
    hooks_fini(run);
    ids_fini(run);
    auth_fini(run);
    watches_fini(run);
    sessions_fini(run);
    classes_fini(run);
    free(run->clients);
    deadlines_set(&run->deadlines, &run->own, NEVER);
    deadlines_fini(&run->deadlines);
    recognise_fini(run);
    free(run);
}

void run_start(struct run *run, nsec now)
{
    run->now = now;
    run->started = true;
    run_settle(run, now);
}

void run_touch(struct run *run, struct session *s)
{
    if (s->dirty)
        return;
    s->dirty = true;
    s->next_dirty = NULL;
    *run->dirty_end = s;
    run->dirty_end = &s->next_dirty;
}

static struct session *take_touched(struct run *run)
{
    struct session *s = run->dirty;
    run->dirty = s->next_dirty;
    if (!run->dirty)
        run->dirty_end = &run->dirty;
    s->dirty = false;
    return s;
}

static void link_in(struct run *run, struct session *s)
{
    s->next = run->sessions;
    s->link = &run->sessions;
    if (s->next)
        s->next->link = &s->next;
    run->sessions = s;
}

static void unlink_from(struct session *s)
{
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
}

static void turn_away(struct session *s)
{
    s->legs[SIDE_CLIENT] = LEG_CUT;
    s->gone[SIDE_CLIENT] = true;
    s->over = s->over_told = true; /* the driver answers with an RST by itself */
    struct event ev = {.kind = EV_TCP_SHUT, .side = SIDE_CLIENT, .by = BY_FAULT};
    ev.tcp_shut = (struct ev_tcp_shut){.how = cut_name(s->refusal)};
    session_emit(s, ev);
}

struct session *run_accept(struct run *run, unsigned client, const char *peer, const char *family,
                           const struct session_ops *ops, void *driver, nsec now)
{
    assert(client < run->plan->clients);
    run->now = nsec_max(run->now, now);
    struct session *s = session_new(run, client, ops, driver, run->now);
    link_in(run, s);
    s->family = strcmp(family, family_name(FAMILY_IPV6)) == 0 ? FAMILY_IPV6 : FAMILY_IPV4;
    if (!run->clients[client].connected_once)
        run->clients[client].used = s->family;
    struct event ev = {
        .kind = EV_TCP_OPEN, .side = SIDE_CLIENT, .by = session_cause(s, SIDE_CLIENT)};
    ev.tcp_open = (struct ev_tcp_open){.peer = peer, .family = family};
    session_emit(s, ev);
    s->depth++;
    activations_accept(run, s);
    chain_attempt(s);
    if (s->admission != ADMIT) {
        s->request.noted = true; /* it counts once, though its request may come later */
        run_note(run, s, NOTE_ATTEMPT);
    }
    if (s->admission == REFUSE)
        turn_away(s);
    else if (s->admission == ADMIT)
        session_admit(s);
    s->depth--;
    session_update(s);
    return s;
}

void run_process_exited(struct run *run, unsigned client, nsec now)
{
    run->now = nsec_max(run->now, now);
    if (client < run->plan->clients)
        run->clients[client].exited = true;
}

nsec run_deadline(const struct run *run)
{
    return deadlines_next(&run->deadlines);
}

static struct session *session_of(struct deadline *deadline)
{
    return (struct session *)((char *)deadline - offsetof(struct session, deadline));
}

static void expire(struct session *s, nsec now)
{
    s->now = nsec_max(s->now, now);
    s->depth++;
    if (s->admission == HANG && s->hang_until <= s->now)
        session_ask_again(s);
    chain_timers(s);
    chain_release(s);
    s->depth--;
    session_update(s);
}

void run_expire(struct run *run, nsec now)
{
    run->now = nsec_max(run->now, now);
    /* Bounded: what sets itself due again at once is served in the next turn. */
    for (size_t turns = run->deadlines.count + 16; turns > 0; turns--) {
        struct deadline *due = deadlines_pop_due(&run->deadlines, run->now);
        if (!due)
            break;
        if (due != &run->own)
            expire(session_of(due), run->now);
    }
    run_settle(run, run->now);
}

static void bury(struct run *run, struct session *s)
{
    struct event ev = {.kind = EV_CONN_END, .by = BY_PROXY};
    ev.conn_end = (struct ev_conn_end){.why = run->ended ? "run ended" : "closed"};
    s->now = nsec_max(s->now, run->now);
    if (s->open) {
        s->open = false;
        run_note(run, s, NOTE_CLOSED);
    }
    chain_free(s, "connection ended");
    session_emit(s, ev);
    end_session(s);
    session_free(s);
}

/* Attempts that hang may have waited for a connection to end: the oldest is asked about first. */
static void ask_hanging(struct run *run)
{
    size_t count = 0;
    for (struct session *s = run->sessions; s; s = s->next)
        count += s->admission == HANG;
    struct session **hanging = xmalloc((count + 1) * sizeof *hanging);
    size_t at = count;
    for (struct session *s = run->sessions; s; s = s->next) /* newest first */
        if (s->admission == HANG)
            hanging[--at] = s;
    for (size_t i = 0; i < count; i++) {
        struct session *s = hanging[i];
        s->now = nsec_max(s->now, run->now);
        s->depth++;
        session_ask_again(s);
        s->depth--;
        session_update(s);
    }
    free(hanging);
}

/* Only those that were touched can have changed: a turn costs what happened in it, however many
 * connections there are. */
static void settle_touched(struct run *run)
{
    bool ended = false;
    while (run->dirty) {
        struct session *s = take_touched(run);
        s->heartbeat_now = s->ping_now = s->pong_now = s->open_now = false;
        chain_reap(s);
        if (!s->over)
            continue;
        unlink_from(s);
        bury(run, s);
        ended = true;
    }
    if (ended && !run->ended)
        ask_hanging(run);
}

void run_settle(struct run *run, nsec now)
{
    if (run->settling)
        return;
    run->settling = true;
    run->now = nsec_max(run->now, now);
    activations_settle(run);
    if (run->started && !run->finished && !run->ended)
        steps_advance(run);
    if (run->started && !run->finished && !run->ended)
        hooks_settle(run);
    settle_touched(run);
    nsec at = nsec_min(activations_deadline(run),
                       run->finished ? NEVER : nsec_min(run->step_ends, hooks_deadline(run)));
    deadlines_set(&run->deadlines, &run->own, run->ended ? NEVER : at);
    run->settling = false;
}

bool run_finished(const struct run *run)
{
    return run->finished;
}

static void end_step(struct run *run)
{
    if (run->step_state != STEP_UNDER_WAY)
        return;
    struct event ev = {.at = run->now, .kind = EV_STEP_END, .client = -1, .by = BY_PROXY};
    ev.step_end = (struct ev_step_end){.step = run->step + 1, .outcome = "interrupted"};
    run_emit(run, ev);
    run->step_state = STEP_NOT_BEGUN;
}

void run_end(struct run *run, const char *reason, nsec now)
{
    if (run->ended)
        return;
    run->now = nsec_max(run->now, now);
    end_step(run);
    run->ended = true;
    for (struct session *s = run->sessions; s; s = s->next) {
        s->now = nsec_max(s->now, run->now);
        s->over = true;
        run_touch(run, s);
    }
    settle_touched(run);
    struct event ev = {.at = run->now, .kind = EV_RUN_END, .client = -1, .by = BY_PROXY};
    ev.run_end = (struct ev_run_end){.reason = reason};
    run_emit(run, ev);
}

unsigned run_connections(const struct run *run, const struct session *without)
{
    unsigned count = 0;
    for (const struct session *s = run->sessions; s; s = s->next)
        count +=
            s != without && !s->over && s->admission == ADMIT && s->legs[SIDE_CLIENT] != LEG_CUT;
    return count;
}

void run_answer(struct run *run, const char *action, const char *answer, const char *detail,
                nsec now)
{
    run->now = nsec_max(run->now, now);
    struct event ev = {.at = run->now, .kind = EV_FAULT_ANSWER, .client = -1, .by = BY_PROXY};
    ev.fault_answer =
        (struct ev_fault_answer){.action = action, .answer = answer, .detail = detail};
    run_emit(run, ev);
}

void run_add_fault(struct run *run, const struct fault_step *step, nsec now)
{
    run->now = nsec_max(run->now, now);
    run->keeps_heads = run->keeps_heads || wants_heads(step);
    activation_begin(run, step, NULL);
    run_settle(run, run->now);
}

void run_status(const struct run *run, struct run_status *status)
{
    *status = (struct run_status){.clients = run->plan->clients,
                                  .step = run->step + 1,
                                  .steps = run->plan->step_count,
                                  .doing = ""};
    for (unsigned i = 0; i < run->plan->clients; i++) {
        status->open += run->clients[i].open > 0;
        status->ever_connected += run->clients[i].connected_once;
        status->attempts += run->clients[i].counters.attempts;
    }
    if (run->step < run->plan->step_count)
        status->doing = run->plan->steps[run->step].what;
    if (status->step > status->steps)
        status->step = status->steps;
}

uint32_t run_accepted(const struct run *run)
{
    return run->conns;
}

bool run_client_is_open(const struct run *run, unsigned client)
{
    return client < run->plan->clients && run->clients[client].open > 0;
}

bool run_client_was_seen(const struct run *run, unsigned client)
{
    return client < run->plan->clients && run->clients[client].connected_once;
}

uint64_t run_client_losses(const struct run *run, unsigned client)
{
    return client < run->plan->clients ? run->clients[client].counters.closes : 0;
}

/* Fault steps that were started: on which connections they work, when they begin and end. */
#include "core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_selected(const struct activation *a, const struct session *s)
{
    const struct selector *which = &a->step->connections;
    if (which->path && (!s->request.path || strcmp(which->path, s->request.path) != 0))
        return false;
    switch (which->which) {
    case CONNS_ALL:
        return true;
    case CONNS_NEW:
        return s->conn > a->last_conn;
    case CONNS_EXISTING:
        return s->conn <= a->last_conn;
    case CONNS_NEWEST:
        return s->conn == a->newest;
    case CONNS_CLIENT:
        return s->client == which->client;
    }
    return false;
}

/* Once on each connection, though it may be over there. */
static bool has_begun(const struct activation *a, const struct session *s)
{
    for (size_t i = 0; i < s->begun_count; i++)
        if (s->begun[i] == a->serial)
            return true;
    return false;
}

static void note_begun(const struct activation *a, struct session *s)
{
    s->begun = xrealloc(s->begun, (s->begun_count + 1) * sizeof *s->begun);
    s->begun[s->begun_count++] = a->serial;
}

static void forget_begun(const struct activation *a, struct session *s)
{
    for (size_t i = 0; i < s->begun_count; i++)
        if (s->begun[i] == a->serial)
            s->begun[i--] = s->begun[--s->begun_count];
}

/* used: any, for what is meant by it is shut all the same. */
static bool hides_attempts(const struct fault_step *step)
{
    for (int family = 0; step->desc->door && family < FAMILIES; family++)
        if (step->desc->door(step->config, (enum family)family, FAMILY_IPV4) != DOOR_OPEN)
            return true;
    return false;
}

/* Acts on what is not yet a connection: its begin and end are told for all of them (conn 0). */
static bool concerns_attempts(const struct fault_step *step)
{
    return step->desc->ops.on_attempt || hides_attempts(step);
}

static void write_replaced(struct run *run, const struct fault_step *step)
{
    struct text detail;
    if (!step->stands_for)
        return;
    text_init(&detail);
    text_addf(&detail, "by %s: %s", step->desc->name, step->why_replaced);
    run_answer(run, step->stands_for, "replaced", text_chars(&detail), run->now);
    text_fini(&detail);
}

static bool moment_came(const struct activation *a, const struct session *s, nsec now)
{
    nsec since = nsec_max(a->began, s->accepted);
    if (now >= nsec_add(since, a->step->at_most))
        return true;
    switch (a->step->moment) {
    case AT_ONCE:
        return true;
    case AFTER_HEARTBEAT:
        return s->heartbeat_now;
    case AFTER_PING:
        return s->ping_now;
    case AFTER_PONG:
        return s->pong_now;
    case AFTER_OPEN:
        return s->open_now;
    }
    return false;
}

/* Decided once per connection, whatever else changes, and recorded. */
static bool dice_say_yes(const struct run *run, const struct activation *a, struct session *s)
{
    struct rng rng;
    double probability = a->step->probability;
    if (probability >= 1)
        return true;
    rng_init(&rng, run->options.seed, "probability", (a->serial << 32) + s->conn);
    bool hit = rng_unit(&rng) < probability;
    struct event ev = {.kind = EV_FAULT_DICE, .by = BY_FAULT};
    ev.fault_dice = (struct ev_fault_dice){.fault = a->step->desc->name,
                                           .label = a->step->label,
                                           .probability = probability,
                                           .hit = hit};
    session_emit(s, ev);
    return hit;
}

static void begin_on(struct run *run, struct activation *a, struct session *s)
{
    if (s->over || has_begun(a, s) || !is_selected(a, s) || !moment_came(a, s, run->now))
        return;
    s->now = nsec_max(s->now, run->now);
    s->depth++;
    note_begun(a, s);
    struct instance *in = dice_say_yes(run, a, s) ? chain_add(s, a) : NULL;
    if (in && fault_is_over_at_once(a->step->desc))
        chain_stop(s, in, "over");
    s->depth--;
    session_update(s);
}

static void write_listener_event(struct run *run, const struct activation *a, enum event_kind kind,
                                 const char *why)
{
    struct event ev = {.at = run->now, .kind = kind, .client = -1, .by = BY_FAULT};
    const struct fault_step *step = a->step;
    if (kind == EV_FAULT_ON)
        ev.fault_on = (struct ev_fault_on){
            .fault = step->desc->name, .label = step->label, .direction = "both", .params = "{}"};
    else
        ev.fault_off =
            (struct ev_fault_off){.fault = step->desc->name, .label = step->label, .why = why};
    run_emit(run, ev);
}

static void write_armed(struct run *run, const struct activation *a)
{
    struct event ev = {.at = run->now, .kind = EV_FAULT_ARMED, .client = -1, .by = BY_FAULT};
    ev.fault_armed = (struct ev_fault_armed){.fault = a->step->desc->name, .label = a->step->label};
    run_emit(run, ev);
}

static uint32_t newest_conn(const struct run *run)
{
    uint32_t newest = 0;
    for (const struct session *s = run->sessions; s; s = s->next)
        if (!s->over && s->conn > newest)
            newest = s->conn;
    return newest;
}

void activation_begin(struct run *run, const struct fault_step *step, struct activation **out)
{
    struct activation *a = xcalloc(1, sizeof *a);
    a->step = step;
    a->serial = ++run->activation_serial;
    a->began = run->now;
    a->ends = step->moment == AT_ONCE ? nsec_add(run->now, step->duration) : NEVER;
    a->newest = newest_conn(run);
    a->last_conn = run->conns;
    for (unsigned i = 0; i < run->plan->clients; i++)
        a->used[i] = run->clients[i].used;
    struct activation **link = &run->activations;
    while (*link)
        link = &(*link)->next;
    *link = a;
    if (step->moment != AT_ONCE)
        write_armed(run, a);
    else if (concerns_attempts(step))
        write_listener_event(run, a, EV_FAULT_ON, NULL);
    write_replaced(run, step);
    run_set_doors(run);
    if (!fault_only_at_acceptance(step->desc))
        for (struct session *s = run->sessions; s; s = s->next)
            begin_on(run, a, s);
    if (step->desc->instant && step->moment == AT_ONCE)
        a->over = true;
    if (out)
        *out = a;
}

/* A connection that is just being accepted: faults that are on begin before a byte is read. */
void activations_accept(struct run *run, struct session *s)
{
    for (struct activation *a = run->activations; a; a = a->next) {
        bool comes_to_new = a->step->connections.which == CONNS_ALL ||
                            a->step->connections.which == CONNS_NEW ||
                            a->step->connections.which == CONNS_CLIENT;
        if (a->over || !comes_to_new || a->step->desc->instant || a->step->moment != AT_ONCE)
            continue;
        if (a->step->connections.path)
            continue;
        begin_on(run, a, s);
    }
}

static void stop_everywhere(struct run *run, struct activation *a, const char *why)
{
    for (struct session *s = run->sessions; s; s = s->next) {
        s->now = nsec_max(s->now, run->now);
        s->depth++;
        for (size_t i = 0; i < s->instance_count; i++)
            if (s->instances[i]->activation == a)
                chain_stop(s, s->instances[i], why);
        forget_begun(a, s);
        chain_release(s);
        s->depth--;
        session_update(s);
    }
    if (concerns_attempts(a->step) && a->step->moment == AT_ONCE)
        write_listener_event(run, a, EV_FAULT_OFF, why);
    a->over = true;
    run_set_doors(run);
}

void activation_clear(struct run *run, const char *label, const char *why)
{
    for (struct activation *a = run->activations; a; a = a->next)
        if (!a->over && strcmp(a->step->label, label) == 0)
            stop_everywhere(run, a, why);
}

/* Before the head goes on, so that a fault on that path sees it. */
void activations_request(struct run *run, struct session *s)
{
    for (struct activation *a = run->activations; a; a = a->next)
        if (!a->over && a->step->moment == AT_ONCE && a->step->connections.path)
            begin_on(run, a, s);
}

static bool may_begin_later(const struct activation *a)
{
    return !a->over && (a->step->moment != AT_ONCE || a->step->connections.path);
}

void activations_settle(struct run *run)
{
    for (struct activation *a = run->activations; a; a = a->next) {
        if (!a->over && a->ends <= run->now)
            stop_everywhere(run, a, "over");
        if (may_begin_later(a))
            for (struct session *s = run->sessions; s; s = s->next)
                begin_on(run, a, s);
    }
}

nsec activations_deadline(const struct run *run)
{
    nsec at = NEVER;
    for (const struct activation *a = run->activations; a; a = a->next) {
        if (a->over)
            continue;
        at = nsec_min(at, a->ends);
        if (a->step->moment == AT_ONCE || a->step->at_most == NEVER)
            continue;
        for (const struct session *s = run->sessions; s; s = s->next)
            if (!s->over && is_selected(a, s) && !has_begun(a, s)) {
                nsec due = nsec_add(nsec_max(a->began, s->accepted), a->step->at_most);
                if (due > run->now)
                    at = nsec_min(at, due);
            }
    }
    return at;
}

/* The steps of a scenario: what to wait for, what to begin, what to end. */
#include "core/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/close.h"

/* --- Waits --- */

static const struct counters *baseline(const struct run *run, const struct wait_step *wait,
                                       unsigned client)
{
    const struct plan *plan = run->plan;
    for (size_t i = run->step + 1; i-- > 0;) {
        const struct step *step = &plan->steps[i];
        if (!run->baselines[i])
            continue;
        bool fits = wait->since ? step->label && strcmp(step->label, wait->since) == 0
                                : step->kind != STEP_WAIT;
        if (fits)
            return &run->baselines[i][client];
    }
    static const struct counters zero;
    return &zero;
}

static bool holds(const struct run *run, const struct wait_step *wait, const struct until *until,
                  unsigned client)
{
    const struct client_state *state = &run->clients[client];
    const struct counters *now = &state->counters, *then = baseline(run, wait, client);
    switch (until->condition) {
    case UNTIL_TIME:
        return false;
    case UNTIL_OPEN:
        return state->open > 0;
    case UNTIL_REOPENED:
        return now->opens > then->opens && state->open > 0;
    case UNTIL_CLOSED:
        return now->closes > then->closes || (state->connected_once && state->open == 0);
    case UNTIL_ATTEMPTS:
        return now->attempts >= then->attempts + until->attempts;
    case UNTIL_PING:
        return now->pings > then->pings;
    case UNTIL_PONG:
        return now->pongs > then->pongs;
    case UNTIL_HEARTBEAT:
        return now->beats > then->beats;
    case UNTIL_QUIET:
        return run->now >= nsec_max(state->last_traffic, run->step_began) + until->quiet;
    case UNTIL_EXITED:
        return state->exited;
    case UNTIL_GAVE_UP:
        return now->gave_up > then->gave_up;
    case UNTIL_MESSAGE:
        return state->found[until->watch] > then->matches;
    }
    return false;
}

static bool client_is_there(const struct run *run, const struct wait_step *wait, unsigned client)
{
    for (size_t i = 0; i < wait->count; i++)
        if (holds(run, wait, &wait->any[i], client))
            return true;
    return false;
}

static bool wait_is_over(const struct run *run, const struct wait_step *wait)
{
    unsigned there = 0, clients = run->plan->clients;
    if (wait->of == OF_CLIENT)
        return client_is_there(run, wait, wait->client);
    for (unsigned i = 0; i < clients; i++)
        there += client_is_there(run, wait, i);
    switch (wait->of) {
    case OF_ALL:
        return there == clients;
    case OF_ANY:
        return there > 0;
    case OF_SHARE:
        return there >= (unsigned)ceil(wait->share * clients - 1e-9) && there > 0;
    case OF_CLIENT:
        break;
    }
    return false;
}

/* When a wait for quiet may come true by the mere passing of time. */
static nsec quiet_deadline(const struct run *run, const struct wait_step *wait)
{
    nsec at = NEVER;
    for (size_t i = 0; i < wait->count; i++) {
        if (wait->any[i].condition != UNTIL_QUIET)
            continue;
        for (unsigned client = 0; client < run->plan->clients; client++) {
            nsec since = nsec_max(run->clients[client].last_traffic, run->step_began);
            nsec due = since + wait->any[i].quiet;
            if (due > run->now)
                at = nsec_min(at, due);
        }
    }
    return at;
}

/* --- Steps that act --- */

static size_t build_close(const struct session *s, enum side to, const struct close_step *step,
                          uint8_t frame[FRAME_HEAD_MAX + FRAME_CONTROL_MAX])
{
    uint8_t payload[FRAME_CONTROL_MAX], key[4];
    struct rng rng;
    rng_init(&rng, s->run->options.seed, "close", s->conn);
    uint64_t random = rng_next(&rng);
    memcpy(key, &random, sizeof key);
    size_t len = close_build(payload, (uint16_t)step->code, step->reason);
    return frame_build(frame, FRAME_HEAD_MAX + FRAME_CONTROL_MAX, OPCODE_CLOSE, payload, len,
                       to == SIDE_SERVER ? key : NULL);
}

static void send_close(struct session *s, enum side to, const struct close_step *step)
{
    uint8_t frame[FRAME_HEAD_MAX + FRAME_CONTROL_MAX];
    struct unit u = {.kind = UNIT_BYTES, .dir = dir_of_source(side_other(to)), .arrived = s->now};
    u.bytes = frame;
    u.len = build_close(s, to, step, frame);
    struct event ev = {.kind = EV_WS_CLOSE, .side = side_other(to), .by = BY_PROXY};
    ev.ws_close = (struct ev_ws_close){
        .code = step->code, .reason = step->reason ? step->reason : "", .wrong = ""};
    session_emit(s, ev);
    session_sink(s, &u);
}

/* 0: the target file documents none. */
static unsigned code_for(const struct run *run, const struct close_step *step, unsigned client)
{
    const struct close_codes *codes = run->options.close_codes;
    if (!step->documented)
        return step->code;
    return codes ? close_codes_nth(codes, client) : 0;
}

static void close_all(struct run *run, const struct close_step *step)
{
    for (struct session *s = run->sessions; s; s = s->next) {
        struct close_step one = *step;
        one.code = code_for(run, step, s->client);
        if (!s->open || s->over || one.code == 0)
            continue;
        s->now = nsec_max(s->now, run->now);
        s->depth++;
        if (step->to != SIDE_SERVER)
            send_close(s, SIDE_CLIENT, &one);
        if (step->to != SIDE_CLIENT)
            send_close(s, SIDE_SERVER, &one);
        s->depth--;
        session_update(s);
    }
}

static void write_mark(struct run *run, const char *remark)
{
    struct event ev = {.at = run->now, .kind = EV_MARK, .client = -1, .by = BY_PROXY};
    ev.mark = (struct ev_mark){.text = remark};
    run_emit(run, ev);
}

static void begin_fault(struct run *run, const struct fault_step *fault)
{
    struct activation *a = NULL;
    activation_begin(run, fault, &a);
    if (!fault->blocking)
        return;
    run->blocking = a;
    run->step_ends = nsec_add(run->now, fault->duration);
    if (fault->moment != AT_ONCE)
        run->step_ends = nsec_add(run->step_ends, fault->at_most);
}

static void begin_wait(struct run *run, const struct wait_step *wait)
{
    run->step_ends = nsec_add(run->now, wait->count > 0 ? wait->at_most : wait->duration);
}

/* --- Advancing --- */

static void write_step(struct run *run, enum event_kind kind, const char *outcome)
{
    const struct step *step = &run->plan->steps[run->step];
    struct event ev = {.at = run->now, .kind = kind, .client = -1, .by = BY_PROXY};
    if (kind == EV_STEP_START)
        ev.step_start = (struct ev_step_start){
            .step = run->step + 1, .what = step->what, .label = step->label ? step->label : ""};
    else
        ev.step_end = (struct ev_step_end){.step = run->step + 1, .outcome = outcome};
    run_emit(run, ev);
}

static void take_baseline(struct run *run)
{
    unsigned clients = run->plan->clients;
    struct counters *counters = xcalloc(clients, sizeof *counters);
    for (unsigned i = 0; i < clients; i++)
        counters[i] = run->clients[i].counters;
    free(run->baselines[run->step]);
    run->baselines[run->step] = counters;
}

/* Connections that exist stay where they are. */
static void route(struct run *run, unsigned backend)
{
    run->no_backend = backend > 0 && backend >= run->options.backends;
    if (!run->no_backend)
        run->backend = backend;
}

static void begin_step(struct run *run)
{
    const struct step *step = &run->plan->steps[run->step];
    write_step(run, EV_STEP_START, NULL);
    take_baseline(run);
    run->step_state = STEP_UNDER_WAY;
    run->step_began = run->now;
    run->step_ends = run->now;
    switch (step->kind) {
    case STEP_WAIT:
        begin_wait(run, &step->wait);
        break;
    case STEP_FAULT:
        begin_fault(run, &step->fault);
        break;
    case STEP_CLEAR:
        activation_clear(run, step->clear, "cleared");
        break;
    case STEP_MARK:
        write_mark(run, step->mark);
        break;
    case STEP_CLOSE:
        close_all(run, &step->close);
        break;
    case STEP_HOOK:
        run->no_hook = !hooks_begin(run, &step->hook);
        break;
    case STEP_SIGNAL:
        hooks_signal(run, &step->signal);
        break;
    case STEP_RESTART:
        errands_restart(run, &step->restart);
        break;
    case STEP_REQUEST:
        errands_request(run, &step->request);
        break;
    case STEP_PROMPT:
        errands_prompt(run, &step->prompt);
        break;
    case STEP_ROUTE:
        route(run, step->route);
        break;
    }
}

/* NULL: the step goes on. */
static const char *outcome_of_step(struct run *run)
{
    const struct step *step = &run->plan->steps[run->step];
    if (step->kind == STEP_WAIT && step->wait.count > 0) {
        if (wait_is_over(run, &step->wait))
            return "done";
        nsec limit = nsec_add(run->step_began, step->wait.at_most);
        run->step_ends = nsec_min(limit, quiet_deadline(run, &step->wait));
        return run->now >= limit ? "ran out" : NULL;
    }
    if (step->kind == STEP_HOOK && run->no_hook)
        return "no hook";
    if (step->kind == STEP_ROUTE && run->no_backend)
        return "no backend";
    if (step->kind == STEP_RESTART || step->kind == STEP_REQUEST)
        return run->answer;
    if (step->kind == STEP_PROMPT)
        return run->answer ? run->answer : run->now >= run->step_ends ? "ran out" : NULL;
    return run->now >= run->step_ends ? "done" : NULL;
}

static void end_step(struct run *run, const char *outcome)
{
    write_step(run, EV_STEP_END, outcome);
    errands_end(run, &run->plan->steps[run->step]);
    if (run->blocking) {
        activation_clear(run, run->blocking->step->label, "over");
        run->blocking = NULL;
    }
    run->step_state = STEP_NOT_BEGUN;
    run->step_ends = NEVER;
    run->step++;
}

void steps_advance(struct run *run)
{
    while (run->step < run->plan->step_count) {
        if (run->step_state == STEP_NOT_BEGUN)
            begin_step(run);
        const char *outcome = outcome_of_step(run);
        if (!outcome)
            return;
        end_step(run, outcome);
    }
    run->finished = true;
}

/* Faults at work on a connection: how they begin, what they are told, how they end. */
#include "core/internal.h"

#include <stdlib.h>

#include "base/mem.h"

static void write_on(struct instance *in, enum side hears)
{
    const struct fault_step *step = in->activation->step;
    const char *direction = step->dirs == DIR_BOTH              ? "both"
                            : step->dirs == DIR_MASK(TO_CLIENT) ? "to_client"
                                                                : "to_server";
    struct text params;
    struct json json;
    text_init(&params);
    json_init(&json, &params, 0);
    json_object_open(&json, NULL);
    if (in->fault.desc->params)
        param_write_json(in->fault.desc->params, step->config, &json);
    json_object_close(&json);
    struct event ev = {.kind = EV_FAULT_ON, .side = hears, .by = BY_FAULT};
    ev.fault_on = (struct ev_fault_on){.fault = step->desc->name,
                                       .label = step->label,
                                       .direction = direction,
                                       .silences = fault_silences(step->desc, step->config, hears),
                                       .params = text_chars(&params)};
    session_emit(in->session, ev);
    text_fini(&params);
}

static void write_off(struct instance *in, const char *why)
{
    struct event ev = {.kind = EV_FAULT_OFF, .by = BY_FAULT};
    ev.fault_off = (struct ev_fault_off){
        .fault = in->fault.desc->name, .label = in->activation->step->label, .why = why};
    session_emit(in->session, ev);
}

struct instance *chain_add(struct session *s, struct activation *activation)
{
    if (s->instance_count == INSTANCES_LIMIT)
        return NULL;
    const struct fault_step *step = activation->step;
    struct instance *in = xcalloc(1, sizeof *in);
    in->session = s;
    in->activation = activation;
    in->wake = NEVER;
    in->ends = activation->ends == NEVER ? nsec_add(s->now, step->duration) : activation->ends;
    in->fault = (struct fault){.desc = step->desc,
                               .config = step->config,
                               .state = xcalloc(1, step->desc->state_size + 1),
                               .dirs = step->dirs,
                               .now = s->now,
                               .began = step->moment == AT_ONCE ? activation->began : s->now,
                               .epoch = s->run->options.epoch,
                               .port = &verbs_port,
                               .host = in};
    rng_init(&in->fault.rng, s->run->options.seed, step->label,
             ((uint64_t)s->conn << 32) + activation->serial);
    for (int d = 0; d < DIRS; d++) {
        buf_init(&in->inject[d], HELD_HIGH_BYTES);
        in->mid_frame[d] = !frame_at_boundary(&s->lanes[d].decoder);
        in->mid_message[d] = s->lanes[d].in_message;
    }
    /* It stands nearest the server: what went that way went through the one before it. */
    if (s->instance_count > 0) {
        const struct instance *before = s->instances[s->instance_count - 1];
        in->mid_frame[TO_SERVER] = before->mid_frame[TO_SERVER];
        in->mid_message[TO_SERVER] = before->mid_message[TO_SERVER];
    }
    s->instances[s->instance_count++] = in;
    if (!fault_only_at_acceptance(step->desc)) {
        if (step->dirs & DIR_MASK(TO_CLIENT))
            write_on(in, SIDE_CLIENT);
        if (step->dirs & DIR_MASK(TO_SERVER))
            write_on(in, SIDE_SERVER);
    }
    if (step->desc->ops.on_start)
        step->desc->ops.on_start(&in->fault);
    if (step->desc->ops.on_open && s->open)
        step->desc->ops.on_open(&in->fault);
    return in;
}

void chain_stop(struct session *s, struct instance *in, const char *why)
{
    if (in->stopping)
        return;
    in->fault.now = s->now;
    if (in->fault.desc->ops.on_stop && !s->over)
        in->fault.desc->ops.on_stop(&in->fault);
    verbs_write_acts(in);
    in->stopping = true;
    if (!fault_only_at_acceptance(in->fault.desc))
        write_off(in, why);
    if (s->admission == HANG && in->fault.desc->ops.on_attempt)
        session_ask_again(s);
}

static bool is_spent(const struct instance *in)
{
    for (int d = 0; d < DIRS; d++)
        if (in->queue[d].first || in->aside[d].bytes > 0 || buf_len(&in->inject[d]) > 0 ||
            chain_owes(in, d))
            return false;
    return in->stopping;
}

static void instance_free(struct instance *in)
{
    for (int d = 0; d < DIRS; d++) {
        held_discard(&in->queue[d]);
        held_discard(&in->aside[d]);
        held_free(in->gathering[d][0]);
        held_free(in->gathering[d][1]);
        buf_fini(&in->inject[d]);
        text_fini(&in->said_payload[d]);
    }
    free(in->replacement);
    free(in->fault.state);
    free(in);
}

void chain_reap(struct session *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->instance_count; i++) {
        if (is_spent(s->instances[i]))
            instance_free(s->instances[i]);
        else
            s->instances[kept++] = s->instances[i];
    }
    s->instance_count = kept;
}

void chain_free(struct session *s, const char *why)
{
    for (size_t i = 0; i < s->instance_count; i++)
        chain_stop(s, s->instances[i], why);
    for (size_t i = 0; i < s->instance_count; i++)
        instance_free(s->instances[i]);
    s->instance_count = 0;
}

void chain_traffic(struct session *s, enum dir d)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        struct instance *in = s->instances[i];
        if (in->stopping || !in->fault.desc->ops.on_traffic)
            continue;
        in->fault.now = s->now;
        in->fault.desc->ops.on_traffic(&in->fault, d);
    }
}

bool chain_unreachable(struct session *s)
{
    bool answered = false;
    for (size_t i = 0; i < s->instance_count; i++) {
        struct instance *in = s->instances[i];
        if (in->stopping || !in->fault.desc->ops.on_unreachable)
            continue;
        in->fault.now = s->now;
        in->fault.desc->ops.on_unreachable(&in->fault);
        answered = true;
    }
    return answered;
}

void chain_bypassed(struct session *s, const struct lane *lane)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        s->instances[i]->mid_frame[lane->dir] = !frame_at_boundary(&lane->decoder);
        s->instances[i]->mid_message[lane->dir] = lane->in_message;
    }
}

void chain_open(struct session *s)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        struct instance *in = s->instances[i];
        if (in->stopping || !in->fault.desc->ops.on_open)
            continue;
        in->fault.now = s->now;
        in->fault.desc->ops.on_open(&in->fault);
    }
}

void chain_attempt(struct session *s)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        struct instance *in = s->instances[i];
        in->fault.now = s->now;
        if (in->fault.desc->ops.on_attempt && !in->stopping)
            in->fault.desc->ops.on_attempt(&in->fault);
    }
}

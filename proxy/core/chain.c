/* The chain of faults of a connection: units walk through it, are held, and are let go in order.
 * The list is a picture from client to server; what goes to the client walks it backwards. */
#include "core/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- Held units --- */

static struct held *held_new(const struct unit *u, nsec until)
{
    struct held *item = xcalloc(1, sizeof *item);
    item->unit = *u;
    item->until = until;
    if (u->len > 0) {
        uint8_t *copy = xmalloc(u->len);
        memcpy(copy, u->bytes, u->len);
        item->unit.bytes = copy;
    }
    return item;
}

static void held_free(struct held *item)
{
    if (item->unit.len > 0)
        free((void *)item->unit.bytes);
    free(item);
}

static void enqueue(struct held_queue *queue, struct held *item)
{
    if (queue->last)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    queue->bytes += item->unit.len + sizeof *item;
}

static struct held *dequeue(struct held_queue *queue)
{
    struct held *item = queue->first;
    queue->first = item->next;
    if (!queue->first)
        queue->last = NULL;
    queue->bytes -= item->unit.len + sizeof *item;
    item->next = NULL;
    return item;
}

static void discard_queue(struct held_queue *queue)
{
    while (queue->first)
        held_free(dequeue(queue));
}

/* More payload for the frame at the end of a queue of frames set aside. */
static void extend_last(struct held_queue *queue, const struct unit *u)
{
    struct held *item = queue->last;
    uint8_t *joined = xmalloc(item->unit.len + u->len + 1);
    if (item->unit.len > 0) {
        memcpy(joined, item->unit.bytes, item->unit.len);
        free((void *)item->unit.bytes);
    }
    if (u->len > 0)
        memcpy(joined + item->unit.len, u->bytes, u->len);
    item->unit.bytes = joined;
    item->unit.len += u->len;
    item->unit.last = u->last;
    item->unit.frame_seq = u->frame_seq;
    queue->bytes += u->len;
}

/* --- Walking --- */

static size_t first_index(const struct session *s, enum dir d)
{
    return d == TO_SERVER ? 0 : s->instance_count - 1;
}

/* Wraps below 0 to SIZE_MAX, which is past the end like any other index out of range. */
static size_t next_index(enum dir d, size_t index)
{
    return d == TO_SERVER ? index + 1 : index - 1;
}

static size_t index_of(const struct instance *in)
{
    size_t i = 0;
    while (in->session->instances[i] != in)
        i++;
    return i;
}

void chain_offer_behind(struct instance *in, struct unit *u)
{
    chain_offer(in->session, u, next_index(u->dir, index_of(in)));
}

typedef void (*unit_hook)(struct fault *, struct unit *);

static unit_hook hook_for(const struct fault_ops *ops, const struct unit *u)
{
    switch (u->kind) {
    case UNIT_END:
        return ops->on_end;
    case UNIT_HEAD:
        return ops->on_head ? ops->on_head : ops->on_bytes;
    case UNIT_FRAME:
        return ops->on_frame ? ops->on_frame : ops->on_bytes;
    case UNIT_PAYLOAD:
        return ops->on_frame ? NULL : ops->on_bytes;
    case UNIT_BYTES:
        return ops->on_bytes;
    }
    return NULL;
}

static enum outcome ask(struct instance *in, struct unit *u)
{
    unit_hook hook = hook_for(&in->fault.desc->ops, u);
    if (u->kind == UNIT_PAYLOAD && in->fault.desc->ops.on_frame)
        return in->frame_outcome[u->dir];
    in->frame_outcome[u->dir] = PASSED;
    if (!hook)
        return PASSED;
    u->decided = false;
    in->fault.now = in->session->now;
    hook(&in->fault, u);
    assert(u->decided);
    if (u->kind == UNIT_FRAME)
        in->frame_outcome[u->dir] = in->outcome == REPLACED ? PASSED : in->outcome;
    return in->outcome;
}

/* What went on downstream of an instance decides where something may be put between. */
static void note_downstream(struct instance *in, const struct unit *u)
{
    if (u->kind != UNIT_FRAME && u->kind != UNIT_PAYLOAD)
        return;
    in->mid_frame[u->dir] = !u->last;
    if (u->last && !frame_is_control(u->frame.opcode))
        in->mid_message[u->dir] = !u->frame.fin;
}

void chain_flush_inject(struct instance *in, enum dir d)
{
    if (in->mid_frame[d] || buf_len(&in->inject[d]) == 0 || in->queue[d].first)
        return;
    struct unit u = {.kind = UNIT_BYTES, .dir = d, .arrived = in->session->now};
    u.len = buf_len(&in->inject[d]);
    uint8_t *copy = xmalloc(u.len);
    memcpy(copy, buf_bytes(&in->inject[d]), u.len);
    u.bytes = copy;
    buf_clear(&in->inject[d]);
    if (in->session->lanes[d].mode == LANE_FRAMES)
        verbs_note_closes(in, d, copy, u.len);
    chain_offer_behind(in, &u);
    free(copy);
}

static bool aside_is_due(const struct instance *in, enum dir d)
{
    const struct held *item = in->aside[d].first;
    return item && item->unit.last && !in->mid_frame[d] && !in->mid_message[d] &&
           (in->stopping || item->until <= in->session->now);
}

void chain_release_aside(struct instance *in, enum dir d)
{
    while (aside_is_due(in, d)) {
        struct held *item = dequeue(&in->aside[d]);
        chain_offer_behind(in, &item->unit);
        held_free(item);
    }
}

/* Passes a unit on from an instance; what waits for a boundary may follow it. */
static void pass_on(struct instance *in, struct unit *u)
{
    note_downstream(in, u);
    chain_offer_behind(in, u);
    chain_flush_inject(in, u->dir);
    chain_release_aside(in, u->dir);
}

static void keep(struct instance *in, const struct unit *u, nsec until)
{
    enqueue(&in->queue[u->dir], held_new(u, until));
}

/* true: the unit goes on from this instance at once, maybe replaced. */
static bool goes_on(struct instance *in, struct unit *u, enum outcome outcome)
{
    switch (outcome) {
    case REPLACED:
        u->bytes = in->replacement;
        u->len = in->replacement_len;
        u->replaced = true;
        break;
    case PASSED:
        break;
    case HELD:
        keep(in, u, in->frame_until[u->dir]);
        return false;
    case ASIDE:
        if (u->kind == UNIT_FRAME)
            enqueue(&in->aside[u->dir], held_new(u, in->frame_until[u->dir]));
        else
            extend_last(&in->aside[u->dir], u);
        return false;
    case DROPPED:
        return false;
    }
    if (!in->queue[u->dir].first)
        return true;
    keep(in, u, 0);
    return false;
}

/* Shortens the unit to its first part and returns what is behind it. */
static struct unit cut_off(struct unit *u)
{
    struct unit rest = *u;
    rest.bytes += u->split;
    rest.len -= u->split;
    rest.split = 0;
    rest.whole = u->whole = false;
    u->len = u->split;
    u->last = false;
    u->frame_seq = 0;
    if (u->kind == UNIT_FRAME)
        rest.kind = UNIT_PAYLOAD;
    else if (u->kind == UNIT_HEAD)
        u->kind = UNIT_BYTES;
    return rest;
}

static void meet(struct instance *in, struct unit *u)
{
    struct unit rest = *u;
    do {
        *u = rest;
        u->split = 0;
        enum outcome outcome = ask(in, u);
        size_t split = u->split;
        if (split > 0)
            rest = cut_off(u);
        u->split = 0;
        if (goes_on(in, u, outcome))
            pass_on(in, u);
        if (split == 0)
            return;
    } while (true);
}

static bool is_busy(const struct instance *in, enum dir d)
{
    return !in->stopping && fault_acts_on(&in->fault, d);
}

void chain_offer(struct session *s, struct unit *u, size_t from_index)
{
    for (size_t i = from_index; i < s->instance_count; i = next_index(u->dir, i)) {
        struct instance *in = s->instances[i];
        if (is_busy(in, u->dir)) {
            meet(in, u);
            return;
        }
        if (in->queue[u->dir].first) {
            keep(in, u, 0);
            return;
        }
        note_downstream(in, u);
    }
    session_sink(s, u);
}

void chain_feed(struct session *s, struct unit *u)
{
    chain_offer(s, u, s->instance_count == 0 ? SIZE_MAX : first_index(s, u->dir));
}

/* --- Releasing --- */

static bool is_due(const struct instance *in, const struct held *item)
{
    return in->stopping || item->until <= in->session->now;
}

static void release_queue(struct instance *in, enum dir d)
{
    struct session *s = in->session;
    while (in->queue[d].first && is_due(in, in->queue[d].first) &&
           buf_len(&s->lanes[d].out) < OUT_HIGH_BYTES) {
        struct held *item = dequeue(&in->queue[d]);
        pass_on(in, &item->unit);
        held_free(item);
    }
    chain_flush_inject(in, d);
    chain_release_aside(in, d);
}

/* What is let go together is written together. */
void chain_release(struct session *s)
{
    session_cork(s);
    /* Nearest the sink first, so that nothing overtakes what a later fault holds. */
    for (size_t i = s->instance_count; i-- > 0;)
        release_queue(s->instances[i], TO_SERVER);
    for (size_t i = 0; i < s->instance_count; i++)
        release_queue(s->instances[i], TO_CLIENT);
    session_uncork(s);
}

static nsec queue_deadline(const struct instance *in, enum dir d)
{
    nsec at = NEVER;
    const struct held *item = in->queue[d].first;
    if (item && buf_len(&in->session->lanes[d].out) < OUT_HIGH_BYTES)
        at = in->stopping ? in->session->now : item->until;
    item = in->aside[d].first;
    if (item && item->unit.last && !in->mid_frame[d] && !in->mid_message[d])
        at = nsec_min(at, in->stopping ? in->session->now : item->until);
    return at;
}

nsec chain_deadline(const struct session *s)
{
    nsec at = NEVER;
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *in = s->instances[i];
        at = nsec_min(at, queue_deadline(in, TO_SERVER));
        at = nsec_min(at, queue_deadline(in, TO_CLIENT));
        if (!in->stopping)
            at = nsec_min(at, nsec_min(in->wake, in->ends));
    }
    return at;
}

void chain_timers(struct session *s)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        struct instance *in = s->instances[i];
        if (in->stopping)
            continue;
        if (in->ends <= s->now) {
            chain_stop(s, in, "over");
            continue;
        }
        if (in->wake > s->now)
            continue;
        in->wake = NEVER;
        in->fault.now = s->now;
        if (in->fault.desc->ops.on_timer)
            in->fault.desc->ops.on_timer(&in->fault);
    }
}

/* --- Instances --- */

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
                                       .silences = step->desc->silences,
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
                               .epoch = s->run->options.epoch,
                               .port = &verbs_port,
                               .host = in};
    rng_init(&in->fault.rng, s->run->options.seed, step->label,
             ((uint64_t)s->conn << 32) + activation->serial);
    for (int d = 0; d < DIRS; d++) {
        buf_init(&in->inject[d], HELD_HIGH_BYTES);
        in->mid_frame[d] = s->lanes[d].decoder.in_frame;
        in->mid_message[d] = s->lanes[d].in_message;
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
    return in->stopping && !in->queue[0].first && !in->queue[1].first && !in->aside[0].first &&
           !in->aside[1].first && buf_len(&in->inject[0]) == 0 && buf_len(&in->inject[1]) == 0;
}

static void instance_free(struct instance *in)
{
    for (int d = 0; d < DIRS; d++) {
        discard_queue(&in->queue[d]);
        discard_queue(&in->aside[d]);
        buf_fini(&in->inject[d]);
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

void chain_attempt(struct session *s)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        struct instance *in = s->instances[i];
        in->fault.now = s->now;
        if (in->fault.desc->ops.on_attempt && !in->stopping)
            in->fault.desc->ops.on_attempt(&in->fault);
    }
}

/* --- Questions --- */

bool chain_holds_too_much(const struct session *s, enum dir d)
{
    for (size_t i = 0; i < s->instance_count; i++)
        if (s->instances[i]->queue[d].bytes + s->instances[i]->aside[d].bytes >= HELD_HIGH_BYTES)
            return true;
    return false;
}

size_t chain_whole_frames(const struct session *s, enum dir d)
{
    size_t most = 0;
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *in = s->instances[i];
        if (is_busy(in, d) && in->fault.desc->whole_frames > most)
            most = in->fault.desc->whole_frames;
    }
    return most;
}

bool chain_idle(const struct session *s, enum dir d)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *in = s->instances[i];
        const struct fault_ops *ops = &in->fault.desc->ops;
        if (in->queue[d].first || in->aside[d].first || buf_len(&in->inject[d]) > 0)
            return false;
        if (is_busy(in, d) && (ops->on_bytes || ops->on_head || ops->on_frame))
            return false;
    }
    return true;
}

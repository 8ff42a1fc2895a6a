/* The chain of faults of a connection: units walk through it, are held, and are let go in order.
 * The list is a picture from client to server; what goes to the client walks it backwards. */
#include "core/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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

/* RFC 6455 5.4: the first frame of a message has its opcode, the others have 0. */
static bool begins_message(const struct unit *u)
{
    return u->kind == UNIT_FRAME && !frame_is_control(u->frame.opcode) &&
           u->frame.opcode != OPCODE_CONTINUATION;
}

static bool continues_message(const struct instance *in, const struct unit *u)
{
    return in->fault.desc->messages && u->kind == UNIT_FRAME &&
           u->frame.opcode == OPCODE_CONTINUATION;
}

static bool follows_frame(const struct instance *in, const struct unit *u)
{
    return u->kind == UNIT_PAYLOAD && in->fault.desc->ops.on_frame;
}

/* Decided by the verb on what came before: the frame's head, or the message's first frame. */
static enum outcome follow(struct instance *in, const struct unit *u)
{
    enum dir d = u->dir;
    if (u->kind == UNIT_FRAME) {
        in->frame_outcome[d] = in->message_outcome[d];
        in->frame_until[d] = in->message_until[d];
    }
    enum outcome outcome = in->frame_outcome[d];
    if (u->last)
        in->frame_outcome[d] = PASSED;
    if (u->last && u->frame.fin && !frame_is_control(u->frame.opcode))
        in->message_outcome[d] = PASSED;
    return outcome;
}

static void remember_verb(struct instance *in, const struct unit *u)
{
    enum dir d = u->dir;
    enum outcome outcome = in->outcome == REPLACED ? PASSED : in->outcome;
    in->frame_outcome[d] = u->last ? PASSED : outcome;
    if (!begins_message(u))
        return;
    in->message_outcome[d] = u->last && u->frame.fin ? PASSED : outcome;
    in->message_until[d] = in->frame_until[d];
}

static enum outcome ask(struct instance *in, struct unit *u)
{
    unit_hook hook = hook_for(&in->fault.desc->ops, u);
    if (follows_frame(in, u) || continues_message(in, u))
        return follow(in, u);
    in->frame_outcome[u->dir] = PASSED;
    if (!hook)
        return PASSED;
    u->decided = false;
    in->fault.now = in->session->now;
    in->replacement = NULL;
    in->asking[u->dir] = true;
    hook(&in->fault, u);
    in->asking[u->dir] = false;
    assert(u->decided);
    if (u->kind == UNIT_FRAME)
        remember_verb(in, u);
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

/* --- Set aside --- */

static void release_first_aside(struct instance *in, enum dir d)
{
    struct held *item = held_dequeue(&in->aside[d]);
    for (struct held *part = item; part; part = part->more) {
        if (part->unit.kind == UNIT_BYTES && in->session->lanes[d].mode == LANE_FRAMES)
            verbs_note_closes(in, d, part->unit.bytes, part->unit.len);
        chain_offer_behind(in, &part->unit);
    }
    held_free(item);
}

static bool aside_is_due(const struct instance *in, enum dir d)
{
    const struct held *item = in->aside[d].first;
    return item && !in->mid_frame[d] && !in->mid_message[d] &&
           (in->stopping || item->until <= in->session->now);
}

void chain_release_aside(struct instance *in, enum dir d)
{
    while (aside_is_due(in, d))
        release_first_aside(in, d);
}

static struct held **gathering_place(struct instance *in, const struct unit *u)
{
    return &in->gathering[u->dir][frame_is_control(u->frame.opcode)];
}

static bool completes(const struct instance *in, const struct unit *u)
{
    bool goes_on = in->fault.desc->messages && !frame_is_control(u->frame.opcode) && !u->frame.fin;
    return u->last && !goes_on;
}

static void pass_on(struct instance *, struct unit *);

/* A message that is too large to be kept whole goes on after all, and what comes of it follows. */
static void give_up_gathering(struct instance *in, enum dir d, struct held **place)
{
    struct held *item = *place;
    *place = NULL;
    in->aside[d].bytes -= item->bytes;
    in->frame_outcome[d] = in->message_outcome[d] = PASSED;
    for (struct held *part = item; part; part = part->more)
        pass_on(in, &part->unit);
    held_free(item);
}

/* Frames are gathered until they are whole, of faults on messages until the message is. */
static void set_aside(struct instance *in, const struct unit *u)
{
    struct held **place = gathering_place(in, u);
    struct held_queue *queue = &in->aside[u->dir];
    size_t before = *place ? (*place)->bytes : 0;
    if (!*place)
        *place = held_new(u, in->frame_until[u->dir]);
    else
        held_extend(*place, u);
    queue->bytes += (*place)->bytes - before;
    if ((*place)->bytes > ASIDE_LIMIT_BYTES) {
        give_up_gathering(in, u->dir, place);
    } else if (completes(in, u)) {
        queue->bytes -= (*place)->bytes;
        held_insert(queue, *place);
        *place = NULL;
    }
}

/* The source ended: what is set aside comes before that, what waits for ever at once; beginnings
 * of messages as far as they came. Returns when the last of it is due. */
static nsec set_end_behind_aside(struct instance *in, enum dir d)
{
    struct held_queue *queue = &in->aside[d];
    nsec at = 0;
    for (int control = 0; control < 2; control++) {
        struct held *item = in->gathering[d][control];
        in->gathering[d][control] = NULL;
        if (item)
            queue->bytes -= item->bytes;
        if (item)
            held_insert(queue, item);
    }
    for (struct held *item = queue->first; item; item = item->next) {
        item->until = item->until == NEVER ? in->session->now : item->until;
        at = nsec_max(at, item->until);
    }
    return at;
}

/* Nothing more comes from the source: a boundary that is not there now never comes. */
static void empty_aside(struct instance *in, enum dir d)
{
    while (in->aside[d].first && !in->mid_frame[d] && !in->mid_message[d])
        release_first_aside(in, d);
    held_discard(&in->aside[d]);
}

/* --- Going on --- */

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
    held_enqueue(&in->queue[u->dir], held_new(u, until));
}

/* To the faults behind it a frame is what it was replaced by; where that is not one frame it is a
 * frame that cannot be looked at. */
static void renew_frame(struct unit *u)
{
    struct frame_decoder decoder;
    size_t taken = 0;
    if (u->kind != UNIT_FRAME)
        return;
    frame_decoder_init(&decoder);
    bool decoded = frame_decode(&decoder, u->bytes, u->len, &taken) == FRAME_HEAD;
    uint64_t rest = u->len - taken;
    if (u->whole)
        u->whole = decoded && decoder.head.payload_len == rest;
    else
        decoded = decoded && rest == 0 && decoder.head.payload_len == u->frame.payload_len;
    if (decoded && (u->whole || rest == 0))
        u->frame = decoder.head;
}

/* true: its end is to wait for what is set aside. */
static bool waits_behind_aside(struct instance *in, const struct unit *u)
{
    enum dir d = u->dir;
    if (u->kind != UNIT_END || !(in->aside[d].first || in->gathering[d][0] || in->gathering[d][1]))
        return false;
    if (u->end == CUT_RST) {
        held_discard(&in->aside[d]);
        return false;
    }
    keep(in, u, set_end_behind_aside(in, d));
    return true;
}

/* true: the unit goes on from this instance at once, maybe replaced. */
static bool goes_on(struct instance *in, struct unit *u, enum outcome outcome)
{
    switch (outcome) {
    case REPLACED:
        u->bytes = in->replacement;
        u->len = in->replacement_len;
        u->replaced = true;
        renew_frame(u);
        break;
    case PASSED:
        if (waits_behind_aside(in, u))
            return false;
        break;
    case HELD:
        keep(in, u, in->frame_until[u->dir]);
        return false;
    case ASIDE:
        set_aside(in, u);
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

static bool takes_out(enum outcome outcome)
{
    return outcome == DROPPED || outcome == ASIDE;
}

/* It took the beginning of a frame or message out of the stream: the rest is to follow. */
static bool owes(const struct instance *in, enum dir d)
{
    return in->fault.desc->ops.on_frame &&
           (takes_out(in->frame_outcome[d]) || takes_out(in->message_outcome[d]));
}

/* A fault that is over sees to the end what it took the beginning of. */
static bool is_finishing(const struct instance *in, const struct unit *u)
{
    if (!in->stopping)
        return false;
    if (follows_frame(in, u))
        return takes_out(in->frame_outcome[u->dir]);
    return continues_message(in, u) && takes_out(in->message_outcome[u->dir]);
}

void chain_offer(struct session *s, struct unit *u, size_t from_index)
{
    for (size_t i = from_index; i < s->instance_count; i = next_index(u->dir, i)) {
        struct instance *in = s->instances[i];
        if (is_busy(in, u->dir) || is_finishing(in, u)) {
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
        struct held *item = held_dequeue(&in->queue[d]);
        if (item->unit.kind == UNIT_END)
            empty_aside(in, d);
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
    if (item && !in->mid_frame[d] && !in->mid_message[d])
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
            owes(in, d))
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
        if (in->queue[d].first || in->aside[d].bytes > 0 || buf_len(&in->inject[d]) > 0 ||
            owes(in, d))
            return false;
        if (is_busy(in, d) && (ops->on_bytes || ops->on_head || ops->on_frame))
            return false;
    }
    return true;
}

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
    in->asking[u->dir] = true;
    hook(&in->fault, u);
    in->asking[u->dir] = false;
    assert(u->decided);
    if (u->kind == UNIT_FRAME)
        remember_verb(in, u);
    return in->outcome;
}

/* Frames of a fault, seen by those behind it: boundaries count there too. */
static void note_injected(struct instance *in, const struct unit *u)
{
    struct frame_decoder *decoder = &in->injected[u->dir];
    const uint8_t *bytes = u->bytes;
    size_t len = u->len, taken;
    enum frame_step step;
    while ((step = frame_decode(decoder, bytes, len, &taken)) != FRAME_MORE) {
        if (step == FRAME_END && !frame_is_control(decoder->head.opcode))
            in->mid_message[u->dir] = !decoder->head.fin;
        bytes += taken;
        len -= taken;
    }
    in->mid_frame[u->dir] = !frame_at_boundary(decoder);
}

/* What went on downstream of an instance decides where something may be put between. */
static void note_downstream(struct instance *in, const struct unit *u)
{
    if (u->injected)
        note_injected(in, u);
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
    struct unit u = {.kind = UNIT_BYTES,
                     .dir = d,
                     .arrived = in->session->now,
                     .injected = in->session->lanes[d].mode == LANE_FRAMES};
    u.len = buf_len(&in->inject[d]);
    uint8_t *copy = xmalloc(u.len);
    memcpy(copy, buf_bytes(&in->inject[d]), u.len);
    u.bytes = copy;
    buf_clear(&in->inject[d]);
    if (u.injected)
        verbs_note_said(in, d, copy, u.len);
    chain_offer_behind(in, &u);
    free(copy);
}

/* --- Going on --- */

/* Passes a unit on from an instance; what waits for a boundary may follow it. */
void chain_pass_on(struct instance *in, struct unit *u)
{
    note_downstream(in, u);
    chain_offer_behind(in, u);
    chain_flush_inject(in, u->dir);
    aside_release(in, u->dir);
}

static void keep(struct instance *in, const struct unit *u, nsec until)
{
    held_enqueue(&in->queue[u->dir], held_new(u, until));
}

static void keep_to_ask(struct instance *in, const struct unit *u, nsec until)
{
    struct held *item = held_new(u, until);
    item->ask = true;
    held_enqueue(&in->queue[u->dir], item);
}

/* What comes behind a unit that is to be asked about waits for its own turn to be asked about. */
static bool is_asking_later(const struct instance *in, enum dir d)
{
    return in->queue[d].last && in->queue[d].last->ask;
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
    keep(in, u, aside_set_end_behind(in, d));
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
    case ASKED_LATER:
        keep_to_ask(in, u, in->frame_until[u->dir]);
        return false;
    case ASIDE:
        aside_add(in, u);
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

void chain_flush_end(struct instance *in, enum dir d)
{
    struct unit u = {.kind = UNIT_END,
                     .dir = d,
                     .arrived = in->session->now,
                     .end = in->end_how[d],
                     .by_fault = true};
    if (!in->ends_dir[d] || in->asking[d])
        return;
    in->ends_dir[d] = false;
    if (goes_on(in, &u, PASSED))
        chain_pass_on(in, &u);
}

/* Asks about the unit, part by part. false: later is what the fault wants to be asked about again.
 */
static bool decide(struct instance *in, struct unit *u, struct unit *later)
{
    struct unit rest = *u;
    do {
        *u = rest;
        u->split = 0;
        enum outcome outcome = ask(in, u);
        size_t split = u->split;
        if (outcome == ASKED_LATER) {
            assert(split == 0);
            *later = *u;
            return false;
        }
        if (split > 0)
            rest = cut_off(u);
        u->split = 0;
        if (goes_on(in, u, outcome))
            chain_pass_on(in, u);
        chain_flush_end(in, u->dir);
        if (split == 0)
            return true;
    } while (true);
}

static void meet(struct instance *in, struct unit *u)
{
    struct unit later;
    if (is_asking_later(in, u->dir))
        keep_to_ask(in, u, 0);
    else if (!decide(in, u, &later))
        keep_to_ask(in, &later, in->frame_until[u->dir]);
}

/* Takes the first of the queue, whose time has come. What is behind it stays behind it. */
static void ask_held(struct instance *in, struct held *item)
{
    enum dir d = item->unit.dir;
    struct held_queue behind = in->queue[d];
    struct unit u = item->unit, later;
    in->queue[d] = (struct held_queue){0};
    in->asked_before = true;
    bool decided = decide(in, &u, &later);
    in->asked_before = false;
    if (decided) {
        held_free(item);
    } else {
        item->unit = later;
        item->until = in->frame_until[d];
        item->bytes = later.len + sizeof *item;
        held_enqueue(&in->queue[d], item);
    }
    held_append(&in->queue[d], &behind);
}

static bool is_busy(const struct instance *in, enum dir d)
{
    return !in->stopping && fault_hears(&in->fault, d);
}

static bool takes_out(enum outcome outcome)
{
    return outcome == DROPPED || outcome == ASIDE;
}

/* It took the beginning of a frame or message out of the stream: the rest is to follow. */
bool chain_owes(const struct instance *in, enum dir d)
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
        if (buf_len(&in->inject[u->dir]) > 0 || in->aside[u->dir].first) {
            chain_pass_on(in, u);
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
        if (item->ask && !in->stopping) {
            ask_held(in, item);
            continue;
        }
        if (item->unit.kind == UNIT_END)
            aside_empty(in, d);
        chain_pass_on(in, &item->unit);
        held_free(item);
    }
    chain_flush_inject(in, d);
    aside_release(in, d);
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

/* --- Questions --- */

bool chain_holds_too_much(const struct session *s, enum dir d)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *in = s->instances[i];
        size_t limit = is_asking_later(in, d) ? ASK_HIGH_BYTES : HELD_HIGH_BYTES;
        if (in->queue[d].bytes + in->aside[d].bytes >= limit)
            return true;
    }
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
            chain_owes(in, d))
            return false;
        if (is_busy(in, d) && (ops->on_bytes || ops->on_head || ops->on_frame))
            return false;
    }
    return true;
}

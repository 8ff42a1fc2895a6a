/* What a fault set aside: gathered until it is whole, put back between two messages. */
#include "core/internal.h"

static void release_first_aside(struct instance *in, enum dir d)
{
    struct held *item = held_dequeue(&in->aside[d]);
    for (struct held *part = item; part; part = part->more) {
        if (part->unit.injected)
            verbs_note_said(in, d, part->unit.bytes, part->unit.len);
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

void aside_release(struct instance *in, enum dir d)
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

/* A message that is too large to be kept whole goes on after all, and what comes of it follows. */
static void give_up_gathering(struct instance *in, enum dir d, struct held **place)
{
    struct held *item = *place;
    *place = NULL;
    in->aside[d].bytes -= item->bytes;
    in->frame_outcome[d] = in->message_outcome[d] = PASSED;
    for (struct held *part = item; part; part = part->more)
        chain_pass_on(in, &part->unit);
    held_free(item);
}

/* Frames are gathered until they are whole, of faults on messages until the message is. */
void aside_add(struct instance *in, const struct unit *u)
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
nsec aside_set_end_behind(struct instance *in, enum dir d)
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
void aside_empty(struct instance *in, enum dir d)
{
    while (in->aside[d].first && !in->mid_frame[d] && !in->mid_message[d])
        release_first_aside(in, d);
    held_discard(&in->aside[d]);
}

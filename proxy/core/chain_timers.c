/* When a chain has to be looked at again, and the timers of its faults. */
#include "core/internal.h"

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

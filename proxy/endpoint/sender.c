#include "endpoint/sender.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ws/frame.h"

#define BAD_TEXT_EVERY 8 /* messages: a server ends the connection over each */

static nsec interval(const struct client_policy *policy, size_t message_size)
{
    if (policy->rate <= 0)
        return 0;
    return nsec_max(nsec_from_seconds((double)message_size / policy->rate), NSEC_PER_USEC);
}

void sender_init(struct sender *s, const struct client_policy *policy, struct outbound *out,
                 void (*on_log)(void *context, const char *event, uint64_t count), void *context,
                 nsec now)
{
    *s = (struct sender){.policy = policy, .out = out, .on_log = on_log, .context = context};
    uint64_t size = policy->message_size;
    backlog_init(&s->backlog, size > policy->gathers ? size : policy->gathers);
    s->every = interval(policy, s->backlog.message_size);
    s->at = s->every > 0 ? now + s->every : NEVER;
}

void sender_fini(struct sender *s)
{
    free(s->message);
    s->message = NULL;
}

uint64_t sender_buffered(const struct sender *s)
{
    return backlog_bytes(&s->backlog) + outbound_len(s->out);
}

/* How many more messages the application may produce before it has to wait. */
static uint64_t room(const struct sender *s)
{
    uint64_t unsent = sender_buffered(s), size = s->backlog.message_size;
    if (!s->open || s->policy->send_buffer == 0)
        return UINT64_MAX;
    if (unsent == 0 && size > s->policy->send_buffer)
        return 1;
    return unsent < s->policy->send_buffer ? (s->policy->send_buffer - unsent) / size : 0;
}

/* A pending message may still have to be put back at the front: nothing is dropped before that. */
static void keep_bounded(struct sender *s)
{
    if (s->open || s->pending)
        return;
    uint64_t gone = s->policy->replays ? backlog_trim(&s->backlog, s->policy->queue_messages,
                                                      s->policy->queue_bytes)
                                       : backlog_clear(&s->backlog);
    s->dropped += gone;
    if (gone > 0 && s->policy->replays)
        s->on_log(s->context, "dropped", gone);
}

/* A message counts as sent once its last byte was taken; until then it can be sent again. */
static bool settled(struct sender *s)
{
    if (s->pending && s->out->taken >= s->mark) {
        s->pending = false;
        s->sent++;
        s->sent_here++;
    }
    return !s->pending;
}

static uint8_t opcode(const struct sender *s)
{
    switch ((enum sends_as)s->policy->sends_as) {
    case SENDS_TEXT:
        return OPCODE_TEXT;
    case SENDS_BINARY:
        return OPCODE_BINARY;
    case SENDS_EITHER:
        return s->sent % 2 == 0 ? OPCODE_TEXT : OPCODE_BINARY;
    }
    return OPCODE_TEXT;
}

static void send_one(struct sender *s)
{
    if (!s->message) {
        s->message = xmalloc(s->backlog.message_size);
        backlog_pad(&s->backlog, s->message);
    }
    size_t size = s->backlog.message_size;
    backlog_write(&s->backlog, s->message);
    backlog_pop(&s->backlog);
    s->pending = true;
    bool bad = !s->policy->sends_utf8 && s->sent % BAD_TEXT_EVERY == BAD_TEXT_EVERY - 1;
    s->message[size - 3] = bad ? 0xff : 'x'; /* within its last string */
    (void)outbound_message(s->out, opcode(s), s->message, size);
    s->mark = s->out->written;
}

static void pump(struct sender *s)
{
    while (settled(s) && s->open && backlog_count(&s->backlog) > 0)
        send_one(s);
}

uint64_t sender_produce(struct sender *s, uint64_t count)
{
    uint64_t produced = 0, fitting;
    while (!s->stopped && produced < count && (fitting = room(s)) > 0) {
        uint64_t wanted = count - produced;
        backlog_produce(&s->backlog, fitting < wanted ? fitting : wanted);
        produced += fitting < wanted ? fitting : wanted;
        pump(s);
    }
    s->produced += produced;
    keep_bounded(s);
    return produced;
}

void sender_expire(struct sender *s, nsec now)
{
    if (s->at > now)
        return;
    nsec due = (now - s->at) / s->every + 1;
    s->at += due * s->every;
    if (sender_produce(s, (uint64_t)due) == (uint64_t)due)
        return;
    s->at = NEVER;
    s->on_log(s->context, "paused", sender_buffered(s));
}

static void resume(struct sender *s, nsec now)
{
    bool paused = s->every > 0 && s->at == NEVER && !s->stopped;
    bool drained = !s->open || sender_buffered(s) < s->policy->send_buffer / 2;
    if (!paused || !drained)
        return;
    s->at = now + s->every;
    s->on_log(s->context, "resumed", sender_buffered(s));
}

void sender_open(struct sender *s)
{
    s->open = true;
    s->sent_here = 0;
    if (s->policy->newest_first)
        backlog_turn(&s->backlog);
    pump(s);
}

void sender_pause(struct sender *s)
{
    s->open = false;
}

static void repeat_as_new(struct sender *s)
{
    uint64_t most = s->policy->repeats_as_new;
    backlog_produce(&s->backlog, s->sent_here < most ? s->sent_here : most);
    s->sent_here = 0;
}

void sender_lost(struct sender *s, nsec now)
{
    s->open = false;
    if (!settled(s))
        backlog_unpop(&s->backlog);
    s->pending = false;
    repeat_as_new(s);
    keep_bounded(s);
    resume(s, now);
}

void sender_stop(struct sender *s)
{
    s->stopped = true;
    s->at = NEVER;
}

void sender_writable(struct sender *s, nsec now)
{
    pump(s);
    resume(s, now);
}

nsec sender_deadline(const struct sender *s)
{
    return s->at;
}

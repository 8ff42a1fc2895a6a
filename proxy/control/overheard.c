#include "control/overheard.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/frame.h"
#include "ws/signature.h"

struct message {
    enum side from;
    const char *word;
    bool text, whole;
    const uint8_t *bytes;
    size_t len;
    uint64_t total; /* its length on the wire's side of what is kept */
    uint8_t masked[OVERHEARD_BYTES_LIMIT];
    size_t masked_len;
};

/* The event's own text does not outlive it. */
static const char *known_word(const char *kind)
{
    static const char *const words[] = {"ping", "pong"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], kind) == 0)
            return words[i];
    return "";
}

static void read_message(struct message *message, const struct event *ev, const uint8_t *bytes,
                         size_t len)
{
    bool one_frame = ev->kind == EV_WS_FRAME;
    uint64_t opcode = one_frame ? ev->ws_frame.opcode : ev->ws_message.opcode;
    message->from = ev->side;
    message->word = known_word(one_frame ? ev->ws_frame.kind : ev->ws_message.kind);
    message->text = opcode == OPCODE_TEXT;
    message->bytes = bytes;
    message->len = len < OVERHEARD_BYTES_LIMIT ? len : OVERHEARD_BYTES_LIMIT;
    message->whole = message->len == len && len < SIGNATURE_LIMIT_BYTES;
    message->total = one_frame ? ev->ws_frame.len : ev->ws_message.len;
    message->masked_len = signature_mask(bytes, message->len, message->masked);
}

static bool is_of(const struct message_kind *kind, const struct message *message)
{
    return kind->from == message->from && kind->text == message->text &&
           strcmp(kind->word, message->word) == 0 && kind->masked_len == message->masked_len &&
           memcmp(kind->masked, message->masked, message->masked_len) == 0;
}

static struct message_kind *kind_of(struct overheard *heard, const struct message *message)
{
    for (size_t i = 0; i < heard->count; i++)
        if (is_of(heard->kinds[i], message))
            return heard->kinds[i];
    if (heard->count == OVERHEARD_KINDS_LIMIT)
        return NULL;
    struct message_kind *fresh = xcalloc(1, sizeof *fresh);
    heard->kinds[heard->count++] = fresh;
    fresh->from = message->from;
    fresh->text = message->text;
    fresh->word = message->word;
    fresh->whole = true;
    fresh->masked = (uint8_t *)xstrndup((const char *)message->masked, message->masked_len);
    fresh->masked_len = message->masked_len;
    return fresh;
}

static void keep_sample(struct message_kind *kind, uint64_t seq, const struct message *message)
{
    if (kind->sample_count == OVERHEARD_SAMPLES_LIMIT)
        return;
    struct sample *sample = &kind->samples[kind->sample_count++];
    sample->seq = seq;
    sample->len = message->len;
    sample->bytes = xcalloc(1, message->len + 1);
    memcpy(sample->bytes, message->bytes, message->len);
}

static void keep_time(struct message_kind *kind, nsec at)
{
    if (kind->time_count == OVERHEARD_TIMES_LIMIT)
        memmove(kind->times, kind->times + 1, --kind->time_count * sizeof *kind->times);
    kind->times[kind->time_count++] = at;
}

static bool is_opening(struct overheard *heard, const struct event *ev)
{
    if (ev->conn >= OVERHEARD_CONNECTIONS_LIMIT)
        return false;
    uint64_t *word = &heard->spoke[ev->side][ev->conn / 64], bit = (uint64_t)1 << ev->conn % 64;
    bool opening = !(*word & bit);
    *word |= bit;
    return opening;
}

void overheard_note(struct overheard *heard, const struct event *ev, const uint8_t *bytes,
                    size_t len)
{
    struct message message;
    read_message(&message, ev, bytes, len);
    struct message_kind *kind = kind_of(heard, &message);
    bool opening = is_opening(heard, ev);
    if (!kind) {
        heard->others++;
        return;
    }
    kind->by = ev->by;
    kind->whole = kind->whole && message.whole;
    kind->count++;
    kind->bytes += message.total;
    kind->openings += opening;
    keep_sample(kind, ev->seq, &message);
    keep_time(kind, ev->at);
}

void overheard_fini(struct overheard *heard)
{
    for (size_t i = 0; i < heard->count; i++) {
        for (size_t k = 0; k < heard->kinds[i]->sample_count; k++)
            free(heard->kinds[i]->samples[k].bytes);
        free(heard->kinds[i]->masked);
        free(heard->kinds[i]);
    }
    *heard = (struct overheard){0};
}

const struct message_kind *overheard_find(const struct overheard *heard, uint64_t seq)
{
    for (size_t i = 0; i < heard->count; i++)
        for (size_t k = 0; k < heard->kinds[i]->sample_count; k++)
            if (heard->kinds[i]->samples[k].seq == seq)
                return heard->kinds[i];
    return NULL;
}

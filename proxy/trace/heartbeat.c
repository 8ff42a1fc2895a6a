#include "trace/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/frame.h"

#define SIG_BYTES     20
#define WINDOW        5   /* beats looked at: 4 intervals */
#define REGULAR       1.25
#define LEAST_GAP     (5 * NSEC_PER_SEC) /* of a group without a known word */
#define LENGTH_SPREAD 8
#define GAPS_KEPT     64  /* newest intervals, for the median */

struct group {
    struct heartbeat_group facts; /* must stay first */
    enum side side;
    uint64_t opcode, len;
    char sig[SIG_BYTES];
    bool known_word, is_reply;
    nsec recent[WINDOW];
    size_t recent_count;
    nsec gaps[GAPS_KEPT];
    size_t gap_count;
    bool waits_for_reply;
    char last_hash[SIG_BYTES];
};

struct heartbeats {
    nsec reply_window;
    struct group groups[HEARTBEAT_GROUPS_LIMIT];
    size_t count;
    uint64_t other[3]; /* by enum side: frames of kinds beyond the limit */
};

struct heartbeats *heartbeats_new(nsec reply_window)
{
    struct heartbeats *beats = xcalloc(1, sizeof *beats);
    beats->reply_window = reply_window;
    return beats;
}

void heartbeats_free(struct heartbeats *beats)
{
    free(beats);
}

/* --- One message --- */

struct beat {
    enum side side;
    uint64_t opcode, len, seq;
    const char *sig, *hash, *kind;
    nsec at;
};

static bool read_beat(const struct event *ev, struct beat *out)
{
    *out = (struct beat){.side = ev->side, .seq = ev->seq, .at = ev->at};
    if (ev->kind == EV_WS_MESSAGE) {
        out->opcode = ev->ws_message.opcode;
        out->len = ev->ws_message.len;
        out->sig = ev->ws_message.sig;
        out->hash = ev->ws_message.hash;
        out->kind = ev->ws_message.kind;
        return true;
    }
    if (ev->kind != EV_WS_FRAME || ev->ws_frame.opcode == OPCODE_CLOSE)
        return false;
    out->opcode = ev->ws_frame.opcode;
    out->len = ev->ws_frame.len;
    out->sig = ev->ws_frame.sig;
    out->hash = ev->ws_frame.hash;
    out->kind = ev->ws_frame.kind;
    return frame_is_control((uint8_t)out->opcode) || event_is_message(ev);
}

static bool fits(const struct group *group, const struct beat *beat)
{
    uint64_t apart = group->len > beat->len ? group->len - beat->len : beat->len - group->len;
    if (group->side != beat->side || group->opcode != beat->opcode)
        return false;
    if (frame_is_control((uint8_t)beat->opcode))
        return true; /* pings differ in payload, they are one heartbeat */
    return apart <= LENGTH_SPREAD && strncmp(group->sig, beat->sig, SIG_BYTES - 1) == 0;
}

static void keep_word(char out[SIG_BYTES], const char *word)
{
    size_t len = strlen(word);
    len = len < SIG_BYTES - 1 ? len : SIG_BYTES - 1;
    memcpy(out, word, len);
    out[len] = '\0';
}

static struct group *group_of(struct heartbeats *beats, const struct beat *beat)
{
    for (size_t i = 0; i < beats->count; i++)
        if (fits(&beats->groups[i], beat))
            return &beats->groups[i];
    if (beats->count == HEARTBEAT_GROUPS_LIMIT)
        return NULL;
    struct group *group = &beats->groups[beats->count++];
    *group = (struct group){.side = beat->side, .opcode = beat->opcode, .len = beat->len};
    keep_word(group->sig, beat->sig);
    group->known_word = *beat->kind != '\0';
    group->facts.from = beat->side;
    group->facts.kind = beat->opcode == OPCODE_PING   ? HEARTBEAT_PROTOCOL
                        : beat->opcode == OPCODE_PONG ? HEARTBEAT_UNSOLICITED_PONG
                                                      : HEARTBEAT_APPLICATION;
    group->facts.first = beat->at;
    group->facts.first_seq = beat->seq;
    return group;
}

/* --- Intervals --- */

static int compare_times(const void *a, const void *b)
{
    nsec x = *(const nsec *)a, y = *(const nsec *)b;
    return (x > y) - (x < y);
}

static nsec median_of(const nsec *times, size_t count)
{
    nsec sorted[GAPS_KEPT];
    memcpy(sorted, times, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_times);
    return count > 0 ? sorted[count / 2] : 0;
}

static void note_gap(struct group *group, nsec gap)
{
    struct heartbeat_group *facts = &group->facts;
    if (group->gap_count == GAPS_KEPT)
        memmove(group->gaps, group->gaps + 1, (--group->gap_count) * sizeof *group->gaps);
    group->gaps[group->gap_count++] = gap;
    facts->shortest = facts->beats == 1 ? gap : nsec_min(facts->shortest, gap);
    facts->longest = nsec_max(facts->longest, gap);
    facts->median = median_of(group->gaps, group->gap_count);
}

static bool is_regular(const struct group *group)
{
    nsec shortest = NEVER, longest = 0;
    if (group->recent_count < WINDOW)
        return false;
    for (size_t i = 1; i < WINDOW; i++) {
        nsec gap = group->recent[i] - group->recent[i - 1];
        shortest = nsec_min(shortest, gap);
        longest = nsec_max(longest, gap);
    }
    if (!group->known_word && shortest < LEAST_GAP)
        return false;
    return shortest > 0 && (double)longest <= REGULAR * (double)shortest;
}

static void note_beat(struct group *group, const struct beat *beat)
{
    struct heartbeat_group *facts = &group->facts;
    if (facts->beats > 0)
        note_gap(group, beat->at - facts->last);
    if (group->recent_count == WINDOW)
        memmove(group->recent, group->recent + 1, (WINDOW - 1) * sizeof *group->recent);
    else
        group->recent_count++;
    group->recent[group->recent_count - 1] = beat->at;
    facts->beats++;
    facts->last = beat->at;
    facts->last_seq = beat->seq;
    group->waits_for_reply = true;
    keep_word(group->last_hash, beat->hash);
    if (facts->kind == HEARTBEAT_PROTOCOL)
        facts->recognised = true;
    else if (!group->is_reply)
        facts->recognised = facts->recognised || is_regular(group);
}

/* --- Replies --- */

static bool may_answer(const struct heartbeats *beats, const struct group *asked,
                       const struct beat *beat)
{
    if (asked->side == beat->side || !asked->waits_for_reply ||
        beat->at - asked->facts.last > beats->reply_window)
        return false;
    bool pong = beat->opcode == OPCODE_PONG;
    if (asked->facts.kind == HEARTBEAT_PROTOCOL)
        return pong && strcmp(asked->last_hash, beat->hash) == 0;
    return asked->facts.kind == HEARTBEAT_APPLICATION && !frame_is_control((uint8_t)beat->opcode) &&
           (asked->facts.recognised || asked->known_word);
}

/* The group of the other side that this answers; NULL: none. */
static struct group *answered(struct heartbeats *beats, const struct beat *beat)
{
    struct group *newest = NULL;
    for (size_t i = 0; i < beats->count; i++) {
        struct group *group = &beats->groups[i];
        if (may_answer(beats, group, beat) && !group->is_reply &&
            (!newest || group->facts.last > newest->facts.last))
            newest = group;
    }
    return newest;
}

/* A group whose messages all follow a beat of the other side is that one's reply, no beat of its own. */
static bool follows_closely(const struct group *reply, const struct group *asked)
{
    return reply->facts.beats + 1 >= asked->facts.replied && reply->facts.beats >= 2 &&
           asked->facts.replied * 10 >= reply->facts.beats * 9;
}

bool heartbeats_feed(struct heartbeats *beats, const struct event *ev)
{
    struct beat beat;
    if (!read_beat(ev, &beat))
        return false;
    struct group *asked = answered(beats, &beat);
    if (asked) {
        asked->facts.replied++;
        asked->waits_for_reply = false;
    }
    struct group *group = group_of(beats, &beat);
    if (!group) {
        beats->other[beat.side]++;
        return false;
    }
    if (asked && (beat.opcode == OPCODE_PONG || follows_closely(group, asked)))
        group->is_reply = true;
    note_beat(group, &beat);
    if (group->is_reply && group->facts.kind != HEARTBEAT_PROTOCOL)
        group->facts.recognised = false;
    return group->facts.recognised || (asked && asked->facts.recognised);
}

/* --- Questions --- */

static double irregularity(const struct group *group)
{
    return group->facts.shortest > 0
               ? (double)group->facts.longest / (double)group->facts.shortest
               : 1e9;
}

static bool is_better(const struct group *a, const struct group *b)
{
    if (!b || a->facts.kind != b->facts.kind)
        return !b || a->facts.kind < b->facts.kind;
    return irregularity(a) < irregularity(b);
}

const struct heartbeat_group *heartbeats_best(const struct heartbeats *beats, enum side from)
{
    const struct group *best = NULL;
    for (size_t i = 0; i < beats->count; i++) {
        const struct group *group = &beats->groups[i];
        if (group->side == from && group->facts.recognised && is_better(group, best))
            best = group;
    }
    return best ? &best->facts : NULL;
}

nsec heartbeats_longest_silence(const struct trace *trace, uint32_t conn, enum side sender,
                                nsec from, nsec to)
{
    nsec last = from, longest = 0;
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->kind != EV_WS_FRAME || ev->conn != conn || ev->at < from || ev->at > to)
            continue;
        if (sender != SIDE_NONE && ev->side != sender)
            continue;
        longest = nsec_max(longest, ev->at - last);
        last = ev->at;
    }
    return nsec_max(longest, to - last);
}

uint64_t heartbeats_other_traffic(const struct heartbeats *beats, enum side from)
{
    uint64_t other = beats->other[from];
    for (size_t i = 0; i < beats->count; i++) {
        const struct group *group = &beats->groups[i];
        if (group->side == from && !group->facts.recognised && !group->is_reply &&
            group->facts.kind == HEARTBEAT_APPLICATION)
            other += group->facts.beats;
    }
    return other;
}

#include "trace/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/frame.h"

#define SIG_BYTES     20
#define WINDOW        5 /* beats looked at: 4 intervals */
#define REGULAR       1.25
#define LEAST_GAP     (5 * NSEC_PER_SEC) /* of a group without a known word */
#define LENGTH_SPREAD 8
#define GAPS_KEPT     64 /* newest intervals, for the median */
#define ANSWERED      90 /* percent of the beats */
#define NOBODY        SIZE_MAX

/* A ping that may still be answered: pongs carry its payload (RFC 6455 5.5.3). */
struct ping {
    char hash[SIG_BYTES];
    nsec at;
    bool answered;
};

/* How the messages of a group follow the beats of another. */
struct following {
    uint64_t beats;  /* of the other, followed within the window */
    uint64_t newest; /* seq of the newest of them */
};

struct group {
    struct heartbeat_group facts; /* must stay first */
    uint64_t opcode, len;
    char sig[SIG_BYTES];
    bool known_word, says_pong, is_reply;
    nsec recent[WINDOW];
    size_t recent_count;
    nsec gaps[GAPS_KEPT];
    size_t gap_count;
    struct ping pings[WINDOW]; /* of a protocol group, a ring */
    size_t ping_count;
    struct following following[HEARTBEAT_GROUPS_LIMIT];
    size_t answers; /* index of the group whose reply this is; NOBODY */
};

struct heartbeats {
    nsec reply_window;
    nsec stall;
    bool ignore_pings;
    struct group *groups;
    size_t count, room;
    bool asked[3];    /* by enum side: a fault sent it a ping */
    nsec asked_at[3]; /* the newest of them */
};

struct heartbeats *heartbeats_new(nsec reply_window)
{
    struct heartbeats *beats = xcalloc(1, sizeof *beats);
    beats->reply_window = reply_window;
    return beats;
}

void heartbeats_tolerate(struct heartbeats *beats, nsec stall)
{
    beats->stall = stall;
}

void heartbeats_ignore_pings(struct heartbeats *beats)
{
    beats->ignore_pings = true;
}

void heartbeats_free(struct heartbeats *beats)
{
    if (!beats)
        return;
    free(beats->groups);
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

static bool says_pong(const struct beat *beat)
{
    return strcmp(beat->kind, "pong") == 0;
}

static bool fits(const struct group *group, const struct beat *beat)
{
    uint64_t apart = group->len > beat->len ? group->len - beat->len : beat->len - group->len;
    if (group->facts.from != beat->side || group->opcode != beat->opcode)
        return false;
    if (frame_is_control((uint8_t)beat->opcode))
        return true; /* pings differ in payload, they are one heartbeat */
    /* engine.io: "40" and its pong "3" look the same once digits are masked */
    if (group->known_word != (*beat->kind != '\0') || group->says_pong != says_pong(beat))
        return false;
    return apart <= LENGTH_SPREAD && strncmp(group->sig, beat->sig, SIG_BYTES - 1) == 0;
}

static void keep_word(char out[SIG_BYTES], const char *word)
{
    size_t len = strlen(word);
    len = len < SIG_BYTES - 1 ? len : SIG_BYTES - 1;
    memcpy(out, word, len);
    out[len] = '\0';
}

static enum heartbeat_kind kind_of(const struct beat *beat)
{
    if (beat->opcode == OPCODE_PING)
        return HEARTBEAT_PROTOCOL;
    return beat->opcode == OPCODE_PONG ? HEARTBEAT_UNSOLICITED_PONG : HEARTBEAT_APPLICATION;
}

static struct group *add_group(struct heartbeats *beats, const struct beat *beat)
{
    if (beats->count == beats->room) {
        beats->room = beats->room ? beats->room * 2 : 4;
        beats->groups = xrealloc(beats->groups, beats->room * sizeof *beats->groups);
    }
    struct group *group = &beats->groups[beats->count++];
    *group = (struct group){.opcode = beat->opcode, .len = beat->len, .answers = NOBODY};
    keep_word(group->sig, beat->sig);
    group->known_word = *beat->kind != '\0';
    group->says_pong = group->is_reply = says_pong(beat);
    group->facts.from = beat->side;
    group->facts.kind = kind_of(beat);
    group->facts.first = beat->at;
    group->facts.first_seq = beat->seq;
    return group;
}

/* NULL: of a kind beyond the limit. */
static struct group *group_of(struct heartbeats *beats, const struct beat *beat)
{
    for (size_t i = 0; i < beats->count; i++)
        if (fits(&beats->groups[i], beat))
            return &beats->groups[i];
    return beats->count < HEARTBEAT_GROUPS_LIMIT ? add_group(beats, beat) : NULL;
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
}

static bool is_regular(const struct group *group, nsec stall)
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
    nsec slack = nsec_min(nsec_add(stall, stall), shortest / 2);
    return shortest > 0 && (double)longest <= REGULAR * (double)shortest + (double)slack;
}

/* A heartbeat skips beats and changes its phase; traffic that was regular once by chance goes on
 * otherwise. */
static bool is_steady(const struct group *group)
{
    size_t near = 0;
    double median = (double)median_of(group->gaps, group->gap_count);
    for (size_t i = 0; i < group->gap_count; i++) {
        double gap = (double)group->gaps[i];
        near += gap * REGULAR >= median && gap <= median * REGULAR;
    }
    return near * 2 >= group->gap_count;
}

/* A word that is known and that was answered each time is one before its regularity shows: at 60 s
 * a beat that would take five minutes. */
static bool is_known_and_answered(const struct group *group)
{
    const struct heartbeat_group *facts = &group->facts;
    return group->known_word && facts->replied > 0 && facts->beats >= 2 &&
           facts->replied + 1 >= facts->beats;
}

static bool is_recognised(const struct heartbeats *beats, const struct group *group)
{
    if (group->facts.kind == HEARTBEAT_PROTOCOL)
        return !beats->ignore_pings || group->facts.from != SIDE_CLIENT;
    if (group->is_reply)
        return false;
    if (is_known_and_answered(group))
        return true;
    return is_regular(group, beats->stall) || (group->facts.recognised && is_steady(group));
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
}

/* --- Replies to pings --- */

static void note_ping(struct group *group, const struct beat *beat)
{
    struct ping *ping = &group->pings[group->ping_count++ % WINDOW];
    *ping = (struct ping){.at = beat->at};
    keep_word(ping->hash, beat->hash);
}

static struct ping *find_ping(struct group *group, const char *hash)
{
    size_t kept = group->ping_count < WINDOW ? group->ping_count : WINDOW;
    for (size_t back = 1; back <= kept; back++) {
        struct ping *ping = &group->pings[(group->ping_count - back) % WINDOW];
        if (!ping->answered && strncmp(ping->hash, hash, SIG_BYTES - 1) == 0)
            return ping;
    }
    return NULL;
}

/* Whose ping this pong answers. NULL: nobody's. */
static struct group *answered_by(struct heartbeats *beats, enum side side, const char *hash,
                                 nsec at)
{
    for (size_t i = 0; i < beats->count; i++) {
        struct group *group = &beats->groups[i];
        bool asks = group->facts.kind == HEARTBEAT_PROTOCOL && group->facts.from != side;
        struct ping *ping = asks ? find_ping(group, hash) : NULL;
        if (!ping)
            continue;
        ping->answered = true;
        group->facts.replied += at - ping->at <= beats->reply_window;
        return group;
    }
    return NULL;
}

/* --- Frames of faults --- */

/* What a fault says is nobody's heartbeat. Its pings may be answered, its pongs answer. */
static void take_injected(struct heartbeats *beats, const struct event *ev)
{
    if (ev->ws_injected.opcode == OPCODE_PING) {
        beats->asked[side_other(ev->side)] = true;
        beats->asked_at[side_other(ev->side)] = ev->at;
    } else if (ev->ws_injected.opcode == OPCODE_PONG) {
        (void)answered_by(beats, ev->side, ev->ws_injected.hash, ev->at); /* or it is unasked */
    }
}

static bool may_answer_a_fault(const struct heartbeats *beats, const struct beat *beat)
{
    return beat->opcode == OPCODE_PONG && beats->asked[beat->side] &&
           beat->at - beats->asked_at[beat->side] <= beats->reply_window;
}

/* --- Replies to messages --- */

/* A known word asks, and answers at most another: prices that come each second are no questions of
 * which a ping is the reply. */
static bool may_be_asked(const struct heartbeats *beats, const struct group *group,
                         const struct beat *beat)
{
    if (*beat->kind && !says_pong(beat) && !group->known_word)
        return false;
    return group->facts.kind == HEARTBEAT_APPLICATION && group->facts.from != beat->side &&
           !group->is_reply && beat->at - group->facts.last <= beats->reply_window;
}

/* Of each beat of the other side the first message of a group that follows it counts. */
static void follow(struct heartbeats *beats, struct group *group, const struct beat *beat)
{
    for (size_t i = 0; i < beats->count; i++) {
        struct following *following = &group->following[i];
        if (!may_be_asked(beats, &beats->groups[i], beat) ||
            following->newest == beats->groups[i].facts.last_seq)
            continue;
        following->newest = beats->groups[i].facts.last_seq;
        following->beats++;
    }
}

/* The messages of a reply follow beats and hardly ever come without one, and a beat hardly ever
 * comes without one of them: a ticker that happens to come soon after every beat is none, nor is
 * what comes soon after one beat of a ticker in ten. */
static size_t answers_of(const struct heartbeats *beats, const struct group *group)
{
    size_t best = NOBODY;
    uint64_t least = group->says_pong ? 1 : 2, most = 0;
    for (size_t i = 0; i < beats->count; i++) {
        uint64_t followed = group->following[i].beats;
        if (followed < least || followed <= most || followed * 10 < group->facts.beats * 9 ||
            followed * 2 < beats->groups[i].facts.beats)
            continue;
        best = i;
        most = followed;
    }
    return best;
}

static void count_replies(struct heartbeats *beats, size_t asked)
{
    uint64_t most = 0;
    if (asked == NOBODY)
        return;
    for (size_t i = 0; i < beats->count; i++) {
        const struct group *reply = &beats->groups[i];
        if (reply->answers == asked && reply->following[asked].beats > most)
            most = reply->following[asked].beats;
    }
    beats->groups[asked].facts.replied = most;
}

static struct group *take_message(struct heartbeats *beats, struct group *group,
                                  const struct beat *beat)
{
    size_t before = group->answers;
    follow(beats, group, beat);
    group->answers = answers_of(beats, group);
    group->is_reply = group->says_pong || group->answers != NOBODY;
    count_replies(beats, before);
    count_replies(beats, group->answers);
    return group->answers == NOBODY ? NULL : &beats->groups[group->answers];
}

/* A late pong is no reply in time, but it is nobody's own heartbeat either. */
bool heartbeats_feed(struct heartbeats *beats, const struct event *ev)
{
    struct beat beat;
    struct group *asked = NULL;
    if (ev->kind == EV_WS_INJECTED)
        take_injected(beats, ev);
    if (!read_beat(ev, &beat))
        return false;
    if (beat.opcode == OPCODE_PONG)
        asked = answered_by(beats, beat.side, beat.hash, beat.at);
    if (!asked && may_answer_a_fault(beats, &beat))
        return false;
    size_t index = asked ? (size_t)(asked - beats->groups) : NOBODY;
    struct group *group = group_of(beats, &beat); /* may move them all */
    if (!group)
        return false;
    asked = index != NOBODY ? &beats->groups[index] : NULL;
    note_beat(group, &beat);
    if (group->facts.kind == HEARTBEAT_PROTOCOL)
        note_ping(group, &beat);
    else if (group->facts.kind == HEARTBEAT_UNSOLICITED_PONG)
        group->is_reply = group->is_reply || asked;
    else
        asked = take_message(beats, group, &beat);
    group->facts.recognised = is_recognised(beats, group);
    if (group->facts.recognised)
        group->facts.median = median_of(group->gaps, group->gap_count);
    return group->facts.recognised || (asked && asked->facts.recognised);
}

/* --- Questions --- */

static double irregularity(const struct group *group)
{
    return group->facts.shortest > 0 ? (double)group->facts.longest / (double)group->facts.shortest
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
        if (group->facts.from == from && group->facts.recognised && is_better(group, best))
            best = group;
    }
    return best ? &best->facts : NULL;
}

const struct heartbeat_group *heartbeats_best_application(const struct heartbeats *beats,
                                                          enum side from)
{
    const struct group *best = NULL;
    for (size_t i = 0; i < beats->count; i++) {
        const struct group *group = &beats->groups[i];
        if (group->facts.from == from && group->facts.recognised &&
            group->facts.kind == HEARTBEAT_APPLICATION && is_better(group, best))
            best = group;
    }
    return best ? &best->facts : NULL;
}

bool heartbeat_is_answered(const struct heartbeat_group *group)
{
    uint64_t due = group->beats > 1 ? group->beats - 1 : 1;
    return group->kind != HEARTBEAT_UNSOLICITED_PONG && group->replied * 100 >= due * ANSWERED;
}

nsec heartbeats_longest_silence(const struct trace *trace, uint32_t conn, enum side sender,
                                nsec from, nsec to)
{
    nsec last = from, longest = 0;
    for (size_t i = 0; i < trace->count && trace->events[i].at <= to; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->kind != EV_WS_FRAME || ev->conn != conn || ev->at < from)
            continue;
        if (sender != SIDE_NONE && ev->side != sender)
            continue;
        longest = nsec_max(longest, ev->at - last);
        last = ev->at;
    }
    return nsec_max(longest, to - last);
}

/* message.framing: how TCP cuts up the stream makes no difference to the client. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/offence.h"
#include "rules/lib/segments.h"
#include "ws/close.h"

#define NO_ANSWER (10 * NSEC_PER_SEC) /* wall time; as heartbeat.pong */
#define GAVE_UP   NSEC_PER_SEC        /* after so long it may have been the client's own timeout */

enum aspect { OPENS, KEEPS, READS_FIRST, READS_PIECES, READS_JOINED, ASPECTS };
/* In ascending weight but for UNCLEAR, which is told only where nothing else was seen. */
enum result { NOTHING, UNCLEAR, FINE, BROKEN, RESULTS };

static const enum travel travels[ASPECTS] = {
    [READS_FIRST] = WITH_THE_101, [READS_PIECES] = IN_PIECES, [READS_JOINED] = JOINED};

/* What all connections of one client show together. */
struct untouched {
    bool opens;   /* a handshake whose answer came whole, and none whose answer came in pieces */
    bool answers; /* a ping that came as it was sent */
    bool pinged;  /* there was such a ping */
    nsec lives;   /* the longest that a connection lasted on which nothing was touched */
};

static nsec life(const struct segmented *c)
{
    return nsec_min(nsec_min(c->ended, c->watched), c->touched) - c->opened;
}

static struct untouched untouched_of(const struct segments *all, int client)
{
    struct untouched u = {0};
    bool opens_in_pieces = false;
    for (size_t i = 0; i < all->count; i++) {
        const struct segmented *c = &all->list[i];
        if (c->client != client || c->opened == NEVER)
            continue;
        u.opens = u.opens || !c->head_in_pieces;
        opens_in_pieces = opens_in_pieces || c->head_in_pieces;
        u.answers = u.answers || c->pings[AS_SENT].answered > 0;
        u.pinged = u.pinged || c->pings[AS_SENT].count > 0;
        if (!c->head_in_pieces)
            u.lives = nsec_max(u.lives, life(c));
    }
    u.opens = u.opens && !opens_in_pieces;
    return u;
}

static bool is_violation(uint64_t code)
{
    return code == CLOSE_PROTOCOL_ERROR || code == CLOSE_INVALID_PAYLOAD || code == CLOSE_TOO_BIG ||
           code == CLOSE_UNSUPPORTED_DATA;
}

/* Its end is put down to the segments only where it says so itself, or comes at once and later than
 * nothing: another connection lasted longer. */
static bool ended_of_it(const struct trace *trace, const struct segmented *c,
                        const struct untouched *u)
{
    if (c->ended == NEVER || c->touched == NEVER || c->ended < c->touched)
        return false;
    if (is_violation(c->code))
        return true;
    return c->code != CLOSE_NORMAL && c->code != CLOSE_GOING_AWAY &&
           c->ended - c->touched <= offence_wall(trace, OFFENCE_PATIENT) &&
           u->lives > c->ended - c->opened;
}

static enum result opens(const struct trace *trace, const struct segmented *c,
                         const struct untouched *u)
{
    if (!c->head_in_pieces || c->asked == NEVER)
        return NOTHING;
    if (c->opened != NEVER)
        return nsec_min(c->ended, c->watched) - c->opened >= offence_wall(trace, OFFENCE_PATIENT)
                   ? FINE
                   : UNCLEAR;
    bool at_once = c->ended != NEVER && c->ended - c->asked < GAVE_UP;
    return at_once && u->opens ? BROKEN : UNCLEAR;
}

static enum result reads(const struct trace *trace, const struct segmented *c, enum travel travel,
                         const struct untouched *u)
{
    const struct pinged *pings = &c->pings[travel];
    if (pings->count == 0)
        return NOTHING;
    if (pings->lost > 0 ||
        (pings->waits >= offence_wall(trace, NO_ANSWER) && u->answers && c->ended == NEVER))
        return BROKEN;
    return pings->answered == pings->count ? FINE : UNCLEAR;
}

static enum result result_of(const struct trace *trace, const struct segmented *c,
                             enum aspect aspect, const struct untouched *u)
{
    switch (aspect) {
    case OPENS:
        return opens(trace, c, u);
    case KEEPS:
        return ended_of_it(trace, c, u) ? BROKEN : NOTHING;
    case READS_FIRST:
    case READS_PIECES:
    case READS_JOINED:
        return reads(trace, c, travels[aspect], u);
    case ASPECTS:
        break;
    }
    return NOTHING;
}

/* --- Counting --- */

struct count {
    size_t clients, connections;
    uint64_t pings, lost; /* lost: or not answered at all */
    const struct segmented *example;
    uint64_t from, to;
};

struct counts {
    struct count of[ASPECTS][RESULTS];
    bool mute; /* a client answers no ping however it came */
};

static void add(struct count *count, const struct segmented *c, enum aspect aspect, bool fresh)
{
    const struct pinged *pings = &c->pings[travels[aspect]];
    bool reads = aspect >= READS_FIRST;
    uint64_t from = reads ? pings->from : c->from, to = reads ? pings->to : c->to;
    count->clients += fresh;
    if (count->connections++ == 0)
        count->example = c;
    count->pings += reads ? pings->count : 0;
    count->lost += reads ? pings->count - pings->answered : 0;
    count->from = count->from && count->from < from ? count->from : from;
    count->to = to > count->to ? to : count->to;
}

static void count_client(const struct trace *trace, const struct segments *all, int client,
                         struct counts *counts)
{
    const struct untouched u = untouched_of(all, client);
    bool seen[ASPECTS][RESULTS] = {{false}};
    counts->mute = counts->mute || (u.pinged && !u.answers);
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].client != client)
            continue;
        for (int aspect = 0; aspect < ASPECTS; aspect++) {
            enum result result = result_of(trace, &all->list[i], (enum aspect)aspect, &u);
            add(&counts->of[aspect][result], &all->list[i], (enum aspect)aspect,
                !seen[aspect][result]);
            seen[aspect][result] = true;
        }
    }
}

static struct counts count_all(const struct trace *trace, const struct segments *all)
{
    struct counts counts = {0};
    for (size_t i = 0; i < all->count; i++) {
        bool fresh = true;
        for (size_t j = 0; j < i && fresh; j++)
            fresh = all->list[j].client != all->list[i].client;
        if (fresh)
            count_client(trace, all, all->list[i].client, &counts);
    }
    return counts;
}

/* --- Sentences --- */

static const char *const ways[ASPECTS] = {
    [READS_FIRST] = "in one segment with the 101",
    [READS_PIECES] = "in pieces",
    [READS_JOINED] = "several in one segment",
};

static void add_who(struct text *out, const struct count *count, const struct segments *all)
{
    if (all->clients > 1)
        text_addf(out, "%zu of %zu clients", count->clients, all->clients);
    else
        text_add(out, "the client");
}

static void add_opens(struct text *out, enum result result, const struct count *count)
{
    const char *s = count->connections == 1 ? "" : "s";
    if (result == FINE)
        text_addf(out, " opened %zu WebSocket%s whose 101 came in pieces", count->connections, s);
    else if (result == BROKEN)
        text_addf(out,
                  " ended %zu attempt%s whose 101 came in pieces, and opens those whose 101 "
                  "comes whole",
                  count->connections, s);
    else
        text_add(out, " did not stay, or was not seen to, where the 101 came in pieces");
}

static void add_keeps(struct text *out, const struct count *count)
{
    const struct segmented *c = count->example;
    text_add(out, " ended the connection ");
    if (c->code > 0)
        text_addf(out, "(%llu) ", (unsigned long long)c->code);
    units_add_duration(out, c->ended - c->touched);
    text_add(out, " after its bytes began to come cut up or joined");
}

static void add_reads(struct text *out, enum aspect aspect, enum result result,
                      const struct count *count)
{
    unsigned long long pings = count->pings, lost = count->lost;
    if (result == FINE)
        text_addf(out, " answered all of %llu pings that came %s", pings, ways[aspect]);
    else if (result == BROKEN)
        text_addf(out, " left %llu of %llu pings unanswered that came %s, and answers others", lost,
                  pings, ways[aspect]);
    else
        text_addf(out,
                  " had not answered %llu of %llu pings that came %s when the connection ended "
                  "or the run did",
                  lost, pings, ways[aspect]);
}

static void report(const struct segments *all, enum aspect aspect, enum result result,
                   const struct count *count, struct findings *out)
{
    static const enum verdict verdicts[RESULTS] = {
        [UNCLEAR] = INCONCLUSIVE, [FINE] = PASS, [BROKEN] = FAIL};
    struct text text;
    text_init(&text);
    add_who(&text, count, all);
    if (aspect == OPENS)
        add_opens(&text, result, count);
    else if (aspect == KEEPS)
        add_keeps(&text, count);
    else
        add_reads(&text, aspect, result, count);
    struct finding *finding = finding_add(out, verdicts[result], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "connections", (double)count->connections);
    if (count->pings > 0) {
        finding_measured(finding, "pings_unanswered", (double)count->lost);
        finding_allowed(finding, "pings_unanswered", 0);
    }
    finding_evidence(finding, count->from, count->to);
    if (result == BROKEN)
        finding_fix(
            finding,
            "keep what a read brought until a whole head or frame is there, and go on with "
            "what is left of it: behind a frame, and behind the 101, there may be the next");
}

static void report_aspect(const struct segments *all, enum aspect aspect,
                          const struct counts *counts, struct findings *out)
{
    const struct count *of = counts->of[aspect];
    if (of[BROKEN].connections > 0)
        report(all, aspect, BROKEN, &of[BROKEN], out);
    if (of[FINE].connections > 0)
        report(all, aspect, FINE, &of[FINE], out);
    else if (of[UNCLEAR].connections > 0 && of[BROKEN].connections == 0 && !counts->mute)
        report(all, aspect, UNCLEAR, &of[UNCLEAR], out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct segments all;
    (void)config;
    segments_of(trace, &all);
    struct counts counts = count_all(trace, &all);
    for (int aspect = 0; aspect < ASPECTS; aspect++)
        report_aspect(&all, (enum aspect)aspect, &counts, out);
    if (counts.mute)
        (void)finding_add(
            out, INCONCLUSIVE,
            "a client answered no ping at all, whole or not, so that nothing shows what "
            "it reads; see heartbeat.pong");
    else if (!out->first && all.builtin && all.count == 0)
        finding_own_client(out);
    else if (!out->first)
        (void)finding_add(out, INCONCLUSIVE,
                          "nothing reached the client cut up or joined that it would have to react "
                          "to; it takes the faults slice, coalesce or upgrade_dribble, or "
                          "upgrade_delay with a ping_flood on new connections, and pings");
    segments_fini(&all);
}

const struct rule_desc message_framing_rule = {
    .name = "message.framing",
    .id = "MSG-02",
    .title = "Frames, not TCP segments",
    .brief = "how TCP cuts up the stream makes no difference",
    .doc =
        "Provoked is every cut that TCP may make: the handshake and the frames byte by byte (slice, "
        "upgrade_dribble), several frames in one segment (coalesce), and a frame in one segment with the "
        "101 (upgrade_delay, with a ping_flood on new connections). Observed is what any client does: it "
        "opens, it stays, it answers pings. What it does elsewhere in the run is what it has to do here. "
        "An attempt given up, a connection ended with 1002, 1007 or 1009, or at once, and a ping without "
        "an answer while others have theirs are failures: on the developer's desk such a bug never shows. "
        "The usual mistakes are to take one read for one frame, and to drop what was read behind the 101.",
    .source = "RFC 6455 5.2",
    .example = "message.framing",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(WS_OPEN),
    .check = check,
};

/* state.survives: what a client's user has is the same before an outage and after it. */
#include <string.h>

#include "rules/lib/eras.h"
#include "rules/rule.h"

/* By what the state is known. */
enum source { FROM_HOOK, FROM_SERVER, SOURCES };

/* What is known of it during one era. */
struct sight {
    const char *first, *last; /* hashes; NULL: nothing. "": it was asked and said nothing */
    bool moved;               /* they differ */
    uint64_t from, to;
};

enum fate { UNSEEN_BEFORE, UNSEEN_AFTER, MOVES, EMPTY_BEFORE, SAME, GONE, OTHER, FATES };

struct tallied {
    size_t losses[FATES];
    uint64_t from[FATES], to[FATES];
    size_t clients, unanswered;
};

/* --- One loss --- */

static bool is_told(const struct event *ev, enum source source)
{
    if (source == FROM_HOOK)
        return ev->kind == EV_HOOK_STATE;
    return ev->kind == EV_WS_SESSION && ev->side == SIDE_SERVER;
}

static const char *told(const struct event *ev)
{
    if (ev->kind == EV_WS_SESSION)
        return ev->ws_session.hash;
    return ev->hook_state.len > 0 ? ev->hook_state.hash : "";
}

static struct sight sight_of(const struct trace *trace, const struct eras *eras,
                             const struct era *era, enum source source)
{
    struct sight sight = {0};
    for (const struct event *ev = trace->events; ev < trace->events + trace->count; ev++) {
        bool here = ev->kind == EV_HOOK_STATE ? ev->at >= era->from && ev->at <= era->to
                                              : era_opened(eras, era, ev->conn) != NEVER;
        if (ev->client != era->client || !is_told(ev, source) || !here)
            continue;
        if (!sight.first) {
            sight.first = told(ev);
            sight.from = ev->seq;
        }
        sight.last = told(ev);
        sight.moved = sight.moved || strcmp(sight.first, sight.last) != 0;
        sight.to = ev->seq;
    }
    return sight;
}

static enum fate fate_of(const struct sight *before, const struct sight *after)
{
    if (!before->last)
        return UNSEEN_BEFORE;
    if (before->moved)
        return MOVES;
    if (*before->last == '\0')
        return EMPTY_BEFORE;
    if (!after->last)
        return UNSEEN_AFTER;
    if (strcmp(before->last, after->last) == 0)
        return SAME;
    return *after->last ? OTHER : GONE;
}

static void judge_loss(const struct trace *trace, const struct eras *eras, const struct era *before,
                       const struct era *after, struct tallied *tallied)
{
    for (int source = 0; source < SOURCES; source++) {
        struct sight was = sight_of(trace, eras, before, (enum source)source);
        struct sight is = sight_of(trace, eras, after, (enum source)source);
        enum fate fate = fate_of(&was, &is);
        if (tallied->losses[fate]++ == 0)
            tallied->from[fate] = was.last ? was.from : before->from_seq;
        tallied->to[fate] = is.last ? is.to : after->to_seq;
    }
}

/* --- Sentences --- */

static void say_lost(const struct tallied *tallied, struct findings *out)
{
    enum fate fate = tallied->losses[OTHER] > 0 ? OTHER : GONE;
    size_t lost = tallied->losses[OTHER] + tallied->losses[GONE];
    struct finding *finding = finding_add(
        out, FAIL, "the client's state was %s after %zu of %zu losses of its connection",
        fate == OTHER ? "another" : "gone", lost, lost + tallied->losses[SAME]);
    finding_measured(finding, "lost", (double)lost);
    finding_allowed(finding, "lost", 0);
    finding_evidence(finding, tallied->from[fate], tallied->to[fate]);
    finding_fix(finding,
                "keep what the user would miss outside the connection, with the server or in "
                "storage, under a name that the client gives when it connects again");
}

static void say_same(const struct tallied *tallied, struct findings *out)
{
    struct finding *finding =
        finding_add(out, PASS,
                    "the client's state was the same before and after %zu loss%s of its "
                    "connection",
                    tallied->losses[SAME], tallied->losses[SAME] == 1 ? "" : "es");
    finding_measured(finding, "lost", 0);
    finding_allowed(finding, "lost", 0);
    finding_evidence(finding, tallied->from[SAME], tallied->to[SAME]);
}

static void say_undecided(const struct tallied *tallied, struct findings *out)
{
    static const char *const words[FATES] = {
        [MOVES] = ("the client's state is another each time it is seen: give a part of it that "
                   "stays while nothing happens"),
        [EMPTY_BEFORE] = "the client had no state before it lost its connection",
        [UNSEEN_AFTER] = "nothing was seen of the client's state after it lost its connection",
        [UNSEEN_BEFORE] = "nothing was seen of the client's state before it lost its connection",
    };
    static const enum fate order[] = {MOVES, EMPTY_BEFORE, UNSEEN_AFTER, UNSEEN_BEFORE};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (tallied->losses[order[i]] == 0)
            continue;
        struct finding *finding = finding_add(out, INCONCLUSIVE, "%s", words[order[i]]);
        finding_evidence(finding, tallied->from[order[i]], tallied->to[order[i]]);
        return;
    }
    (void)finding_add(out, INCONCLUSIVE, "no client lost its connection and came back");
}

/* --- The rule --- */

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct eras eras;
    struct tallied tallied = {0};
    (void)config;
    eras_of(trace, &eras);
    for (size_t i = 1; i < eras.count; i++)
        if (eras.list[i].client == eras.list[i - 1].client && !eras.list[i - 1].left)
            judge_loss(trace, &eras, &eras.list[i - 1], &eras.list[i], &tallied);
    if (eras.count == 0 && eras.endings.builtin)
        finding_own_client(out);
    else if (tallied.losses[OTHER] + tallied.losses[GONE] > 0)
        say_lost(&tallied, out);
    else if (tallied.losses[SAME] > 0)
        say_same(&tallied, out);
    else
        say_undecided(&tallied, out);
    eras_fini(&eras);
}

const struct rule_desc state_survives_rule = {
    .name = "state.survives",
    .id = "STATE-06",
    .title = "State survives the connection",
    .brief = "what a user has is the same after an outage",
    .doc =
        "Provoked by an outage of 8 s. Observed is the client's state before and after it: what the application "
        "answers when it is asked (hooks.state), or what the server's messages say of it (sessions.state), as a "
        "hash. It has to be the same. Another one, or none, is a failure, whatever the connection looks like; the "
        "last word on each side of the outage counts, so that a client may take a moment to load. A state that "
        "moves by itself while nothing happens decides nothing: what should be given is what a user would miss, "
        "the session, the room, the cart, the draft, and not a clock or a counter of messages. No clause of a "
        "standard asks for it; a connection ends with the first tunnel, and what is kept with it ends too. The "
        "remedy is to keep state outside the connection, with the server or in storage, under a name that the "
        "client gives when it connects again.",
    .source = "RFC 6455 7.2.3",
    .example = "state.survives: {}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .declares_any = DECLARES_STATE | DECLARES_SESSION_STATE,
    .check = check,
};

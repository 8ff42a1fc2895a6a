/* reconnect.single_flight: never more connections than the client keeps when nothing is wrong. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define TOUCHING (100 * NSEC_PER_MSEC) /* one is closed and the next dialled in one turn */
#define TOO_LONG (5 * NSEC_PER_SEC)    /* RULES RECON-11 */
#define QUIET    (5 * NSEC_PER_SEC)    /* without a fault, to see how many it keeps */

/* How a client fared, the best first. */
enum fate { NEVER_OPEN, UNSEEN, NOT_BACK, ONE, BRIEF, SEVERAL, FATES };

static const enum verdict verdicts[FATES] = {
    [NEVER_OPEN] = INCONCLUSIVE,
    [UNSEEN] = INCONCLUSIVE,
    [NOT_BACK] = INCONCLUSIVE,
    [ONE] = PASS,
    [BRIEF] = WARN,
    [SEVERAL] = FAIL,
};

/* A moment at which a client has one connection more, or one less. */
struct step {
    nsec at;
    int by;
    uint64_t seq;
};

struct sight {
    enum fate fate;
    int kept, most; /* connections: before the first fault, and ever after it */
    nsec excess;    /* the longest time with more than it keeps */
    uint64_t from, to;
};

/* Until when a connection or an attempt is one: not while it closes, nor once it is silent, for
 * then its end may not be seen. */
static nsec over(const struct ending *ending, nsec end)
{
    nsec at = nsec_min(nsec_min(ending->at, ending->closing), ending->attempt.silenced);
    return nsec_min(at, end);
}

/* Connections to another path are another matter: an application may open them when it likes. */
static bool is_for_the_same(const struct ending *one, const struct ending *other)
{
    size_t len = strcspn(one->target, "?");
    return len == strcspn(other->target, "?") && strncmp(one->target, other->target, len) == 0;
}

/* Of an attempt that hangs before its request the path is not known: of a client that uses several
 * it may be for any of them. */
static bool uses_one_path(const struct endings *endings, size_t first, size_t end)
{
    const struct ending *one = NULL;
    for (size_t i = first; i < end; i++) {
        const struct ending *ending = &endings->list[i];
        if (one && ending->target && !is_for_the_same(one, ending))
            return false;
        if (!one && ending->target)
            one = ending;
    }
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->by - y->by; /* what ends makes room first */
}

static size_t steps_of(const struct endings *endings, size_t first, size_t end, nsec until,
                       struct step *steps)
{
    size_t count = 0;
    const struct ending *one = &endings->list[first];
    bool one_path = uses_one_path(endings, first, end);
    for (size_t i = first; i < end; i++) {
        const struct ending *ending = &endings->list[i];
        bool known = one->target && ending->target;
        if (known ? !is_for_the_same(one, ending) : !one_path)
            continue;
        steps[count++] =
            (struct step){.at = ending->attempt.start, .by = 1, .seq = ending->attempt.from};
        steps[count++] =
            (struct step){.at = over(ending, until), .by = -1, .seq = ending->attempt.to};
    }
    qsort(steps, count, sizeof *steps, by_time);
    return count;
}

/* How many connections the client keeps when nothing is wrong. */
static int kept_before(const struct step *steps, size_t count, nsec fault)
{
    int now = 0, most = 0;
    for (size_t i = 0; i < count && steps[i].at < fault; i++) {
        now += steps[i].by;
        most = now > most ? now : most;
    }
    return most;
}

static void measure(const struct step *steps, size_t count, nsec tolerated, struct sight *sight)
{
    int now = 0;
    for (size_t i = 0; i < count; i++) {
        now += steps[i].by;
        if (i + 1 == count || now <= sight->kept)
            continue;
        size_t last = i + 1; /* it goes on until the number is down again */
        for (int then = now + steps[last].by; then > sight->kept && last + 1 < count;)
            then += steps[++last].by;
        nsec lasted = steps[last].at - steps[i].at;
        if (lasted > tolerated && lasted > sight->excess) {
            sight->excess = lasted;
            sight->from = steps[i].seq;
            sight->to = steps[last].seq;
        }
        for (; i + 1 < last; i++) {
            if (lasted > tolerated)
                sight->most = now > sight->most ? now : sight->most;
            now += steps[i + 1].by;
        }
        if (lasted > tolerated)
            sight->most = now > sight->most ? now : sight->most;
    }
}

static bool came_back(const struct endings *endings, size_t first, size_t end, nsec fault)
{
    for (size_t i = first; i < end; i++) {
        const struct attempt *attempt = &endings->list[i].attempt;
        if (attempt->opened != NEVER && attempt->start >= fault)
            return true;
    }
    return false;
}

static struct sight sight_of(const struct endings *endings, size_t first, size_t end, nsec fault,
                             nsec until, nsec noise)
{
    const struct ending *one = &endings->list[first];
    struct step *steps = xcalloc(2 * (end - first), sizeof *steps);
    size_t count = steps_of(endings, first, end, until, steps);
    struct sight sight = {.kept = kept_before(steps, count, fault),
                          .from = one->from,
                          .to = endings->list[end - 1].attempt.to};
    sight.most = sight.kept;
    measure(steps, count, TOUCHING + 2 * noise, &sight);
    if (one->attempt.opened == NEVER || one->attempt.opened > fault)
        sight.fate = NEVER_OPEN;
    else if (fault - one->attempt.opened < QUIET)
        sight.fate = UNSEEN;
    else if (sight.excess >= nsec_add(TOO_LONG, noise))
        sight.fate = SEVERAL;
    else if (sight.excess > 0)
        sight.fate = BRIEF;
    else
        sight.fate = came_back(endings, first, end, fault) ? ONE : NOT_BACK;
    free(steps);
    return sight;
}

/* --- Sentences --- */

struct group {
    struct tally tally; /* of the excess */
    int kept, most;
};

static const char *plural(int count)
{
    return count == 1 ? "" : "s";
}

static void add_sentence(enum fate fate, const struct group *group, size_t of, struct text *out)
{
    tally_add_who(&group->tally, of, out);
    switch (fate) {
    case ONE:
        text_addf(out,
                  " came back and never had more than %d connection%s or attempt%s at a time, "
                  "as many as before",
                  group->kept, plural(group->kept), plural(group->kept));
        break;
    case BRIEF:
    case SEVERAL:
        text_addf(out, " had up to %d connections and attempts at a time, for ", group->most);
        tally_add_range(&group->tally, out);
        text_addf(out, "; before the first fault there %s %d", group->kept == 1 ? "was" : "were",
                  group->kept);
        break;
    case NOT_BACK:
        text_add(out,
                 " opened no connection after the fault, so a second one could not come either");
        break;
    case UNSEEN:
        text_add(out, " had its connection for less than ");
        units_add_duration(out, QUIET);
        text_add(out, " before the first fault: how many it keeps is not known");
        break;
    case NEVER_OPEN:
    case FATES:
        text_add(out, " had no open connection before the first fault: how many it keeps is not "
                      "known");
        break;
    }
}

static void report(struct findings *out, enum fate fate, const struct group *group, size_t of)
{
    struct text text;
    text_init(&text);
    add_sentence(fate, group, of, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "at_a_time", group->most);
    finding_measured(finding, "too_many_for_s", nsec_to_seconds(group->tally.most));
    finding_allowed(finding, "at_a_time", group->kept);
    finding_evidence(finding, group->tally.from, group->tally.to);
    if (fate == BRIEF || fate == SEVERAL)
        finding_fix(finding, "keep one state for the connection, begin an attempt only from "
                             "\"disconnected\", and close the old socket and its timers before a "
                             "new one is made");
}

static const struct event *first_fault(const struct trace *trace)
{
    size_t i = 0;
    return trace_next(trace, &i, EV_FAULT_ON);
}

static nsec end_of(const struct trace *trace)
{
    size_t i = 0;
    const struct event *end = trace_next(trace, &i, EV_RUN_END);
    return end ? end->at : trace->end;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct event *fault = first_fault(trace);
    struct group groups[FATES] = {{.most = 0}};
    struct endings endings;
    (void)config;
    endings_of(trace, &endings);
    size_t clients = endings_clients(&endings);
    for (size_t i = 0; fault && i < endings.count;) {
        size_t end = endings_of_client_end(&endings, i);
        struct sight sight = sight_of(&endings, i, end, fault->at, end_of(trace), trace->noise);
        struct group *group = &groups[sight.fate];
        tally_add(&group->tally, sight.excess, sight.from, sight.to);
        group->kept = sight.kept > group->kept ? sight.kept : group->kept;
        group->most = sight.most > group->most ? sight.most : group->most;
        i = end;
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].tally.count > 0)
            report(out, (enum fate)fate, &groups[fate], clients);
    if (clients == 0 && endings.builtin)
        finding_own_client(out);
    endings_fini(&endings);
}

const struct rule_desc reconnect_single_flight_rule = {
    .name = "reconnect.single_flight",
    .id = "RECON-11",
    .title = "One connection at a time",
    .brief = "a client never has two attempts or connections for one",
    .doc =
        "Provoked by attempts that hang, are given up, and are answered late; by losses in quick "
        "succession. Observed is how many connections and attempts a client has at a time, beside "
        "how many it kept before the first fault; one that closes, or that a fault keeps silent, is "
        "not counted. More for five seconds or longer is a failure, for less a warning; the tenth of "
        "a second in which one is closed and the next begun does not count, nor do the pairs of "
        "happy eyeballs. Every connection too many gets each message too, and is one more to "
        "be lost, so that their number doubles with every outage. To mend a failure begin an "
        "attempt from one place only, and close the old socket before a new one is made.",
    .source = "RFC 6455 4.1",
    .example = "reconnect.single_flight",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(TCP_OPEN),
    .check = check,
};

/* reconnect.hammering: few attempts in the first minute of an outage, whatever its kind. */
#include <stdlib.h>

#include "base/units.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define MINUTE      (60 * NSEC_PER_SEC)
#define TIGHT       (100 * NSEC_PER_MSEC) /* a median wait below this is no wait, RULES RECON-07 */
#define TIGHT_COUNT 5                     /* so many waits are a loop and no single quick retry */
#define WAITS_LIMIT 64                    /* of an outage; the first ones tell */

struct config {
    uint64_t attempts, warn_attempts;
};

static const struct param params[] = {
    P_COUNT(config, attempts, .def = "12", .min = "1", .max = "10000",
            .doc = "attempts that a client may make in the first minute of an outage"),
    P_COUNT(config, warn_attempts, .def = "20", .min = "1", .max = "10000",
            .doc = "more than that are a failure; between the two is a warning"),
    P_END,
};

/* How a client fared in its outages, the best first. */
enum fate { NO_OUTAGE, NO_RETRY, NOT_FAILED, TOO_SHORT, FEW, MANY, LOOP, TOO_MANY, FATES };

static const enum verdict verdicts[FATES] = {
    [NO_OUTAGE] = INCONCLUSIVE,
    [NO_RETRY] = INCONCLUSIVE,
    [NOT_FAILED] = INCONCLUSIVE,
    [TOO_SHORT] = INCONCLUSIVE,
    [FEW] = PASS,
    [MANY] = WARN,
    [LOOP] = FAIL,
    [TOO_MANY] = FAIL,
};

/* One outage of one client: from the loss of a connection, or its first failure, until a connection
 * lasts. */
struct spell {
    nsec began, until; /* began NEVER: there is none */
    size_t attempts;   /* that began in its first minute */
    size_t failed;     /* of these */
    size_t kept;       /* connections of the client, each with attempts of its own; at least 1 */
    nsec waits[WAITS_LIMIT];
    size_t wait_count;
    uint64_t from, to;
};

static int by_length(const void *a, const void *b)
{
    nsec x = *(const nsec *)a, y = *(const nsec *)b;
    return (x > y) - (x < y);
}

static nsec median_wait(struct spell *spell)
{
    qsort(spell->waits, spell->wait_count, sizeof *spell->waits, by_length);
    return spell->wait_count > 0 ? spell->waits[spell->wait_count / 2] : 0;
}

static void begin(struct spell *spell, const struct ending *ending)
{
    *spell = (struct spell){.began = ending->at,
                            .until = NEVER,
                            .kept = ending->kept > 1 ? ending->kept : 1,
                            .from = ending->from};
}

static void add_wait(struct spell *spell, const struct ending *ending)
{
    if (ending->at == NEVER || ending->next == NEVER || ending->next - spell->began > MINUTE ||
        spell->wait_count == WAITS_LIMIT)
        return;
    spell->waits[spell->wait_count++] = ending->next - ending->at;
}

static void add_attempt(struct spell *spell, const struct ending *ending)
{
    if (ending->attempt.start - spell->began > MINUTE)
        return;
    spell->attempts++;
    spell->failed += ending->at != NEVER;
    spell->to = ending->to;
}

static enum fate fate_of(struct spell *spell, const struct config *cfg, nsec noise)
{
    if (spell->began == NEVER)
        return NO_OUTAGE;
    if (spell->attempts > spell->kept * cfg->warn_attempts)
        return TOO_MANY;
    /* Of several connections a wait may end with an attempt for another one. */
    if (spell->kept == 1 && spell->wait_count >= TIGHT_COUNT && median_wait(spell) < TIGHT - noise)
        return LOOP;
    if (spell->attempts > spell->kept * cfg->attempts)
        return MANY;
    if (spell->until - spell->began < MINUTE)
        return TOO_SHORT;
    if (spell->attempts == 0)
        return NO_RETRY;
    return spell->failed > 0 ? FEW : NOT_FAILED;
}

/* --- The outages of one client --- */

struct sight {
    enum fate fate;
    struct spell spell;
};

static void settle(struct sight *sight, struct spell *spell, nsec until, const struct config *cfg,
                   nsec noise)
{
    if (spell->began == NEVER)
        return;
    spell->until = until;
    enum fate fate = fate_of(spell, cfg, noise);
    if (fate > sight->fate)
        *sight = (struct sight){.fate = fate, .spell = *spell};
    spell->began = NEVER;
}

/* A connection that lasts ends the outage, and so does one that the client itself was done with;
 * not another one of the client's, which was there before. */
static bool ends_outage(const struct spell *spell, const struct ending *ending, nsec stable_after)
{
    bool later = spell->began == NEVER || ending->attempt.opened > spell->began;
    return later && (ending_was_stable(ending, stable_after) || ending->own);
}

static struct sight sight_of(const struct endings *endings, size_t first, size_t end,
                             const struct trace *trace, const struct config *cfg)
{
    struct sight sight = {.fate = NO_OUTAGE};
    struct spell spell = {.began = NEVER};
    nsec watched = 0;
    for (size_t i = first; i < end; i++) {
        const struct ending *ending = &endings->list[i];
        bool lasts = ends_outage(&spell, ending, trace->policy.stable_after);
        if (spell.began != NEVER && ending->attempt.start >= spell.began)
            add_attempt(&spell, ending);
        if (lasts)
            settle(&sight, &spell, ending->attempt.opened, cfg, trace->noise);
        if (ending->at != NEVER && !ending->own) {
            if (spell.began == NEVER)
                begin(&spell, ending);
            add_wait(&spell, ending);
        }
        watched = nsec_max(watched, ending->watched);
    }
    settle(&sight, &spell, watched, cfg, trace->noise);
    return sight;
}

/* --- Sentences --- */

struct group {
    struct tally tally; /* of attempts, as if they were seconds */
    size_t least, most;
    nsec wait; /* the shortest median */
    nsec length;
    size_t kept; /* the most connections of a client */
};

static void add_to(struct group *group, struct sight *sight)
{
    struct spell *spell = &sight->spell;
    bool first = group->tally.count == 0;
    nsec wait = median_wait(spell), length = spell->until - spell->began;
    tally_add(&group->tally, 0, spell->from, spell->to > spell->from ? spell->to : spell->from);
    group->least = first || spell->attempts < group->least ? spell->attempts : group->least;
    group->most = first || spell->attempts > group->most ? spell->attempts : group->most;
    group->wait = first ? wait : nsec_min(group->wait, wait);
    group->kept = spell->kept > group->kept ? spell->kept : group->kept;
    group->length = first ? length : nsec_max(group->length, length);
}

static void add_made(const struct group *group, struct text *out)
{
    if (group->least == group->most)
        text_addf(out, " made %zu attempt%s", group->most, group->most == 1 ? "" : "s");
    else
        text_addf(out, " made %zu to %zu attempts", group->least, group->most);
}

static void add_wait_words(const struct group *group, struct text *out)
{
    text_add(out, group->tally.count > 1 ? ", the shortest median wait " : ", the median wait ");
    units_add_duration(out, group->wait);
}

static void add_sentence(enum fate fate, const struct group *group, const struct config *cfg,
                         struct text *out)
{
    switch (fate) {
    case FEW:
    case MANY:
    case TOO_MANY:
    case LOOP:
        add_made(group, out);
        text_add(out, " in the first minute of the outage");
        if (fate != FEW)
            add_wait_words(group, out);
        text_addf(out, "; allowed are %zu", (size_t)cfg->attempts);
        if (group->kept > 1)
            text_addf(out, " for each of its %zu connections", group->kept);
        if (fate == LOOP)
            text_add(out, " and no tight loop");
        break;
    case TOO_SHORT:
        add_made(group, out);
        text_add(out, ", but the longest outage lasted only ");
        units_add_duration(out, group->length);
        text_add(out, "; a minute would be needed");
        break;
    case NOT_FAILED:
        add_made(group, out);
        text_add(out, " of which none failed within the minute: what follows a failure was not "
                      "seen");
        break;
    case NO_RETRY:
        text_add(out, " made no attempt in the first minute of the outage: there is no schedule "
                      "to judge");
        break;
    case NO_OUTAGE:
    case FATES:
        text_add(out, " lost no connection and failed at none, so there was no outage to judge");
        break;
    }
}

static void report(struct findings *out, enum fate fate, const struct group *group, size_t of,
                   const struct config *cfg)
{
    struct text text;
    text_init(&text);
    tally_add_who(&group->tally, of, &text);
    add_sentence(fate, group, cfg, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "attempts_per_minute", (double)group->most);
    finding_allowed(finding, "attempts_per_minute", (double)cfg->attempts);
    if (group->tally.from > 0)
        finding_evidence(finding, group->tally.from, group->tally.to);
    if (fate == MANY || fate == LOOP || fate == TOO_MANY)
        finding_fix(finding,
                    "wait before every attempt, whatever the failure was: 1 s at first, doubled "
                    "each time, and begin anew only after a connection has lasted some seconds");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct endings endings;
    struct group groups[FATES] = {{.least = 0}};
    endings_of(trace, &endings);
    size_t clients = endings_clients(&endings);
    for (size_t i = 0; i < endings.count;) {
        size_t end = endings_of_client_end(&endings, i);
        struct sight sight = sight_of(&endings, i, end, trace, cfg);
        add_to(&groups[sight.fate], &sight);
        i = end;
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].tally.count > 0)
            report(out, (enum fate)fate, &groups[fate], clients, cfg);
    if (clients == 0 && endings.builtin)
        finding_own_client(out);
    endings_fini(&endings);
}

const struct rule_desc reconnect_hammering_rule = {
    .name = "reconnect.hammering",
    .id = "RECON-07",
    .title = "No hammering",
    .brief = "a failing server is not hammered with attempts",
    .doc =
        "An outage begins when a client loses its connection or fails at its first one, and ends "
        "when a connection lasts. It is provoked in five ways, each a minute long: attempts are "
        "refused, hang and are then reset, are answered with 503, open and are cut at once, or "
        "open and are closed with 1011. Observed is how many attempts each client makes in the "
        "first minute. Up to 12 pass, up to 20 are a warning, more are a failure, and so are five "
        "or more retries with a median wait under 0.1 s. A client that retries like that keeps "
        "a server that wants to recover down. To mend a failure wait before every attempt, "
        "whatever kind of failure came before: backoff that forgets to count one kind (most often "
        "the one where the connection opens first) hammers exactly there.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.hammering: {attempts: 12}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(FAULT_ON) | NEEDS(TCP_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

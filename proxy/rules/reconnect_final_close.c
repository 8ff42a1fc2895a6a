/* reconnect.final_close: a Close that says "do not come back" is final, and so is the application's
 * own. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/asked.h"
#include "rules/lib/endings.h"
#include "rules/lib/refusals.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define NEXT_CODE  " ,"
#define RENEWALS   2  /* attempts, each with a new credential, that are no loop */
#define PER_MINUTE 12 /* and so many are one whatever they bring */

struct config {
    nsec watch;
    char *codes;
};

static const struct param params[] = {
    P_DURATION(config, watch, .def = "60s", .min = "1s", .max = "24h",
               .doc = "no attempt may come for so long after the Close"),
    P_TEXT(config, codes, .def = "1002 1008 4400 4401 4403",
           .doc = "close codes that mean never, as the server uses them"),
    P_END,
};

/* How a client fared after such a Close, the best first. */
enum fate { TOO_SHORT, SEVERAL, UNCLOSED, STAYED, RENEWED, ONCE, SLOWLY, RENEWS, LOOPS, FATES };

static const enum verdict verdicts[FATES] = {
    [TOO_SHORT] = INCONCLUSIVE,
    [SEVERAL] = INCONCLUSIVE,
    [UNCLOSED] = INCONCLUSIVE,
    [STAYED] = PASS,
    [RENEWED] = PASS,
    [ONCE] = WARN,
    [SLOWLY] = WARN,
    [RENEWS] = WARN,
    [LOOPS] = FAIL,
};

static bool is_final(uint64_t code, const char *codes)
{
    for (const char *at = codes; at && *at;) {
        char *end;
        unsigned long one = strtoul(at, &end, 10);
        if (end == at)
            break;
        if (one == code)
            return true;
        at = end + strspn(end, NEXT_CODE);
    }
    return false;
}

struct sight {
    enum fate fate;
    nsec watched; /* since the Close, until the first attempt or the end */
    size_t attempts;
    uint64_t code, from, to; /* code 0: the application closed by itself */
};

/* The attempts that came within the watch, and the shortest wait before one of them. */
static void follow(const struct endings *endings, size_t of, size_t end, nsec until,
                   struct sight *sight, nsec *shortest)
{
    nsec since = endings->list[of].at;
    *shortest = NEVER;
    for (size_t i = of + 1; i < end; i++) {
        const struct ending *later = &endings->list[i];
        if (later->attempt.start < since || later->attempt.start > until)
            continue;
        sight->attempts++;
        *shortest = nsec_min(*shortest, later->attempt.start - since);
        sight->to = later->attempt.to;
        since = later->at == NEVER ? later->attempt.start : later->at;
    }
}

/* Where it was the credential that was refused, who brings a new one each time does not ask the
 * same again. */
static enum fate fate_of_returns(const struct retrials *retrials, size_t attempts)
{
    if (retrials->renewed < attempts || attempts > PER_MINUTE)
        return attempts > 1 ? LOOPS : ONCE;
    return attempts > RENEWALS ? RENEWS : RENEWED;
}

static struct sight sight_of(const struct endings *endings, const struct credentials *credentials,
                             size_t of, size_t end, const struct trace *trace,
                             const struct config *cfg)
{
    const struct ending *ending = &endings->list[of];
    const struct policy *policy = &trace->policy;
    nsec said = ending->close->at, until = nsec_add(said, cfg->watch), shortest;
    nsec watched = endings->list[end - 1].watched;
    nsec patient =
        nsec_from_seconds(nsec_to_seconds(policy->backoff_cap) * (1 - policy->backoff_jitter));
    struct sight sight = {.code = ending->close->ws_close.code,
                          .from = ending->close->seq,
                          .to = ending->attempt.to,
                          .watched = ending->watched - said};
    follow(endings, of, end, until, &sight, &shortest);
    struct retrials retrials = {.renewed = 0};
    if (ending_is_refusal(endings, of))
        retrials = retrials_of(endings, credentials, of, end, until);
    bool whole = watched >= until - trace->noise || endings->list[end - 1].exit;
    enum fate fate = fate_of_returns(&retrials, sight.attempts);
    if (!ending->alone)
        sight.fate = SEVERAL;
    else if (sight.attempts == 0)
        sight.fate = watched >= until - trace->noise || ending->exit ? STAYED : TOO_SHORT;
    else if (shortest >= patient - trace->noise && fate != RENEWED)
        sight.fate = SLOWLY;
    else if (sight.attempts > 1 && fate != RENEWED)
        sight.fate = fate;
    else
        sight.fate = whole ? fate : TOO_SHORT;
    return sight;
}

/* --- The application closes --- */

/* What the client had open when it was told to close; NULL: nothing. */
static const struct ending *open_then(const struct endings *endings, int client, nsec at)
{
    for (size_t i = 0; i < endings->count; i++) {
        const struct ending *ending = &endings->list[i];
        if (ending->attempt.client == client && ending->attempt.opened <= at && ending->at >= at)
            return ending;
    }
    return NULL;
}

/* An attempt that was under way when it closed is no return. */
static struct sight sight_of_own(const struct endings *endings, const struct event *asked,
                                 const struct trace *trace, const struct config *cfg)
{
    nsec told = asked_at(asked), shortest;
    const struct ending *ending = open_then(endings, asked->client, told);
    struct sight sight = {.fate = UNCLOSED, .from = asked->seq, .to = asked->seq};
    if (!ending || !ending->own || ending->at == NEVER ||
        ending->at - told > nsec_add(ASKED_PATIENT, trace->noise))
        return sight;
    size_t of = (size_t)(ending - endings->list), end = of + 1;
    while (end < endings->count && endings->list[end].attempt.client == asked->client)
        end++;
    nsec until = nsec_add(ending->at, cfg->watch), watched = endings->list[end - 1].watched;
    sight.to = ending->attempt.to;
    sight.watched = nsec_min(ending->watched, until) - ending->at;
    follow(endings, of, end, until, &sight, &shortest);
    if (!ending->alone)
        sight.fate = SEVERAL;
    else if (sight.attempts > 0)
        sight.fate = LOOPS;
    else
        sight.fate = watched >= until - trace->noise || ending->exit ? STAYED : TOO_SHORT;
    return sight;
}

/* --- Sentences --- */

struct group {
    struct tally tally;
    size_t most; /* attempts of a client */
    uint64_t code;
    bool own;
};

static void add_sentence(enum fate fate, const struct group *group, size_t of,
                         const struct config *cfg, struct text *out)
{
    tally_add_who(&group->tally, of, out);
    switch (fate) {
    case STAYED:
        text_add(out, " stayed away");
        break;
    case LOOPS:
        if (group->own) {
            text_addf(out, " came back all the same, with up to %zu attempts, the first ",
                      group->most);
            tally_add_range(&group->tally, out);
            break;
        }
        text_addf(out, " came back up to %zu times, the first time %.1f s or more", group->most,
                  nsec_to_seconds(group->tally.least));
        break;
    case RENEWED:
    case RENEWS:
        text_addf(out, " came back %s, each time with another credential, the first ",
                  fate == RENEWED ? "no more than twice" : "several times");
        tally_add_range(&group->tally, out);
        break;
    case ONCE:
        text_add(out, " came back once, ");
        tally_add_range(&group->tally, out);
        break;
    case SLOWLY:
        text_addf(out, " came back up to %zu times, with the longest delays, the first ",
                  group->most);
        tally_add_range(&group->tally, out);
        break;
    case SEVERAL:
        text_add(out, " had other connections when one was closed, so an attempt may be theirs,");
        break;
    case TOO_SHORT:
        text_add(out, " was watched for too short a time");
        break;
    case UNCLOSED:
        text_add(out, " did not close an open connection by itself within 10 s");
        break;
    case FATES:
        break;
    }
    if (group->own)
        text_addf(out, " after the application %s",
                  fate == UNCLOSED ? "was told to" : "had closed");
    else
        text_addf(out, " after the server had closed with %u", (unsigned)group->code);
    if (fate == ONCE)
        text_add(out, "; another credential was not seen");
    if (fate == STAYED || fate == TOO_SHORT || fate == LOOPS) {
        text_add(out, fate == TOO_SHORT ? "; needed are " : "; allowed is no attempt for ");
        units_add_duration(out, cfg->watch);
    }
}

static void report(struct findings *out, enum fate fate, const struct group *group, size_t of,
                   const struct config *cfg)
{
    struct text text;
    assert(fate < FATES);
    text_init(&text);
    add_sentence(fate, group, of, cfg, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "attempts", (double)group->most);
    finding_allowed(finding, "attempts", 0);
    finding_evidence(finding, group->tally.from, group->tally.to);
    if (group->own && fate == LOOPS)
        finding_fix(finding, "note that the application closes before it does, and in the close "
                             "handler and the timer of the next attempt ask for that note");
    else if (verdicts[fate] == FAIL || verdicts[fate] == WARN)
        finding_fix(finding,
                    "look at the code in the close handler: after %u stop, tell the user, and try "
                    "again only with new credentials or when the user asks",
                    (unsigned)group->code);
}

static void add_to(struct group *group, const struct sight *sight)
{
    tally_add(&group->tally, sight->watched, sight->from, sight->to);
    group->most = sight->attempts > group->most ? sight->attempts : group->most;
    group->code = sight->code;
}

static void report_all(const struct group groups[FATES], size_t of, const struct config *cfg,
                       struct findings *out)
{
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].tally.count > 0)
            report(out, (enum fate)fate, &groups[fate], of, cfg);
}

/* Whether some client was closed with such a code. */
static bool judge_fatal(const struct endings *endings, const struct trace *trace,
                        const struct config *cfg, struct findings *out)
{
    struct group groups[FATES] = {{.most = 0}};
    struct credentials credentials;
    size_t closed = 0;
    credentials_of(trace, &credentials);
    for (size_t i = 0; i < endings->count;) {
        size_t first = i, end = endings_of_client_end(endings, i);
        for (; first < end; first++)
            if (endings->list[first].close && endings->list[first].at != NEVER &&
                is_final(endings->list[first].close->ws_close.code, cfg->codes) &&
                !close_code_is_retry(&endings->close_codes,
                                     endings->list[first].close->ws_close.code))
                break;
        i = end;
        if (first == end)
            continue;
        struct sight sight = sight_of(endings, &credentials, first, end, trace, cfg);
        add_to(&groups[sight.fate], &sight);
        closed++;
    }
    report_all(groups, closed, cfg, out);
    credentials_fini(&credentials);
    return closed > 0;
}

/* Whether some client was told to close. */
static bool judge_own(const struct endings *endings, const struct trace *trace,
                      const struct config *cfg, struct findings *out)
{
    struct group groups[FATES] = {{.most = 0}};
    size_t told = 0, i = 0;
    for (const struct event *asked; (asked = asked_next(trace, &i, "close"));) {
        struct sight sight = sight_of_own(endings, asked, trace, cfg);
        groups[sight.fate].own = true;
        add_to(&groups[sight.fate], &sight);
        told++;
    }
    report_all(groups, told, cfg, out);
    return told > 0;
}

static void judge(const struct endings *endings, const struct trace *trace,
                  const struct config *cfg, struct findings *out)
{
    bool fatal = judge_fatal(endings, trace, cfg, out);
    bool own = judge_own(endings, trace, cfg, out);
    if (!trace_declares(trace, DECLARES_CLOSE))
        finding_lacks(out, declaration_missing(DECLARES_CLOSE, trace->declares));
    if (!fatal && !own && !asked_in_vain(trace))
        (void)finding_add(out, INCONCLUSIVE,
                          "no client was sent a Close with one of %s while its connection was "
                          "open, and none was told to close",
                          cfg->codes);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct endings endings;
    endings_of(trace, &endings);
    if (endings.count == 0 && endings.builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else
        judge(&endings, trace, config, out);
    endings_fini(&endings);
}

const struct rule_desc reconnect_final_close_rule = {
    .name = "reconnect.final_close",
    .id = "RECON-15",
    .title = "Deliberate and fatal closes are final",
    .brief = "after a fatal code or its own Close the client stays away",
    .doc =
        "Provoked by closing open connections with a code that means \"do not come back\": 1008, "
        "policy violation, 4401, not authenticated, and others of the parameter codes. Observed are "
        "the attempts of the next minute. None passes, and where it was the credential that was refused (1008, 3000, 3003, 4401, 4403) so do one or two, each with another "
        "(see auth.failure_signal); more of them are a warning. One that is not "
        "repeated and shows no other credential is a warning; so are attempts at the longest delays of the "
        "policy. Coming back as after any loss fails: the server has said that it will "
        "refuse, and the same request with the same credentials is made until somebody notices. "
        "A normal close, 1000, may be answered either way and is not judged. Provoked besides, where the "
        "target file gives hooks.close, by telling the application to close: not one attempt may "
        "come in the minute after it. One that does is mostly a reconnect timer that was already "
        "set, or a close handler that cannot tell its own Close from a loss. To mend a failure look "
        "at the code in the close handler, and note before closing that it is meant.",
    .source = "RFC 6455 7.2.3",
    .example = "reconnect.final_close: {watch: 60s, codes: 1008 4401}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

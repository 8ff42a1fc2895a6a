/* close.application_code: the client does what the server's own close codes ask of it. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/endings.h"
#include "rules/lib/refusals.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"
#include "trace/close_codes.h"

#define CONNECTING (5 * NSEC_PER_SEC) /* on top of the longest delay */

struct config {
    nsec watch, within;
};

static const struct param params[] = {
    P_DURATION(config, watch, .def = "60s", .min = "1s", .max = "24h",
               .doc = "after a final code no attempt may come for so long"),
    P_DURATION(config, within, .def = "", .min = "10ms", .max = "24h",
               .doc = "after a code to be retried an attempt has to come within this; left out: "
                      "the policy's cap with its jitter, and 5 s"),
    P_END,
};

/* How a client fared after such a Close, the best first. */
enum fate { TOO_SHORT, SEVERAL, STAYED, RENEWED, CAME, ONCE, LATE, LOOPS, AWAY, FATES };

static const enum verdict verdicts[FATES] = {
    [TOO_SHORT] = INCONCLUSIVE,
    [SEVERAL] = INCONCLUSIVE,
    [STAYED] = PASS,
    [RENEWED] = PASS,
    [CAME] = PASS,
    [ONCE] = WARN,
    [LATE] = WARN,
    [LOOPS] = FAIL,
    [AWAY] = FAIL,
};

struct limits {
    nsec watch, within, noise;
};

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    const struct policy *policy = &trace->policy;
    double longest = nsec_to_seconds(policy->backoff_cap) * (1 + policy->backoff_jitter);
    return (struct limits){
        .watch = cfg->watch,
        .within = cfg->within > 0 ? cfg->within : nsec_add(nsec_from_seconds(longest), CONNECTING),
        .noise = trace->noise};
}

struct sight {
    enum fate fate;
    nsec took;
    uint64_t code, from, to;
};

/* --- One Close --- */

static size_t attempts_until(const struct endings *endings, size_t of, nsec until,
                             struct sight *sight)
{
    size_t count = 0;
    for (size_t i = of + 1;
         i < endings->count && endings->list[i].attempt.client == endings->list[of].attempt.client;
         i++) {
        const struct attempt *attempt = &endings->list[i].attempt;
        if (attempt->start < endings->list[of].at || attempt->start > until)
            continue;
        if (count++ == 0)
            sight->took = attempt->start - endings->list[of].close->at;
        sight->to = attempt->to;
    }
    return count;
}

static nsec watched_until(const struct endings *endings, size_t of)
{
    size_t i = of;
    while (i + 1 < endings->count &&
           endings->list[i + 1].attempt.client == endings->list[of].attempt.client)
        i++;
    return endings->list[i].exit ? NEVER : endings->list[i].watched;
}

static enum fate fate_of_final(const struct endings *endings, const struct credentials *credentials,
                               size_t of, const struct limits *limits, struct sight *sight)
{
    nsec until = nsec_add(endings->list[of].close->at, limits->watch);
    size_t attempts = attempts_until(endings, of, until, sight);
    bool whole = watched_until(endings, of) >= until - limits->noise;
    if (attempts > 1)
        return LOOPS;
    if (!whole)
        return TOO_SHORT;
    if (attempts == 0)
        return STAYED;
    return ending_is_followed_by_renewal(endings, credentials, of) ? RENEWED : ONCE;
}

static enum fate fate_of_retry(const struct endings *endings, size_t of,
                               const struct limits *limits, struct sight *sight)
{
    const struct ending *ending = &endings->list[of];
    nsec within = nsec_add(limits->within, limits->noise);
    if (ending->next != NEVER) {
        sight->took = ending->next - ending->close->at;
        return sight->took <= within ? CAME : LATE;
    }
    sight->took = ending->watched - ending->close->at;
    return ending->exit || sight->took <= within ? TOO_SHORT : AWAY;
}

static bool is_told(const struct ending *ending, const struct close_codes *codes)
{
    if (!ending->close || ending->at == NEVER)
        return false;
    uint64_t code = ending->close->ws_close.code;
    return close_code_is_final(codes, code) || close_code_is_retry(codes, code);
}

static struct sight sight_of(const struct endings *endings, const struct credentials *credentials,
                             size_t of, const struct close_codes *codes,
                             const struct limits *limits)
{
    const struct ending *ending = &endings->list[of];
    struct sight sight = {
        .code = ending->close->ws_close.code, .from = ending->close->seq, .to = ending->to};
    if (!ending->alone)
        sight.fate = SEVERAL;
    else if (close_code_is_final(codes, sight.code))
        sight.fate = fate_of_final(endings, credentials, of, limits, &sight);
    else
        sight.fate = fate_of_retry(endings, of, limits, &sight);
    return sight;
}

/* --- Sentences --- */

struct group {
    struct tally tally;
    uint64_t codes[CLOSE_CODES_LIMIT];
    size_t code_count;
};

static void note_code(struct group *group, uint64_t code)
{
    for (size_t i = 0; i < group->code_count; i++)
        if (group->codes[i] == code)
            return;
    if (group->code_count < CLOSE_CODES_LIMIT)
        group->codes[group->code_count++] = code;
}

static void add_codes(const struct group *group, struct text *out)
{
    for (size_t i = 0; i < group->code_count; i++)
        text_addf(out, "%s%u",
                  i == 0                       ? ""
                  : i + 1 == group->code_count ? " and "
                                               : ", ",
                  (unsigned)group->codes[i]);
}

static void add_sentence(enum fate fate, const struct group *group, const struct limits *limits,
                         struct text *out)
{
    static const char *const words[FATES] = {
        [TOO_SHORT] = "it was not seen for long enough what the client did",
        [SEVERAL] = "the client had other connections, so that what it did next may be theirs",
        [STAYED] = "the client stayed away",
        [CAME] = "the client came back",
        [RENEWED] = "the client came back once, with another credential",
        [ONCE] = "the client came back once; another credential was not seen",
        [LATE] = "the client came back late",
        [LOOPS] = "the client came back again and again, though that code is final",
        [AWAY] = "the client stayed away, though that code asks it to come back",
    };
    text_add(out, "after ");
    add_codes(group, out);
    text_addf(out, ", %s", words[fate]);
    if (fate == CAME || fate == LATE || fate == AWAY) {
        text_add(out, ", ");
        tally_add_range(&group->tally, out);
        text_add(out, "; allowed are ");
        units_add_duration(out, limits->within);
    }
}

static void report(struct findings *out, enum fate fate, const struct group *group,
                   const struct limits *limits)
{
    struct text text;
    text_init(&text);
    add_sentence(fate, group, limits, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "closes", (double)group->tally.count);
    finding_evidence(finding, group->tally.from, group->tally.to);
    if (verdicts[fate] == FAIL || verdicts[fate] == WARN)
        finding_fix(finding, "look at the code in the close handler: one table of the codes that "
                             "the server uses, each with what to do, and one default for those "
                             "that are not in it");
}

static size_t judge(const struct endings *endings, const struct credentials *credentials,
                    const struct close_codes *codes, const struct limits *limits,
                    struct findings *out)
{
    struct group groups[FATES] = {{.code_count = 0}};
    size_t told = 0;
    for (size_t i = 0; i < endings->count; i++) {
        if (!is_told(&endings->list[i], codes))
            continue;
        struct sight sight = sight_of(endings, credentials, i, codes, limits);
        tally_add(&groups[sight.fate].tally, sight.took, sight.from, sight.to);
        note_code(&groups[sight.fate], sight.code);
        told++;
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].tally.count > 0)
            report(out, (enum fate)fate, &groups[fate], limits);
    return told;
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct limits limits = limits_of(trace, config);
    struct endings endings;
    struct close_codes codes;
    struct credentials credentials;
    close_codes_read(&codes, trace->start->target);
    endings_of(trace, &endings);
    credentials_of(trace, &credentials);
    if (endings.count == 0 && endings.builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else if (judge(&endings, &credentials, &codes, &limits, out) == 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no client was sent a Close with one of the close_codes of the target "
                          "file while its connection was open");
    credentials_fini(&credentials);
    endings_fini(&endings);
}

const struct rule_desc close_application_code_rule = {
    .name = "close.application_code",
    .id = "CLOSE-04",
    .title = "Application codes 4000-4999",
    .brief = "the client does what the server's own codes ask",
    .doc =
        "The target file says what the server's close codes mean (close_codes: final, or retry). Provoked by closing "
        "each client with one of them. After a final code no attempt may come for a minute: one is a warning, "
        "unless it brings another credential, more than one fails. After a code to be retried an "
        "attempt has to come within the longest delay of the policy and 5 s (50 s); later is a warning, none "
        "in the time that is watched a failure. Codes that are not in the file may be answered either way. Both "
        "mistakes have one cause, a close handler that does not look at the code: an expired login is then "
        "tried again for ever, and a client that was only asked to slow down never comes back. The remedy is a "
        "table of codes beside the one that the server's authors keep.",
    .source = "RFC 6455 7.4.2",
    .example = "close.application_code: {watch: 60s}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .declares = DECLARES_CODES,
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

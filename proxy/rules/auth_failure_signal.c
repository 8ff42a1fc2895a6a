/* auth.failure_signal: a credential that was refused is not tried again and again. */
#include "base/units.h"
#include "rules/lib/refusals.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"

#define PER_MINUTE 12

struct config {
    nsec watch;
};

static const struct param params[] = {
    P_DURATION(config, watch, .def = "60s", .min = "1s", .max = "24h",
               .doc = "how long the client's attempts count after the refusal"),
    P_END,
};

/* How a client took its refusal, the best first. */
enum fate { UNSEEN, SEVERAL, TOO_SHORT, STAYED, RENEWED, ONCE, SLOWLY, AGAIN, LOOPS, FATES };

static const enum verdict verdicts[FATES] = {
    [UNSEEN] = INCONCLUSIVE, [SEVERAL] = INCONCLUSIVE, [TOO_SHORT] = INCONCLUSIVE,
    [STAYED] = PASS,         [RENEWED] = PASS,         [ONCE] = PASS,
    [SLOWLY] = WARN,         [AGAIN] = WARN,           [LOOPS] = FAIL,
};

static nsec patience(const struct policy *policy)
{
    return nsec_from_seconds(nsec_to_seconds(policy->backoff_cap) * (1 - policy->backoff_jitter));
}

/* A minute's worth of attempts, whatever the watch. */
static size_t most_allowed(const struct config *cfg)
{
    double minutes = nsec_to_seconds(cfg->watch) / 60;
    return (size_t)(PER_MINUTE * (minutes > 1 ? minutes : 1));
}

static enum fate fate_of(const struct refusal *refusal, const struct trace *trace,
                         const struct config *cfg)
{
    const struct retrials *after = &refusal->after;
    if (!refusal->ending->alone)
        return SEVERAL;
    if (after->same > most_allowed(cfg))
        return LOOPS;
    if (after->same > 1)
        return after->shortest >= patience(&trace->policy) - trace->noise ? SLOWLY : AGAIN;
    if (after->unseen + after->same > 1)
        return UNSEEN;
    if (!refusal->whole)
        return TOO_SHORT;
    if (after->same + after->unseen == 1)
        return ONCE;
    return after->renewed > 0 ? RENEWED : STAYED;
}

/* --- Sentences --- */

struct group {
    struct tally tally; /* measures attempts with the same credential, as seconds */
    nsec shortest;
    const struct ending *ending; /* one of them */
};

static void add_told(const struct ending *ending, struct text *out)
{
    if (ending->close)
        text_addf(out, "closed with %u", (unsigned)ending->close->ws_close.code);
    else
        text_addf(out, "answered with %u", (unsigned)ending->status);
}

static void add_what(enum fate fate, const struct group *group, const struct config *cfg,
                     struct text *out)
{
    static const char *const words[FATES] = {
        [UNSEEN] = " came back, and showed no credential before it was refused again",
        [SEVERAL] = " had other connections, so that what it did next may be theirs",
        [TOO_SHORT] = " was not watched for long enough",
        [STAYED] = " stayed away",
        [RENEWED] = " came back with another credential",
        [ONCE] = " came back no more than once with the same credential",
        [SLOWLY] = " came back with the same credential, at the longest delays",
        [AGAIN] = " came back with the same credential as after any loss",
        [LOOPS] = " came back with the same credential again and again",
    };
    text_add(out, words[fate]);
    if (verdicts[fate] == WARN || verdicts[fate] == FAIL) {
        text_addf(out, ": up to %.0f times within ", nsec_to_seconds(group->tally.most));
        units_add_duration(out, cfg->watch);
        text_add(out, ", the shortest wait ");
        units_add_duration(out, group->shortest);
    }
}

static void report(struct findings *out, enum fate fate, const struct group *group, size_t of,
                   const struct config *cfg)
{
    struct text text;
    text_init(&text);
    tally_add_who(&group->tally, of, &text);
    text_add(&text, " whose credential was refused (");
    add_told(group->ending, &text);
    text_add(&text, ")");
    add_what(fate, group, cfg, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "same_credential", nsec_to_seconds(group->tally.most));
    finding_allowed(finding, "same_credential", 1);
    finding_evidence(finding, group->tally.from, group->tally.to);
    if (verdicts[fate] == WARN || verdicts[fate] == FAIL)
        finding_fix(finding,
                    "look at the status and the close code: after 401, 403, 4401 and their like "
                    "get a fresh credential before the next attempt, and where there is none stop "
                    "and tell the user");
}

static void judge(const struct refusals *refusals, const struct trace *trace,
                  const struct config *cfg, struct findings *out)
{
    struct group groups[FATES] = {{.shortest = 0}};
    for (size_t i = 0; i < refusals->count; i++) {
        const struct refusal *refusal = &refusals->list[i];
        struct group *group = &groups[fate_of(refusal, trace, cfg)];
        bool first = group->tally.count == 0;
        nsec shortest = refusal->after.shortest;
        group->shortest = first ? shortest : nsec_min(group->shortest, shortest);
        group->ending = first ? refusal->ending : group->ending;
        tally_add(&group->tally, (nsec)refusal->after.same * NSEC_PER_SEC, refusal->ending->from,
                  refusal->after.to);
    }
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (groups[fate].tally.count > 0)
            report(out, (enum fate)fate, &groups[fate], refusals->count, cfg);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    const struct config *cfg = config;
    struct endings endings;
    struct credentials credentials;
    struct refusals refusals;
    endings_of(trace, &endings);
    credentials_of(trace, &credentials);
    refusals_of(trace, &endings, &credentials, cfg->watch, &refusals);
    judge(&refusals, trace, cfg, out);
    if (refusals.count == 0)
        refusals_say_none(&refusals, trace, &endings, out);
    refusals_fini(&refusals);
    credentials_fini(&credentials);
    endings_fini(&endings);
}

const struct rule_desc auth_failure_signal_rule = {
    .name = "auth.failure_signal",
    .id = "AUTH-05",
    .title = "A refused credential is no loop",
    .brief = "a credential that was refused is not tried again and again",
    .doc =
        "Provoked by refusing the client: 401 or 403 for its handshake, or a Close with 1008, 3000, "
        "3003, 4401 or 4403 (unless close_codes of the target file asks to come back after it). Observed are its attempts of the next minute and the credential of each: "
        "in the query, in Authorization, in a cookie whose name says so, a JWT anywhere, or in the message "
        "that the target file declares (auth.message). Staying away passes, and so does coming back with "
        "another credential, or once with the same, for the refusal may have been a mistake. More with the "
        "same credential is a warning, more than 12 in a minute a failure: the server has said that "
        "this credential will not do, and the login service of everybody is kept busy. A client that "
        "authenticates in a message needs auth.message in the target file, else it is not tested. A page in a browser "
        "is not told the status, so only Closes are judged there. To mend a failure get a fresh credential "
        "before the next attempt, or stop and tell the user.",
    .source = "RFC 6455 4.2.2",
    .example = "auth.failure_signal",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(TCP_OPEN),
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

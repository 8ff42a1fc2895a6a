/* reconnect.retry_limit: after so many attempts the user is told. */
#include <string.h>

#include "base/units.h"
#include "rules/lib/connection.h"
#include "rules/lib/endings.h"
#include "rules/lib/tally.h"
#include "rules/rule.h"
#include "trace/attempts.h"

#define GROWS_TO    4 /* times its longest delay: the next, doubled, at the worst */
#define TOLD_WITHIN (10 * NSEC_PER_SEC) /* of the last attempt */

struct config {
    uint64_t attempts;
};

static const struct param params[] = {
    P_COUNT(config, attempts, .def = "", .min = "0", .max = "100000",
            .doc = "after so many the user is told; left out: the policy's; 0: not judged"),
    P_END,
};

/* How a client fared, the best first. */
enum fate {
    SEVERAL,   /* more attempts than allowed, of several connections together */
    TOO_SHORT, /* neither as many attempts as are allowed, nor silent for long enough */
    TOLD,
    TOLD_LATE, /* stopped, and said so only later */
    TOLD_LONG, /* stopped and said so, after more attempts */
    GOES_ON,   /* said so and goes on trying */
    EXITED,    /* its process ended without saying so */
    ENDLESS,   /* more attempts than allowed, and never said so */
    SILENT,    /* stopped without a word */
    FATES
};

static const enum verdict verdicts[FATES] = {
    [SEVERAL] = INCONCLUSIVE, [TOO_SHORT] = INCONCLUSIVE, [TOLD] = PASS,
    [TOLD_LATE] = WARN,       [TOLD_LONG] = WARN,         [GOES_ON] = WARN,
    [EXITED] = WARN,          [ENDLESS] = FAIL,           [SILENT] = FAIL,
};

struct limits {
    uint64_t attempts;
    nsec silence; /* after it nobody whose delays are those of the policy comes any more */
};

static struct limits limits_of(const struct trace *trace, const struct config *cfg)
{
    const struct policy *policy = &trace->policy;
    double longest = nsec_to_seconds(policy->backoff_cap) * (1 + policy->backoff_jitter);
    return (struct limits){.attempts = cfg->attempts > 0 ? cfg->attempts : policy->retry_limit,
                           .silence = nsec_from_seconds(2 * longest)};
}

/* --- One client --- */

/* What it told the user since; NULL: nothing. */
static const struct event *heard_since(const struct trace *trace, const struct retries *retries)
{
    const struct event *last = trace_last_counting(trace);
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_HOOK_HEARD)) && ev <= last;)
        if (ev->client == retries->client && ev->at >= retries->lost &&
            strcmp(ev->hook_heard.hook, "gave_up") == 0)
            return ev;
    return NULL;
}

static const struct event *exit_since(const struct trace *trace, const struct retries *retries)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_PROCESS_EXIT));)
        if (ev->client == retries->client && ev->at >= retries->lost &&
            strcmp(ev->process_exit.role, "client") == 0 && !ev->process_exit.asked)
            return ev;
    return NULL;
}

/* The attempt that opens is none in vain. */
static size_t in_vain(const struct retries *retries)
{
    return retries->reopened ? retries->count - 1 : retries->count;
}

static bool tried_after(const struct retries *retries, nsec at)
{
    return retries->count > 0 &&
           retries->lost + nsec_from_seconds(retries->starts[retries->count - 1]) > at;
}

static enum fate fate_of_told(const struct trace *trace, const struct retries *retries,
                              const struct event *heard, bool stopped, const struct limits *limits)
{
    if (tried_after(retries, heard->at))
        return GOES_ON;
    if (!stopped)
        return TOO_SHORT;
    if (heard->at - retries->last_failed > nsec_add(TOLD_WITHIN, trace->noise))
        return TOLD_LATE;
    return in_vain(retries) > limits->attempts ? TOLD_LONG : TOLD;
}

/* Who has waited long before, and whose delays perhaps grow still, may wait longer now. */
static nsec silence_needed(const struct retries *retries, const struct limits *limits)
{
    double longest = 0;
    for (size_t i = 0; i < retries->count; i++)
        longest = retries->delays[i] > longest ? retries->delays[i] : longest;
    return nsec_max(limits->silence, nsec_from_seconds(GROWS_TO * longest));
}

static enum fate fate_of(const struct trace *trace, const struct retries *retries,
                         const struct event *heard, const struct limits *limits)
{
    bool exited = exit_since(trace, retries) != NULL;
    nsec silence = heard ? limits->silence : silence_needed(retries, limits);
    bool stopped = exited || (!retries->reopened &&
                              retries->observed - retries->last_failed >= silence - trace->noise);
    if (heard)
        return fate_of_told(trace, retries, heard, stopped, limits);
    if (exited)
        return EXITED;
    if (stopped)
        return SILENT;
    return in_vain(retries) > limits->attempts ? ENDLESS : TOO_SHORT;
}

/* --- All clients --- */

struct group {
    struct tally tally; /* from the last attempt to what was heard, or the silence after it */
    uint64_t least, most;
};

struct judging {
    const struct trace *trace;
    struct limits limits;
    struct endings endings;
    struct group groups[FATES];
    size_t clients;
    bool builtin;
};

static void look(struct judging *judging, const struct retries *retries)
{
    const struct event *first = trace_at_seq(judging->trace, retries->from);
    if (first && first->by == BY_BUILTIN) {
        judging->builtin = true;
        return;
    }
    const struct event *heard = heard_since(judging->trace, retries);
    enum fate fate = fate_of(judging->trace, retries, heard, &judging->limits);
    bool counted = fate == ENDLESS || fate == TOLD_LONG;
    if (counted && endings_kept_by(&judging->endings, retries->client) > 1)
        fate = SEVERAL;
    struct group *group = &judging->groups[fate];
    nsec until = heard ? heard->at : retries->observed;
    tally_add(&group->tally, nsec_max(until - retries->last_failed, 0), retries->from,
              heard && heard->seq > retries->to ? heard->seq : retries->to);
    size_t tries = in_vain(retries);
    if (group->tally.count == 1 || tries < group->least)
        group->least = tries;
    group->most = tries > group->most ? tries : group->most;
    judging->clients++;
}

/* The outage in which this client tried most. */
static bool is_longest(const struct outages *outages, const struct retries *of)
{
    for (size_t i = 0; i < outages->count; i++)
        for (size_t k = 0; k < outages->list[i].count; k++) {
            const struct retries *other = &outages->list[i].clients[k];
            if (other->client == of->client && other != of &&
                (other->count > of->count || (other->count == of->count && other < of)))
                return false;
        }
    return true;
}

/* --- Sentences --- */

static void add_sentence(const struct judging *judging, enum fate fate, struct text *out)
{
    const struct group *group = &judging->groups[fate];
    tally_add_who(&group->tally, judging->clients, out);
    text_add(out, fate == GOES_ON || fate == ENDLESS || fate <= TOO_SHORT ? " made "
                                                                          : " stopped after ");
    if (group->least == group->most)
        text_addf(out, "%llu", (unsigned long long)group->most);
    else
        text_addf(out, "%llu to %llu", (unsigned long long)group->least,
                  (unsigned long long)group->most);
    text_addf(out, " attempt%s", group->most == 1 ? "" : "s");
    switch (fate) {
    case TOLD:
    case TOLD_LATE:
    case TOLD_LONG:
        text_add(out, " and told the user ");
        tally_add_range(&group->tally, out);
        text_add(out, " after the last");
        break;
    case GOES_ON:
        text_add(out, ", told the user, and goes on trying");
        break;
    case EXITED:
        text_add(out, " when its process ended, without telling the user");
        break;
    case ENDLESS:
        text_add(out, ", and the user was told nothing");
        break;
    case SILENT:
        text_add(out, " without telling the user");
        break;
    case SEVERAL:
        text_add(out, ", but for several connections that it keeps, whose attempts cannot be told "
                      "apart");
        break;
    case TOO_SHORT:
        text_add(out, " and was not watched for long enough: ");
        text_addf(out, "more than %llu attempts, or ",
                  (unsigned long long)judging->limits.attempts);
        units_add_duration(out, judging->limits.silence);
        text_add(out, " of silence would be needed");
        break;
    case FATES:
        break;
    }
    if (fate != TOO_SHORT)
        text_addf(out, "; allowed are %llu", (unsigned long long)judging->limits.attempts);
}

static void add_fix(struct finding *finding, enum fate fate)
{
    if (fate == GOES_ON || fate == TOLD_LONG)
        finding_fix(finding, "after ten attempts or so stop, and let the user decide when to try "
                             "again; a button costs less than a retry a minute for ever");
    else if (fate == EXITED)
        finding_fix(finding, "if ending the process is how its user learns of it, say so in "
                             "halfopen.yaml: hooks: {gave_up: {exit: true}}");
    else if (verdicts[fate] == FAIL || fate == TOLD_LATE)
        finding_fix(finding, "tell the user when the last attempt has failed. If it does: see that "
                             "hooks.gave_up fits what it says, and that the line is not held in a "
                             "buffer (python -u)");
}

static void report(const struct judging *judging, enum fate fate, struct findings *out)
{
    const struct group *group = &judging->groups[fate];
    struct text text;
    text_init(&text);
    add_sentence(judging, fate, &text);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "attempts", (double)group->most);
    finding_allowed(finding, "attempts", (double)judging->limits.attempts);
    if (fate == TOLD || fate == TOLD_LATE || fate == TOLD_LONG) {
        finding_measured(finding, "told_after_s", nsec_to_seconds(group->tally.most));
        finding_allowed(finding, "told_after_s", nsec_to_seconds(TOLD_WITHIN));
    }
    finding_evidence(finding, group->tally.from, group->tally.to);
    add_fix(finding, fate);
}

static void judge(struct judging *judging, struct findings *out)
{
    struct outages outages;
    outages_of(judging->trace, &outages);
    endings_of(judging->trace, &judging->endings);
    for (size_t i = 0; i < outages.count; i++)
        for (size_t k = 0; k < outages.list[i].count; k++)
            if (is_longest(&outages, &outages.list[i].clients[k]))
                look(judging, &outages.list[i].clients[k]);
    outages_fini(&outages);
    endings_fini(&judging->endings);
    for (int fate = FATES - 1; fate >= 0; fate--)
        if (judging->groups[fate].tally.count > 0)
            report(judging, (enum fate)fate, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct judging judging = {.trace = trace, .limits = limits_of(trace, config)};
    if (judging.limits.attempts == 0) {
        (void)finding_add(out, NOT_APPLICABLE, "the policy asks for no limit: retry_limit is 0");
        return;
    }
    judge(&judging, out);
    if (judging.clients == 0 && judging.builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else if (judging.clients == 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no client lost its connection in an outage that made attempts fail");
}

const struct rule_desc reconnect_retry_limit_rule = {
    .name = "reconnect.retry_limit",
    .id = "RECON-06",
    .title = "Retry limit, then tell the user",
    .brief = "retries end after some attempts, and the user is told",
    .doc =
        "Provoked by an outage that does not end. Observed are the attempts of each client, and what it "
        "tells the user, which the target file says how to hear (hooks.gave_up: a line of its "
        "output, its exit, an HTTP answer). A client that stops after at most ten attempts, or what the "
        "policy says, and tells the user within 10 s of the last passes. More attempts, telling "
        "late, and telling but going on are warnings. To stop without a word fails, for the user looks "
        "at numbers that no longer change; so do more attempts than that without a word. Stopped is who "
        "makes no attempt for twice the longest delay, and four times its own longest. To mend it count the failures in a row, and "
        "at the limit show that the connection is lost, with a way to try again.",
    .source = "AWS Well-Architected REL05-BP03",
    .example = "reconnect.retry_limit: {attempts: 10}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON) | NEEDS(TCP_OPEN),
    .declares = DECLARES_GAVE_UP,
    .params = params,
    .config_size = sizeof(struct config),
    .check = check,
};

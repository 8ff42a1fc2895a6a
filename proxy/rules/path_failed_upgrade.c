/* path.failed_upgrade: an answer that opens no WebSocket ends the attempt, and nothing is said on
 * that connection. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/answers.h"
#include "rules/lib/offence.h"

#define RETRIES_ENOUGH 4 /* fewer that came at once may be chance */
#define RETRIES_LIMIT  256
#define NO_PAUSE       (100 * NSEC_PER_MSEC)

static const enum verdict verdicts[ANSWER_FATES] = {
    [ANSWER_FAILED] = PASS,         [ANSWER_LATE] = WARN,   [ANSWER_DIED] = WARN,
    [ANSWER_UNSEEN] = INCONCLUSIVE, [ANSWER_STAYED] = FAIL, [ANSWER_SPOKE] = FAIL,
};

/* What it made of the same answer another time counts. */
static bool is_settled(const struct trace *trace, const struct answers *all, const char *words)
{
    for (size_t i = 0; i < all->count; i++)
        if (!all->list[i].ends && strcmp(all->list[i].words, words) == 0 &&
            answer_fate(trace, &all->list[i]) != ANSWER_UNSEEN)
            return true;
    return false;
}

static bool has_fate(const struct trace *trace, const struct answers *all, size_t i,
                     enum answer_fate fate)
{
    const struct answer *answer = &all->list[i];
    if (answer->ends || answer_fate(trace, answer) != fate)
        return false;
    return fate != ANSWER_UNSEEN || !is_settled(trace, all, answer->words);
}

/* All answers with the same fate. */
struct group {
    size_t count, clients;
    const struct answer *example;
    nsec most;
    uint64_t from, to;
};

static struct group gather(const struct trace *trace, const struct answers *all,
                           enum answer_fate fate)
{
    struct group group = {0};
    for (size_t i = 0; i < all->count; i++) {
        const struct answer *answer = &all->list[i];
        bool fresh = true;
        if (!has_fate(trace, all, i, fate))
            continue;
        for (size_t j = 0; j < i && fresh; j++)
            fresh = all->list[j].client != answer->client || !has_fate(trace, all, j, fate);
        group.clients += fresh;
        if (group.count++ == 0)
            group.example = answer;
        group.from = group.from ? group.from : answer->from;
        group.to = answer->to > group.to ? answer->to : group.to;
        group.most = nsec_max(group.most, answer_waited(answer));
    }
    return group;
}

static bool told_before(const struct trace *trace, const struct answers *all, size_t i,
                        enum answer_fate fate)
{
    for (size_t j = 0; j < i; j++)
        if (has_fate(trace, all, j, fate) && strcmp(all->list[j].words, all->list[i].words) == 0)
            return true;
    return false;
}

static void add_words(struct text *out, const struct trace *trace, const struct answers *all,
                      enum answer_fate fate)
{
    size_t left = 0;
    for (size_t i = 0; i < all->count; i++)
        left += has_fate(trace, all, i, fate) && !told_before(trace, all, i, fate);
    for (size_t i = 0; i < all->count; i++) {
        if (!has_fate(trace, all, i, fate) || told_before(trace, all, i, fate))
            continue;
        text_add(out, all->list[i].words);
        left--;
        text_add(out, left == 0 ? "" : left == 1 ? " and " : ", ");
    }
}

static double speed_of(const struct trace *trace)
{
    return trace->start->speed > 1 ? trace->start->speed : 1;
}

static void add_wall(struct text *out, const struct trace *trace, nsec length)
{
    units_add_duration(out, (nsec)((double)length / speed_of(trace)));
    text_add(out, speed_of(trace) > 1 ? " of wall time" : "");
}

static void add_sentence(struct text *out, const struct trace *trace, const struct answers *all,
                         enum answer_fate fate, const struct group *group)
{
    bool failed = fate == ANSWER_FAILED || fate == ANSWER_LATE;
    text_add(out, fate == ANSWER_UNSEEN                           ? " made of "
                  : fate == ANSWER_SPOKE || fate == ANSWER_STAYED ? " took "
                                                                  : " failed the attempt ");
    if (failed) {
        text_add(out, fate == ANSWER_LATE ? "late, within " : "within ");
        add_wall(out, trace, group->most);
    }
    text_add(out, failed ? " after " : fate == ANSWER_DIED ? "after " : "");
    add_words(out, trace, all, fate);
    if (fate == ANSWER_DIED)
        text_addf(out, ", and its process with it (%s)", group->example->exit);
    else if (fate == ANSWER_SPOKE)
        text_add(out, " for an open WebSocket, and sent frames on it");
    else if (fate == ANSWER_UNSEEN)
        text_add(out, " was not seen: the connection ended otherwise, or the run did, after ");
    else if (fate == ANSWER_STAYED)
        text_add(out, " for an open WebSocket, and kept the connection, for ");
    if (fate == ANSWER_STAYED || fate == ANSWER_UNSEEN)
        add_wall(out, trace, group->most);
}

static void add_fix(struct finding *finding, enum answer_fate fate)
{
    if (fate == ANSWER_SPOKE || fate == ANSWER_STAYED)
        finding_fix(
            finding,
            "check the answer as RFC 6455 4.1 lists it (status 101, Upgrade, Connection, the "
            "proof of the key, nothing chosen that was not offered) before anything is sent, "
            "and close what fails; count it as a failed attempt");
    else if (fate == ANSWER_LATE)
        finding_fix(finding, "close the socket of an attempt as soon as its answer is wrong");
    else if (fate == ANSWER_DIED)
        finding_fix(finding,
                    "handle the library's error event: a failed handshake is a reason to try "
                    "again later, not to end the process");
}

static void report(const struct trace *trace, const struct answers *all, enum answer_fate fate,
                   struct findings *out)
{
    struct group group = gather(trace, all, fate);
    struct text text;
    if (group.count == 0)
        return;
    text_init(&text);
    text_add(&text, fate == ANSWER_UNSEEN ? "what " : "");
    if (all->clients > 1)
        text_addf(&text, "%zu of %zu clients", group.clients, all->clients);
    else
        text_add(&text, "the client");
    add_sentence(&text, trace, all, fate, &group);
    struct finding *finding = finding_add(out, verdicts[fate], "%s", text_chars(&text));
    text_fini(&text);
    bool ended = fate == ANSWER_FAILED || fate == ANSWER_LATE;
    finding_measured(finding, ended ? "closed_after_wall_s" : "went_on_wall_s",
                     nsec_to_seconds(group.most) / speed_of(trace));
    finding_measured(finding, "times", (double)group.count);
    finding_allowed(finding, "closed_after_wall_s", nsec_to_seconds(OFFENCE_PROMPT));
    finding_evidence(finding, group.from, group.to);
    add_fix(finding, fate);
}

/* --- The pause before the next attempt --- */

static int by_length(const void *a, const void *b)
{
    const nsec *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void judge_pauses(const struct answers *all, struct findings *out)
{
    nsec pauses[RETRIES_LIMIT];
    size_t count = 0;
    for (size_t i = 0; i < all->count && count < RETRIES_LIMIT; i++) {
        const struct answer *answer = &all->list[i];
        nsec over = nsec_min(answer->ended, answer->watched);
        if (answer->next != NEVER && answer->next >= over)
            pauses[count++] = answer->next - over;
    }
    if (count < RETRIES_ENOUGH)
        return;
    qsort(pauses, count, sizeof *pauses, by_length);
    if (pauses[count / 2] >= NO_PAUSE)
        return;
    struct text pause;
    text_init(&pause);
    units_add_duration(&pause, pauses[count / 2]);
    struct finding *finding = finding_add(
        out, FAIL, "%zu failed upgrades were followed by the next attempt after %s (median)", count,
        text_chars(&pause));
    text_fini(&pause);
    finding_measured(finding, "pause_s", nsec_to_seconds(pauses[count / 2]));
    finding_allowed(finding, "pause_min_s", nsec_to_seconds(NO_PAUSE));
    finding_evidence(finding, all->list[0].from, all->list[all->count - 1].to);
    finding_fix(finding,
                "count an upgrade that failed like any other failure: wait, and longer each "
                "time, before the next attempt");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct answers all;
    (void)config;
    answers_of(trace, &all);
    for (int fate = ANSWER_FATES - 1; fate >= 0; fate--)
        report(trace, &all, (enum answer_fate)fate, out);
    judge_pauses(&all, out);
    if (!out->first && all.builtin && all.count == 0)
        finding_own_client(out);
    else if (!out->first)
        (void)finding_add(
            out, INCONCLUSIVE,
            "no attempt got a wrong answer that left its connection open; it takes the "
            "faults upgrade_bad_accept, upgrade_rewrite, upgrade_protocol, "
            "upgrade_extension or upgrade_status with then: nothing, and a client that "
            "connects anew meanwhile");
    answers_fini(&all);
}

const struct rule_desc path_failed_upgrade_rule = {
    .name = "path.failed_upgrade",
    .id = "PROXY-02",
    .title = "A failed upgrade fails fast and clean",
    .brief = "an answer that is no 101 for the request ends the attempt",
    .doc =
        "Provoked by answers to the handshake that open nothing: a 101 for another key or without its "
        "Upgrade or Connection header, as from a cache or a balancer that was set up by half; a "
        "subprotocol or an extension nobody offered; a 200 that leaves the connection open. Observed is "
        "what the client does with that connection. It has to end it within a second of wall time, and a "
        "frame on it, or an end that does not come within two, is a failure: the client takes somebody "
        "for its server who never agreed to be one. The next attempt has to wait: a median of less than "
        "0.1 s over four of them is a failure too. The remedy is a library that checks the whole answer, "
        "and a backoff that counts every attempt that did not open.",
    .source = "RFC 6455 4.1",
    .example = "path.failed_upgrade",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(FAULT_ON),
    .check = check,
};

/* message.deflate: what was agreed on about compression is kept, and what breaks it is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "rules/lib/answers.h"
#include "rules/lib/deflated.h"
#include "rules/lib/offence.h"

static const struct offence_kind kinds[] = {
    {.what = "compressed_control", .words = "a ping with RSV1", .deflate = true},
    {.what = "compressed_continuation",
     .words = "a second frame of a message with RSV1",
     .deflate = true},
    {.what = "bad_deflate", .words = "a compressed message that does not inflate", .deflate = true},
    {0},
};

/* --- What the client sends --- */

static bool judge_sent(const struct deflated_list *all, struct findings *out)
{
    uint64_t wrong = 0, from = 0, to = 0;
    const char *what = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const struct deflated *d = &all->list[i];
        if (d->wrong == 0)
            continue;
        what = wrong == 0 ? d->what : what;
        from = wrong == 0 ? d->wrong_from : from;
        to = d->wrong_to > to ? d->wrong_to : to;
        wrong += d->wrong;
    }
    if (wrong == 0)
        return false;
    struct finding *finding =
        finding_add(out, FAIL, "%llu frame%s of the client break%s what was agreed on: %s",
                    (unsigned long long)wrong, wrong == 1 ? "" : "s", wrong == 1 ? "s" : "", what);
    finding_measured(finding, "frames", (double)wrong);
    finding_allowed(finding, "frames", 0);
    finding_evidence(finding, from, to);
    finding_fix(
        finding,
        "compress with the window and the context that the server's answer names "
        "(client_max_window_bits, client_no_context_takeover), set RSV1 on the first frame of a "
        "compressed message and nowhere else, and not at all where the answer names no extension");
    return true;
}

/* --- What it takes --- */

static void judge_refusals(const struct deflated_list *all, enum sort sort, struct findings *out)
{
    const struct deflated *first = NULL;
    size_t times = 0;
    uint64_t to = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct deflated *d = &all->list[i];
        if (d->state != DEFLATE_AGREED || d->refused != sort)
            continue;
        first = first ? first : d;
        times++;
        to = d->to > to ? d->to : to;
    }
    if (times == 0)
        return;
    struct finding *finding = finding_add(
        out, FAIL, "%zu time%s the client closed with %llu at a message that was %s, as it may be",
        times, times == 1 ? "" : "s", (unsigned long long)first->code,
        sort == SORT_PLAIN ? "not compressed" : "compressed as agreed");
    finding_measured(finding, "times", (double)times);
    finding_allowed(finding, "times", 0);
    finding_evidence(finding, first->from, to);
    finding_fix(finding,
                sort == SORT_PLAIN
                    ? "look at RSV1 of each message: a sender may leave any of them uncompressed"
                    : "inflate with the window and the context that the answer names "
                      "(server_max_window_bits, server_no_context_takeover)");
}

/* --- Compression that nobody agreed to --- */

static bool reads(const struct offences *offences, int client)
{
    for (size_t i = 0; i < offences->count; i++)
        if (offences->list[i].client == client && offences->list[i].reads)
            return true;
    return false;
}

static enum reaction surprise_reaction(const struct trace *trace, const struct deflated *d,
                                       const struct offences *offences)
{
    nsec seen = nsec_min(d->ended, d->watched) - d->surprised;
    nsec patient = offence_wall(trace, OFFENCE_PATIENT);
    if (d->ended != NEVER && seen <= offence_wall(trace, OFFENCE_PROMPT))
        return REACTION_CLOSED;
    if (seen >= patient)
        return reads(offences, d->client) ? REACTION_ACCEPTED : REACTION_UNREAD;
    return d->ended != NEVER ? REACTION_LATE : REACTION_UNSEEN;
}

static bool judge_surprises(const struct trace *trace, const struct deflated_list *all,
                            const struct offences *offences, struct findings *out)
{
    const struct deflated *worst = NULL;
    enum reaction reaction = REACTION_CLOSED;
    for (size_t i = 0; i < all->count; i++) {
        const struct deflated *d = &all->list[i];
        if (d->state != DEFLATE_TAKEN_OUT || d->surprised == NEVER)
            continue;
        enum reaction this = surprise_reaction(trace, d, offences);
        if (this == REACTION_UNSEEN || this == REACTION_UNREAD || (worst && this < reaction))
            continue;
        worst = d;
        reaction = this;
    }
    if (!worst)
        return false;
    struct text took;
    text_init(&took);
    units_add_duration(&took, nsec_min(worst->ended, worst->watched) - worst->surprised);
    struct finding *finding = finding_add(
        out,
        reaction == REACTION_ACCEPTED ? FAIL
        : reaction == REACTION_LATE   ? WARN
                                      : PASS,
        reaction == REACTION_ACCEPTED
            ? "the client went on for %s after a compressed message, although the answer named "
              "no extension"
            : "the client closed within %s after a compressed message where the answer named "
              "no extension",
        text_chars(&took));
    text_fini(&took);
    finding_evidence(finding, worst->from, worst->to);
    if (reaction == REACTION_ACCEPTED)
        finding_fix(finding,
                    "fail the connection with 1002 over a reserved bit that no extension explains");
    return true;
}

/* --- Answers that cannot be --- */

static bool judge_answers(const struct trace *trace, struct findings *out)
{
    static const enum verdict verdicts[ANSWER_FATES] = {
        [ANSWER_FAILED] = PASS,         [ANSWER_LATE] = WARN,   [ANSWER_DIED] = WARN,
        [ANSWER_UNSEEN] = INCONCLUSIVE, [ANSWER_STAYED] = FAIL, [ANSWER_SPOKE] = FAIL,
    };
    struct answers answers;
    const struct answer *worst = NULL;
    enum verdict verdict = PASS;
    answers_of(trace, &answers);
    for (size_t i = 0; i < answers.count; i++) {
        const struct answer *answer = &answers.list[i];
        enum verdict this = verdicts[answer_fate(trace, answer)];
        if (!answer->deflate || this == INCONCLUSIVE || (worst && this <= verdict))
            continue;
        worst = answer;
        verdict = this;
    }
    if (worst) {
        struct finding *finding = finding_add(
            out, verdict,
            "the client %s an answer with parameters of permessage-deflate that cannot be",
            verdict == FAIL   ? "took"
            : verdict == PASS ? "refused"
                              : "refused, late or by its end,");
        finding_evidence(finding, worst->from, worst->to);
        if (verdict == FAIL)
            finding_fix(finding,
                        "fail the connection where the answer has parameters that were not "
                        "offered, are unknown, or lie outside of 8 to 15 bits");
    }
    answers_fini(&answers);
    return worst != NULL;
}

/* --- All of it --- */

/* provoked: something came that breaks the agreement. Lawful traffic alone shows half of it. */
static void report_good(const struct deflated_list *all, bool provoked, struct findings *out)
{
    unsigned long long got[2] = {0}, sent[2] = {0};
    uint64_t from = 0, to = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct deflated *d = &all->list[i];
        if (d->state != DEFLATE_AGREED)
            continue;
        got[0] += d->got_compressed;
        got[1] += d->got_plain;
        sent[0] += d->sent_compressed;
        sent[1] += d->sent_plain;
        from = from ? from : d->from;
        to = d->to;
    }
    if (got[0] + got[1] + sent[0] + sent[1] == 0)
        return;
    struct finding *finding = finding_add(
        out, provoked ? PASS : INCONCLUSIVE,
        "the client took %llu compressed and %llu plain messages, and sent %llu and %llu as "
        "agreed%s",
        got[0], got[1], sent[0], sent[1],
        provoked ? ""
                 : "; whether it refuses what breaks the agreement takes the fault bad_frame with "
                   "bad_deflate or compressed_control");
    finding_measured(finding, "compressed_received", (double)got[0]);
    finding_measured(finding, "plain_received", (double)got[1]);
    finding_evidence(finding, from, to);
}

static void say_nothing_seen(const struct deflated_list *all, struct findings *out)
{
    if (all->count == 0 && all->builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else if (all->offered == 0)
        (void)finding_add(out, NOT_APPLICABLE, "the client offers no permessage-deflate");
    else if (all->agreed == 0)
        (void)finding_add(out, NOT_APPLICABLE, "the server agreed to no permessage-deflate");
    else
        (void)finding_add(
            out, INCONCLUSIVE,
            "permessage-deflate was agreed on, and nothing came that would show what the "
            "client makes of it; it takes messages, or the fault bad_frame with bad_deflate");
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct deflated_list all;
    struct offences offences;
    (void)config;
    deflated_of(trace, &all);
    offences_of(trace, &offences);
    if (all.agreed > 0) {
        bool broke = judge_sent(&all, out);
        judge_refusals(&all, SORT_PLAIN, out);
        judge_refusals(&all, SORT_COMPRESSED, out);
        bool provoked = offences_judge(trace, &offences, kinds, out);
        provoked = judge_surprises(trace, &all, &offences, out) || provoked;
        provoked = judge_answers(trace, out) || provoked;
        if (!broke)
            report_good(&all, provoked, out);
    }
    if (!out->first)
        say_nothing_seen(&all, out);
    offences_fini(&offences);
    deflated_fini(&all);
}

const struct rule_desc message_deflate_rule = {
    .name = "message.deflate",
    .id = "MSG-11",
    .title = "Compression (permessage-deflate)",
    .brief = "what was agreed on about compression is kept",
    .doc =
        "Applies to a client that offers permessage-deflate, where the server agrees (halfopen's own does "
        "with server: {deflate: true}). Observed is what the client sends: a message that does not inflate "
        "with the window and the context that were agreed on is a failure, as is RSV1 on a control frame, on "
        "a later frame of a message, or where the answer names no extension. It must take messages that "
        "are not compressed among those that are: closing with 1002 or 1007 at one is a failure. "
        "Provoked by the fault bad_frame are RSV1 where it must not be and a stream that does not inflate, by "
        "upgrade_extension a window of 16 bits and an answer that keeps the extension from the client, so "
        "that the first compressed message has a bit nobody explained. Each has to end the "
        "connection within a second of wall time; two are taken for acceptance, a failure.",
    .source = "RFC 7692 6.1, 7.1, 7.2",
    .example = "message.deflate",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_WORK,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};

/* reconnect.replay: what falls due while a client has no connection arrives after it, in order. */
#include "base/units.h"
#include "rules/lib/outbox.h"

#define DUE_LEAST  5  /* fewer, in all gaps together, show nothing */
#define KEPT_LEAST 10 /* of the newest: that there is a queue, and that it has a bound */

/* One client, over all its gaps. */
struct account {
    struct mail sum;
    size_t gaps, unsettled, never_back;
    nsec longest;
    bool bounded; /* where something is lost, the newest were kept */
    const char *exit;
    uint64_t from, to;
};

static void note_gap(struct account *account, const struct gap *gap, const struct mail *mail)
{
    struct mail *sum = &account->sum;
    account->from = account->from == 0 ? gap->seq : account->from;
    account->to = gap->to_seq;
    account->never_back += gap->to == NEVER;
    account->exit = gap->exit ? gap->exit : account->exit;
    account->unsettled += gap->to != NEVER && !mail->settled;
    if (!mail->settled)
        return;
    account->gaps++;
    account->longest = nsec_max(account->longest, gap->to - gap->from);
    sum->due += mail->due;
    sum->came += mail->came;
    sum->bytes += mail->bytes;
    sum->swaps += mail->swaps;
    if (mail->lost == 0)
        return;
    account->bounded =
        (sum->lost == 0 || account->bounded) && mail->oldest_lost && mail->came >= KEPT_LEAST;
    sum->first_lost = sum->lost == 0 ? mail->first_lost : sum->first_lost;
    sum->last_lost = mail->last_lost;
    sum->lost += mail->lost;
}

static struct account account_of(const struct outbox *box)
{
    struct account account = {0};
    for (size_t i = 0; i < box->gap_count; i++) {
        struct mail mail = outbox_mail(box, &box->gaps[i]);
        note_gap(&account, &box->gaps[i], &mail);
    }
    return account;
}

/* --- Sentences --- */

static void add_while(const struct account *account, struct text *out)
{
    text_add(out, "while the client had no connection ");
    if (account->gaps == 1)
        text_add(out, "for ");
    else
        text_addf(out, "(%zu outages, the longest ", account->gaps);
    units_add_duration(out, account->longest);
    text_add(out, account->gaps == 1 ? "" : ")");
}

static struct finding *say(const struct account *account, enum verdict verdict, struct text *text,
                           struct findings *out)
{
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(text));
    text_fini(text);
    finding_measured(finding, "due", (double)account->sum.due);
    finding_measured(finding, "arrived", (double)account->sum.came);
    finding_measured(finding, "lost", (double)account->sum.lost);
    finding_measured(finding, "out_of_order", (double)account->sum.swaps);
    finding_allowed(finding, "lost", 0);
    finding_evidence(finding, account->from, account->to);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding,
                    "keep what cannot be sent in a queue with a bound, send it in order as soon as "
                    "the new connection is open, before anything newer, and tell the application "
                    "of whatever the bound makes you drop");
    return finding;
}

static void say_lost(const struct outbox *box, const struct account *account, struct findings *out)
{
    const struct mail *sum = &account->sum;
    struct text text;
    text_init(&text);
    text_addf(&text, "%llu of %llu messages that fell due ", (unsigned long long)sum->lost,
              (unsigned long long)sum->due);
    add_while(account, &text);
    text_add(&text, " never arrived");
    if (sum->first_lost > 0 && sum->last_lost > sum->first_lost)
        text_addf(&text, " (ids from %llu to %llu)", (unsigned long long)sum->first_lost,
                  (unsigned long long)sum->last_lost);
    else if (sum->first_lost > 0)
        text_addf(&text, " (id %llu)", (unsigned long long)sum->first_lost);
    if (account->bounded)
        text_add(&text, ": the oldest, so that the queue has a bound; whether the application is "
                        "told does not show");
    else if (box->counted && box->basis == OUTBOX_NUMBERED)
        text_add(&text, ", if the number in them counts messages: messages.id would say so");
    enum verdict verdict = account->bounded                                ? WARN
                           : box->counted && box->basis == OUTBOX_NUMBERED ? INCONCLUSIVE
                                                                           : FAIL;
    (void)say(account, verdict, &text, out);
}

static void say_swapped(const struct outbox *box, const struct account *account,
                        struct findings *out)
{
    struct text text;
    text_init(&text);
    text_addf(&text, "%llu of %llu messages that fell due ", (unsigned long long)account->sum.swaps,
              (unsigned long long)account->sum.due);
    add_while(account, &text);
    text_add(&text, " arrived after newer ones");
    bool unsure = box->counted && box->basis == OUTBOX_NUMBERED;
    (void)say(account, unsure ? INCONCLUSIVE : FAIL, &text, out);
}

static void say_all_came(const struct account *account, struct findings *out)
{
    struct text text;
    text_init(&text);
    text_addf(&text, "all %llu messages that fell due ", (unsigned long long)account->sum.due);
    add_while(account, &text);
    text_add(&text, " arrived afterwards, in order");
    (void)say(account, PASS, &text, out);
}

static void say_too_little(const struct outbox *box, const struct account *account,
                           struct findings *out)
{
    struct finding *finding;
    if (box->gap_count == 0)
        finding = finding_add(out, INCONCLUSIVE, "the client never lost its only connection");
    else if (account->exit)
        finding = finding_add(out, INCONCLUSIVE,
                              "the client's process ended (%s) before it was connected again",
                              account->exit);
    else if (account->never_back > 0 && account->gaps == 0)
        finding = finding_add(out, INCONCLUSIVE, "the client was not connected again");
    else if (account->gaps == 0)
        finding = finding_add(out, INCONCLUSIVE,
                              "no new connection lasted the 5 s in which what was kept arrives");
    else if (box->ask_count == 0 && !trace_declares(box->trace, DECLARES_SEND))
        finding = finding_sends_nothing(out, box->trace,
                                        "the client sends nothing while it has no connection");
    else
        finding = finding_add(out, INCONCLUSIVE,
                              "only %llu messages fell due while the client had no connection: at "
                              "least %d would be needed",
                              (unsigned long long)account->sum.due, DUE_LEAST);
    if (account->from > 0)
        finding_evidence(finding, account->from, account->to);
}

/* --- The rule --- */

static void judge(const struct outbox *box, struct findings *out)
{
    struct account account = account_of(box);
    if (account.sum.due < DUE_LEAST)
        say_too_little(box, &account, out);
    else if (account.sum.lost > 0)
        say_lost(box, &account, out);
    else if (account.sum.swaps > 0)
        say_swapped(box, &account, out);
    else
        say_all_came(&account, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    (void)config;
    outboxes_judge(trace, outbox_say_untested, judge, out);
}

const struct rule_desc reconnect_replay_rule = {
    .name = "reconnect.replay",
    .id = "RECON-08",
    .title = "Queue while down, replay after",
    .brief = "messages of an outage arrive after it, in order",
    .doc =
        "Provoked by outages of some seconds and of most of a minute while the client is asked to send a "
        "numbered message every 200 ms (hooks.send), or sends by itself. Observed is which messages arrive once "
        "the client is connected again. All that fell due while it had no connection have to, older ones first. "
        "A message that never comes is a failure, and so is one that comes after a newer one; where only the "
        "oldest are missing and at least ten newer ones were kept, the queue has a bound, which is a warning: "
        "whether the application was told does not show from outside. What was sent within a second of the "
        "loss, or 300 ms of wall time where that is more, may have been under way and is not counted; see "
        "message.duplicates. With hooks.send it is known "
        "what has to come, by ids that follow the number asked for or by how many there are; without it the ids "
        "(messages.id) must be numbers that leave none out, and what was seen to count without being declared "
        "decides nothing against the client. A client that sends nothing, or nothing while it is away, and one "
        "whose messages have no ids, is not tested. No clause of a standard asks for it: a WebSocket that is "
        "closed sends nothing and says nothing, so that whoever does not keep its messages loses them. The "
        "remedy is a bounded queue, emptied in order before anything newer is sent.",
    .source = "WHATWG WebSockets, send()",
    .example = "reconnect.replay: {}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};

/* reconnect.queue_bound: what a client keeps for sending while it has no connection has a bound. */
#include <math.h>

#include "base/units.h"
#include "rules/lib/outbox.h"

/* RULES 0.8 */
#define DOUBLED       1.6 /* what fell due: in the second outage at least that much more */
#define STAYS         1.2 /* what was kept does not grow with the outage */
#define GROWS         1.6 /* it does */
#define WHOLE         0.9 /* of what fell due: nothing to speak of was dropped */
#define MANY_MESSAGES 10000
#define MANY_BYTES    ((uint64_t)8 << 20)
#define DUE_LEAST     20 /* in the longer outage */
#define KEPT_LEAST    10 /* beside what was dropped: that there is a queue */

struct outage {
    const struct gap *gap;
    struct mail mail;
};

struct pair {
    const struct outbox *box;
    struct outage shorter, longer; /* gap NULL: there is none */
    size_t unsettled;
    bool stayed_away;
};

static void note_gap(struct pair *pair, const struct gap *gap)
{
    struct outage outage = {gap, outbox_mail(pair->box, gap)};
    pair->stayed_away = gap->to == NEVER;
    if (!outage.mail.settled || outage.mail.due == 0) {
        pair->unsettled += gap->to != NEVER && !outage.mail.settled;
        return;
    }
    if (!pair->shorter.gap || outage.mail.due < pair->shorter.mail.due)
        pair->shorter = outage;
    if (!pair->longer.gap || outage.mail.due > pair->longer.mail.due)
        pair->longer = outage;
}

/* --- Sentences --- */

/* How much more memory the process had at the end of the longer outage than when it began. */
static double memory_rise(const struct pair *pair)
{
    const struct gap *gap = pair->longer.gap;
    double before = NAN, most = NAN;
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(pair->box->trace, &i, EV_PROCESS_MEMORY));) {
        double bytes = (double)ev->process_memory.bytes;
        if (ev->client != pair->box->client || ev->at > gap->to)
            continue;
        if (ev->at <= gap->from)
            before = bytes;
        else
            most = isnan(most) ? bytes : fmax(most, bytes);
    }
    return most - before;
}

static void add_kept(const struct outage *outage, struct text *out)
{
    text_addf(out, "%llu of %llu messages (", (unsigned long long)outage->mail.came,
              (unsigned long long)outage->mail.due);
    units_add_size(out, outage->mail.bytes);
    text_add(out, ") of ");
    units_add_duration(out, outage->gap->to - outage->gap->from);
}

static void say(const struct pair *pair, enum verdict verdict, const char *conclusion,
                struct findings *out)
{
    struct text text;
    double rise = memory_rise(pair);
    text_init(&text);
    text_add(&text, "the client kept ");
    add_kept(&pair->shorter, &text);
    text_add(&text, " without a connection, and ");
    add_kept(&pair->longer, &text);
    struct finding *finding = finding_add(out, verdict, "%s: %s", text_chars(&text), conclusion);
    text_fini(&text);
    finding_measured(finding, "kept_shorter", (double)pair->shorter.mail.came);
    finding_measured(finding, "kept_longer", (double)pair->longer.mail.came);
    finding_measured(finding, "kept_longer_bytes", (double)pair->longer.mail.bytes);
    if (!isnan(rise))
        finding_measured(finding, "memory_rise_bytes", rise);
    finding_allowed(finding, "ratio", STAYS);
    finding_allowed(finding, "messages", MANY_MESSAGES);
    finding_allowed(finding, "bytes", (double)MANY_BYTES);
    const struct gap *first =
        pair->shorter.gap < pair->longer.gap ? pair->shorter.gap : pair->longer.gap;
    const struct gap *last = first == pair->shorter.gap ? pair->longer.gap : pair->shorter.gap;
    finding_evidence(finding, first->seq, last->to_seq);
    if (verdict == FAIL || verdict == WARN)
        finding_fix(finding, "give the queue a bound, in messages, bytes or age; drop the oldest "
                             "beyond it, and tell the application so");
}

static void say_no_pair(const struct pair *pair, struct findings *out)
{
    const struct outbox *box = pair->box;
    if (box->gap_count == 0)
        (void)finding_add(out, INCONCLUSIVE, "the client never lost its only connection");
    else if (pair->stayed_away)
        (void)finding_add(out, INCONCLUSIVE, "the client was not connected again");
    else if (pair->unsettled > 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "a new connection did not last until all that was kept had been sent");
    else if (box->ask_count == 0 && !trace_declares(box->trace, DECLARES_SEND))
        (void)finding_sends_nothing(out, box->trace,
                                    "the client sends nothing while it has no connection");
    else
        (void)finding_add(
            out, INCONCLUSIVE,
            "it takes two outages, with at least %d messages in the longer and 1.6 times as many as "
            "in the shorter",
            DUE_LEAST);
}

/* --- The rule --- */

/* The oldest were dropped, or newer ones were no longer taken. */
static bool shows_bound(const struct mail *mail)
{
    return (double)mail->came < WHOLE * (double)mail->due && mail->came >= KEPT_LEAST &&
           (mail->oldest_lost || mail->newest_lost);
}

static void judge_pair(const struct pair *pair, struct findings *out)
{
    const struct mail *shorter = &pair->shorter.mail, *longer = &pair->longer.mail;
    double kept = (double)longer->came, before = (double)shorter->came;
    bool whole = kept >= WHOLE * (double)longer->due;
    bool large = longer->came > MANY_MESSAGES || longer->bytes > MANY_BYTES;
    if (longer->came == 0)
        say(pair, PASS, "nothing is kept, see reconnect.replay", out);
    else if (kept <= STAYS * before)
        say(pair, PASS, "no more after the longer outage: bounded", out);
    else if (shows_bound(longer))
        say(pair, PASS, "what was beyond a bound was dropped", out);
    else if (kept >= GROWS * before && whole && large)
        say(pair, FAIL, "what is kept grows with the outage, and no bound shows", out);
    else if (kept >= GROWS * before)
        say(pair, WARN, "what is kept grows with the outage; up to there no bound shows", out);
    else
        say(pair, WARN, "what is kept grows with the outage, though not in proportion", out);
}

static void judge(const struct outbox *box, struct findings *out)
{
    struct pair pair = {.box = box};
    for (size_t i = 0; i < box->gap_count; i++)
        note_gap(&pair, &box->gaps[i]);
    bool doubled = pair.longer.gap && pair.longer.mail.due >= DUE_LEAST &&
                   (double)pair.longer.mail.due >= DOUBLED * (double)pair.shorter.mail.due;
    if (doubled)
        judge_pair(&pair, out);
    else
        say_no_pair(&pair, out);
}

/* How much comes can be told without ids, but not where more comes than was asked for. */
static bool is_untested(const struct outbox *box, struct findings *out)
{
    bool named =
        box->basis == OUTBOX_ASKED || box->basis == OUTBOX_TALLIED || box->basis == OUTBOX_NUMBERED;
    bool none = box->basis == OUTBOX_SILENT || box->basis == OUTBOX_DEAF;
    bool mixed = !named && box->ask_count > 0 && !box->tallied;
    return (none || mixed) && outbox_say_untested(box, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    (void)config;
    outboxes_judge(trace, is_untested, judge, out);
}

const struct rule_desc reconnect_queue_bound_rule = {
    .name = "reconnect.queue_bound",
    .id = "RECON-19",
    .title = "The offline queue has a bound",
    .brief = "what is kept for sending while offline has a bound",
    .doc =
        "Provoked by two outages, the second twice as long as the first, during which the client is asked to send "
        "250 messages a second (hooks.send), or sends by itself. Observed is how many of them arrive after each. "
        "No more than 1.2 times as many after the longer outage pass, and so does a client that visibly dropped "
        "the oldest, or took no newer ones. 1.6 times as many, and nearly all of them, are a failure when they "
        "are more than 10,000 messages or 8 MiB, else a warning: no bound shows up to there. A client that "
        "sends nothing while it is away is not tested. Whether what is kept arrives at all is "
        "reconnect.replay's. How much the process grew meanwhile is reported where it was measured. No clause "
        "of a standard asks for it: an outage may last a night, and a queue without a bound then ends the "
        "process, with all that is in it. The remedy is a bound in messages, bytes or age.",
    .source = "WHATWG WebSockets, bufferedAmount",
    .example = "reconnect.queue_bound: {}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .wants = NEEDS(PROCESS_MEMORY),
    .check = check,
};

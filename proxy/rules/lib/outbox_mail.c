/* What became of the messages of a time without a connection, and why nothing can be told. */
#include <math.h>

#include "rules/lib/outbox.h"

#define BURST             3 /* times the usual rate */
#define BURST_LEAST       3
#define DRAINED           NSEC_PER_SEC
#define ANSWERED_TOGETHER 2 /* messages more or less: on their way when somebody looked */

static void lose(struct mail *mail, uint64_t id)
{
    if (mail->lost++ == 0)
        mail->first_lost = id;
    mail->last_lost = id;
}

/* --- By what was asked for --- */

static const struct message *message_for(const struct outbox *box, const struct ask *ask)
{
    uint64_t number = (uint64_t)((int64_t)ask->number + box->shift);
    const struct message *message = outbox_message(box, number);
    return message && message->at >= ask->asked ? message : NULL;
}

/* Asked for one after the other, not at the same time. */
static bool follows(const struct ask *before, const struct ask *ask)
{
    return before && before->answered <= ask->asked;
}

static void look_at_asked(const struct outbox *box, const struct gap *gap, struct mail *mail)
{
    const struct ask *newest = NULL;
    uint64_t newest_seq = 0;
    nsec from = nsec_add(gap->from, outbox_grace(box->trace));
    mail->oldest_lost = mail->newest_lost = true;
    for (size_t i = 0; i < box->ask_count; i++) {
        const struct ask *ask = &box->asks[i];
        if (ask->asked < from || ask->answered >= gap->to)
            continue;
        const struct message *message = message_for(box, ask);
        mail->due++;
        if (!message) {
            mail->oldest_lost = mail->oldest_lost && mail->came == 0;
            lose(mail, (uint64_t)((int64_t)ask->number + box->shift));
            continue;
        }
        mail->newest_lost = mail->newest_lost && mail->lost == 0;
        mail->came++;
        mail->bytes += message->len;
        mail->last = nsec_max(mail->last, message->at);
        mail->swaps += follows(newest, ask) && message->seq < newest_seq;
        if (message->seq < newest_seq)
            continue;
        newest = ask;
        newest_seq = message->seq;
    }
}

static void look_at_tally(const struct outbox *box, const struct gap *gap, struct mail *mail)
{
    nsec from = nsec_add(gap->from, outbox_grace(box->trace)),
         until = gap->watched - outbox_grace(box->trace);
    uint64_t later = 0, uncertain = ANSWERED_TOGETHER;
    for (size_t i = 0; i < box->ask_count; i++) {
        nsec asked = box->asks[i].asked;
        mail->due += asked >= from && box->asks[i].answered < gap->to;
        later += asked >= gap->to && asked < until;
        uncertain +=
            (asked >= gap->from && asked < from) || (asked >= until && asked < gap->watched);
    }
    for (size_t i = 0; i < box->first_count; i++)
        if (box->first[i]->at >= gap->to && box->first[i]->at < gap->watched) {
            mail->came++;
            mail->bytes += box->first[i]->len;
        }
    mail->came = mail->came > later ? mail->came - later : 0;
    mail->came = mail->came < mail->due ? mail->came : mail->due;
    mail->lost = mail->due - mail->came > uncertain ? mail->due - mail->came : 0;
}

/* --- By numbers --- */

/* What came first, and faster than what is sent by itself ever does. */
static void look_at_burst(const struct outbox *box, const struct gap *gap, struct mail *mail)
{
    const struct message *first = NULL;
    uint64_t count = 0, bytes = 0;
    for (size_t i = 0; i < box->first_count; i++) {
        const struct message *message = box->first[i];
        if (message->at < gap->to || message->at >= gap->watched)
            continue;
        first = first ? first : message;
        bytes += message->len;
        double usual = box->rate * nsec_to_seconds(message->at - first->at);
        if ((double)count++ < BURST * usual || count < BURST_LEAST)
            continue;
        mail->came = count;
        mail->bytes = bytes;
        mail->last = message->at;
    }
}

static uint64_t highest(const struct outbox *box, nsec from, nsec to)
{
    uint64_t most = 0;
    for (size_t i = 0; i < box->first_count; i++) {
        const struct message *message = box->first[i];
        if (message->numeric && message->at >= from && message->at < to && message->number > most)
            most = message->number;
    }
    return most;
}

/* Numbers beyond what may have been under way at the loss that never came, though newer ones did.
 */
static void look_for_holes(const struct outbox *box, const struct gap *gap, struct mail *mail)
{
    uint64_t under_way = 1 + (uint64_t)ceil(box->rate * nsec_to_seconds(outbox_grace(box->trace)));
    uint64_t first = highest(box, 0, gap->from) + under_way, next = first, holes = 0;
    uint64_t most = highest(box, gap->to, gap->watched);
    for (size_t i = 0; i < box->number_count; i++) {
        uint64_t number = box->by_number[i]->number;
        if (number < first || number > most)
            continue;
        if (number > next) {
            mail->oldest_lost = holes == 0 && next == first;
            mail->first_lost = holes++ == 0 ? next : mail->first_lost;
            mail->last_lost = number - 1;
            mail->lost += number - next;
        }
        next = number + 1;
    }
}

static void look_for_swaps(const struct outbox *box, const struct gap *gap, struct mail *mail)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < box->first_count; i++) {
        const struct message *message = box->first[i];
        if (!message->numeric || message->at < gap->to || message->at >= gap->watched)
            continue;
        mail->swaps += message->number < newest;
        newest = message->number > newest ? message->number : newest;
    }
}

/* A queue that was still being emptied when the connection was lost, or the run over. */
static bool was_draining(const struct outbox *box, const struct gap *gap, const struct mail *mail)
{
    return mail->lost > 0 && mail->last > gap->watched - DRAINED;
}

struct mail outbox_mail(const struct outbox *box, const struct gap *gap)
{
    struct mail mail = {0};
    if (gap->to == NEVER)
        return mail;
    if (box->basis == OUTBOX_ASKED) {
        look_at_asked(box, gap, &mail);
    } else if (box->basis == OUTBOX_NUMBERED) {
        look_at_burst(box, gap, &mail);
        look_for_holes(box, gap, &mail);
        look_for_swaps(box, gap, &mail);
        mail.due = mail.came + mail.lost;
    } else if (box->ask_count > 0) {
        look_at_tally(box, gap, &mail);
    } else {
        look_at_burst(box, gap, &mail);
        mail.due = mail.came;
    }
    mail.settled = gap->watched - gap->to >= OUTBOX_SETTLE && !was_draining(box, gap, &mail);
    return mail;
}

/* --- Nothing can be told --- */

static void say_silent(const struct outbox *box, struct findings *out)
{
    if (trace_declares(box->trace, DECLARES_SEND)) {
        (void)finding_add(out, INCONCLUSIVE,
                          "the client sent nothing, and this scenario did not ask it to");
        return;
    }
    struct finding *finding =
        finding_add(out, NOT_TESTED, "the client sends nothing by itself; give hooks.send");
    finding_fix_line(finding, DECLARES_SEND);
}

static void say_nameless(const struct outbox *box, struct findings *out)
{
    size_t compressed = 0;
    for (size_t i = 0; i < box->count; i++)
        compressed += box->messages[i].compressed;
    const char *why =
        compressed > 0 ? " (some are compressed, and may not have been readable)" : "";
    if (trace_declares(box->trace, DECLARES_MESSAGES)) {
        struct finding *finding = finding_add(
            out, INCONCLUSIVE, "messages.id finds nothing in the %zu messages of the client%s",
            box->count, why);
        finding_fix(finding,
                    "the pattern is matched against each whole message; its first group is the id");
        return;
    }
    struct finding *finding = finding_add(
        out, NOT_TESTED,
        "the %zu message%s of the client cannot be recognised again%s; give messages.id",
        box->count, box->count == 1 ? "" : "s", why);
    finding_fix_line(finding, DECLARES_MESSAGES);
}

static void say_unclear(const struct outbox *box, struct findings *out)
{
    bool hooked = trace_declares(box->trace, DECLARES_SEND);
    struct finding *finding = finding_add(
        out, INCONCLUSIVE,
        hooked ? "the ids of the client's messages do not tell which of those it was asked to send "
                 "have come"
               : "the ids of the client's messages do not tell whether one is missing");
    finding_fix(finding,
                hooked ? "let hooks.send make one message each time, with {n} as its id"
                       : "add to halfopen.yaml: %s, with {n} as the id of the message",
                declaration_missing(DECLARES_SEND, 0)->example);
    if (box->count > 0)
        finding_evidence(finding, box->messages[0].seq, box->messages[box->count - 1].seq);
}

bool outbox_say_untested(const struct outbox *box, struct findings *out)
{
    switch (box->basis) {
    case OUTBOX_SILENT:
        say_silent(box, out);
        return true;
    case OUTBOX_DEAF:
        (void)finding_add(out, INCONCLUSIVE,
                          "the client was asked %zu times to send, and no message came: is it "
                          "listening to hooks.send",
                          box->ask_count);
        return true;
    case OUTBOX_NAMELESS:
        say_nameless(box, out);
        return true;
    case OUTBOX_UNCLEAR:
        say_unclear(box, out);
        return true;
    case OUTBOX_ASKED:
    case OUTBOX_TALLIED:
    case OUTBOX_NUMBERED:
        return false;
    }
    return false;
}

bool outboxes_say_none(const struct outboxes *boxes, struct findings *out)
{
    if (boxes->full) {
        (void)finding_add(
            out, INCONCLUSIVE,
            "the trace is full: not every message was recorded; a shorter run would do");
        return true;
    }
    if (boxes->count > 0)
        return false;
    if (boxes->builtin)
        (void)finding_add(out, NOT_APPLICABLE, "the client is halfopen's own and not under test");
    else
        (void)finding_add(out, INCONCLUSIVE, "there was no client");
    return true;
}

void outboxes_judge(const struct trace *trace,
                    bool (*untested)(const struct outbox *, struct findings *out),
                    void (*judge)(const struct outbox *, struct findings *out),
                    struct findings *out)
{
    struct outboxes boxes;
    outboxes_of(trace, &boxes);
    if (!outboxes_say_none(&boxes, out))
        for (size_t i = 0; i < boxes.count; i++)
            if (!untested(&boxes.list[i], out))
                judge(&boxes.list[i], out);
    outboxes_fini(&boxes);
}

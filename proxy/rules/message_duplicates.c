/* message.duplicates: what may not have arrived is not sent again under a new id. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/outbox.h"

#define UNSURE NSEC_PER_SEC /* before a loss: sent then, a message may not have arrived */

struct copies {
    uint64_t unsure, repeated; /* at all losses; again on a later connection, under its own id */
    uint64_t came, asked;      /* different messages of the kind that is asked for */
    bool exact;                /* before the first loss as many came as had been asked for */
    uint64_t from, to;
};

static uint64_t asked_within(const struct outbox *box, nsec from, nsec to)
{
    uint64_t count = 0;
    for (size_t i = 0; i < box->ask_count; i++)
        count += box->asks[i].asked >= from && box->asks[i].asked < to;
    return count;
}

static uint64_t count_unsure(const struct outbox *box, const struct gap *gap)
{
    nsec from = gap->from - UNSURE;
    uint64_t seen = 0, asked = asked_within(box, from, gap->from);
    for (size_t i = 0; i < box->first_count; i++)
        seen += box->first[i]->conn == gap->conn && box->first[i]->at >= from;
    return seen > asked ? seen : asked;
}

static uint64_t count_repeated(const struct outbox *box)
{
    uint64_t count = 0;
    for (size_t i = 0; i < box->count; i++) {
        const struct message *message = &box->messages[i];
        const struct event *before = trace_at_seq(box->trace, message->again);
        count += before && before->conn != message->conn;
    }
    return count;
}

static int by_kind(const void *a, const void *b)
{
    const struct message *const *x = a, *const *y = b;
    return strcmp((*x)->sig, (*y)->sig);
}

/* Different messages, all of them and those that came before the first loss; what comes of its kind
 * no more often than connections are made may greet them, and is left out. */
struct census {
    uint64_t all, before, answers; /* answers: of those before, to what was asked for */
};

static struct census census_of(const struct outbox *box)
{
    struct census census = {0};
    const struct message **sorted = xcalloc(box->first_count + 1, sizeof *sorted);
    memcpy(sorted, box->first, box->first_count * sizeof *sorted);
    qsort(sorted, box->first_count, sizeof *sorted, by_kind);
    for (size_t from = 0, to; from < box->first_count; from = to) {
        for (to = from; to < box->first_count && by_kind(&sorted[from], &sorted[to]) == 0;)
            to++;
        if (to - from <= box->gap_count + 1)
            continue;
        census.all += to - from;
        for (size_t i = from; i < to; i++) {
            bool before = sorted[i]->at < box->gaps[0].from;
            census.before += before;
            census.answers += before && outbox_ask_of(box, sorted[i]) != NULL;
        }
    }
    free(sorted);
    return census;
}

/* Before the first loss nothing came but what was asked for. */
static bool is_exact(const struct outbox *box, const struct census *census)
{
    if (box->basis == OUTBOX_ASKED)
        return census->answers == census->before;
    return box->tallied && census->before <= asked_within(box, 0, box->gaps[0].from);
}

static struct copies copies_of(const struct outbox *box)
{
    struct copies copies = {.repeated = count_repeated(box), .asked = box->asked};
    struct census census = census_of(box);
    for (size_t i = 0; i < box->gap_count; i++)
        copies.unsure += count_unsure(box, &box->gaps[i]);
    copies.came = census.all;
    copies.exact = is_exact(box, &census);
    copies.from = box->gaps[0].seq;
    copies.to = box->gaps[box->gap_count - 1].to_seq;
    if (box->messages[box->count - 1].seq > copies.to)
        copies.to = box->messages[box->count - 1].seq;
    return copies;
}

/* --- Sentences --- */

static struct finding *say(const struct copies *copies, enum verdict verdict, struct findings *out,
                           const char *sentence)
{
    struct finding *finding = finding_add(out, verdict, "%s", sentence);
    finding_measured(finding, "unsure", (double)copies->unsure);
    finding_measured(finding, "repeated", (double)copies->repeated);
    finding_evidence(finding, copies->from, copies->to);
    return finding;
}

static void say_under_new_ids(const struct copies *copies, struct findings *out)
{
    struct text text;
    text_init(&text);
    text_addf(&text,
              "the client was asked for %llu messages and sent %llu different ones: what may not "
              "have arrived before a loss came again under a new id, and counts twice",
              (unsigned long long)copies->asked, (unsigned long long)copies->came);
    struct finding *finding = say(copies, FAIL, out, text_chars(&text));
    finding_measured(finding, "messages", (double)copies->came);
    finding_allowed(finding, "messages", (double)copies->asked);
    finding_fix(finding, "give each message its id when the application hands it over, and send it "
                         "again under that id; the server then drops the copy");
    text_fini(&text);
}

static void say_harmless(const struct copies *copies, struct findings *out)
{
    struct text text;
    text_init(&text);
    if (copies->repeated > 0)
        text_addf(&text,
                  "%llu messages came again on a later connection, under their own ids, by which "
                  "the server can drop the copies",
                  (unsigned long long)copies->repeated);
    else
        text_addf(&text,
                  "%llu messages were sent within a second of a loss, and none was sent again",
                  (unsigned long long)copies->unsure);
    (void)say(copies, PASS, out, text_chars(&text));
    text_fini(&text);
}

/* --- The rule --- */

static void judge(const struct outbox *box, struct findings *out)
{
    if (box->gap_count == 0) {
        (void)finding_add(out, INCONCLUSIVE, "the client never lost its only connection");
        return;
    }
    struct copies copies = copies_of(box);
    if (copies.exact && copies.came > copies.asked)
        say_under_new_ids(&copies, out);
    else if (copies.unsure == 0)
        (void)say(
            &copies, INCONCLUSIVE, out,
            "no message was sent within a second of a loss: whether it comes again was not to "
            "be seen");
    else if (copies.exact || copies.repeated > 0)
        say_harmless(&copies, out);
    else if (trace_declares(box->trace, DECLARES_SEND))
        (void)say(&copies, INCONCLUSIVE, out,
                  "more comes than is asked for by hooks.send, so that a copy under a new id does "
                  "not show");
    else
        finding_fix_line(
            say(&copies, NOT_TESTED, out,
                "nothing came again under its own id, and a copy under a new one shows only where "
                "it is known how many messages there are; give hooks.send"),
            DECLARES_SEND);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    (void)config;
    outboxes_judge(trace, outbox_say_untested, judge, out);
}

const struct rule_desc message_duplicates_rule = {
    .name = "message.duplicates",
    .id = "MSG-07",
    .title = "No harmful duplicates after replay",
    .brief = "what is sent again keeps its id",
    .doc =
        "Provoked by cuts while the client is asked to send numbered messages (hooks.send): the last ones have "
        "been passed on, and no answer to them has come back, so that the client cannot know whether they "
        "arrived; one cut falls into the middle of a frame. Observed is what it sends on the next connection. "
        "Not to send them again passes, and so does to send them again under their own ids, by which the server "
        "can drop the copy; whether it does is the server's part. A client that was asked for so many messages "
        "and sends more different ones than that, having sent exactly what it was asked for before the "
        "first loss, has given copies new ids: they count twice, which is a failure. Without hooks.send only "
        "copies under their own ids can be seen; a client of whose messages none comes again is then not "
        "tested. What never arrives is reconnect.replay's. No clause of a standard asks for it: TCP does not "
        "say what the other end has read. The remedy is an id that a message keeps for life.",
    .source = "RFC 9293",
    .example = "message.duplicates: {}",
    .level = SHOULD,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};

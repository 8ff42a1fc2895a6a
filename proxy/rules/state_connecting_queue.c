/* state.connecting_queue: what is to be sent during a handshake goes out once it is complete. */
#include "rules/lib/asked.h"
#include "rules/lib/endings.h"
#include "rules/lib/outbox.h"

#define DUE_LEAST 5 /* during handshakes; fewer show nothing */

/* What one client was told to send during handshakes. */
struct account {
    struct mail sum;
    uint64_t twice; /* messages that came more than once */
    bool unclear;   /* an id came before the message was asked for that should have it */
    size_t handshakes, failed;
    nsec longest;
    size_t never_opened, unsettled; /* gaps after which nothing can be told */
    uint64_t from, to;
};

/* --- One handshake --- */

/* The time of a handshake as a gap: what was asked for in it is due when the connection opens. */
static struct gap handshake_of(const struct outbox *box, const struct gap *gap,
                               const struct attempt *attempt)
{
    struct gap handshake = *gap;
    handshake.from = attempt->start - outbox_grace(box->trace); /* which outbox_mail adds */
    handshake.to = nsec_min(attempt->opened, attempt->failed);
    return handshake;
}

static uint64_t came_twice(const struct outbox *box, const struct gap *handshake, nsec from)
{
    uint64_t twice = 0;
    for (size_t i = 0; i < box->count; i++) {
        const struct message *message = &box->messages[i];
        const struct ask *ask = message->again ? outbox_ask_of(box, message) : NULL;
        twice += ask && ask->asked >= from && ask->answered < handshake->to;
    }
    return twice;
}

/* The client numbers by itself, and has sent something more than it was asked for. */
static bool runs_ahead(const struct outbox *box, const struct gap *handshake, nsec from)
{
    for (size_t i = 0; box->basis == OUTBOX_ASKED && i < box->ask_count; i++) {
        const struct ask *ask = &box->asks[i];
        const struct message *message =
            outbox_message(box, (uint64_t)((int64_t)ask->number + box->shift));
        if (ask->asked >= from && ask->answered < handshake->to && message &&
            message->at < ask->asked)
            return true;
    }
    return false;
}

static void add_mail(struct mail *sum, const struct mail *mail)
{
    if (sum->lost == 0)
        sum->first_lost = mail->first_lost;
    if (mail->lost > 0)
        sum->last_lost = mail->last_lost;
    sum->due += mail->due;
    sum->came += mail->came;
    sum->lost += mail->lost;
    sum->swaps += mail->swaps;
}

static void look_at_handshake(const struct outbox *box, const struct gap *gap,
                              const struct attempt *attempt, struct account *account)
{
    struct gap handshake = handshake_of(box, gap, attempt);
    struct mail mail = outbox_mail(box, &handshake);
    if (mail.due == 0)
        return;
    add_mail(&account->sum, &mail);
    account->unclear = account->unclear || runs_ahead(box, &handshake, attempt->start);
    account->twice += came_twice(box, &handshake, attempt->start);
    account->handshakes++;
    account->failed += attempt->opened == NEVER;
    account->longest = nsec_max(account->longest, handshake.to - attempt->start);
    account->from = account->from == 0 ? attempt->from : account->from;
    account->to = gap->to_seq;
}

/* --- One client --- */

static void look_at_gap(const struct outbox *box, const struct endings *endings,
                        const struct gap *gap, struct account *account)
{
    struct mail whole = outbox_mail(box, gap);
    account->never_opened += gap->to == NEVER;
    account->unsettled += gap->to != NEVER && !whole.settled;
    if (gap->to == NEVER || !whole.settled)
        return;
    for (size_t i = 0; i < endings->count; i++) {
        const struct attempt *attempt = &endings->list[i].attempt;
        if (attempt->client == box->client && attempt->start >= gap->from &&
            nsec_min(attempt->opened, attempt->failed) <= gap->to)
            look_at_handshake(box, gap, attempt, account);
    }
}

static struct account account_of(const struct outbox *box, const struct endings *endings)
{
    struct account account = {.handshakes = 0};
    for (size_t i = 0; i < box->gap_count; i++)
        look_at_gap(box, endings, &box->gaps[i], &account);
    return account;
}

/* --- Sentences --- */

static void add_while(const struct account *account, struct text *out)
{
    text_addf(out, " that the client was told to send during %zu handshake%s of up to %.1f s",
              account->handshakes, account->handshakes == 1 ? "" : "s",
              nsec_to_seconds(account->longest));
    if (account->failed > 0)
        text_addf(out, ", %zu of which failed,", account->failed);
}

static void add_sentence(const struct account *account, struct text *out)
{
    const struct mail *sum = &account->sum;
    if (sum->lost > 0)
        text_addf(out, "%llu of the %llu messages", (unsigned long long)sum->lost,
                  (unsigned long long)sum->due);
    else if (account->twice > 0)
        text_addf(out, "%llu of the %llu messages", (unsigned long long)account->twice,
                  (unsigned long long)sum->due);
    else if (sum->swaps > 0)
        text_addf(out, "%llu of the %llu messages", (unsigned long long)sum->swaps,
                  (unsigned long long)sum->due);
    else
        text_addf(out, "all %llu messages", (unsigned long long)sum->due);
    add_while(account, out);
    text_add(out, sum->lost > 0        ? " never arrived"
                  : account->twice > 0 ? " arrived more than once"
                  : sum->swaps > 0     ? " arrived after newer ones"
                                       : " arrived once, in order");
    if (sum->lost > 0 && sum->first_lost > 0)
        text_addf(out, " (ids from %llu to %llu)", (unsigned long long)sum->first_lost,
                  (unsigned long long)sum->last_lost);
}

static void report(const struct account *account, struct findings *out)
{
    const struct mail *sum = &account->sum;
    enum verdict verdict = sum->lost + account->twice + sum->swaps > 0 ? FAIL : PASS;
    struct text text;
    text_init(&text);
    add_sentence(account, &text);
    struct finding *finding = finding_add(out, verdict, "%s", text_chars(&text));
    text_fini(&text);
    finding_measured(finding, "due", (double)sum->due);
    finding_measured(finding, "arrived", (double)sum->came);
    finding_measured(finding, "lost", (double)sum->lost);
    finding_measured(finding, "twice", (double)account->twice);
    finding_measured(finding, "out_of_order", (double)sum->swaps);
    finding_allowed(finding, "lost", 0);
    finding_evidence(finding, account->from, account->to);
    if (verdict == FAIL)
        finding_fix(finding, "keep what is to be sent while the connection is not open in one "
                             "queue, take from it only what has been handed to an open "
                             "connection, and let a failed attempt leave it alone");
}

static void say_too_little(const struct account *account, struct findings *out)
{
    if (account->never_opened > 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no connection opened after a handshake in which the client was to send");
    else if (account->unsettled > 0)
        (void)finding_add(out, INCONCLUSIVE,
                          "no new connection lasted the 5 s in which what was kept arrives");
    else
        (void)finding_add(out, INCONCLUSIVE,
                          "the client was told to send %llu times during handshakes: it takes %d",
                          (unsigned long long)account->sum.due, DUE_LEAST);
}

/* --- The rule --- */

static void judge(const struct outbox *box, const struct endings *endings, struct findings *out)
{
    struct account account = account_of(box, endings);
    if (box->basis == OUTBOX_NUMBERED || account.unclear)
        (void)finding_add(out, INCONCLUSIVE,
                          "the ids of the client's messages do not tell which of them it was told "
                          "to send: let hooks.send make one with {n} as its id");
    else if (account.sum.due < DUE_LEAST)
        say_too_little(&account, out);
    else
        report(&account, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    struct outboxes boxes;
    struct endings endings;
    (void)config;
    outboxes_of(trace, &boxes);
    endings_of(trace, &endings);
    if (!outboxes_say_none(&boxes, out))
        for (size_t i = 0; i < boxes.count; i++)
            if (!outbox_say_untested(&boxes.list[i], out))
                judge(&boxes.list[i], &endings, out);
    endings_fini(&endings);
    outboxes_fini(&boxes);
}

const struct rule_desc state_connecting_queue_rule = {
    .name = "state.connecting_queue",
    .id = "STATE-02",
    .title = "Buffer while CONNECTING",
    .brief = "what is to be sent during a handshake goes out after it",
    .doc =
        "Provoked by a handshake that takes five seconds, and by one that takes three and then fails with 503, while "
        "the application is told to send numbered messages (hooks.send). Observed is what becomes of them once "
        "a connection is open: each has to arrive once, and in the order in which it was to be sent. One that "
        "is lost, doubled or late fails. Fewer than five such messages, ids that do not tell which is which, and "
        "a connection that does not last show nothing. The mistake is mostly a send() whose error nobody looks "
        "at, or a queue that is thrown away with the attempt it was filled in. The remedy is one queue beside "
        "the connection, from which a message goes only when an open connection has taken it.",
    .source = "WHATWG WebSockets, send()",
    .example = "state.connecting_queue",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = STATISTICAL,
    .needs = NEEDS(WS_OPEN),
    .declares = DECLARES_SEND | DECLARES_MESSAGES,
    .check = check,
};

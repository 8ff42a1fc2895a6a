/* message.order: what a client sends comes in the order in which it was to be sent. */
#include "rules/lib/outbox.h"

#define NUMBERED_LEAST 20 /* messages; fewer show nothing */

struct order {
    uint64_t late, late_anew; /* came after a newer one; of them on another connection than that */
    const struct message *first_late, *newer, *last_late; /* the first with what came before it */
    uint64_t numbered;
    size_t connections;
};

/* Both were asked for, and the second only when the first had been taken. */
static bool was_due_before(const struct outbox *box, const struct message *message,
                           const struct message *newer)
{
    const struct ask *ask = outbox_ask_of(box, message), *newer_ask = outbox_ask_of(box, newer);
    return box->basis != OUTBOX_ASKED || (ask && newer_ask && ask->answered <= newer_ask->asked);
}

static void note_late(struct order *order, const struct message *message,
                      const struct message *newer)
{
    order->late++;
    order->late_anew += message->conn != newer->conn;
    order->last_late = message;
    if (order->late > 1)
        return;
    order->first_late = message;
    order->newer = newer;
}

/* Connections that are there at the same time have no order among them. */
static struct order order_of(const struct outbox *box)
{
    struct order order = {0};
    const struct message *newest = NULL;
    uint32_t conn = 0;
    for (size_t i = 0; i < box->first_count; i++) {
        const struct message *message = box->first[i];
        if (!message->numeric)
            continue;
        order.numbered++;
        order.connections += message->conn != conn;
        if (message->conn != conn && !box->single)
            newest = NULL;
        conn = message->conn;
        if (newest && message->number < newest->number && was_due_before(box, message, newest))
            note_late(&order, message, newest);
        if (!newest || message->number > newest->number)
            newest = message;
    }
    return order;
}

/* --- Sentences --- */

static void say_late(const struct outbox *box, const struct order *order, struct findings *out)
{
    bool unsure = box->counted && box->basis == OUTBOX_NUMBERED;
    const char *where =
        order->late_anew == 0 ? "on the same connection" : "of the connection before";
    struct finding *finding = finding_add(
        out, unsure ? INCONCLUSIVE : FAIL,
        "%llu of %llu messages of the client came after a newer one: the first is %s, after %s %s%s",
        (unsigned long long)order->late, (unsigned long long)order->numbered, order->first_late->id,
        order->newer->id, where,
        unsure ? ", if the number in them counts messages: messages.id would say so" : "");
    finding_measured(finding, "late", (double)order->late);
    finding_measured(finding, "messages", (double)order->numbered);
    finding_allowed(finding, "late", 0);
    finding_evidence(finding, order->newer->seq, order->last_late->seq);
    if (!unsure)
        finding_fix(
            finding,
            "send from one queue and one place; after a reconnect empty what was kept, oldest "
            "first, before anything newer goes out");
}

static void say_in_order(const struct outbox *box, const struct order *order, struct findings *out)
{
    struct finding *finding =
        finding_add(out, PASS, "%llu messages of the client came in order, over %zu connection%s",
                    (unsigned long long)order->numbered, order->connections,
                    order->connections == 1 ? "" : "s");
    finding_measured(finding, "late", 0);
    finding_measured(finding, "messages", (double)order->numbered);
    finding_allowed(finding, "late", 0);
    finding_evidence(finding, box->first[0]->seq, box->first[box->first_count - 1]->seq);
}

static void say_no_numbers(const struct outbox *box, struct findings *out)
{
    struct finding *finding =
        finding_add(out, INCONCLUSIVE,
                    "the ids of the %zu messages are no numbers that count, so that their order "
                    "cannot be told",
                    box->first_count);
    finding_fix(finding, "let hooks.send make messages with {n} as their id");
}

/* --- The rule --- */

static void judge(const struct outbox *box, struct findings *out)
{
    struct order order = order_of(box);
    if (box->basis == OUTBOX_TALLIED && !box->numbered)
        say_no_numbers(box, out);
    else if (order.late > 0)
        say_late(box, &order, out);
    else if (order.numbered < NUMBERED_LEAST)
        (void)finding_add(out, INCONCLUSIVE, "only %llu numbered messages came: it takes %d",
                          (unsigned long long)order.numbered, NUMBERED_LEAST);
    else
        say_in_order(box, &order, out);
}

static void check(const struct trace *trace, const void *config, struct findings *out)
{
    (void)config;
    outboxes_judge(trace, outbox_say_untested, judge, out);
}

const struct rule_desc message_order_rule = {
    .name = "message.order",
    .id = "MSG-03",
    .title = "Order preserved",
    .brief = "messages come in the order in which they were sent",
    .doc =
        "Provoked by delays that vary, by a path that is too slow for what the client sends, and by a cut in the "
        "middle, while the client is asked to send numbered messages (hooks.send), or sends by itself. Observed "
        "are the numbers of its messages, each where it was first seen: none may come after a greater one, "
        "neither on one connection nor on the one after a cut, where what was kept comes before what is newer. "
        "One that does is a failure. A message that is sent a second time is no question of order; see "
        "message.duplicates. Messages that were asked for over HTTP at the same time have no order among "
        "them, and neither have those of connections that are open together. Without hooks.send the ids "
        "(messages.id) must be numbers that leave none out, and what was seen to count without being declared "
        "decides nothing against the client. It takes 20 messages. The usual cause is a handler that awaits "
        "something between taking a message and sending it; the remedy is one queue.",
    .source = "RFC 6455 5.4",
    .example = "message.order: {}",
    .level = MUST,
    .applies = APPLIES_CLIENT,
    .clock = CLOCK_TIMER,
    .certainty = DETERMINISTIC,
    .needs = NEEDS(WS_OPEN),
    .check = check,
};

#include "rules/lib/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/lib/endings.h"

#define ASKS_LEAST       3  /* before the first loss, to learn what is sent for them */
#define NUMBERS_LEAST    10 /* likewise, to see that numbers leave none out */
#define ANEW_LEAST       5
#define KINDS_LIMIT      16
#define ASKS_TRIED       8 /* with each of the messages that came next, to find what fits */
#define MESSAGES_TRIED   16
#define ASKS_COMPARED    100 /* to see how well it fits */
#define MATCHED_SHARE(n) ((n) - (n) / 10)

nsec outbox_grace(const struct trace *trace)
{
    double speed = trace->start ? trace->start->speed : 1;
    nsec stall = nsec_from_seconds(0.3 * speed);
    return nsec_add(nsec_max(NSEC_PER_SEC, stall), 2 * trace->noise);
}

/* --- Messages --- */

static int by_number(const void *a, const void *b)
{
    const struct message *const *x = a, *const *y = b;
    return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

/* Of ids that were seen to count: the kind of message with the most of them. */
static const char *commonest_kind(const struct outbox *box)
{
    const char *kinds[KINDS_LIMIT], *best = NULL;
    size_t counts[KINDS_LIMIT] = {0}, count = 0, most = 0;
    for (size_t i = 0; i < box->count; i++) {
        const struct message *message = &box->messages[i];
        size_t k = 0;
        while (k < count && (!message->counted || strcmp(kinds[k], message->sig) != 0))
            k++;
        if (!message->counted || k == KINDS_LIMIT)
            continue;
        kinds[k] = message->sig;
        count += k == count;
        if (++counts[k] <= most)
            continue;
        most = counts[k];
        best = message->sig;
    }
    return best;
}

static void gather_messages(struct outbox *box)
{
    const char *kind = commonest_kind(box);
    box->first = xcalloc(box->count + 1, sizeof *box->first);
    box->by_number = xcalloc(box->count + 1, sizeof *box->by_number);
    box->counted = kind != NULL;
    for (size_t i = 0; i < box->count; i++) {
        const struct message *message = &box->messages[i];
        bool other = message->counted && kind && strcmp(message->sig, kind) != 0;
        if (!message->id || other)
            continue;
        box->named++;
        if (message->again)
            continue;
        box->first[box->first_count++] = message;
        if (message->numeric)
            box->by_number[box->number_count++] = message;
    }
    for (size_t i = 0; i < box->count && box->named == 0; i++)
        box->first[box->first_count++] = &box->messages[i];
    qsort(box->by_number, box->number_count, sizeof *box->by_number, by_number);
}

/* The index of the first whose number is not below. */
static size_t place_of(const struct outbox *box, uint64_t number)
{
    size_t low = 0, high = box->number_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (box->by_number[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct message *outbox_message(const struct outbox *box, uint64_t number)
{
    size_t place = place_of(box, number);
    bool there = place < box->number_count && box->by_number[place]->number == number;
    return there ? box->by_number[place] : NULL;
}

/* --- Asks --- */

static int by_ask(const void *a, const void *b)
{
    const struct ask *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static void gather_asks(struct outbox *box)
{
    size_t i = 0, room = 0;
    for (const struct event *ev; (ev = trace_next(box->trace, &i, EV_HOOK_ASKED));) {
        if (ev->client != box->client || strcmp(ev->hook_asked.hook, "send") != 0)
            continue;
        box->asked++;
        if (strcmp(ev->hook_asked.answer, "taken") != 0)
            continue;
        if (box->ask_count == room) {
            room = room ? room * 2 : 64;
            box->asks = xrealloc(box->asks, room * sizeof *box->asks);
        }
        box->asks[box->ask_count++] = (struct ask){.number = ev->hook_asked.number,
                                                   .asked = ev->at - ev->hook_asked.took,
                                                   .answered = ev->at};
    }
    if (box->ask_count > 0)
        qsort(box->asks, box->ask_count, sizeof *box->asks, by_ask);
}

static size_t asks_within(const struct outbox *box, nsec from, nsec to)
{
    size_t count = 0;
    for (size_t i = 0; i < box->ask_count; i++)
        count += box->asks[i].asked >= from && box->asks[i].asked < to;
    return count;
}

static const struct message *answer_to(const struct outbox *box, const struct ask *ask,
                                       int64_t shift)
{
    const struct message *message = outbox_message(box, (uint64_t)((int64_t)ask->number + shift));
    return message && message->at >= ask->asked ? message : NULL;
}

static size_t answered_within(const struct outbox *box, int64_t shift, nsec from, nsec to)
{
    size_t count = 0;
    for (size_t i = 0; i < box->ask_count; i++)
        count += box->asks[i].asked >= from && box->asks[i].asked < to &&
                 answer_to(box, &box->asks[i], shift) != NULL;
    return count;
}

const struct ask *outbox_ask_of(const struct outbox *box, const struct message *message)
{
    if (box->basis != OUTBOX_ASKED || !message->numeric)
        return NULL;
    int64_t number = (int64_t)message->number - box->shift;
    size_t low = 0, high = box->ask_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((int64_t)box->asks[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    bool there = low < box->ask_count && (int64_t)box->asks[low].number == number;
    return there ? &box->asks[low] : NULL;
}

/* --- Gaps --- */

static const struct event *last_event(const struct trace *trace)
{
    return &trace->events[trace->count - 1];
}

/* The next connection that opened, behind it in the list. */
static const struct ending *next_opened(const struct endings *endings, size_t of, size_t end)
{
    for (size_t i = of + 1; i < end; i++)
        if (endings->list[i].attempt.opened != NEVER &&
            endings->list[i].attempt.opened >= endings->list[of].at)
            return &endings->list[i];
    return NULL;
}

static const struct event *loss_of(const struct trace *trace, const struct ending *ending)
{
    const struct event *at = trace_at_seq(trace, ending->attempt.from), *loss = at;
    const struct event *end = trace->events + trace->count;
    for (; at && at < end && at->seq <= ending->attempt.to && at->at <= ending->at; at++)
        if (at->conn == ending->attempt.conn)
            loss = at;
    return loss;
}

static void add_gap(struct outbox *box, const struct endings *endings, size_t of, size_t end)
{
    const struct ending *lost = &endings->list[of], *next = next_opened(endings, of, end);
    const struct event *loss = loss_of(box->trace, lost);
    struct gap gap = {.from = lost->at,
                      .to = NEVER,
                      .watched = endings->list[end - 1].watched,
                      .conn = lost->attempt.conn,
                      .seq = loss ? loss->seq : lost->from,
                      .to_seq = last_event(box->trace)->seq,
                      .exit = endings->list[end - 1].exit};
    if (next) {
        gap.to = next->attempt.opened;
        gap.watched = nsec_min(next->at, next->at == NEVER ? next->watched : NEVER);
        gap.to_seq = next->attempt.from;
        gap.exit = NULL;
    }
    box->gaps[box->gap_count++] = gap;
}

static void gather_gaps(struct outbox *box, const struct endings *endings)
{
    size_t first = 0, end;
    while (first < endings->count && endings->list[first].attempt.client != box->client)
        first++;
    end = first < endings->count ? endings_of_client_end(endings, first) : first;
    box->gaps = xcalloc(end - first + 1, sizeof *box->gaps);
    box->single = first < end;
    for (size_t i = first; i < end; i++) {
        const struct ending *ending = &endings->list[i];
        bool lost = ending->attempt.opened != NEVER && ending->at != NEVER;
        box->single = box->single && ending->kept <= 1;
        if (lost && ending->alone && !ending->own)
            add_gap(box, endings, i, end);
    }
}

static nsec first_loss(const struct outbox *box)
{
    return box->gap_count > 0 ? box->gaps[0].from : box->trace->end;
}

static bool is_settled(const struct gap *gap)
{
    return gap->to != NEVER && gap->watched - gap->to >= OUTBOX_SETTLE;
}

/* --- The basis --- */

static size_t first_within(const struct outbox *box, nsec from, nsec to)
{
    size_t count = 0;
    for (size_t i = 0; i < box->first_count; i++)
        count += box->first[i]->at >= from && box->first[i]->at < to;
    return count;
}

/* Whether what is asked for on later connections is still found under the same ids: numbers may
 * begin anew with each. */
static bool goes_on(const struct outbox *box, int64_t shift)
{
    for (size_t i = 0; i < box->gap_count; i++) {
        const struct gap *gap = &box->gaps[i];
        if (!is_settled(gap))
            continue;
        nsec from = nsec_add(gap->to, outbox_grace(box->trace)),
             to = gap->watched - outbox_grace(box->trace);
        size_t asked = asks_within(box, from, to);
        if (asked >= ASKS_LEAST && first_within(box, gap->to, gap->watched) > 0 &&
            answered_within(box, shift, from, to) * 2 < asked)
            return false;
    }
    return true;
}

struct fit {
    size_t asked, answered;
    nsec delay; /* of the answers, all together */
};

/* How well that shift explains what came before the first loss, from that ask on. */
static struct fit fit_of(const struct outbox *box, int64_t shift, size_t first)
{
    struct fit fit = {0};
    nsec before = first_loss(box) - outbox_grace(box->trace);
    for (size_t i = first; i < box->ask_count && i < first + ASKS_COMPARED; i++) {
        const struct ask *ask = &box->asks[i];
        if (ask->asked >= before)
            break;
        const struct message *message = answer_to(box, ask, shift);
        fit.asked++;
        fit.answered += message != NULL;
        fit.delay += message ? message->at - ask->asked : 0;
    }
    return fit;
}

/* One that is too great explains as much where numbers leave none out, but later: the one with the
 * least delay is right. The first asks may be without: numbers are seen to count only after some.
 */
static bool find_shift(struct outbox *box)
{
    nsec least = NEVER;
    for (size_t k = 0; k < box->ask_count && k < ASKS_TRIED; k++)
        for (size_t i = 0, tried = 0; i < box->first_count && tried < MESSAGES_TRIED; i++) {
            const struct message *message = box->first[i];
            if (!message->numeric || message->at < box->asks[k].asked)
                continue;
            tried++;
            int64_t shift = (int64_t)message->number - (int64_t)box->asks[k].number;
            struct fit fit = fit_of(box, shift, k);
            if (fit.asked < ASKS_LEAST || fit.answered < MATCHED_SHARE(fit.asked) ||
                fit.delay / (nsec)fit.answered >= least)
                continue;
            least = fit.delay / (nsec)fit.answered;
            box->shift = shift;
        }
    return least != NEVER && goes_on(box, box->shift);
}

/* So far nothing came but what was asked for. */
static bool is_tallied(const struct outbox *box)
{
    nsec loss = first_loss(box);
    size_t asked = asks_within(box, 0, loss),
           late = asks_within(box, loss - outbox_grace(box->trace), loss);
    size_t came = first_within(box, 0, loss);
    return asked >= ASKS_LEAST + late && came <= asked && came + late >= asked;
}

/* Whether most of what comes on a later connection has ids of earlier ones: they begin anew. */
static bool begins_anew(const struct outbox *box)
{
    for (size_t i = 0; i < box->gap_count; i++) {
        const struct gap *gap = &box->gaps[i];
        size_t named = 0, again = 0;
        for (size_t k = 0; k < box->count && gap->to != NEVER; k++) {
            const struct message *message = &box->messages[k];
            if (!message->id || message->at < gap->to || message->at >= gap->watched)
                continue;
            const struct event *before = trace_at_seq(box->trace, message->again);
            named++;
            again += before && before->at < gap->from;
        }
        if (named >= ANEW_LEAST && again * 2 > named)
            return true;
    }
    return false;
}

/* Numbers that leave none out while nothing disturbs. */
static bool is_numbered(const struct outbox *box)
{
    nsec loss = first_loss(box);
    size_t seen = 0;
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < box->number_count; i++) {
        const struct message *message = box->by_number[i];
        if (message->at >= loss)
            continue;
        seen++;
        least = message->number < least ? message->number : least;
        most = message->number > most ? message->number : most;
    }
    return seen >= NUMBERS_LEAST && most - least + 1 == seen;
}

static enum outbox_basis basis_of(struct outbox *box)
{
    if (box->count == 0)
        return box->ask_count > 0 ? OUTBOX_DEAF : OUTBOX_SILENT;
    if (box->named == 0)
        return OUTBOX_NAMELESS;
    if (begins_anew(box))
        return OUTBOX_UNCLEAR;
    if (find_shift(box))
        return OUTBOX_ASKED;
    if (box->tallied)
        return OUTBOX_TALLIED;
    return box->numbered ? OUTBOX_NUMBERED : OUTBOX_UNCLEAR;
}

static double rate_of(const struct outbox *box)
{
    nsec loss = first_loss(box);
    size_t count = first_within(box, 0, loss);
    nsec began = box->first_count > 0 ? box->first[0]->at : loss;
    return count > 1 && loss > began ? (double)count / nsec_to_seconds(loss - began) : 0;
}

/* --- All clients --- */

static bool is_builtin(const struct trace *trace, int client)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(trace, &i, EV_TCP_OPEN));)
        if (ev->client == client)
            return ev->by == BY_BUILTIN;
    return false;
}

static void add_outbox(struct outboxes *out, const struct trace *trace,
                       const struct endings *endings, int client)
{
    struct outbox *box = &out->list[out->count++];
    size_t first = 0;
    *box = (struct outbox){.trace = trace, .client = client};
    while (first < out->messages.count && out->messages.list[first].client != client)
        first++;
    box->messages = &out->messages.list[first];
    if (first < out->messages.count)
        box->count = messages_of_client_end(&out->messages, first) - first;
    gather_messages(box);
    gather_asks(box);
    gather_gaps(box, endings);
    box->tallied = is_tallied(box);
    box->numbered = is_numbered(box);
    box->basis = basis_of(box);
    box->rate = rate_of(box);
}

void outboxes_of(const struct trace *trace, struct outboxes *out)
{
    struct endings endings;
    size_t clients = trace_clients(trace);
    *out = (struct outboxes){.list = xcalloc(clients + 1, sizeof *out->list), .full = trace->full};
    messages_of(trace, SIDE_CLIENT, &out->messages);
    endings_of(trace, &endings);
    for (size_t client = 0; client < clients; client++)
        if (is_builtin(trace, (int)client))
            out->builtin = true;
        else
            add_outbox(out, trace, &endings, (int)client);
    endings_fini(&endings);
}

void outboxes_fini(struct outboxes *boxes)
{
    for (size_t i = 0; i < boxes->count; i++) {
        free(boxes->list[i].first);
        free(boxes->list[i].by_number);
        free(boxes->list[i].asks);
        free(boxes->list[i].gaps);
    }
    free(boxes->list);
    messages_fini(&boxes->messages);
}

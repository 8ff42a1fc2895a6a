#include "rules/lib/missed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct walk {
    const struct messages *messages;
    const struct eras *eras;
    const struct era *era;
    size_t next;
};

/* The next message of the server on a connection of that era; NULL: no more. */
static const struct message *walk_on(struct walk *walk)
{
    while (walk->next < walk->messages->count) {
        const struct message *message = &walk->messages->list[walk->next++];
        if (message->client == walk->era->client && message->at >= walk->era->from &&
            message->at <= walk->era->to &&
            era_opened(walk->eras, walk->era, message->conn) != NEVER)
            return message;
    }
    return NULL;
}

/* --- Numbers --- */

#define ROW_LEAST 5 /* numbers before the loss, one by one, to see that they leave none out */

struct numbers {
    const char *kind; /* of the messages whose numbers these are; NULL: none was seen */
    bool declared;    /* they are ids; what was seen to count is left out then */
    uint64_t least, last;
    size_t row;     /* how many up to the last, one by one */
    uint64_t *list; /* after the loss */
    size_t count;
};

static bool belongs(const struct numbers *numbers, const struct message *message)
{
    if (!numbers->kind || !message->id || !message->numeric)
        return false;
    return numbers->declared ? !message->counted : strcmp(numbers->kind, message->sig) == 0;
}

static void choose(struct numbers *numbers, const struct message *message)
{
    bool better = !message->counted && !numbers->declared;
    if (!message->id || !message->numeric || (numbers->kind && !better))
        return;
    *numbers = (struct numbers){
        .kind = message->sig, .declared = !message->counted, .list = numbers->list};
}

static void note_before(struct numbers *numbers, const struct message *message)
{
    choose(numbers, message);
    if (!belongs(numbers, message) || message->delivered == NEVER)
        return;
    if (numbers->row > 0 && message->number == numbers->last)
        return;
    if (numbers->row == 0 || message->number < numbers->least)
        numbers->least = message->number;
    numbers->row = numbers->row > 0 && message->number == numbers->last + 1 ? numbers->row + 1 : 1;
    numbers->last = message->number;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* How many from the last before the loss up to the greatest after it are not there. */
static void weigh(struct numbers *numbers, struct missed *out)
{
    uint64_t had = numbers->last, came = 0;
    if (numbers->row < ROW_LEAST || numbers->count == 0)
        return;
    qsort(numbers->list, numbers->count, sizeof *numbers->list, by_number);
    uint64_t least = numbers->list[0], most = numbers->list[numbers->count - 1];
    if (most <= had || least <= numbers->least + 1) /* they began anew */
        return;
    for (size_t i = 0; i < numbers->count; i++)
        came += numbers->list[i] > had && (i == 0 || numbers->list[i] != numbers->list[i - 1]);
    out->count = most - had - came;
    out->declared = numbers->declared;
    out->sort = out->count > 0 ? MISSED_SOME : MISSED_NOTHING;
}

struct missed missed_between(const struct messages *messages, const struct eras *eras,
                             const struct era *before, const struct era *after)
{
    struct numbers numbers = {.list = xcalloc(messages->count + 1, sizeof *numbers.list)};
    struct missed missed = {.sort = MISSED_UNKNOWN};
    struct walk then = {messages, eras, before, 0}, now = {messages, eras, after, 0};
    for (const struct message *message; (message = walk_on(&then));)
        note_before(&numbers, message);
    for (const struct message *message; (message = walk_on(&now));) {
        bool numbered = belongs(&numbers, message);
        missed.others = missed.others || !numbered;
        if (numbered)
            numbers.list[numbers.count++] = message->number;
    }
    weigh(&numbers, &missed);
    free(numbers.list);
    return missed;
}

/* --- Streams --- */

#define KINDS_LIMIT     64
#define TWICE           2 /* what comes once may come with every connection */
#define STEADY_LEAST    5
#define STEADY_INTERVAL (3 * NSEC_PER_SEC)
#define GREETING        (5 * NSEC_PER_SEC)  /* of a connection: answers, not yet a stream */
#define HARDLY_ANYTHING 3                   /* messages behind it; heartbeats are few */
#define STEADY_WATCH    (15 * NSEC_PER_SEC) /* for so long it must be missing */

struct kind {
    const char *sig;
    size_t before, after;
    nsec first, last; /* before the loss */
};

struct kinds {
    struct kind list[KINDS_LIMIT];
    size_t count;
};

static struct kind *kind_of(struct kinds *kinds, const char *sig)
{
    for (size_t i = 0; i < kinds->count; i++)
        if (strcmp(kinds->list[i].sig, sig) == 0)
            return &kinds->list[i];
    if (kinds->count == KINDS_LIMIT)
        return NULL;
    kinds->list[kinds->count] = (struct kind){.sig = sig};
    return &kinds->list[kinds->count++];
}

static void note_kind(struct kinds *kinds, const struct message *message)
{
    struct kind *kind = message->ours ? NULL : kind_of(kinds, message->sig);
    if (!kind)
        return;
    kind->first = kind->before++ == 0 ? message->at : kind->first;
    kind->last = message->at;
}

static bool is_steady(const struct kind *kind, const struct era *era)
{
    return kind->before >= STEADY_LEAST &&
           (kind->last - kind->first) / (nsec)(kind->before - 1) <= STEADY_INTERVAL &&
           era->to - kind->last <= STEADY_INTERVAL;
}

struct streams streams_after(const struct messages *messages, const struct eras *eras,
                             const struct era *first, const struct era *after)
{
    struct kinds kinds = {.count = 0};
    struct streams streams = {0};
    struct walk then = {messages, eras, first, 0}, now = {messages, eras, after, 0};
    size_t others = 0;
    for (const struct message *message; (message = walk_on(&then));)
        note_kind(&kinds, message);
    for (const struct message *message; (message = walk_on(&now));) {
        for (size_t i = 0; i < kinds.count; i++)
            kinds.list[i].after += strcmp(kinds.list[i].sig, message->sig) == 0;
        others += !message->ours && message->at > era_opened(eras, after, message->conn) + GREETING;
    }
    for (size_t i = 0; i < kinds.count; i++) {
        const struct kind *kind = &kinds.list[i];
        bool steady = is_steady(kind, first) && after->to - after->from >= STEADY_WATCH;
        streams.steady += steady;
        streams.again += steady && kind->after > 0;
        streams.goes_on = streams.goes_on || (kind->before >= TWICE && kind->after > 0);
    }
    streams.missing = streams.steady > 0 && streams.again == 0 && others < HARDLY_ANYTHING;
    return streams;
}

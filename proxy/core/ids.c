/* By which a message is recognised again: what the target file's pattern finds, else a number that
 * counts the messages of its kind. A number counts once it has grown by exactly 1 from each message
 * to the next several times in a row; from then on it is the id whatever it does, so that gaps,
 * repetitions and steps back show. Heartbeats are left out: nobody replays them. A pattern is
 * written for the client's messages, so that numbers of the server's are looked for beside it. */
#include "core/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ws/signature.h"

#define COUNTED_LIMIT_BYTES ((size_t)1024) /* longer messages are looked at by pattern only */
#define KINDS_LIMIT         16 /* watched of a client and side; the longest unseen makes room */
#define NUMBERS_LIMIT       8  /* watched in a message */
#define STEPS_TO_COUNT      4  /* by chance, with digits that vary: 1 in 10,000 */
#define DIGITS_LIMIT        18 /* longer ones do not fit */
#define ID_LIMIT_BYTES      ((size_t)64)

enum { NOT_COUNTING = -1 };

/* Messages alike but for their digits. */
struct kind {
    uint64_t signature, last_used; /* last_used 0: free */
    uint64_t numbers[NUMBERS_LIMIT];
    unsigned steps[NUMBERS_LIMIT]; /* by 1, in a row */
    int counting;                  /* the number that is the id */
    bool seen;                     /* before: there are numbers to compare with */
};

struct message_kinds {
    struct kind list[KINDS_LIMIT];
    uint64_t uses;
};

void ids_init(struct run *run)
{
    struct text why;
    const char *declared = run->plan->message_id ? run->plan->message_id : run->options.message_id;
    text_init(&why);
    run->id_pattern = declared ? pattern_new(declared, &why) : NULL;
    assert(!declared || run->id_pattern); /* who declared it compiled it */
    text_fini(&why);
}

void ids_fini(struct run *run)
{
    pattern_free(run->id_pattern);
    for (unsigned i = 0; i < run->plan->clients; i++)
        for (int d = 0; d < DIRS; d++)
            free(run->clients[i].kinds[d]);
}

static void emit(struct session *s, const struct event *message, const uint8_t *id, size_t len,
                 const char *how)
{
    char text[ID_LIMIT_BYTES + 1];
    struct event ev = {.kind = EV_WS_ID, .side = message->side, .by = message->by};
    len = len < ID_LIMIT_BYTES ? len : ID_LIMIT_BYTES;
    for (size_t i = 0; i < len; i++)
        text[i] = id[i] == '\0' ? '?' : (char)id[i];
    text[len] = '\0';
    ev.ws_id = (struct ev_ws_id){.frame = message->seq, .id = text, .how = how};
    session_emit(s, ev);
}

/* --- Kinds of messages --- */

static uint64_t worth(const struct kind *kind)
{
    bool counts = kind->last_used > 0 && kind->counting != NOT_COUNTING;
    return counts ? kind->last_used + UINT64_MAX / 2 : kind->last_used;
}

/* One that counts is given up only where all do. */
static struct kind *least_worth(struct message_kinds *kinds)
{
    struct kind *least = &kinds->list[0];
    for (size_t i = 1; i < KINDS_LIMIT; i++)
        if (worth(&kinds->list[i]) < worth(least))
            least = &kinds->list[i];
    return least;
}

static struct kind *kind_of(struct message_kinds *kinds, uint64_t signature)
{
    kinds->uses++;
    for (size_t i = 0; i < KINDS_LIMIT; i++)
        if (kinds->list[i].last_used > 0 && kinds->list[i].signature == signature) {
            kinds->list[i].last_used = kinds->uses;
            return &kinds->list[i];
        }
    struct kind *fresh = least_worth(kinds);
    *fresh =
        (struct kind){.signature = signature, .last_used = kinds->uses, .counting = NOT_COUNTING};
    return fresh;
}

static uint64_t number_of(const uint8_t *digits, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++)
        number = number * 10 + (uint64_t)(digits[i] - '0');
    return number;
}

static bool is_number(const struct signature_mark *mark)
{
    return mark->decimal && mark->len <= DIGITS_LIMIT;
}

static void watch(struct kind *kind, int place, uint64_t number)
{
    bool step = kind->seen && number == kind->numbers[place] + 1;
    kind->steps[place] = step ? kind->steps[place] + 1 : 0;
    kind->numbers[place] = number;
    if (kind->counting == NOT_COUNTING && kind->steps[place] >= STEPS_TO_COUNT)
        kind->counting = place;
}

static void look_for_numbers(struct session *s, const struct event *message, const uint8_t *bytes,
                             size_t len, uint64_t signature)
{
    struct signature_mark marks[NUMBERS_LIMIT];
    struct message_kinds **kinds = &s->run->clients[s->client].kinds[dir_of_source(message->side)];
    size_t count = signature_marks(bytes, len, marks, NUMBERS_LIMIT);
    if (count == 0)
        return;
    if (!*kinds)
        *kinds = xcalloc(1, sizeof **kinds);
    struct kind *kind = kind_of(*kinds, signature);
    for (size_t i = 0; i < count; i++)
        if (is_number(&marks[i]))
            watch(kind, (int)i, number_of(bytes + marks[i].from, marks[i].len));
    kind->seen = true;
    if (kind->counting == NOT_COUNTING || !is_number(&marks[kind->counting]))
        return;
    const struct signature_mark *id = &marks[kind->counting];
    emit(s, message, bytes + id->from, id->len, "counted");
}

void ids_look(struct session *s, const struct event *message, const uint8_t *bytes, size_t len,
              uint64_t signature, enum unit_heartbeat heartbeat)
{
    size_t from, id_len;
    const struct pattern *declared = s->run->id_pattern;
    if (declared && pattern_find(declared, bytes, len, &from, &id_len) && id_len > 0)
        emit(s, message, bytes + from, id_len, "declared");
    else if (declared && message->side == SIDE_CLIENT)
        return; /* what was declared decides */
    else if (heartbeat == UNIT_NO_HEARTBEAT && len <= COUNTED_LIMIT_BYTES)
        look_for_numbers(s, message, bytes, len, signature);
}

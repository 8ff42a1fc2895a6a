#include "tests/sim/transcript.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum entry_kind {
    /* what a client is told */
    TOLD_NEW,
    TOLD_CONNECTED,
    TOLD_CONNECT_FAILED,
    TOLD_INPUT,
    TOLD_EOF,
    TOLD_WRITABLE,
    TOLD_EXPIRE,
    TOLD_PRODUCE,
    TOLD_CLOSE,
    TOLD_STATE, /* and what it says of it */
    /* what it answers meanwhile */
    ASKED_CONNECT,
    ASKED_OUTPUT,
    ASKED_ABORT,
    ASKED_LEAVE,
    ASKED_FINISH,
    ASKED_LOG,
    /* what can be seen of it afterwards */
    SEEN
};

struct entry {
    enum entry_kind kind;
    unsigned number; /* of the client */
    nsec at;
    uint64_t value;   /* seed, code, bytes taken, state */
    uint64_t more;    /* SEEN: bytes buffered */
    size_t from, len; /* of what is kept of its bytes */
};

struct transcript {
    struct entry *entries;
    size_t count, room;
    unsigned clients;
    struct text bytes;
};

/* --- Keeping --- */

struct transcript *transcript_new(void)
{
    return xcalloc(1, sizeof(struct transcript));
}

void transcript_free(struct transcript *transcript)
{
    if (!transcript)
        return;
    free(transcript->entries);
    text_fini(&transcript->bytes);
    free(transcript);
}

static void add(struct transcript *transcript, struct entry entry, const void *bytes, size_t len)
{
    if (!transcript)
        return;
    if (transcript->count == transcript->room) {
        transcript->room = transcript->room ? transcript->room * 2 : 256;
        transcript->entries =
            xrealloc(transcript->entries, transcript->room * sizeof *transcript->entries);
    }
    entry.from = transcript->bytes.len;
    entry.len = len;
    text_add_bytes(&transcript->bytes, bytes, len);
    transcript->entries[transcript->count++] = entry;
    if (entry.number >= transcript->clients)
        transcript->clients = entry.number + 1;
}

/* --- A client that is listened to --- */

struct player {
    struct client *machine;
    const struct client_ops *ops;
    void *context;
    unsigned number;
    struct transcript *transcript;
};

static void answered(struct player *player, enum entry_kind kind)
{
    add(player->transcript, (struct entry){.kind = kind, .number = player->number}, NULL, 0);
}

static void on_connect_wanted(void *context)
{
    struct player *player = context;
    answered(player, ASKED_CONNECT);
    player->ops->on_connect_wanted(player->context);
}

static size_t on_output(void *context, const uint8_t *bytes, size_t len)
{
    struct player *player = context;
    size_t taken = player->ops->on_output(player->context, bytes, len);
    add(player->transcript,
        (struct entry){.kind = ASKED_OUTPUT, .number = player->number, .value = taken}, bytes, len);
    return taken;
}

static void on_abort(void *context)
{
    struct player *player = context;
    answered(player, ASKED_ABORT);
    player->ops->on_abort(player->context);
}

static void on_leave(void *context)
{
    struct player *player = context;
    answered(player, ASKED_LEAVE);
    player->ops->on_leave(player->context);
}

static void on_finish(void *context)
{
    struct player *player = context;
    answered(player, ASKED_FINISH);
    player->ops->on_finish(player->context);
}

static void on_log(void *context, const char *event, const char *detail)
{
    struct player *player = context;
    const struct entry entry = {.kind = ASKED_LOG, .number = player->number};
    add(player->transcript, entry, event, strlen(event));
    add(player->transcript, entry, detail, strlen(detail));
    player->ops->on_log(player->context, event, detail);
}

static const struct client_ops listening = {.on_connect_wanted = on_connect_wanted,
                                            .on_output = on_output,
                                            .on_abort = on_abort,
                                            .on_leave = on_leave,
                                            .on_finish = on_finish,
                                            .on_log = on_log};

static struct client *new_machine(const struct client_policy *policy, uint64_t seed,
                                  const struct client_ops *ops, void *context, nsec now)
{
    return client_new(policy, "127.0.0.1:9000", "/", seed, ops, context, now);
}

static void tell(struct player *player, enum entry_kind kind, nsec now, uint64_t value,
                 const void *bytes, size_t len)
{
    add(player->transcript,
        (struct entry){.kind = kind, .number = player->number, .at = now, .value = value}, bytes,
        len);
}

static struct entry seen(const struct client *machine, unsigned number)
{
    return (struct entry){.kind = SEEN,
                          .number = number,
                          .at = client_deadline(machine),
                          .value = (uint64_t)client_state(machine),
                          .more = client_buffered(machine)};
}

static void look(struct player *player)
{
    if (player->transcript)
        add(player->transcript, seen(player->machine, player->number), NULL, 0);
}

struct player *player_new(const struct client_policy *policy, unsigned number, uint64_t seed,
                          const struct client_ops *ops, void *context, nsec now,
                          struct transcript *transcript)
{
    struct player *player = xcalloc(1, sizeof *player);
    *player =
        (struct player){.ops = ops, .context = context, .number = number, .transcript = transcript};
    tell(player, TOLD_NEW, now, seed, NULL, 0);
    player->machine = new_machine(policy, seed, &listening, player, now);
    look(player);
    return player;
}

void player_free(struct player *player)
{
    if (!player)
        return;
    client_free(player->machine);
    free(player);
}

void player_connected(struct player *player, nsec now)
{
    tell(player, TOLD_CONNECTED, now, 0, NULL, 0);
    client_connected(player->machine, now);
    look(player);
}

void player_connect_failed(struct player *player, nsec now)
{
    tell(player, TOLD_CONNECT_FAILED, now, 0, NULL, 0);
    client_connect_failed(player->machine, now);
    look(player);
}

void player_input(struct player *player, const uint8_t *bytes, size_t len, nsec now)
{
    tell(player, TOLD_INPUT, now, 0, bytes, len);
    client_input(player->machine, bytes, len, now);
    look(player);
}

void player_eof(struct player *player, nsec now)
{
    tell(player, TOLD_EOF, now, 0, NULL, 0);
    client_eof(player->machine, now);
    look(player);
}

void player_writable(struct player *player, nsec now)
{
    tell(player, TOLD_WRITABLE, now, 0, NULL, 0);
    client_writable(player->machine, now);
    look(player);
}

void player_expire(struct player *player, nsec now)
{
    tell(player, TOLD_EXPIRE, now, 0, NULL, 0);
    client_expire(player->machine, now);
    look(player);
}

void player_produce(struct player *player, nsec now)
{
    tell(player, TOLD_PRODUCE, now, 0, NULL, 0);
    (void)client_produce(player->machine, 1, now); /* beyond its bounds: its own affair */
    look(player);
}

void player_close(struct player *player, uint16_t code, const char *reason, nsec now)
{
    tell(player, TOLD_CLOSE, now, code, reason, strlen(reason) + 1);
    client_close(player->machine, code, reason, now);
    look(player);
}

void player_tell_state(struct player *player, struct text *out, nsec now)
{
    size_t before = out->len;
    client_tell_state(player->machine, out);
    tell(player, TOLD_STATE, now, 0, text_chars(out) + before, out->len - before);
    look(player);
}

nsec player_deadline(const struct player *player)
{
    return client_deadline(player->machine);
}

bool player_is_open(const struct player *player)
{
    return client_state(player->machine) == CLIENT_OPEN;
}

bool player_stopped(const struct player *player)
{
    return client_state(player->machine) == CLIENT_STOPPED;
}

uint64_t player_buffered(const struct player *player)
{
    return client_buffered(player->machine);
}

/* --- Told the same again --- */

struct rehearsal {
    const struct transcript *transcript;
    size_t next; /* the entry that is expected next */
    bool differs;
    struct client **machines; /* by number */
};

static const struct entry *expect(struct rehearsal *rehearsal, enum entry_kind kind)
{
    const struct transcript *transcript = rehearsal->transcript;
    const struct entry *entry = &transcript->entries[rehearsal->next];
    if (rehearsal->differs || rehearsal->next == transcript->count || entry->kind != kind) {
        rehearsal->differs = true;
        return NULL;
    }
    rehearsal->next++;
    return entry;
}

static bool expect_bytes(struct rehearsal *rehearsal, const struct entry *entry, const void *bytes,
                         size_t len)
{
    bool same =
        entry && entry->len == len &&
        (len == 0 || memcmp(rehearsal->transcript->bytes.chars + entry->from, bytes, len) == 0);
    rehearsal->differs = rehearsal->differs || !same;
    return same;
}

static void asks_connect(void *context)
{
    (void)expect(context, ASKED_CONNECT);
}

static size_t puts_out(void *context, const uint8_t *bytes, size_t len)
{
    const struct entry *entry = expect(context, ASKED_OUTPUT);
    return expect_bytes(context, entry, bytes, len) ? (size_t)entry->value : len;
}

static void asks_abort(void *context)
{
    (void)expect(context, ASKED_ABORT);
}

static void asks_leave(void *context)
{
    (void)expect(context, ASKED_LEAVE);
}

static void asks_finish(void *context)
{
    (void)expect(context, ASKED_FINISH);
}

static void logs(void *context, const char *event, const char *detail)
{
    const struct entry *entry = expect(context, ASKED_LOG);
    (void)expect_bytes(context, entry, event, strlen(event));
    entry = expect(context, ASKED_LOG);
    (void)expect_bytes(context, entry, detail, strlen(detail));
}

static const struct client_ops rehearsing = {.on_connect_wanted = asks_connect,
                                             .on_output = puts_out,
                                             .on_abort = asks_abort,
                                             .on_leave = asks_leave,
                                             .on_finish = asks_finish,
                                             .on_log = logs};

static void state_again(struct rehearsal *rehearsal, const struct entry *told)
{
    struct text state;
    text_init(&state);
    client_tell_state(rehearsal->machines[told->number], &state);
    (void)expect_bytes(rehearsal, told, text_chars(&state), state.len);
    text_fini(&state);
}

static void tell_again(struct rehearsal *rehearsal, const struct entry *told,
                       const struct client_policy *policy)
{
    struct client **machine = &rehearsal->machines[told->number];
    const char *bytes = text_chars(&rehearsal->transcript->bytes) + told->from;
    switch (told->kind) {
    case TOLD_NEW:
        *machine = new_machine(policy, told->value, &rehearsing, rehearsal, told->at);
        return;
    case TOLD_CONNECTED:
        client_connected(*machine, told->at);
        return;
    case TOLD_CONNECT_FAILED:
        client_connect_failed(*machine, told->at);
        return;
    case TOLD_INPUT:
        client_input(*machine, (const uint8_t *)bytes, told->len, told->at);
        return;
    case TOLD_EOF:
        client_eof(*machine, told->at);
        return;
    case TOLD_WRITABLE:
        client_writable(*machine, told->at);
        return;
    case TOLD_EXPIRE:
        client_expire(*machine, told->at);
        return;
    case TOLD_PRODUCE:
        (void)client_produce(*machine, 1, told->at);
        return;
    case TOLD_CLOSE:
        client_close(*machine, (uint16_t)told->value, bytes, told->at);
        return;
    case TOLD_STATE:
        state_again(rehearsal, told);
        return;
    case ASKED_CONNECT:
    case ASKED_OUTPUT:
    case ASKED_ABORT:
    case ASKED_LEAVE:
    case ASKED_FINISH:
    case ASKED_LOG:
    case SEEN:
        rehearsal->differs = true;
        return;
    }
}

static void look_again(struct rehearsal *rehearsal, unsigned number)
{
    const struct entry *before = expect(rehearsal, SEEN);
    if (!before)
        return;
    struct entry now = seen(rehearsal->machines[number], number);
    rehearsal->differs = rehearsal->differs || before->at != now.at || before->value != now.value ||
                         before->more != now.more;
}

bool transcript_fits(const struct transcript *transcript, const struct client_policy *policy)
{
    struct rehearsal rehearsal = {.transcript = transcript};
    rehearsal.machines = xcalloc(transcript->clients + 1, sizeof *rehearsal.machines);
    while (!rehearsal.differs && rehearsal.next < transcript->count) {
        const struct entry *told = &transcript->entries[rehearsal.next++];
        tell_again(&rehearsal, told, policy);
        look_again(&rehearsal, told->number);
    }
    for (unsigned i = 0; i < transcript->clients; i++)
        client_free(rehearsal.machines[i]);
    free(rehearsal.machines);
    return !rehearsal.differs;
}

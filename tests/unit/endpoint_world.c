#include "tests/unit/endpoint_world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PIPE_LIMIT_BYTES ((size_t)64 << 20)

static void write_down(struct world *w, const char *who, const char *event, const char *detail)
{
    if (w->notes_len == WORLD_NOTES_LIMIT)
        return;
    struct world_note *note = &w->notes[w->notes_len++];
    note->at = w->now;
    snprintf(note->event, sizeof note->event, "%s%s", who, event);
    snprintf(note->detail, sizeof note->detail, "%s", detail);
}

static void client_wants_connection(void *context)
{
    struct world *w = context;
    w->dial_wanted = true;
    write_down(w, "", "dial", "");
}

static size_t client_says(void *context, const uint8_t *bytes, size_t len)
{
    struct world *w = context;
    if (w->jammed && len > w->allowance)
        len = w->allowance;
    w->allowance -= w->jammed ? len : 0;
    w->taken += len;
    return w->silent ? len : buf_append(&w->up, bytes, len);
}

static void client_leaves(void *context)
{
    struct world *w = context;
    w->client_left = true;
    w->dial_wanted = false;
}

static void client_says_no_more(void *context)
{
    ((struct world *)context)->client_finished = true;
}

static void client_notes(void *context, const char *event, const char *detail)
{
    write_down(context, "client ", event, detail);
}

static size_t server_says(void *context, const uint8_t *bytes, size_t len)
{
    struct world *w = context;
    return w->silent ? len : buf_append(&w->down, bytes, len);
}

static void server_leaves(void *context)
{
    ((struct world *)context)->server_left = true;
}

static void server_says_no_more(void *context)
{
    ((struct world *)context)->server_finished = true;
}

static void server_hears(void *context, const uint8_t *bytes, size_t len)
{
    struct world *w = context;
    char text[32] = "";
    memcpy(text, bytes, len < sizeof text - 1 ? len : sizeof text - 1);
    uint64_t id = strncmp(text, "{\"id\":", 6) == 0 ? strtoull(text + 6, NULL, 10) : 0;
    w->messages++;
    w->disorder += id <= w->last_id;
    w->last_id = id;
}

static void server_notes(void *context, const char *event, const char *detail)
{
    struct world *w = context;
    write_down(w, "server ", event, detail);
    if (w->greets && strcmp(event, "open") == 0)
        world_to_client(w, "\x81\x02hi", 4);
}

static const struct client_ops client_ops = {
    .on_connect_wanted = client_wants_connection,
    .on_output = client_says,
    .on_abort = client_leaves,
    .on_finish = client_says_no_more,
    .on_log = client_notes,
};
static const struct server_ops server_ops = {
    .on_output = server_says,
    .on_abort = server_leaves,
    .on_finish = server_says_no_more,
    .on_message = server_hears,
    .on_log = server_notes,
};

struct world *world_new(void)
{
    struct world *w = xcalloc(1, sizeof *w);
    client_policy_defaults(&w->client_policy);
    server_policy_defaults(&w->server_policy);
    buf_init(&w->up, PIPE_LIMIT_BYTES);
    buf_init(&w->down, PIPE_LIMIT_BYTES);
    return w;
}

void world_free(struct world *w)
{
    client_free(w->client);
    server_conn_free(w->server);
    buf_fini(&w->up);
    buf_fini(&w->down);
    free(w);
}

void world_begin(struct world *w, uint64_t seed)
{
    w->bulletin = server_bulletin(&w->server_policy, w->now);
    w->client = client_new(&w->client_policy, "127.0.0.1", "/feed", seed, &client_ops, w, w->now);
}

static void clear_connection(struct world *w)
{
    server_conn_free(w->server);
    w->server = NULL;
    buf_clear(&w->up);
    buf_clear(&w->down);
    w->client_left = w->client_finished = w->server_left = w->server_finished = false;
}

static void carry_out_dial(struct world *w)
{
    w->dial_wanted = false;
    if (w->dialling == DIAL_HANGS)
        return;
    clear_connection(w);
    if (w->dialling == DIAL_REFUSED) {
        client_connect_failed(w->client, w->now);
        return;
    }
    w->server = server_conn_new(&w->server_policy, &server_ops, w, w->now);
    server_conn_share(w->server, &w->bulletin);
    client_connected(w->client, w->now);
}

static size_t portion(const struct world *w, size_t len)
{
    return w->slice > 0 && w->slice < len ? w->slice : len;
}

static bool deliver_up(struct world *w)
{
    size_t len = portion(w, buf_len(&w->up));
    if (len == 0 || !w->server)
        return false;
    uint8_t *bytes = xmalloc(len); /* exactly as long: reading past it is caught */
    memcpy(bytes, buf_bytes(&w->up), len);
    buf_consume(&w->up, len);
    server_conn_input(w->server, bytes, len, w->now);
    free(bytes);
    return true;
}

static bool deliver_down(struct world *w)
{
    size_t len = portion(w, buf_len(&w->down));
    if (len == 0 || w->client_left)
        return false;
    uint8_t *bytes = xmalloc(len);
    memcpy(bytes, buf_bytes(&w->down), len);
    buf_consume(&w->down, len);
    client_input(w->client, bytes, len, w->now);
    free(bytes);
    return true;
}

/* FINs and closed sockets, seen by the other side once all bytes before them were. */
static bool deliver_ends(struct world *w)
{
    if (!w->server || w->silent)
        return false;
    if (w->server_finished || w->server_left) {
        bool left = w->server_left;
        w->server_finished = false;
        if (!w->client_left)
            client_eof(w->client, w->now);
        if (left)
            clear_connection(w);
        return true;
    }
    if (w->client_finished || w->client_left) {
        w->client_finished = false;
        server_conn_eof(w->server, w->now);
        return true;
    }
    return false;
}

static bool step(struct world *w)
{
    if (w->dial_wanted) {
        carry_out_dial(w);
        return true;
    }
    return deliver_up(w) || deliver_down(w) || deliver_ends(w);
}

static nsec next_deadline(const struct world *w)
{
    nsec client = client_deadline(w->client);
    return w->server ? nsec_min(client, server_conn_deadline(w->server)) : client;
}

void world_run(struct world *w, nsec length)
{
    nsec until = w->now + length;
    for (;;) {
        while (step(w))
            continue;
        nsec next = next_deadline(w);
        if (next > until)
            break;
        assert(next >= w->now);
        w->now = next;
        if (w->server)
            server_conn_expire(w->server, w->now);
        client_expire(w->client, w->now);
    }
    w->now = until;
}

void world_cut(struct world *w)
{
    clear_connection(w);
    client_eof(w->client, w->now);
    clear_connection(w);
}

void world_unjam(struct world *w)
{
    w->jammed = false;
    client_writable(w->client, w->now);
}

void world_to_client(struct world *w, const void *bytes, size_t len)
{
    (void)buf_append(&w->down, bytes, len);
}

void world_to_server(struct world *w, const void *bytes, size_t len)
{
    (void)buf_append(&w->up, bytes, len);
}

static const struct world_note *find(const struct world *w, const char *event, int nth)
{
    for (size_t i = 0; i < w->notes_len; i++)
        if (strcmp(w->notes[i].event, event) == 0 && nth-- == 0)
            return &w->notes[i];
    return NULL;
}

int world_count(const struct world *w, const char *event)
{
    int count = 0;
    while (find(w, event, count))
        count++;
    return count;
}

nsec world_at(const struct world *w, const char *event, int nth)
{
    const struct world_note *note = find(w, event, nth);
    return note ? note->at : NEVER;
}

const char *world_detail(const struct world *w, const char *event, int nth)
{
    const struct world_note *note = find(w, event, nth);
    return note ? note->detail : "";
}

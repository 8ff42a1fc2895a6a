/* Connections through the proxy and the simulated sockets at their ends: what the kernel does. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/sim/inside.h"

#define READ_BYTES   ((size_t)64 << 10) /* the loop's shared buffer */
#define SHRUNK_BYTES 4608               /* what a closed window leaves of a receive buffer */

static size_t portion(struct sim *sim)
{
    size_t slice = sim->cfg->slice;
    return slice > 0 ? (size_t)rng_between(&sim->slices, 1, (int64_t)slice) : READ_BYTES;
}

/* --- Sockets --- */

static struct link *link_new(struct sim *sim)
{
    struct link *link = xcalloc(1, sizeof *link);
    link->sim = sim;
    link->server_alarm = (struct alarm){NEVER, NEVER};
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        wire_init(&link->in[side], sim->cfg->send_buffer, sim->cfg->receive_buffer);
        wire_init(&link->out[side], sim->cfg->send_buffer, sim->cfg->receive_buffer);
    }
    *sim->links_end = link;
    sim->links_end = &link->next;
    return link;
}

void link_free(struct link *link)
{
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        wire_fini(&link->in[side]);
        wire_fini(&link->out[side]);
    }
    server_conn_free(link->server);
    if (link->client)
        link->client->link = NULL;
    free(link);
}

/* A closed socket with unread bytes sends RST, any other FIN after what was written. */
static void close_socket(struct wire *reads, struct wire *writes)
{
    reads->deaf = true;
    if (wire_len(reads) > 0)
        wire_reset(writes);
    else
        writes->fin = true;
    buf_clear(&reads->queue);
}

/* --- What the session asks of its driver --- */

static size_t on_output(void *driver, enum side to, const uint8_t *bytes, size_t len)
{
    struct link *link = driver;
    link->sim->moved = true;
    return wire_write(&link->out[to], bytes, len);
}

static void cut(struct link *link, enum side side, enum cut how)
{
    switch (how) {
    case CUT_FIN:
        link->out[side].fin = true;
        return;
    case CUT_RST:
        wire_reset(&link->out[side]);
        link->in[side].deaf = true;
        buf_clear(&link->in[side].queue);
        return;
    case CUT_SILENT:
        link->stalled[side] = true; /* its end is seen although nothing is read */
        return;
    }
}

static void close_window(struct link *link, enum side side)
{
    link->stalled[side] = link->answer_owed[side] = true;
    link->receive_before[side] = link->in[side].receive;
    link->in[side].receive = SHRUNK_BYTES;
}

static void on_action(void *driver, struct action action)
{
    struct link *link = driver;
    link->sim->moved = true;
    switch (action.kind) {
    case ACTION_CONNECT:
        link->connect_wanted = true;
        link->hanging = false;
        return;
    case ACTION_CUT:
        cut(link, action.side, action.how);
        return;
    case ACTION_CLOSE_WINDOW:
        close_window(link, action.side);
        return;
    case ACTION_OPEN_WINDOW:
        link->stalled[action.side] = false;
        link->in[action.side].receive = link->receive_before[action.side];
        return;
    }
}

static bool on_queues(void *driver, enum side side, uint64_t *ours, uint64_t *theirs)
{
    const struct link *link = driver;
    *ours = wire_unread(&link->in[side]);
    *theirs = wire_unsent(&link->in[side]);
    return true;
}

static void on_over(void *driver)
{
    struct link *link = driver;
    link->session = NULL;
    link->sim->moved = true;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        close_socket(&link->in[side], &link->out[side]);
}

static const struct session_ops session_ops = {
    .on_output = on_output, .on_action = on_action, .on_queues = on_queues, .on_over = on_over};

/* --- What the endpoints ask --- */

static void on_connect_wanted(void *context)
{
    struct sim_client *client = context;
    client->dial_wanted = client->sim->moved = true;
}

static size_t on_client_output(void *context, const uint8_t *bytes, size_t len)
{
    struct sim_client *client = context;
    client->sim->moved = true;
    return client->link ? wire_write(&client->link->in[SIDE_CLIENT], bytes, len) : len;
}

static void on_client_abort(void *context)
{
    struct sim_client *client = context;
    struct link *link = client->link;
    client->dial_wanted = false;
    client->link = NULL;
    client->sim->moved = true;
    if (!link)
        return;
    link->client = NULL;
    close_socket(&link->out[SIDE_CLIENT], &link->in[SIDE_CLIENT]);
}

static void on_client_finish(void *context)
{
    struct sim_client *client = context;
    client->sim->moved = true;
    if (client->link)
        client->link->in[SIDE_CLIENT].fin = true;
}

static const struct client_ops client_ops = {.on_connect_wanted = on_connect_wanted,
                                             .on_output = on_client_output,
                                             .on_abort = on_client_abort,
                                             .on_finish = on_client_finish};

static size_t on_server_output(void *context, const uint8_t *bytes, size_t len)
{
    struct link *link = context;
    link->sim->moved = true;
    return wire_write(&link->in[SIDE_SERVER], bytes, len);
}

static void on_server_abort(void *context)
{
    struct link *link = context;
    link->server_over = link->sim->moved = true;
    close_socket(&link->out[SIDE_SERVER], &link->in[SIDE_SERVER]);
}

static void on_server_finish(void *context)
{
    struct link *link = context;
    link->sim->moved = true;
    link->in[SIDE_SERVER].fin = true;
}

static const struct server_ops server_ops = {
    .on_output = on_server_output, .on_abort = on_server_abort, .on_finish = on_server_finish};

/* --- The kernel carries --- */

void sim_client_start(struct sim_client *client)
{
    struct sim *sim = client->sim;
    uint64_t seed = sim->cfg->seed + client->index * UINT64_C(0x9e3779b97f4a7c15);
    client->machine =
        client_new(&sim->client_policy, "127.0.0.1:9000", "/", seed, &client_ops, client, sim->now);
    client->starts = NEVER;
}

/* The handshake of TCP is the kernel's: a client that is refused was connected before. */
void sim_client_dial(struct sim_client *client)
{
    struct sim *sim = client->sim;
    struct link *link = link_new(sim);
    client->dial_wanted = false;
    client->link = link;
    link->client = client;
    link->session = run_accept(sim->run, client->index, "127.0.0.1:40000", "ipv4", &session_ops,
                               link, sim->now);
    if (session_admission(link->session) == REFUSE) {
        link->session = NULL;
        wire_reset(&link->out[SIDE_CLIENT]);
        link->in[SIDE_CLIENT].deaf = true;
    } else {
        link->hanging = session_admission(link->session) == HANG;
    }
    client_connected(client->machine, sim->now);
}

static void connect_server(struct link *link)
{
    struct sim *sim = link->sim;
    link->connect_wanted = false;
    if (!link->session)
        return;
    link->server = server_conn_new(&sim->server_policy, &server_ops, link, sim->now);
    session_connected(link->session, sim->now);
}

static void tell_end(struct link *link, enum side side)
{
    struct wire *wire = &link->in[side];
    wire->told = link->sim->moved = true;
    link->stalled[side] = false;
    session_end(link->session, side, wire->rst ? CUT_RST : CUT_FIN, wire->rst ? "rst" : "fin",
                link->sim->now);
}

static void wake_writer(struct link *link, enum side side)
{
    if (!wire_take_room(&link->in[side]))
        return;
    if (side == SIDE_CLIENT && link->client)
        client_writable(link->client->machine, link->sim->now);
    if (side == SIDE_SERVER && link->server && !link->server_over)
        server_conn_writable(link->server, link->sim->now);
}

/* Endpoint to proxy. */
static void read_side(struct link *link, enum side side)
{
    uint8_t bytes[READ_BYTES];
    struct wire *wire = &link->in[side];
    if (!link->session || wire->deaf)
        return;
    if (session_wants_input(link->session, side)) {
        size_t len = wire_take(wire, bytes, portion(link->sim));
        if (len > 0) {
            link->sim->moved = true;
            session_input(link->session, side, bytes, len, link->sim->now);
            wake_writer(link, side);
            return;
        }
    }
    bool watched = link->stalled[side] || (side == SIDE_CLIENT && link->hanging);
    bool seen = wire->rst || (wire->fin && watched) ||
                (wire_at_end(wire) && session_wants_input(link->session, side));
    if (seen && !wire->told)
        tell_end(link, side);
}

static void feed_client(struct link *link)
{
    uint8_t bytes[READ_BYTES];
    struct sim *sim = link->sim;
    struct client *machine = link->client->machine;
    struct wire *wire = &link->out[SIDE_CLIENT];
    size_t len = wire_take(wire, bytes, portion(sim));
    if (len > 0) {
        sim->moved = true;
        client_input(machine, bytes, len, sim->now);
    } else if (wire_at_end(wire)) {
        wire->told = sim->moved = true;
        client_eof(machine, sim->now);
    }
}

static void feed_server(struct link *link)
{
    uint8_t bytes[READ_BYTES];
    struct sim *sim = link->sim;
    struct wire *wire = &link->out[SIDE_SERVER];
    if (!server_conn_wants_input(link->server) && !wire->rst)
        return;
    size_t len = wire_take(wire, bytes, portion(sim));
    if (len > 0) {
        sim->moved = true;
        server_conn_input(link->server, bytes, len, sim->now);
    } else if (wire_at_end(wire)) {
        wire->told = sim->moved = true;
        server_conn_eof(link->server, sim->now);
    }
}

/* Proxy to endpoint. */
static void feed_side(struct link *link, enum side side)
{
    if (side == SIDE_CLIENT && link->client)
        feed_client(link);
    if (side == SIDE_SERVER && link->server && !link->server_over)
        feed_server(link);
    if (wire_take_room(&link->out[side]) && link->session)
        session_writable(link->session, side, link->sim->now);
}

static void pay_answer(struct link *link, enum side side)
{
    char detail[80];
    if (!link->answer_owed[side])
        return;
    link->answer_owed[side] = false;
    snprintf(detail, sizeof detail, "receive buffer of %d bytes, was %zu", SHRUNK_BYTES,
             link->receive_before[side]);
    if (link->session)
        session_answer(link->session, "close_window", "done", detail, link->sim->now);
}

void link_carry(struct link *link)
{
    if (link->connect_wanted)
        connect_server(link);
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        read_side(link, (enum side)side);
        feed_side(link, (enum side)side);
        pay_answer(link, (enum side)side);
    }
    if (!link->server_over)
        return;
    server_conn_free(link->server);
    link->server = NULL;
    link->server_over = false;
}

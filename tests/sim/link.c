/* Connections through the proxy and the simulated sockets at their ends: what the kernel does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    link->keepalive_at = NEVER;
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

/* Writing into a socket whose other end is closed is answered by RST. */
static size_t say(struct wire *writes, struct wire *answers, const uint8_t *bytes, size_t len)
{
    if (writes->deaf && !writes->rst && !answers->rst)
        wire_reset(answers);
    return wire_write(writes, bytes, len);
}

/* --- What the session asks of its driver --- */

static void owe_answer(struct link *link, const char *action, const char *detail)
{
    if (link->answer_count == ANSWERS_LIMIT)
        return;
    link->answers[link->answer_count].action = action;
    snprintf(link->answers[link->answer_count].detail, sizeof link->answers->detail, "%s", detail);
    link->answer_count++;
}

static size_t on_output(void *driver, enum side to, const uint8_t *bytes, size_t len)
{
    struct link *link = driver;
    link->sim->moved = true;
    return say(&link->out[to], &link->in[to], bytes, len);
}

/* No segment tells the endpoint; its next one meets a kernel that knows no such connection. */
static void vanish(struct wire *reads, struct wire *writes)
{
    reads->deaf = true;
    writes->fin = writes->told = true;
    buf_clear(&reads->queue);
    buf_clear(&writes->queue);
}

static void cut(struct link *link, enum side side, enum cut how)
{
    switch (how) {
    case CUT_FIN:
    case CUT_TRUNCATE:
        link->out[side].fin = true;
        return;
    case CUT_RST:
        wire_reset(&link->out[side]);
        link->in[side].deaf = true;
        buf_clear(&link->in[side].queue);
        return;
    case CUT_CLOSE:
        close_socket(&link->in[side], &link->out[side]);
        return;
    case CUT_VANISH:
        vanish(&link->in[side], &link->out[side]);
        owe_answer(link, "vanish", "");
        return;
    case CUT_SILENT:
        link->stalled[side] = true; /* its end is seen although nothing is read */
        return;
    }
}

static void close_window(struct link *link, enum side side)
{
    char detail[80];
    link->stalled[side] = true;
    link->receive_before[side] = link->in[side].receive;
    link->in[side].receive = SHRUNK_BYTES;
    snprintf(detail, sizeof detail, "receive buffer of %d bytes, was %zu", SHRUNK_BYTES,
             link->receive_before[side]);
    owe_answer(link, "close_window", detail);
}

static void deafen(struct link *link, enum side side, double ratio)
{
    nsec patience = link->sim->kernel.tcp_keepalive;
    wire_hear(&link->in[side], ratio, link->sim->now);
    if (side == SIDE_CLIENT)
        link->keepalive_at =
            ratio >= 1 && patience > 0 ? nsec_add(link->sim->now, patience) : NEVER;
    owe_answer(link, ratio > 0 ? "deafen" : "hear", "");
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
    case ACTION_DEAFEN:
        deafen(link, action.side, action.ratio);
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
    client->dialled = client->next_syn = client->sim->now;
}

static size_t on_client_output(void *context, const uint8_t *bytes, size_t len)
{
    struct sim_client *client = context;
    client->sim->moved = true;
    if (!client->link)
        return len;
    return say(&client->link->in[SIDE_CLIENT], &client->link->out[SIDE_CLIENT], bytes, len);
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

static void on_client_leave(void *context)
{
    struct sim_client *client = context;
    client->dial_wanted = false;
    client->sim->moved = true;
    if (client->link)
        client->link->client = NULL;
    client->link = NULL;
}

static void on_client_finish(void *context)
{
    struct sim_client *client = context;
    client->sim->moved = true;
    if (client->link)
        client->link->in[SIDE_CLIENT].fin = true;
}

static void on_client_log(void *context, const char *event, const char *detail)
{
    struct sim_client *client = context;
    if (strcmp(event, "gave_up") == 0)
        run_heard(client->sim->run, client->index, "gave_up", "builtin", detail, client->sim->now);
}

static const struct client_ops client_ops = {.on_log = on_client_log,
                                             .on_connect_wanted = on_connect_wanted,
                                             .on_output = on_client_output,
                                             .on_abort = on_client_abort,
                                             .on_leave = on_client_leave,
                                             .on_finish = on_client_finish};

static size_t on_server_output(void *context, const uint8_t *bytes, size_t len)
{
    struct link *link = context;
    link->sim->moved = true;
    return say(&link->in[SIDE_SERVER], &link->out[SIDE_SERVER], bytes, len);
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
    uint64_t seed = sim->cfg->seed + client->number * UINT64_C(0x9e3779b97f4a7c15);
    client->machine = player_new(&sim->client_policy, client->number, seed, &client_ops, client,
                                 sim->now, sim->cfg->transcript);
    client->starts = NEVER;
}

/* 1, 3, 7, 15 ... seconds after the first (Linux: TCP_TIMEOUT_INIT, doubled each time). */
static nsec next_syn(const struct sim_client *client)
{
    nsec at = client->dialled, wait = NSEC_PER_SEC;
    while (at <= client->sim->now) {
        at += wait;
        wait *= 2;
    }
    return at;
}

static bool is_of_certificate(enum tls_trouble trouble)
{
    return trouble == TLS_UNTRUSTED || trouble == TLS_WRONG_NAME || trouble == TLS_EXPIRED;
}

/* A sound client refuses what is wrong with our side of the handshake. TLS itself is not simulated.
 */
static void shake_hands(struct link *link)
{
    unsigned value;
    enum tls_trouble trouble = session_tls_trouble(link->session, &value);
    bool works = trouble == TLS_FINE || trouble == TLS_STALL ||
                 (trouble == TLS_DOWNGRADE && value >= 0x0303) ||
                 (is_of_certificate(trouble) && !link->sim->kernel.verifies);
    if (!works)
        session_tls_failed(link->session,
                           trouble == TLS_ALERT ? "alert sent" : "alert received: bad certificate",
                           link->sim->now);
    else if (link->sim->cfg->plan->tls && trouble != TLS_STALL)
        session_tls_open(link->session, SIDE_CLIENT, "TLSv1.3", "localhost", link->sim->now);
}

/* The handshake of TCP is the kernel's: a client that is refused was connected before. */
static void accept_link(struct sim_client *client, struct link *link, enum family family)
{
    struct sim *sim = client->sim;
    const char *peer = family == FAMILY_IPV6 ? "[::1]:40000" : "127.0.0.1:40000";
    struct session *session = run_accept(sim->run, client->index, peer, family_name(family),
                                         &session_ops, link, sim->now);
    link->hanging = session_admission(session) == HANG;
    if (session_admission(session) != REFUSE) {
        link->session = session;
        shake_hands(link);
    } else if (session_refusal(session) == CUT_CLOSE)
        close_socket(&link->in[SIDE_CLIENT], &link->out[SIDE_CLIENT]);
    else
        cut(link, SIDE_CLIENT, CUT_RST);
}

/* A name stands for ::1 and 127.0.0.1, in that order; a plain address is 127.0.0.1. */
static bool may_try(const struct sim_client *client, enum family family)
{
    const struct sim *sim = client->sim;
    bool known = family == FAMILY_IPV4 || sim->cfg->plan->named || sim->cfg->plan->tls;
    return known && (sim->kernel.any_address || !client->connected || client->worked == family);
}

/* The first address that does not refuse. false: all do. */
static bool find_address(const struct sim_client *client, enum family *out)
{
    for (int family = FAMILIES - 1; family >= 0; family--) {
        *out = (enum family)family;
        if (may_try(client, *out) && client->doors[family] != DOOR_SHUT)
            return true;
    }
    return false;
}

void sim_client_dial(struct sim_client *client)
{
    struct sim *sim = client->sim;
    enum family family;
    if (!find_address(client, &family)) {
        client->dial_wanted = false;
        player_connect_failed(client->machine, sim->now);
        return;
    }
    if (client->doors[family] == DOOR_HANG) {
        client->next_syn = next_syn(client);
        return;
    }
    struct link *link = link_new(sim);
    client->dial_wanted = false;
    client->connected = true;
    client->worked = family;
    client->link = link;
    link->client = client;
    accept_link(client, link, family);
    player_connected(client->machine, sim->now);
}

static void connect_server(struct link *link)
{
    struct sim *sim = link->sim;
    link->connect_wanted = false;
    if (!link->session)
        return;
    if (sim->cfg->no_server) {
        session_connect_failed(link->session, "refused", sim->now);
        return;
    }
    link->server = server_conn_new(&sim->server_policy, &server_ops, link, sim->now);
    server_conn_share(link->server, &sim->bulletin);
    session_connected(link->session, sim->now);
}

static void tell_end(struct link *link, enum side side)
{
    struct wire *wire = &link->in[side];
    wire->told = link->sim->moved = true;
    wire->told_rst = wire->rst;
    link->stalled[side] = false;
    session_end(link->session, side, wire->rst ? CUT_RST : CUT_FIN, wire->rst ? "rst" : "fin",
                link->sim->now);
}

static void wake_writer(struct link *link, enum side side)
{
    if (!wire_take_room(&link->in[side]))
        return;
    if (side == SIDE_CLIENT && link->client)
        player_writable(link->client->machine, link->sim->now);
    if (side == SIDE_SERVER && link->server && !link->server_over)
        server_conn_writable(link->server, link->sim->now);
}

/* Endpoint to proxy. */
static void read_side(struct link *link, enum side side)
{
    uint8_t bytes[READ_BYTES];
    struct wire *wire = &link->in[side];
    if (!link->session || wire->deaf || wire_loses(wire, &link->sim->losses, link->sim->now))
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
    bool unread = wire->fin && !wire->told && watched;
    bool read = wire_at_end(wire) && (wire->rst || session_wants_input(link->session, side));
    if (unread || read)
        tell_end(link, side);
}

static void feed_client(struct link *link)
{
    uint8_t bytes[READ_BYTES];
    struct sim *sim = link->sim;
    struct player *machine = link->client->machine;
    struct wire *wire = &link->out[SIDE_CLIENT];
    size_t len = wire_take(wire, bytes, portion(sim));
    if (len > 0) {
        sim->moved = true;
        player_input(machine, bytes, len, sim->now);
    } else if (wire_at_end(wire)) {
        wire->told = sim->moved = true;
        wire->told_rst = wire->rst;
        player_eof(machine, sim->now);
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
        wire->told_rst = wire->rst;
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

static void pay_answers(struct link *link)
{
    for (size_t i = 0; i < link->answer_count && link->session; i++)
        session_answer(link->session, link->answers[i].action, "done", link->answers[i].detail,
                       link->sim->now);
    link->answer_count = 0;
}

static void give_up_when_nothing_is_acknowledged(struct link *link)
{
    if (link->keepalive_at > link->sim->now)
        return;
    link->keepalive_at = NEVER;
    wire_reset(&link->out[SIDE_CLIENT]);
}

void link_carry(struct link *link)
{
    give_up_when_nothing_is_acknowledged(link);
    if (link->connect_wanted)
        connect_server(link);
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++) {
        read_side(link, (enum side)side);
        feed_side(link, (enum side)side);
    }
    pay_answers(link);
    if (!link->server_over)
        return;
    server_conn_free(link->server);
    link->server = NULL;
    link->server_over = false;
}

nsec link_due(const struct link *link)
{
    nsec at = link->keepalive_at;
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        if (link->session && link->in[side].lost_until > link->sim->now)
            at = nsec_min(at, link->in[side].lost_until);
    return at;
}

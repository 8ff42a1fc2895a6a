/* The driver over real sockets, with both endpoints in this process: bytes both ways with
 * half-close, plain and under TLS; resets; servers that are not there; ends that nobody reads.
 * Prints one line per test, then "N passed, N failed"; exits 1 when one failed. Nothing waits for
 * a fixed time, only, with a limit, for what must happen. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/ca.h"
#include "net/dialer.h"
#include "net/driver.h"

#define BULK        ((size_t)8 << 20)
#define LIMIT       (20 * NSEC_PER_SEC)
#define CONNECTIONS 200

enum tls_use { PLAIN, TLS };

struct endpoint {
    struct world *world;
    struct peer *peer;
    size_t to_write, written, read;
    bool finishes, opened, ended, failed;
    enum io_result how;
};

struct world {
    struct loop *loop;
    struct dialer *dialer;
    struct ca *ca;
    struct tls_context *server_tls, *client_tls;
    struct plan *plan;
    struct recorder *recorder;
    struct text trace;
    struct run *run;
    struct driver *driver;
    uint16_t port;
    struct endpoint client, server;
    unsigned accepted, closed; /* many_connections */
    struct timer limit;
    bool ran_out, wrong_bytes;
    bool (*is_done)(struct world *);
};

static uint8_t pattern(size_t at)
{
    return (uint8_t)((at * 2654435761u) >> 13);
}

static void look(struct world *world)
{
    if (world->is_done(world))
        loop_stop(world->loop);
}

static void pump(struct endpoint *endpoint)
{
    uint8_t part[32 << 10];
    while (endpoint->written < endpoint->to_write) {
        size_t len = endpoint->to_write - endpoint->written;
        len = len < sizeof part ? len : sizeof part;
        for (size_t i = 0; i < len; i++)
            part[i] = pattern(endpoint->written + i);
        size_t took = peer_write(endpoint->peer, part, len);
        endpoint->written += took;
        if (took < len)
            return;
    }
    if (endpoint->finishes)
        peer_finish(endpoint->peer);
}

static void on_open(struct peer *peer)
{
    struct endpoint *endpoint = peer_owner(peer);
    endpoint->opened = true;
    pump(endpoint);
    look(endpoint->world);
}

static void on_failed(struct peer *peer, const char *how)
{
    struct endpoint *endpoint = peer_owner(peer);
    endpoint->failed = true;
    look(endpoint->world);
}

static void on_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    struct endpoint *endpoint = peer_owner(peer);
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != pattern(endpoint->read + i))
            endpoint->world->wrong_bytes = true;
    endpoint->read += len;
    look(endpoint->world);
}

static void on_writable(struct peer *peer)
{
    pump(peer_owner(peer));
}

static void on_end(struct peer *peer, enum io_result how)
{
    struct endpoint *endpoint = peer_owner(peer);
    endpoint->ended = true;
    endpoint->how = how;
    look(endpoint->world);
}

static const struct peer_ops endpoint_ops = {.on_open = on_open,
                                             .on_failed = on_failed,
                                             .on_data = on_data,
                                             .on_writable = on_writable,
                                             .on_end = on_end};

static void on_accept(void *context, struct peer *peer)
{
    struct world *world = context;
    world->server.peer = peer;
    peer_own(peer, &world->server);
}

static void on_limit(struct timer *timer, nsec now)
{
    struct world *world = (struct world *)((char *)timer - offsetof(struct world, limit));
    world->ran_out = true;
    loop_stop(world->loop);
}

static void on_turn(void *context)
{
    look(context);
}

static bool never(struct world *world)
{
    return false;
}

static void open_world(struct world *world, struct ca *ca, enum tls_use use)
{
    struct text why;
    text_init(&why);
    *world = (struct world){.loop = loop_new(), .ca = ca, .is_done = never};
    world->limit.on_due = on_limit;
    world->dialer = dialer_new(world->loop);
    world->client.world = world->server.world = world;
    if (use == TLS) {
        world->server_tls = tls_server_new(ca->certificate, ca->key, &why);
        world->client_tls = tls_client_new(ca->authority, TLS_VERIFY, &why);
        assert(world->server_tls && world->client_tls);
    }
    world->plan = plan_new();
    world->recorder = recorder_new(NULL);
    recorder_copy_to(world->recorder, &world->trace);
    text_fini(&why);
}

static void open_driver(struct world *world, uint16_t upstream)
{
    struct run_options options = {.seed = 7};
    struct driver_config config = {
        .speed = 1,
        .recorder = world->recorder,
        .upstream = {.host = "127.0.0.1", .port = upstream, .tls = world->client_tls},
        .tls = world->server_tls,
        .on_turn = on_turn,
        .context = world};
    const char *why;
    world->run = run_new(world->plan, world->recorder, &options);
    world->driver = driver_new(world->loop, world->run, &config, &why);
    world->port = driver_listen(world->driver, 0, "", 0, DRIVER_BOTH_LOOPBACKS);
    assert(world->port);
    driver_start(world->driver);
}

static uint16_t open_server(struct world *world)
{
    return dialer_listen(world->dialer, "127.0.0.1", 0, world->server_tls, &endpoint_ops, on_accept,
                         world);
}

static void open_client(struct world *world)
{
    const char *why;
    world->client.peer = dialer_connect(world->dialer, "localhost", world->port, world->client_tls,
                                        &endpoint_ops, &world->client, &why);
    assert(world->client.peer);
}

static bool wait_until(struct world *world, bool (*is_done)(struct world *))
{
    world->is_done = is_done;
    if (is_done(world))
        return true;
    loop_timer_set(world->loop, &world->limit, loop_now() + LIMIT);
    loop_run(world->loop);
    loop_timer_set(world->loop, &world->limit, NEVER);
    return !world->ran_out;
}

static bool close_world(struct world *world, bool passed, const char *name)
{
    run_end(world->run, "finished", driver_now(world->driver));
    driver_stop(world->driver);
    run_free(world->run);
    driver_free(world->driver);
    dialer_free(world->dialer);
    recorder_free(world->recorder);
    plan_free(world->plan);
    tls_context_free(world->server_tls);
    tls_context_free(world->client_tls);
    loop_free(world->loop);
    passed = passed && !world->ran_out && !world->wrong_bytes;
    printf("%-8s %s\n", passed ? "ok" : "FAILED", name);
    if (!passed)
        printf("%s", text_chars(&world->trace));
    text_fini(&world->trace);
    return passed;
}

static bool has_event(const struct world *world, const char *name, const char *part)
{
    char *wanted = xprintf("\"ev\":\"%s\"", name);
    bool found = false;
    for (const char *at = text_chars(&world->trace); !found && (at = strstr(at, wanted)); at++) {
        size_t line = strcspn(at, "\n");
        const char *there = strstr(at, part);
        found = there && there < at + line;
    }
    free(wanted);
    return found;
}

/* --- What is waited for --- */

static bool both_ended(struct world *world)
{
    return world->client.ended && world->server.ended;
}

static bool both_open(struct world *world)
{
    return world->client.opened && world->server.opened;
}

static bool server_ended(struct world *world)
{
    return world->server.ended;
}

static bool client_ended(struct world *world)
{
    return world->client.ended || world->client.failed;
}

static bool server_has_all(struct world *world)
{
    return world->server.read == world->client.to_write;
}

static bool client_end_recorded(struct world *world)
{
    return has_event(world, "tcp.close", "\"side\":\"client\"");
}

/* --- Tests --- */

static bool bulk(struct ca *ca, enum tls_use use, const char *name)
{
    struct world world;
    open_world(&world, ca, use);
    open_driver(&world, open_server(&world));
    world.client.to_write = world.server.to_write = BULK;
    world.client.finishes = world.server.finishes = true;
    open_client(&world);
    bool passed = wait_until(&world, both_ended) && world.client.read == BULK &&
                  world.server.read == BULK &&
                  world.client.how == (use == TLS ? IO_CLOSE_NOTIFY : IO_EOF) &&
                  world.server.how == world.client.how;
    return close_world(&world, passed, name);
}

/* The server answers only after it has seen the client's FIN. */
static bool half_close(struct ca *ca, enum tls_use use, const char *name)
{
    struct world world;
    open_world(&world, ca, use);
    open_driver(&world, open_server(&world));
    world.client.to_write = 1000;
    world.client.finishes = true;
    open_client(&world);
    bool passed =
        wait_until(&world, server_ended) && world.server.read == 1000 && !world.client.ended;
    world.server.to_write = 1000;
    world.server.finishes = true;
    if (passed)
        pump(&world.server);
    passed = passed && wait_until(&world, client_ended) && world.client.read == 1000;
    return close_world(&world, passed, name);
}

static bool reset_travels(struct ca *ca)
{
    struct world world;
    open_world(&world, ca, PLAIN);
    open_driver(&world, open_server(&world));
    world.client.to_write = 1000;
    open_client(&world);
    bool passed = wait_until(&world, server_has_all);
    peer_reset(world.client.peer);
    passed = passed && wait_until(&world, server_ended) && world.server.how == IO_RESET &&
             has_event(&world, "tcp.close", "\"how\":\"rst\"");
    return close_world(&world, passed, "a reset stays a reset");
}

static bool no_server(struct ca *ca)
{
    struct world world;
    open_world(&world, ca, PLAIN);
    uint16_t nobody = open_server(&world);
    dialer_stop_listening(world.dialer);
    open_driver(&world, nobody);
    open_client(&world);
    bool passed = wait_until(&world, client_ended) && world.client.how == IO_RESET &&
                  has_event(&world, "tcp.connect", "\"refused\"");
    return close_world(&world, passed, "a server that is not there is told");
}

static struct fault_step fault_of(const char *name, void **config)
{
    const struct fault_desc *desc = fault_find(name);
    assert(desc);
    *config = xcalloc(1, desc->config_size + 1);
    param_defaults(desc->params, *config);
    return (struct fault_step){.desc = desc,
                               .config = *config,
                               .dirs = DIR_BOTH & desc->dirs,
                               .probability = 1,
                               .at_most = NEVER,
                               .duration = NEVER,
                               .label = (char *)name};
}

enum leaving { FINISHES, CLOSES_WITH_A_BACKLOG, RESETS };

static void leave(struct endpoint *client, enum leaving how)
{
    client->to_write = how == CLOSES_WITH_A_BACKLOG ? BULK : 100;
    pump(client);
    switch (how) {
    case FINISHES:
        peer_finish(client->peer);
        return;
    case CLOSES_WITH_A_BACKLOG: /* its FIN stays behind a window that is closed */
        peer_close(client->peer);
        return;
    case RESETS:
        peer_reset(client->peer);
        return;
    }
}

static bool end_in_a_stall(struct ca *ca, enum leaving how, const char *name)
{
    struct world world;
    void *config;
    struct fault_step step = fault_of("stall", &config);
    open_world(&world, ca, PLAIN);
    open_driver(&world, open_server(&world));
    open_client(&world);
    bool passed = wait_until(&world, both_open);
    run_add_fault(world.run, &step, driver_now(world.driver));
    driver_touch(world.driver);
    leave(&world.client, how);
    passed = passed && wait_until(&world, client_end_recorded) && !world.server.ended &&
             has_event(&world, "tcp.close", how == RESETS ? "\"rst\"" : "\"fin\"");
    passed = close_world(&world, passed, name);
    param_free(step.desc->params, config);
    free(config);
    return passed;
}

static bool client_opened(struct world *world)
{
    return world->client.opened;
}

static bool end_in_a_hang(struct ca *ca)
{
    struct world world;
    void *config;
    struct fault_step step = fault_of("accept_stall", &config);
    open_world(&world, ca, PLAIN);
    open_driver(&world, open_server(&world));
    run_add_fault(world.run, &step, driver_now(world.driver));
    driver_touch(world.driver);
    open_client(&world);
    bool passed = wait_until(&world, client_opened);
    leave(&world.client, FINISHES);
    passed = passed && wait_until(&world, client_end_recorded) && !world.server.opened;
    passed = close_world(&world, passed, "the end of a client that was kept waiting is seen");
    param_free(step.desc->params, config);
    free(config);
    return passed;
}

static bool client_failed_by_reset(struct world *world)
{
    return world->client.ended && world->client.how == IO_RESET;
}

static bool refused_by_fault(struct ca *ca)
{
    struct world world;
    void *config;
    struct fault_step step = fault_of("refuse", &config);
    open_world(&world, ca, PLAIN);
    open_driver(&world, open_server(&world));
    run_add_fault(world.run, &step, driver_now(world.driver));
    driver_touch(world.driver);
    open_client(&world);
    bool passed = wait_until(&world, client_failed_by_reset) && !world.server.opened;
    passed = close_world(&world, passed, "a refused connection gets an RST");
    param_free(step.desc->params, config);
    free(config);
    return passed;
}

/* --- Many at once --- */

static bool all_closed(struct world *world)
{
    return world->closed == CONNECTIONS;
}

static void echo_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    size_t took = peer_write(peer, bytes, len);
    assert(took == len);
}

static void echo_end(struct peer *peer, enum io_result how)
{
    peer_finish(peer);
}

static void nothing(struct peer *peer)
{
}

static void accept_echo(void *context, struct peer *peer)
{
    struct world *world = context;
    world->accepted++;
}

static void caller_open(struct peer *peer)
{
    (void)peer_write(peer, "\001\002\003", 3); /* what may begin an HTTP head would be kept back */
}

static void caller_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    peer_finish(peer);
}

static void caller_end(struct peer *peer, enum io_result how)
{
    struct world *world = peer_owner(peer);
    world->closed++;
    peer_forget(peer);
    look(world);
}

static const struct peer_ops echo_ops = {
    .on_open = nothing, .on_data = echo_data, .on_end = echo_end};
static const struct peer_ops caller_ops = {
    .on_open = caller_open, .on_data = caller_data, .on_end = caller_end};

static bool many_connections(struct ca *ca)
{
    struct world world;
    const char *why;
    open_world(&world, ca, TLS);
    open_driver(&world, dialer_listen(world.dialer, "127.0.0.1", 0, world.server_tls, &echo_ops,
                                      accept_echo, &world));
    for (int i = 0; i < CONNECTIONS; i++)
        dialer_connect(world.dialer, "127.0.0.1", world.port, world.client_tls, &caller_ops, &world,
                       &why);
    bool passed = wait_until(&world, all_closed) && world.accepted == CONNECTIONS;
    return close_world(&world, passed, "two hundred connections under TLS");
}

struct tally {
    unsigned passed, failed;
};

static void count(struct tally *tally, bool passed)
{
    if (passed)
        tally->passed++;
    else
        tally->failed++;
}

static void run_all(struct ca *ca, struct tally *tally)
{
    count(tally, bulk(ca, PLAIN, "bytes arrive whole in both directions"));
    count(tally, bulk(ca, TLS, "bytes arrive whole in both directions under TLS"));
    count(tally, half_close(ca, PLAIN, "an answer passes after a FIN"));
    count(tally, half_close(ca, TLS, "an answer passes after a close_notify"));
    count(tally, reset_travels(ca));
    count(tally, no_server(ca));
    count(tally, refused_by_fault(ca));
    count(tally, end_in_a_stall(ca, FINISHES, "a FIN behind unread bytes is seen in a stall"));
    count(tally, end_in_a_stall(ca, CLOSES_WITH_A_BACKLOG, "a FIN behind a closed window is seen"));
    count(tally, end_in_a_stall(ca, RESETS, "a reset is seen in a stall"));
    count(tally, end_in_a_hang(ca));
    count(tally, many_connections(ca));
}

int main(void)
{
    char folder[] = "/tmp/halfopen-e2e-XXXXXX";
    struct ca ca;
    struct text why;
    struct tally tally = {0};
    text_init(&why);
    assert(mkdtemp(folder));
    if (!ca_open(&ca, folder, &why)) {
        fprintf(stderr, "%s\n", text_chars(&why));
        return 1;
    }
    run_all(&ca, &tally);
    const char *const files[] = {ca.authority, ca.certificate, ca.key, ca.bundle};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        (void)unlink(files[i]);
    char *authority_key = xprintf("%s/authority.key", folder);
    (void)unlink(authority_key);
    (void)rmdir(folder);
    free(authority_key);
    ca_close(&ca);
    text_fini(&why);
    printf("%u passed, %u failed\n", tally.passed, tally.failed);
    return tally.failed > 0;
}

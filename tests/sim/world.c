/* The clock, the turns and the life of a simulated run. */
#include "tests/sim/world.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "endpoint/client.h"
#include "endpoint/login.h"
#include "endpoint/news.h"
#include "tests/sim/inside.h"
#include "tests/sim/kept.h"

#define EPOCH         1767225600           /* 2026-01-01 */
#define STAGGER       (25 * NSEC_PER_MSEC) /* between the starts of two clients, as the runner does */
#define MEMORY_EVERY  NSEC_PER_SEC
#define PROCESS_BYTES ((uint64_t)20 << 20) /* a client's process with nothing buffered */
#define MESSAGE_LIMIT ((uint64_t)1 << 20)  /* of a client; larger ones are dear */
#define DECLARED                                                                                   \
    "{\"client\":\"built-in\",\"server\":\"built-in\",\"hooks\":{\"send\":\"builtin\",\"close\":"  \
    "\"builtin\",\"gave_up\":\"builtin\",\"state\":\"builtin\"},\"messages\":{\"id\":true},"       \
    "\"auth\":{\"message\":true,\"ack\":true,\"answer\":true},"                                    \
    "\"sessions\":{\"state\":true},"                                                               \
    "\"close_codes\":{\"final\":[4401,4403],\"retry\":[4408,4429]}}"
#define LEAST_DELAY (60 * NSEC_PER_MSEC) /* shorter ones are a matter of thousands of attempts */
#define PID         1000                 /* of the first client */
#define TURNS_LIMIT 1000000              /* at one instant: more is a world that does not settle */

/* --- Time --- */

static nsec due(struct sim *sim, struct alarm *alarm, nsec deadline)
{
    if (deadline == alarm->deadline)
        return alarm->due;
    alarm->deadline = alarm->due = deadline;
    if (deadline != NEVER && sim->cfg->lateness > 0)
        alarm->due = nsec_add(deadline, rng_between(&sim->lateness, 0, sim->cfg->lateness));
    return alarm->due;
}

/* --- Turns --- */

static void free_dead_links(struct sim *sim)
{
    struct link **at = &sim->links;
    while (*at) {
        struct link *link = *at;
        if (link->session || link->client || link->server) {
            at = &link->next;
            continue;
        }
        *at = link->next;
        link_free(link);
    }
    sim->links_end = at;
}

/* Of the tabs of a browser each has a connection. */
static bool all_tabs_are_open(const struct sim *sim)
{
    for (unsigned i = sim->cfg->plan->clients; i < sim->machines; i++)
        if (!sim->clients[i].machine || !player_is_open(sim->clients[i].machine))
            return false;
    return true;
}

static void begin_when_connected(struct sim *sim)
{
    struct run_status status;
    if (sim->started)
        return;
    run_status(sim->run, &status);
    if (status.open < status.clients || !all_tabs_are_open(sim))
        return;
    sim->started = sim->moved = true;
    sim->memory_at = sim->cfg->memory ? sim->now : NEVER;
    run_start(sim->run, sim->now);
}

/* The next tab of that client's browser; NULL: there is none. */
static struct sim_client *next_tab(const struct sim_client *client)
{
    unsigned next = client->number + client->sim->cfg->plan->clients;
    return next < client->sim->machines ? &client->sim->clients[next] : NULL;
}

static bool all_tabs_stopped(const struct sim_client *client)
{
    for (; client; client = next_tab(client))
        if (!player_stopped(client->machine))
            return false;
    return true;
}

static void close_tabs(struct sim_client *client, uint16_t code, const char *reason)
{
    for (; client; client = next_tab(client))
        player_close(client->machine, code, reason, client->sim->now);
}

/* A process has all its tabs: the first stands for it. */
static void exit_when_done(struct sim_client *client)
{
    struct sim *sim = client->sim;
    unsigned number = run_client_number(sim->run, client->index);
    struct event ev = {
        .kind = EV_PROCESS_EXIT, .client = (int)number, .by = BY_ENDPOINT, .at = sim->now};
    if (!client->signalled || client->exited || !all_tabs_stopped(client) ||
        (client->restarts && client->link))
        return;
    client->exited = sim->moved = true;
    ev.process_exit = (struct ev_process_exit){
        .role = "client", .pid = PID + number, .how = "exit 0", .asked = true};
    recorder_emit(sim->recorder, ev);
    run_process_exited(sim->run, client->index, sim->now);
    if (client->restarts) {
        player_free(client->machine);
        client->machine = NULL;
        client->starts = sim->now + client->down;
    }
}

/* Another process takes the place of the one that ended. */
static void renew(struct sim_client *client)
{
    struct sim *sim = client->sim;
    if (!client->restarts)
        return;
    unsigned number = run_client_renewed(sim->run, client->index, sim->now);
    struct event ev = {
        .kind = EV_PROCESS_START, .client = (int)number, .by = BY_PROXY, .at = sim->now};
    ev.process_start = (struct ev_process_start){
        .role = "client", .pid = PID + number, .command = "halfopen client", .output = ""};
    recorder_emit(sim->recorder, ev);
    client->restarts = client->signalled = client->exited = false;
}

static void turn(struct sim *sim)
{
    sim->moved = false;
    for (unsigned i = 0; i < sim->machines; i++) {
        struct sim_client *client = &sim->clients[i];
        if (client->starts <= sim->now) {
            renew(client);
            sim_client_start(client);
        }
        if (client->dial_wanted && client->next_syn <= sim->now)
            sim_client_dial(client);
    }
    for (struct link *link = sim->links; link; link = link->next)
        link_carry(link);
    for (unsigned i = 0; i < sim->cfg->plan->clients; i++)
        exit_when_done(&sim->clients[i]);
    run_settle(sim->run, sim->now);
    begin_when_connected(sim);
    free_dead_links(sim);
}

/* All that happens at one instant. */
static void settle(struct sim *sim)
{
    size_t turns = 0;
    do {
        turn(sim);
        assert(++turns < TURNS_LIMIT);
    } while (sim->moved && !run_finished(sim->run));
}

static nsec client_due(struct sim_client *client)
{
    if (!client->machine)
        return client->starts;
    return due(client->sim, &client->alarm, player_deadline(client->machine));
}

static nsec syn_due(const struct sim_client *client)
{
    return client->dial_wanted ? client->next_syn : NEVER;
}

static nsec server_due(struct link *link)
{
    if (!link->server)
        return NEVER;
    return due(link->sim, &link->server_alarm, server_conn_deadline(link->server));
}

static nsec next_instant(struct sim *sim)
{
    nsec next = nsec_min(due(sim, &sim->run_alarm, run_deadline(sim->run)), sim->memory_at);
    for (unsigned i = 0; i < sim->machines; i++)
        next = nsec_min(next, nsec_min(client_due(&sim->clients[i]), syn_due(&sim->clients[i])));
    for (struct link *link = sim->links; link; link = link->next)
        next = nsec_min(next, nsec_min(server_due(link), link_due(link)));
    return nsec_max(next, sim->now);
}

static void sample_memory(struct sim *sim)
{
    for (unsigned i = 0; i < sim->cfg->plan->clients; i++) {
        if (!sim->clients[i].machine)
            continue;
        struct event ev = {.kind = EV_PROCESS_MEMORY,
                           .client = (int)run_client_number(sim->run, i),
                           .by = BY_ENDPOINT,
                           .at = sim->now};
        ev.process_memory = (struct ev_process_memory){
            .pid = PID + run_client_number(sim->run, i),
            .bytes = PROCESS_BYTES + player_buffered(sim->clients[i].machine)};
        recorder_emit(sim->recorder, ev);
    }
    sim->memory_at = sim->now + MEMORY_EVERY;
}

static void expire(struct sim *sim)
{
    if (sim->memory_at <= sim->now)
        sample_memory(sim);
    if (due(sim, &sim->run_alarm, run_deadline(sim->run)) <= sim->now)
        run_expire(sim->run, sim->now);
    for (unsigned i = 0; i < sim->machines; i++)
        if (sim->clients[i].machine && client_due(&sim->clients[i]) <= sim->now)
            player_expire(sim->clients[i].machine, sim->now);
    for (struct link *link = sim->links; link; link = link->next)
        if (server_due(link) <= sim->now && !link->server_over)
            server_conn_expire(link->server, sim->now);
}

/* --- From the first step to the last --- */

static bool has_name(const struct sim *sim)
{
    return sim->cfg->plan->named || sim->cfg->plan->tls;
}

static void tell_address(struct sim *sim, unsigned client, enum family family, bool refused)
{
    const char *why_not = has_name(sim) ? "" : "no name";
    run_address_answer(sim->run, client, family, refused && has_name(sim), has_name(sim), why_not,
                       sim->now);
}

static void on_door(void *context, unsigned client, enum family family, enum door door)
{
    struct sim *sim = context;
    enum door before = sim->clients[client].doors[family];
    for (struct sim_client *tab = &sim->clients[client]; tab; tab = next_tab(tab))
        tab->doors[family] = door == DOOR_SHUT && !has_name(sim) ? DOOR_OPEN : door;
    if (door == DOOR_SHUT || before == DOOR_SHUT)
        tell_address(sim, client, family, door == DOOR_SHUT);
    else if (family == FAMILY_IPV4)
        run_answer(sim->run, door == DOOR_HANG ? "connect_hang" : "connect_answer", "done", "",
                   sim->now);
}

static void tell_state(const struct sim_client *client, uint64_t number)
{
    struct sim *sim = client->sim;
    struct text state;
    text_init(&state);
    player_tell_state(client->machine, &state, sim->now);
    run_hook_state(sim->run, client->index, number, "builtin", text_chars(&state), state.len,
                   sim->now);
    text_fini(&state);
}

/* What the reference client does with the lines of its input (control/cmd_client.c). */
static void on_hook(void *context, unsigned index, enum hook hook, uint64_t number)
{
    struct sim *sim = context;
    struct sim_client *client = &sim->clients[index];
    bool taken = true;
    if (client->exited)
        taken = false;
    else if (hook == HOOK_SEND)
        player_produce(client->machine, sim->now);
    else if (hook == HOOK_CLOSE)
        close_tabs(client, 1000, "its application is done");
    run_hook_answer(sim->run, index, hook, number, "builtin", taken ? "taken" : "it has exited",
                    sim->now, sim->now);
    if (taken && hook == HOOK_STATE)
        tell_state(client, number);
    sim->moved = true;
}

/* Its process is told to end: it says goodbye first. */
static void on_signal(void *context, unsigned index, const char *name)
{
    struct sim *sim = context;
    struct sim_client *client = &sim->clients[index];
    struct event ev = {.kind = EV_PROCESS_SIGNAL,
                       .client = (int)run_client_number(sim->run, index),
                       .side = SIDE_CLIENT,
                       .by = BY_PROXY,
                       .at = sim->now};
    if (client->exited)
        return;
    ev.process_signal =
        (struct ev_process_signal){.pid = PID + run_client_number(sim->run, index), .name = name};
    recorder_emit(sim->recorder, ev);
    client->signalled = sim->moved = true;
    close_tabs(client, 1001, "the process is told to end");
}

/* Clients only: what a server's restart does is seen over real sockets. */
static void on_restart(void *context, const struct restart_step *step)
{
    struct sim *sim = context;
    for (unsigned i = 0; i < sim->cfg->plan->clients && step->who == SIDE_CLIENT; i++) {
        struct sim_client *client = &sim->clients[i];
        if ((!step->of.all && step->of.client != i) || client->exited)
            continue;
        client->restarts = true;
        client->down = step->down;
        on_signal(sim, i, step->signal);
    }
}

static void on_request(void *context, const struct request_step *step)
{
    struct sim *sim = context;
    run_request_answer(sim->run, 204, "", step->url, sim->now, sim->now);
}

static void on_prompt(void *context, const char *text)
{
    struct sim *sim = context;
    if (text)
        run_prompt_answer(sim->run, sim->now);
}

static struct run_start run_start_of(const struct sim_config *cfg,
                                     const struct run_start_words *words)
{
    return (struct run_start){.plan = cfg->plan,
                              .policy = &cfg->policy,
                              .started = "2026-01-01T00:00:00Z",
                              .declared = cfg->declared,
                              .seed = cfg->seed,
                              .speed = 1,
                              .noise = cfg->lateness,
                              .words = words};
}

static struct kernel_policy kernel_of(const struct sim_config *cfg)
{
    return (struct kernel_policy){.tcp_keepalive = cfg->client.tcp_keepalive,
                                  .verifies = cfg->client.verifies,
                                  .any_address = cfg->client.any_address};
}

/* What the scenario asks of it comes on top; nowhere else, or a transcript is of another client. */
static struct client_policy client_of(const struct sim_config *cfg)
{
    const struct plan *plan = cfg->plan;
    struct client_policy policy = cfg->client;
    if (plan->client.sends > 0)
        policy.rate = plan->client.sends;
    if (plan_sends(plan) && plan->client.message_bytes > 0)
        policy.message_size = plan->client.message_bytes;
    policy.backoff_base = nsec_max(policy.backoff_base, LEAST_DELAY);
    if (policy.retry_limit == 0)
        policy.retry_limit = plan->client.retry_limit;
    policy.topics = policy.topics > 0 ? policy.topics : plan->client.topics;
    policy.session = policy.session || plan->client.session;
    policy.deflate = policy.deflate || plan->client.deflate;
    if (policy.authenticates == AUTHENTICATES_NOT)
        policy.authenticates = plan->client.authenticates;
    if (policy.token_life == 0)
        policy.token_life = plan->client.token_life;
    policy.epoch = EPOCH;
    return policy;
}

static bool client_says_who(const struct sim_config *cfg)
{
    return cfg->client.authenticates == AUTHENTICATES_BY_MESSAGE ||
           cfg->plan->client.authenticates == AUTHENTICATES_BY_MESSAGE;
}

static struct server_policy server_of(const struct sim_config *cfg)
{
    const struct plan *plan = cfg->plan;
    struct server_policy policy = cfg->server;
    policy.echo = policy.echo || plan->server.echo;
    if (plan->server.pings > 0)
        policy.ping = plan->server.pings;
    if (plan->server.says > 0)
        policy.says = plan->server.says;
    if (plan->server.publishes > 0)
        policy.publishes = plan->server.publishes;
    policy.sessions = policy.sessions || plan->server.sessions;
    policy.deflate = policy.deflate || plan->server.deflate;
    if (client_says_who(cfg)) {
        policy.auth_message = LOGIN_MESSAGE;
        policy.auth_answer = LOGIN_ANSWER;
    }
    return policy;
}

static void begin(struct sim *sim, const struct sim_config *cfg, struct text *lines,
                  struct trace_memory *memory)
{
    const struct run_start start = run_start_of(cfg, cfg->stage ? &cfg->stage->words : NULL);
    const struct plan *plan = cfg->plan;
    unsigned declared = declares_read_json(cfg->declared);
    bool says_who = client_says_who(cfg);
    struct run_options options = {
        .seed = cfg->seed,
        .server_builtin = true,
        .backends = plan_backends(plan),
        .close_codes = &sim->close_codes,
        .message_id = declared & DECLARES_MESSAGES ? CLIENT_MESSAGE_ID : NULL,
        .auth_message = says_who ? LOGIN_MESSAGE : NULL,
        .auth_ack = says_who ? LOGIN_ACK : NULL,
        .session_state = declared & DECLARES_SESSION_STATE ? NEWS_SESSION_STATE : NULL,
        .epoch = EPOCH,
        .observe = true};
    *sim = (struct sim){.cfg = cfg,
                        .kernel = kernel_of(cfg),
                        .client_policy = client_of(cfg),
                        .server_policy = server_of(cfg)};
    close_codes_read(&sim->close_codes, cfg->declared);
    sim->links_end = &sim->links;
    sim->memory_at = NEVER;
    sim->run_alarm = (struct alarm){NEVER, NEVER};
    sim->bulletin = server_bulletin(&sim->server_policy, sim->now);
    rng_init(&sim->lateness, cfg->seed, "sim.lateness", 0);
    rng_init(&sim->slices, cfg->seed, "sim.slices", 0);
    rng_init(&sim->losses, cfg->seed, "sim.losses", 0);
    sim->recorder = recorder_new(NULL);
    recorder_copy_to(sim->recorder, lines);
    if (memory)
        recorder_listen(sim->recorder, kept_event, memory);
    run_start_emit(sim->recorder, &start);
    sim->run = run_new(plan, sim->recorder, &options);
    run_watch_doors(sim->run, on_door, sim);
    run_watch_hooks(sim->run, declared, on_hook, sim);
    run_watch_signals(sim->run, on_signal, sim);
    static const struct run_errands errands = {
        .on_restart = on_restart, .on_request = on_request, .on_prompt = on_prompt};
    run_watch_errands(sim->run, &errands, sim);
    sim->machines = plan->clients * (unsigned)sim->client_policy.tabs;
    sim->clients = xcalloc(sim->machines, sizeof *sim->clients);
    for (unsigned i = 0; i < sim->machines; i++)
        sim->clients[i] = (struct sim_client){.sim = sim,
                                              .number = i,
                                              .index = i % plan->clients,
                                              .starts = (nsec)(i % plan->clients) * STAGGER,
                                              .alarm = {NEVER, NEVER}};
}

static const char *go_on(struct sim *sim)
{
    for (;;) {
        settle(sim);
        if (run_finished(sim->run))
            return "finished";
        nsec next = next_instant(sim);
        if (!sim->started && next > sim->cfg->startup)
            return SIM_NEVER_CONNECTED;
        if (next > sim->cfg->limit)
            return "the world's time is up";
        sim->now = next;
        expire(sim);
    }
}

static void end(struct sim *sim, const char *reason)
{
    struct event ev = {.kind = EV_RUN_NOISE, .client = -1, .by = BY_PROXY, .at = sim->now};
    ev.run_noise = (struct ev_run_noise){.p95 = sim->cfg->lateness, .worst = sim->cfg->lateness};
    recorder_emit(sim->recorder, ev);
    run_end(sim->run, reason, sim->now);
    run_free(sim->run);
    while (sim->links) {
        struct link *next = sim->links->next;
        link_free(sim->links);
        sim->links = next;
    }
    for (unsigned i = 0; i < sim->machines; i++)
        player_free(sim->clients[i].machine);
    free(sim->clients);
    recorder_free(sim->recorder);
}

static const char *run(const struct sim_config *cfg, struct text *lines,
                       struct trace_memory *memory)
{
    struct sim sim;
    begin(&sim, cfg, lines, memory);
    const char *reason = go_on(&sim);
    end(&sim, reason);
    return reason;
}

const char *sim_run(const struct sim_config *cfg, struct text *trace)
{
    return run(cfg, trace, NULL);
}

const char *sim_keep(const struct sim_config *cfg, struct text *lines, struct trace **trace)
{
    struct trace_memory *memory = trace_memory_new();
    const char *reason = run(cfg, lines, memory);
    *trace = trace_of_memory(memory, cfg->stage ? &cfg->stage->terms : NULL);
    return reason;
}

bool sim_same_run(const struct sim_config *played, const struct client_policy *other)
{
    struct sim_config cfg = *played;
    cfg.client = *other;
    const struct client_policy policy = client_of(&cfg);
    struct kernel_policy one = kernel_of(played), two = kernel_of(&cfg);
    return one.tcp_keepalive == two.tcp_keepalive && one.verifies == two.verifies &&
           one.any_address == two.any_address && transcript_fits(played->transcript, &policy);
}

/* --- What runs have in common --- */

struct sim_stage *sim_stage_new(const struct sim_config *cfg)
{
    struct sim_stage *stage = xcalloc(1, sizeof *stage);
    const struct run_start start = run_start_of(cfg, NULL);
    run_start_words_init(&stage->words, &start);
    trace_terms_read(&stage->terms,
                     &(struct ev_run_start){.policy = text_chars(&stage->words.policy),
                                            .target = cfg->declared});
    stage->judge = judge_new(text_chars(&stage->words.expect), NULL);
    return stage;
}

void sim_stage_free(struct sim_stage *stage)
{
    if (!stage)
        return;
    run_start_words_fini(&stage->words);
    judge_free(stage->judge);
    free(stage);
}

static bool wants_memory(const struct plan *plan)
{
    for (size_t i = 0; i < plan->expect_count; i++) {
        const struct rule_desc *rule = rule_find(plan->expect[i].rule);
        if (rule && (rule->wants & NEEDS(PROCESS_MEMORY)))
            return true;
    }
    return false;
}

void sim_config_init(struct sim_config *cfg, const struct plan *plan)
{
    *cfg = (struct sim_config){.plan = plan,
                               .declared = DECLARED,
                               .seed = 1,
                               .send_buffer = (size_t)64 << 10,
                               .receive_buffer = (size_t)32 << 10,
                               .startup = 30 * NSEC_PER_SEC,
                               .limit = 24 * 3600 * NSEC_PER_SEC,
                               .memory = wants_memory(plan)};
    client_policy_defaults(&cfg->client);
    cfg->client.max_message = MESSAGE_LIMIT;
    server_policy_defaults(&cfg->server);
    policy_defaults(&cfg->policy);
}

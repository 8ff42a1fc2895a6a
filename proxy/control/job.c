#include "control/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "control/builtin.h"
#include "control/commands.h"
#include "control/pace.h"
#include "control/run_start.h"
#include "net/driver.h"
#include "net/noise.h"
#include "net/socket.h"

#define STAGGER      (25 * NSEC_PER_MSEC) /* real: between the starts of two clients */
#define MEMORY_EVERY NSEC_PER_SEC         /* target time */
#define LAST_LINES   8

struct child {
    struct job *job;
    struct process *process;
    const char *role;
    int client; /* -1: the server */
    bool told;  /* process.exit was written */
};

struct job {
    struct timer timer; /* must stay first: starts clients one by one, then watches the startup */
    struct timer memory_timer;
    struct turn turn;
    struct loop *loop;
    struct processes *processes;
    struct job_spec spec;
    enum job_state state;
    nsec began, ended; /* real */
    FILE *file;
    char *trace; /* relative to the folder */
    struct recorder *recorder;
    struct run *run;
    struct driver *driver;
    struct builtin_server *server;
    struct tls_context *tls_to_client, *tls_to_server;
    struct dialer *dialer; /* asks whether the server listens */
    struct peer *probe;
    bool server_ready, asked_server;
    uint16_t server_port;
    uint16_t ports[PLAN_CLIENTS_LIMIT];
    struct child clients[PLAN_CLIENTS_LIMIT], server_child;
    unsigned started_clients;
    nsec next_start; /* real */
    struct noise noise;
    struct pace *pace;
    char *trouble, *unscaled;
    bool interrupted, driver_stopped;
};

/* --- Words --- */

static char *output_path(const struct job *job, const char *role, int index)
{
    if (index < 0)
        return xprintf("%s/output/%s-%s.log", job->spec.folder, job->spec.label, role);
    return xprintf("%s/output/%s-%s-%d.log", job->spec.folder, job->spec.label, role, index);
}

static void add_last_lines(const struct child *child, struct text *out)
{
    struct text lines;
    text_init(&lines);
    if (child->process)
        process_last_lines(process_output(child->process), LAST_LINES, &lines);
    if (lines.len > 0)
        text_addf(out, "\nits last lines (%s):\n%s", process_output(child->process),
                  text_chars(&lines));
    text_fini(&lines);
}

static void say_trouble(struct job *job, const struct child *child, const char *sentence)
{
    struct text all;
    if (job->trouble)
        return;
    text_init(&all);
    text_add(&all, sentence);
    if (child)
        add_last_lines(child, &all);
    job->trouble = text_take(&all);
}

/* --- Ending --- */

static void end_processes(struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (job->clients[i].process)
            process_end(job->clients[i].process);
    if (job->server_child.process)
        process_end(job->server_child.process);
}

static void write_noise(struct job *job)
{
    struct event ev = {
        .kind = EV_RUN_NOISE, .client = -1, .by = BY_PROXY, .at = driver_now(job->driver)};
    double speed = job->spec.speed;
    ev.run_noise = (struct ev_run_noise){
        .p95 = (nsec)((double)lateness_share(&job->noise.lateness, 0.95) * speed),
        .worst = (nsec)((double)job->noise.lateness.worst * speed)};
    if (ev.at < recorder_last(job->recorder))
        ev.at = recorder_last(job->recorder);
    recorder_emit(job->recorder, ev);
}

static void finish(struct job *job, const char *reason)
{
    if (job->state >= JOB_ENDING)
        return;
    job->state = JOB_ENDING;
    job->ended = loop_now();
    noise_stop(&job->noise);
    loop_timer_set(job->loop, &job->memory_timer, NEVER);
    if (job->driver) {
        write_noise(job);
        run_end(job->run, reason, driver_now(job->driver));
        driver_stop(job->driver);
    }
    recorder_flush(job->recorder);
    end_processes(job);
    loop_touch(job->loop, &job->turn);
    loop_timer_set(job->loop, &job->timer, loop_now());
}

static bool everything_is_gone(const struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (job->clients[i].process && !process_exited(job->clients[i].process))
            return false;
    return !job->server_child.process || process_exited(job->server_child.process);
}

static void be_over(struct job *job)
{
    job->state = JOB_OVER;
    loop_timer_set(job->loop, &job->timer, NEVER);
    if (recorder_failed(job->recorder))
        say_trouble(job, NULL, "the trace could not be written: is the disk full?");
    if (job->file && fclose(job->file) != 0)
        say_trouble(job, NULL, "the trace could not be written: is the disk full?");
    job->file = NULL;
    if (job->spec.on_over)
        job->spec.on_over(job->spec.context, job);
}

void job_stop(struct job *job, const char *reason)
{
    if (job->state >= JOB_ENDING)
        return;
    job->interrupted = true;
    finish(job, reason);
}

/* --- Exits of processes --- */

static void write_exit(struct job *job, struct child *child)
{
    struct event ev = {.kind = EV_PROCESS_EXIT, .client = child->client, .by = BY_ENDPOINT};
    if (child->told || !job->driver || job->state >= JOB_ENDING)
        return;
    child->told = true;
    ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
    ev.process_exit = (struct ev_process_exit){.role = child->role,
                                               .pid = (uint64_t)process_pid(child->process),
                                               .how = process_how(child->process),
                                               .asked = process_asked(child->process)};
    recorder_emit(job->recorder, ev);
}

static bool all_clients_exited(const struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (!process_exited(job->clients[i].process))
            return false;
    return job->started_clients > 0;
}

static void on_exit_of(void *context, struct process *process)
{
    struct child *child = context;
    struct job *job = child->job;
    write_exit(job, child);
    if (job->state == JOB_STARTING) {
        char *sentence = child->client < 0
                             ? xprintf("the server ended at once (%s)", process_how(process))
                             : xprintf("client %d ended before the scenario began (%s)",
                                       child->client, process_how(process));
        say_trouble(job, child, sentence);
        free(sentence);
        finish(job, "an endpoint ended at once");
    } else if (job->state == JOB_RUNNING && child->client >= 0) {
        run_process_exited(job->run, (unsigned)child->client, driver_now(job->driver));
        driver_touch(job->driver);
        if (all_clients_exited(job))
            finish(job, "every client process has exited");
    } else if (job->state == JOB_RUNNING) {
        say_trouble(job, child, "the server ended in the middle of the scenario");
        finish(job, "the server has exited");
    }
    loop_touch(job->loop, &job->turn);
}

/* --- Starting --- */

static bool start_child(struct job *job, struct child *child, const char *command,
                        const char *const *environment)
{
    char *output = output_path(job, child->role, child->client);
    struct process_spec spec = {.command = command,
                                .environment = environment,
                                .output = output,
                                .on_exit = on_exit_of,
                                .context = child};
    child->job = job;
    child->process = process_start(job->processes, &spec);
    if (!child->process) {
        char *sentence = xprintf("'%s' could not be started: %s", command, strerror(errno));
        say_trouble(job, NULL, sentence);
        free(sentence);
    } else if (job->driver) {
        char *redacted = command_redacted(command);
        struct event ev = {.kind = EV_PROCESS_START, .client = child->client, .by = BY_PROXY};
        ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
        ev.process_start =
            (struct ev_process_start){.role = child->role,
                                      .pid = (uint64_t)process_pid(child->process),
                                      .command = redacted,
                                      .output = output + strlen(job->spec.folder) + 1};
        recorder_emit(job->recorder, ev);
        free(redacted);
    }
    free(output);
    return child->process != NULL;
}

static char *client_url(const struct job *job, unsigned client)
{
    const struct subject *subject = job->spec.subject;
    const char *target = subject->path            ? subject->path
                         : subject->server.target ? subject->server.target
                                                  : "/";
    bool tls = job->tls_to_client != NULL;
    return xprintf("%s:%u%s", tls ? "wss://localhost" : "ws://127.0.0.1", job->ports[client],
                   target);
}

/* The reference client under test, with what the scenario lets it send. */
static char *reference_command(const struct job *job)
{
    const struct plan *plan = job->spec.plan;
    struct text command;
    text_init(&command);
    text_addf(&command, "exec '%s' client --seed %llu", command_executable(),
              (unsigned long long)job->spec.seed);
    if (job->spec.subject->client_flaw)
        text_addf(&command, " --flaw %s", job->spec.subject->client_flaw);
    if (plan->client.sends > 0)
        text_addf(&command, " --rate %.0fB/s --message_size %lluB", plan->client.sends,
                  (unsigned long long)plan->client.message_bytes);
    text_add(&command, " {url}");
    return text_take(&command);
}

#define ENVIRONMENT_LIMIT 64

static size_t add_words(const char **into, size_t count, char *const *words)
{
    for (size_t i = 0; words && words[i] && count < ENVIRONMENT_LIMIT; i++)
        into[count++] = words[i];
    return count;
}

static bool start_client(struct job *job, unsigned client)
{
    const struct subject *subject = job->spec.subject;
    const char *environment[ENVIRONMENT_LIMIT + 1];
    char *url = client_url(job, client), *command;
    char *own[] = {xprintf("HALFOPEN_URL=%s", url), xprintf("HALFOPEN_INDEX=%u", client), NULL};
    size_t count = add_words(environment, 0, own);
    count = add_words(environment, count, subject->client_environment);
    if (job->tls_to_client && job->spec.ca)
        count = add_words(environment, count, job->spec.ca->environment);
    char **paced = pace_environment(job->pace, loop_now() - job->began);
    count = add_words(environment, count, paced);
    environment[count] = NULL;
    char *template =
        subject->client_command ? xstrdup(subject->client_command) : reference_command(job);
    struct command_values values = {.url = url, .index = (long)client, .port = job->ports[client]};
    command = command_substitute(template, &values);
    job->clients[client] = (struct child){.role = "client", .client = (int)client};
    bool started = start_child(job, &job->clients[client], command, environment);
    free(template);
    free(command);
    free(url);
    free(own[0]);
    free(own[1]);
    pace_free_environment(paced);
    return started;
}

static void start_next_client(struct job *job)
{
    nsec now = loop_now();
    while (job->started_clients < job->spec.plan->clients && job->next_start <= now) {
        if (!start_client(job, job->started_clients)) {
            finish(job, "a client could not be started");
            return;
        }
        job->started_clients++;
        job->next_start = nsec_max(job->next_start, now - STAGGER) + STAGGER;
    }
}

/* --- The server --- */

static uint16_t free_port(void)
{
    struct addresses addresses;
    if (socket_resolve("127.0.0.1", 0, &addresses) != NULL)
        return 0;
    int fd = socket_listen(&addresses.list[0]);
    uint16_t port = fd >= 0 ? socket_port(fd) : 0;
    if (fd >= 0)
        socket_reset(fd);
    return port;
}

static void on_probe_open(struct peer *peer)
{
    struct job *job = peer_owner(peer);
    job->server_ready = true;
    job->asked_server = false;
    peer_close(peer);
    loop_touch(job->loop, &job->turn);
}

static void on_probe_failed(struct peer *peer, const char *how)
{
    struct job *job = peer_owner(peer);
    (void)how;
    job->asked_server = false;
}

static void on_probe_end(struct peer *peer, enum io_result how)
{
    (void)peer;
    (void)how;
}

static void on_probe_data(struct peer *peer, const uint8_t *bytes, size_t len)
{
    (void)peer;
    (void)bytes;
    (void)len;
}

static void on_probe_writable(struct peer *peer)
{
    (void)peer;
}

static const struct peer_ops probe_ops = {.on_open = on_probe_open,
                                          .on_failed = on_probe_failed,
                                          .on_data = on_probe_data,
                                          .on_writable = on_probe_writable,
                                          .on_end = on_probe_end};

static const char *server_host(const struct job *job)
{
    return job->spec.subject->server.host ? job->spec.subject->server.host : "127.0.0.1";
}

static void ask_server(struct job *job)
{
    const char *why = NULL;
    if (job->server_ready || job->asked_server)
        return;
    if (job->probe)
        peer_forget(job->probe);
    job->probe = dialer_connect(job->dialer, server_host(job), job->server_port, NULL, &probe_ops,
                                job, &why);
    job->asked_server = job->probe != NULL;
}

static bool start_server_command(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    struct command_values values = {.index = -1};
    job->server_port = subject->server.port ? subject->server.port : free_port();
    values.port = job->server_port;
    char **paced = pace_environment(job->pace, loop_now() - job->began);
    char *command = command_substitute(subject->server_command, &values);
    job->server_child = (struct child){.role = "server", .client = -1};
    bool started = start_child(job, &job->server_child, command, (const char *const *)paced);
    free(command);
    pace_free_environment(paced);
    return started;
}

static bool start_server(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    struct server_policy policy;
    if (!subject_has_builtin_server(subject)) {
        job->server_port = subject->server.port;
        return subject->server_command ? start_server_command(job) : true;
    }
    server_policy_defaults(&policy);
    policy.echo = job->spec.plan->server.echo;
    policy.ping = job->spec.plan->server.pings;
    job->server =
        builtin_server_new(job->loop, "127.0.0.1", 0, NULL, &policy, job->spec.speed, NULL);
    if (!job->server)
        say_trouble(job, NULL, "the built-in server cannot listen on 127.0.0.1");
    else
        job->server_port = builtin_server_port(job->server);
    job->server_ready = job->server != NULL;
    return job->server != NULL;
}

/* --- The driver --- */

static bool open_tls(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    struct text why;
    text_init(&why);
    if ((job->spec.plan->tls || subject->tls) && job->spec.ca) {
        job->tls_to_client = tls_server_new(job->spec.ca->certificate, job->spec.ca->key, &why);
        if (!job->tls_to_client)
            say_trouble(job, NULL, text_chars(&why));
    }
    if (subject->server.secure) {
        job->tls_to_server = tls_client_new(
            subject->server_ca, subject->server_unverified ? TLS_TRUST_ANYBODY : TLS_VERIFY, &why);
        if (!job->tls_to_server)
            say_trouble(job, NULL, text_chars(&why));
    }
    text_fini(&why);
    return job->trouble == NULL;
}

static void look(struct job *job);

static void on_driver_turn(void *context)
{
    look(context);
}

static bool open_driver(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    const char *why = NULL;
    struct driver_config config = {
        .speed = job->spec.speed,
        .recorder = job->recorder,
        .upstream = {.host = server_host(job), .port = job->server_port, .tls = job->tls_to_server},
        .tls = job->tls_to_client,
        .on_turn = on_driver_turn,
        .context = job};
    struct run_options options = {.seed = job->spec.seed,
                                  .server_builtin = subject_has_builtin_server(subject),
                                  .epoch = (int64_t)time(NULL),
                                  .observe = true};
    job->run = run_new(job->spec.plan, job->recorder, &options);
    job->driver = driver_new(job->loop, job->run, &config, &why);
    if (!job->driver) {
        char *sentence = xprintf("the server's name '%s': %s", config.upstream.host, why);
        say_trouble(job, NULL, sentence);
        free(sentence);
        return false;
    }
    for (unsigned i = 0; i < job->spec.plan->clients; i++) {
        job->ports[i] =
            driver_listen(job->driver, i, "127.0.0.1", 0,
                          job->tls_to_client ? DRIVER_BOTH_LOOPBACKS : DRIVER_ONE_FAMILY);
        if (job->ports[i] == 0) {
            say_trouble(job, NULL, "no free port to listen on at 127.0.0.1");
            return false;
        }
    }
    return true;
}

static bool open_trace(struct job *job)
{
    job->trace = xprintf("traces/%s.jsonl", job->spec.label);
    char *path = xprintf("%s/%s", job->spec.folder, job->trace);
    job->file = fopen(path, "w");
    if (!job->file) {
        char *sentence = xprintf("%s: %s", path, strerror(errno));
        say_trouble(job, NULL, sentence);
        free(sentence);
    }
    free(path);
    job->recorder = recorder_new(job->file);
    const struct subject *subject = job->spec.subject;
    run_start_emit(job->recorder,
                   &(struct run_start){.plan = job->spec.plan,
                                       .policy = &subject->policy,
                                       .origins = (const char *const *)subject->origins,
                                       .profile = subject->profile,
                                       .declared = subject->declared,
                                       .confirms = job->spec.confirms,
                                       .started = job->spec.started,
                                       .seed = job->spec.seed,
                                       .speed = job->spec.speed,
                                       .noise = (nsec)((double)job->spec.noise * job->spec.speed)});
    return job->file != NULL;
}

/* --- Memory --- */

static void sample_memory(struct job *job, const struct child *child)
{
    struct proctree tree;
    if (!child->process || process_exited(child->process))
        return;
    process_tree(child->process, &tree);
    struct event ev = {.kind = EV_PROCESS_MEMORY, .client = child->client, .by = BY_ENDPOINT};
    ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
    ev.process_memory = (struct ev_process_memory){.pid = (uint64_t)process_pid(child->process),
                                                   .bytes = proctree_memory(&tree)};
    recorder_emit(job->recorder, ev);
}

static void on_memory_due(struct timer *timer, nsec now)
{
    struct job *job = (struct job *)((char *)timer - offsetof(struct job, memory_timer));
    for (unsigned i = 0; i < job->started_clients; i++)
        sample_memory(job, &job->clients[i]);
    loop_timer_set(job->loop, timer, now + (nsec)((double)MEMORY_EVERY / job->spec.speed));
}

/* --- The story of a job --- */

static void say_never_connected(struct job *job, const struct run_status *status)
{
    if (!job->server_ready) {
        char *sentence = xprintf("the server does not accept connections on %s:%u",
                                 server_host(job), job->server_port);
        say_trouble(job, job->server_child.process ? &job->server_child : NULL, sentence);
        free(sentence);
        return;
    }
    int patience_s = (int)(JOB_STARTUP / NSEC_PER_SEC);
    char *sentence =
        status->ever_connected == status->clients
            ? xprintf("every client connected, but they did not stay: %u of %u were open after %d s; "
                      "the scenario begins when all are",
                      status->open, status->clients, patience_s)
            : xprintf("%u of %u clients connected within %d s; each was given its URL as {url} in the "
                      "command and as HALFOPEN_URL in the environment",
                      status->ever_connected, status->clients, patience_s);
    say_trouble(job, &job->clients[0], sentence);
    free(sentence);
}

static bool is_alive(const struct child *child)
{
    return child->process && !process_exited(child->process);
}

/* Clients without a connection at the moment hold no socket to ask about. */
static void check_pace(struct job *job, const bool connected[])
{
    const char *why = NULL;
    for (unsigned i = 0; i < job->started_clients && !why; i++)
        if (is_alive(&job->clients[i]) && connected[i])
            (void)pace_is_kept(job->pace, job->clients[i].process, 0, job->ports[i], &why);
    if (!why && is_alive(&job->server_child))
        (void)pace_is_kept(job->pace, job->server_child.process, job->server_port, 0, &why);
    if (!why || job->unscaled)
        return;
    job->unscaled = xstrdup(why);
    finish(job, "its processes cannot be sped up");
}

static void check_pace_of_connected(struct job *job)
{
    bool connected[PLAN_CLIENTS_LIMIT];
    for (unsigned i = 0; i < job->spec.plan->clients; i++)
        connected[i] = run_client_is_open(job->run, i);
    check_pace(job, connected);
}

/* Anew: the start of many processes is loud, and nothing of it is judged. */
static void watch_noise(struct job *job)
{
    noise_stop(&job->noise);
    noise_watch(&job->noise, job->loop);
}

static void begin_scenario(struct job *job)
{
    job->state = JOB_RUNNING;
    check_pace_of_connected(job);
    if (job->state != JOB_RUNNING)
        return;
    watch_noise(job);
    driver_start(job->driver);
    if (job->spec.wants_memory)
        loop_timer_set(job->loop, &job->memory_timer, loop_now());
}

static void look_at_start(struct job *job, nsec now)
{
    struct run_status status = {0};
    ask_server(job);
    if (job->server_ready)
        start_next_client(job);
    if (job->state != JOB_STARTING)
        return;
    run_status(job->run, &status);
    if (status.open == status.clients) {
        begin_scenario(job);
    } else if (now > job->began + JOB_STARTUP) {
        say_never_connected(job, &status);
        finish(job, "a client never connected");
    }
}

static void look(struct job *job)
{
    nsec now = loop_now();
    if (job->state == JOB_STARTING)
        look_at_start(job, now);
    if (job->state == JOB_RUNNING && run_finished(job->run)) {
        check_pace_of_connected(job);
        finish(job, "finished");
    }
    if (job->state == JOB_ENDING && everything_is_gone(job))
        be_over(job);
}

static void on_due(struct timer *timer, nsec now)
{
    struct job *job = (struct job *)timer;
    (void)now;
    look(job);
    if (job->state == JOB_STARTING || job->state == JOB_ENDING)
        loop_timer_set(job->loop, timer, loop_now() + STAGGER);
}

static void on_turn(struct turn *turn)
{
    look((struct job *)((char *)turn - offsetof(struct job, turn)));
}

struct job *job_new(struct loop *loop, struct processes *processes, const struct job_spec *spec)
{
    struct job *job = xcalloc(1, sizeof *job);
    job->timer.on_due = on_due;
    job->memory_timer.on_due = on_memory_due;
    job->turn.on_turn = on_turn;
    job->loop = loop;
    job->processes = processes;
    job->spec = *spec;
    return job;
}

void job_start(struct job *job)
{
    job->began = job->ended = loop_now();
    job->next_start = job->began;
    job->dialer = dialer_new(job->loop);
    noise_watch(&job->noise, job->loop);
    job->pace = pace_new(job->spec.speed);
    if (!open_trace(job) || !open_tls(job) || !start_server(job) || !open_driver(job))
        finish(job, "it could not begin");
    loop_timer_set(job->loop, &job->timer, loop_now());
}

static void free_child(struct job *job, struct child *child)
{
    if (!child->process)
        return;
    pace_sweep(job->pace, child->process);
    process_free(child->process);
}

void job_free(struct job *job)
{
    loop_timer_set(job->loop, &job->timer, NEVER);
    loop_timer_set(job->loop, &job->memory_timer, NEVER);
    loop_untouch(&job->turn);
    if (job->run)
        run_free(job->run);
    if (job->driver)
        driver_free(job->driver);
    builtin_server_free(job->server);
    if (job->probe)
        peer_forget(job->probe);
    dialer_free(job->dialer);
    for (unsigned i = 0; i < job->started_clients; i++)
        free_child(job, &job->clients[i]);
    free_child(job, &job->server_child);
    if (job->tls_to_client)
        tls_context_free(job->tls_to_client);
    if (job->tls_to_server)
        tls_context_free(job->tls_to_server);
    recorder_free(job->recorder);
    if (job->file)
        (void)fclose(job->file);
    pace_free(job->pace);
    free(job->trace);
    free(job->trouble);
    free(job->unscaled);
    free(job);
}

/* --- Questions --- */

enum job_state job_state(const struct job *job)
{
    return job->state;
}

void job_status(const struct job *job, struct run_status *status)
{
    *status = (struct run_status){.clients = job->spec.plan->clients, .doing = "starting"};
    if (job->run)
        run_status(job->run, status);
}

nsec job_elapsed(const struct job *job)
{
    return job->driver ? driver_now(job->driver) : 0;
}

double job_wall(const struct job *job)
{
    nsec until = job->state >= JOB_ENDING ? job->ended : loop_now();
    return nsec_to_seconds(until - job->began);
}

const char *job_trace(const struct job *job)
{
    return job->trace;
}

const char *job_trouble(const struct job *job)
{
    return job->trouble;
}

const char *job_unscaled(const struct job *job)
{
    return job->unscaled;
}

bool job_interrupted(const struct job *job)
{
    return job->interrupted;
}

/* The processes of a job: their environment, their output, their exits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/commands.h"
#include "control/job_parts.h"
#include "trace/trace.h"

/* Each process has a file of its own: those that take another's place are numbered from 2. */
static char *output_path(const struct job *job, const struct child *child)
{
    struct text path;
    text_init(&path);
    text_addf(&path, "%s/output/%s-%s", job->spec.folder, job->spec.label, child->role);
    if (child->client >= 0)
        text_addf(&path, "-%d", child->client);
    if (child->life > 0)
        text_addf(&path, ".%u", child->life + 1);
    text_add(&path, ".log");
    return text_take(&path);
}

bool child_alive(const struct child *child)
{
    return child->process && !process_exited(child->process);
}

/* --- Exits of processes --- */

static void write_exit(struct job *job, struct child *child)
{
    struct event ev = {.kind = EV_PROCESS_EXIT, .client = child->number, .by = BY_ENDPOINT};
    if (child->told || !job->driver || job->state >= JOB_ENDING)
        return;
    child->told = true;
    ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
    ev.process_exit =
        (struct ev_process_exit){.role = child->role,
                                 .pid = (uint64_t)process_pid(child->process),
                                 .how = process_how(child->process),
                                 .asked = process_asked(child->process) || child->signalled};
    recorder_emit(job->recorder, ev);
}

/* Those that a step of the scenario told to end are what it waits for: it goes on. */
static bool all_clients_exited(const struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (!process_exited(job->clients[i].process) || job->clients[i].signalled)
            return false;
    return job->started_clients > 0;
}

static void say_ended(struct job *job, const struct child *child, const char *when)
{
    const char *how = process_how(child->process);
    struct proctree left;
    struct text words;
    text_init(&words);
    if (child->client < 0)
        text_addf(&words, "the server ended at once (%s)", how);
    else
        text_addf(&words, "client %d ended %s (%s)", child->client, when, how);
    process_tree(child->process, &left);
    causes_of_exit(how, child->client >= 0, left.count, &words);
    job_say_trouble(job, child, text_chars(&words));
    text_fini(&words);
}

/* Its process has ended, and others of it hold its connection. */
static bool is_in_background(const struct job *job, const struct child *child)
{
    struct proctree left;
    if (strcmp(process_how(child->process), "exit 0") != 0 || child->signalled ||
        !run_client_is_open(job->run, (unsigned)child->client))
        return false;
    process_tree(child->process, &left);
    return left.count > 0;
}

static void on_client_exit(struct job *job, struct child *child)
{
    unsigned client = (unsigned)child->client;
    bool left = is_in_background(job, child);
    job_hooks_on_exit(job->hooks, client, process_how(child->process));
    run_process_exited(job->run, client, driver_now(job->driver));
    driver_touch(job->driver);
    if (left) {
        say_ended(job, child, "in the middle of the scenario");
        job_finish(job, "a client went into the background");
    } else if (all_clients_exited(job)) {
        job_finish(job, RUN_CLIENTS_EXITED);
    }
}

static void on_exit_of(void *context, struct process *process)
{
    (void)process;
    struct child *child = context;
    struct job *job = child->job;
    write_exit(job, child);
    if (child->restarting)
        job_restart_on_exit(child);
    if (job->state == JOB_STARTING) {
        say_ended(job, child, "before the scenario began");
        job_finish(job, "an endpoint ended at once");
    } else if (job->state == JOB_RUNNING && child->client >= 0) {
        on_client_exit(job, child);
    } else if (job->state == JOB_RUNNING && !child->restarting) {
        job_say_trouble(job, child, "the server ended in the middle of the scenario");
        job_finish(job, "the server has exited");
    }
    loop_touch(job->loop, &job->turn);
}

/* --- Starting --- */

static void on_line_of(void *context, const char *line, size_t len)
{
    struct child *child = context;
    job_hooks_on_line(child->job->hooks, (unsigned)child->client, line, len);
}

bool child_start(struct job *job, struct child *child, const char *command,
                 const char *const *environment)
{
    char *output = output_path(job, child);
    struct process_spec spec = {.command = command,
                                .environment = environment,
                                .output = output,
                                .on_exit = on_exit_of,
                                .context = child};
    if (child->client >= 0) {
        spec.wants_input = job_hooks_want_input(job->hooks);
        spec.on_line = job_hooks_want_lines(job->hooks) ? on_line_of : NULL;
    }
    child->job = job;
    child->process = process_start(job->processes, &spec);
    if (!child->process) {
        char *sentence = xprintf("the %s could not be started: %s", child->role, strerror(errno));
        job_say_trouble(job, NULL, sentence);
        free(sentence);
    } else if (job->driver) {
        char *redacted = command_redacted(command);
        struct event ev = {.kind = EV_PROCESS_START, .client = child->number, .by = BY_PROXY};
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
    return xprintf("%s://%s:%u%s", job->tls_to_client ? "wss" : "ws",
                   job_client_has_name(job) ? "localhost" : "127.0.0.1", job->ports[client],
                   target);
}

/* The reference client under test, with what the scenario lets it send. */
static char *reference_command(const struct job *job)
{
    const struct plan *plan = job->spec.plan;
    struct text command;
    text_init(&command);
    text_addf(&command, "exec '%s' client --hooks --seed %llu", command_executable(),
              (unsigned long long)job->spec.seed);
    if (job->spec.subject->client_flaw)
        text_addf(&command, " --flaw %s", job->spec.subject->client_flaw);
    if (plan->client.sends > 0)
        text_addf(&command, " --rate %.0fB/s", plan->client.sends);
    if (plan_sends(plan))
        text_addf(&command, " --message_size %lluB",
                  (unsigned long long)plan->client.message_bytes);
    if (plan->client.retry_limit > 0)
        text_addf(&command, " --retry_limit %llu", (unsigned long long)plan->client.retry_limit);
    if (plan->client.topics > 0)
        text_addf(&command, " --topics %llu", (unsigned long long)plan->client.topics);
    if (plan->client.session)
        text_add(&command, " --session true");
    if (plan->client.deflate)
        text_add(&command, " --deflate true");
    if (plan->client.authenticates != AUTHENTICATES_NOT)
        text_addf(&command, " --authenticates %s", authenticates_names[plan->client.authenticates]);
    if (plan->client.token_life > 0)
        text_addf(&command, " --token_life %.0fs", nsec_to_seconds(plan->client.token_life));
    text_add(&command, " {url}");
    return text_take(&command);
}

/* NULL: the trouble was said. */
static char *browser_command_of(struct job *job, unsigned client, const char *url)
{
    char *command = NULL;
    job_browser_free(job->browsers[client]); /* of the process before this one */
    job->browsers[client] = job_browser_new(job, client, url, &command);
    if (job->browsers[client])
        return command;
    char *sentence = xprintf("a browser's profile could not be made: %s", strerror(errno));
    job_say_trouble(job, NULL, sentence);
    free(sentence);
    return NULL;
}

static char *client_command_of(struct job *job, unsigned client,
                               const struct command_values *values)
{
    const struct subject *subject = job->spec.subject;
    if (subject->client_page)
        return browser_command_of(job, client, values->url);
    char *template =
        subject->client_command ? xstrdup(subject->client_command) : reference_command(job);
    char *command = command_substitute(template, values);
    free(template);
    return command;
}

bool job_browsers_are_ready(struct job *job)
{
    bool ready = true;
    for (unsigned i = 0; i < job->started_clients; i++)
        ready = (!job->browsers[i] || job_browser_is_ready(job->browsers[i])) && ready;
    return ready;
}

#define ENVIRONMENT_LIMIT 64

static size_t add_words(const char **into, size_t count, char *const *words)
{
    for (size_t i = 0; words && words[i] && count < ENVIRONMENT_LIMIT; i++)
        into[count++] = words[i];
    return count;
}

bool job_start_client(struct job *job, unsigned client)
{
    const struct subject *subject = job->spec.subject;
    const char *environment[ENVIRONMENT_LIMIT + 1];
    char *url = client_url(job, client), *command;
    unsigned hook_port = job_hooks_port(job->hooks, client);
    char *own[] = {xprintf("HALFOPEN_URL=%s", url), xprintf("HALFOPEN_INDEX=%u", client),
                   hook_port > 0 ? xprintf("HALFOPEN_HOOK_PORT=%u", hook_port) : NULL, NULL};
    size_t count = add_words(environment, 0, own);
    count = add_words(environment, count, subject->client_environment);
    if (job->tls_to_client && job->spec.ca)
        count = add_words(environment, count, job->spec.ca->environment);
    char **paced = pace_environment(job->pace, loop_now() - job->began);
    count = add_words(environment, count, paced);
    environment[count] = NULL;
    struct command_values values = {
        .url = url, .index = (long)client, .port = job->ports[client], .hook_port = hook_port};
    command = client_command_of(job, client, &values);
    job->clients[client] = (struct child){.role = "client",
                                          .client = (int)client,
                                          .number = (int)run_client_number(job->run, client),
                                          .life = job->clients[client].life};
    bool started = command && child_start(job, &job->clients[client], command, environment);
    free(command);
    free(url);
    free(own[0]);
    free(own[1]);
    free(own[2]);
    pace_free_environment(paced);
    return started;
}

/* --- Memory --- */

static void sample_memory(struct job *job, const struct child *child)
{
    struct proctree tree;
    if (!child->process || process_exited(child->process))
        return;
    process_tree(child->process, &tree);
    struct event ev = {.kind = EV_PROCESS_MEMORY, .client = child->number, .by = BY_ENDPOINT};
    ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
    ev.process_memory = (struct ev_process_memory){.pid = (uint64_t)process_pid(child->process),
                                                   .bytes = proctree_memory(&tree)};
    recorder_emit(job->recorder, ev);
}

void job_sample_memory(struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        sample_memory(job, &job->clients[i]);
}

uint64_t job_client_memory(const struct job *job)
{
    struct proctree tree;
    if (job->started_clients == 0 || !child_alive(&job->clients[0]))
        return 0;
    process_tree(job->clients[0].process, &tree);
    return proctree_memory(&tree);
}

/* --- The end --- */

void job_end_children(struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (job->clients[i].process)
            process_end(job->clients[i].process);
    if (job->server_child.process)
        process_end(job->server_child.process);
}

bool job_children_gone(const struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (job->clients[i].process && !process_exited(job->clients[i].process))
            return false;
    return !job->server_child.process || process_exited(job->server_child.process);
}

void child_free(struct job *job, struct child *child)
{
    if (!child->process)
        return;
    pace_sweep(job->pace, child->process);
    process_free(child->process);
}

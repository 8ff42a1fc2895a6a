/* What must be there before a scenario can begin: the trace, the server, the listening ports. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/job_parts.h"
#include "control/run_start.h"
#include "endpoint/client.h"
#include "endpoint/news.h"
#include "net/socket.h"
#include "net/wall.h"

/* --- The server --- */

uint16_t job_free_port(void)
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

static bool start_server_command(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    struct command_values values = {.index = -1};
    if (job->server_port == 0)
        job->server_port = subject->server.port ? subject->server.port : job_free_port();
    values.port = job->server_port;
    char **paced = pace_environment(job->pace, loop_now() - job->began);
    char *command = command_substitute(subject->server_command, &values);
    job->server_child = (struct child){
        .role = "server", .client = -1, .number = -1, .life = job->server_child.life};
    bool started = child_start(job, &job->server_child, command, (const char *const *)paced);
    free(command);
    pace_free_environment(paced);
    return started;
}

static struct builtin_server *new_builtin(struct job *job, uint16_t port)
{
    const struct plan *plan = job->spec.plan;
    const struct subject_auth auth = subject_auth(job->spec.subject, plan);
    struct server_policy policy;
    server_policy_defaults(&policy);
    policy.echo = plan->server.echo;
    policy.ping = plan->server.pings;
    policy.says = plan->server.says;
    policy.publishes = plan->server.publishes;
    policy.sessions = plan->server.sessions;
    policy.deflate = plan->server.deflate;
    policy.auth_message = auth.message;
    policy.auth_answer = auth.answer;
    struct builtin_server *server =
        builtin_server_new(job->loop, "127.0.0.1", port, NULL, &policy, job->spec.speed, NULL);
    if (!server) {
        job_say_trouble(job, NULL, "the built-in server cannot listen on 127.0.0.1");
        return NULL;
    }
    if (job->posted == 0) {
        job->posted = loop_now();
        job->bulletin = server_bulletin(&policy, 0);
    }
    builtin_server_share(server, &job->bulletin, job->posted);
    return server;
}

bool job_start_server(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    if (!subject_has_builtin_server(subject)) {
        if (subject->server_command)
            return start_server_command(job);
        job->server_port = subject->server.port;
        return true;
    }
    job->server = new_builtin(job, job->server_port);
    if (job->server)
        job->server_port = builtin_server_port(job->server);
    job->server_ready = job->server != NULL;
    return job->server != NULL;
}

/* --- Its other backends --- */

/* How many the scenario can choose among: of halfopen's own as many as its routes name. */
static unsigned backends_of(const struct job *job)
{
    const struct subject *subject = job->spec.subject;
    if (subject_has_builtin_server(subject))
        return plan_backends(job->spec.plan);
    return subject->backend_count > 0 ? subject->backend_count : 1;
}

static bool open_other_backends(struct job *job, struct driver_upstream *others)
{
    const struct subject *subject = job->spec.subject;
    unsigned count = backends_of(job);
    for (unsigned i = 1; i < count; i++) {
        struct driver_upstream *other = &others[i - 1];
        *other = (struct driver_upstream){.host = "127.0.0.1", .tls = job->tls_to_server};
        if (!subject_has_builtin_server(subject)) {
            other->host = subject->backends[i].host;
            other->port = subject->backends[i].port;
            continue;
        }
        job->others[i - 1] = new_builtin(job, 0);
        if (!job->others[i - 1])
            return false;
        other->port = builtin_server_port(job->others[i - 1]);
    }
    return true;
}

/* --- The driver --- */

bool job_client_has_name(const struct job *job)
{
    return job->tls_to_client || job->spec.plan->named;
}

static bool open_tls(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    struct text why;
    text_init(&why);
    if ((job->spec.plan->tls || subject->tls) && job->spec.ca) {
        job->tls_to_client = tls_server_new(job->spec.ca->certificate, job->spec.ca->key, &why);
        if (!job->tls_to_client || (plan_wants_authority(job->spec.plan) &&
                                    !flawed_open(&job->flawed, job->spec.ca, &why)))
            job_say_trouble(job, NULL, text_chars(&why));
    }
    if (subject->server.secure) {
        job->tls_to_server = tls_client_new(
            subject->server_ca, subject->server_unverified ? TLS_TRUST_ANYBODY : TLS_VERIFY, &why);
        if (!job->tls_to_server)
            job_say_trouble(job, NULL, text_chars(&why));
    }
    text_fini(&why);
    return job->trouble == NULL;
}

static void on_driver_turn(void *context)
{
    job_look(context);
}

static bool open_driver(struct job *job)
{
    const struct subject *subject = job->spec.subject;
    const char *why = NULL;
    struct driver_upstream others[PLAN_BACKENDS_LIMIT - 1];
    if (!open_other_backends(job, others))
        return false;
    for (unsigned i = 0; i < subject->backend_count; i++)
        job->hosts[i] = subject->backends[i].authority;
    struct driver_config config = {.speed = job->spec.speed,
                                   .recorder = job->recorder,
                                   .upstream = {.host = job_server_host(job),
                                                .port = job->server_port,
                                                .tls = job->tls_to_server},
                                   .more = others,
                                   .more_count = backends_of(job) - 1,
                                   .tls = job->tls_to_client,
                                   .flawed = job->flawed.expired ? &job->flawed : NULL,
                                   .on_turn = on_driver_turn,
                                   .context = job};
    struct run_options options = {
        .seed = job->spec.seed,
        .server_builtin = subject_has_builtin_server(subject),
        .backends = backends_of(job),
        .hosts = subject->backend_count > 0 ? job->hosts : NULL,
        .close_codes = subject_close_codes(subject),
        .message_id = subject_has_builtin_client(subject) ? CLIENT_MESSAGE_ID : NULL,
        .auth_message = subject_auth(subject, job->spec.plan).message,
        .auth_ack = subject_auth(subject, job->spec.plan).ack,
        .session_state = subject_has_builtin_client(subject) ? NEWS_SESSION_STATE : NULL,
        .epoch = wall_seconds(),
        .observe = true,
        .on_message = job->spec.on_message,
        .message_context = job->spec.context};
    job->run = run_new(job->spec.plan, job->recorder, &options);
    job->driver = driver_new(job->loop, job->run, &config, &why);
    if (!job->driver) {
        char *sentence = xprintf("the server's name '%s': %s", config.upstream.host, why);
        job_say_trouble(job, NULL, sentence);
        free(sentence);
        return false;
    }
    job->hooks = job_hooks_open(job);
    job_watch_errands(job);
    for (unsigned i = 0; i < job->spec.plan->clients; i++) {
        job->ports[i] =
            driver_listen(job->driver, i, "127.0.0.1", 0,
                          job_client_has_name(job) ? DRIVER_BOTH_LOOPBACKS : DRIVER_ONE_FAMILY);
        if (job->ports[i] == 0) {
            char *sentence = xprintf("cannot listen on a port of 127.0.0.1 for client %u: %s", i,
                                     strerror(errno));
            job_say_trouble(job, NULL, sentence);
            free(sentence);
            return false;
        }
    }
    return true;
}

static void on_event(void *context, const struct event *ev)
{
    struct job *job = context;
    if (job->state == JOB_STARTING)
        sightings_note(&job->seen, ev);
}

bool job_open_trace(struct job *job)
{
    job->trace = xprintf("traces/%s.jsonl", job->spec.label);
    char *path = xprintf("%s/%s", job->spec.folder, job->trace);
    job->file = fopen(path, "w");
    if (!job->file) {
        char *sentence = xprintf("%s: %s", path, strerror(errno));
        job_say_trouble(job, NULL, sentence);
        free(sentence);
    }
    free(path);
    job->recorder = recorder_new(job->file);
    recorder_listen(job->recorder, on_event, job);
    recorder_hide(job->recorder, job->spec.subject->secrets);
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

bool job_open(struct job *job)
{
    return job_open_trace(job) && open_tls(job) && job_start_server(job) && open_driver(job);
}

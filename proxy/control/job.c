#include "control/job.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "control/job_parts.h"
#include "trace/trace.h"

#define MEMORY_EVERY      NSEC_PER_SEC          /* target time */
#define QUIET_BEGIN       (250 * NSEC_PER_MSEC) /* real: since the newest connection */
#define LOUD_BEGIN        (2 * NSEC_PER_SEC) /* real: who connects all the time is not waited for */
#define CONNECTIONS_LIMIT 20000 /* ten times what the most impatient of ten clients needs */

/* --- Trouble --- */

#define LAST_LINES 20 /* a stack trace and what it is about */

static void add_last_lines(const struct child *child, struct text *out)
{
    struct text lines;
    text_init(&lines);
    if (child->process)
        process_last_lines(child->process, LAST_LINES, &lines);
    if (lines.len > 0)
        text_addf(out, "\nits last lines (%s):\n%s", process_output(child->process),
                  text_chars(&lines));
    text_fini(&lines);
}

void job_add_last_lines(const struct job *job, struct text *out)
{
    add_last_lines(&job->clients[0], out);
}

void job_say_trouble(struct job *job, const struct child *child, const char *sentence)
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

void job_finish(struct job *job, const char *reason)
{
    if (job->state >= JOB_ENDING)
        return;
    job->state = JOB_ENDING;
    job->ended = loop_now();
    job_forget_boots(job);
    noise_stop(&job->noise);
    loop_timer_set(job->loop, &job->memory_timer, NEVER);
    if (job->driver) {
        write_noise(job);
        job_record_usage(job);
        if (job->hooks)
            job_hooks_stop(job->hooks);
        job_stop_errands(job);
        run_end(job->run, reason, driver_now(job->driver));
        driver_stop(job->driver);
    }
    recorder_flush(job->recorder);
    job_end_children(job);
    loop_touch(job->loop, &job->turn);
    loop_timer_set(job->loop, &job->timer, loop_now());
}

static void be_over(struct job *job)
{
    job->state = JOB_OVER;
    loop_timer_set(job->loop, &job->timer, NEVER);
    if (recorder_failed(job->recorder))
        job_say_trouble(job, NULL, "the trace could not be written: is the disk full?");
    if (job->file && fclose(job->file) != 0)
        job_say_trouble(job, NULL, "the trace could not be written: is the disk full?");
    job->file = NULL;
    if (job->spec.on_over)
        job->spec.on_over(job->spec.context, job);
}

void job_stop(struct job *job, const char *reason)
{
    if (job->state >= JOB_ENDING)
        return;
    job->interrupted = true;
    job_finish(job, reason);
}

static void on_memory_due(struct timer *timer, nsec now)
{
    struct job *job = (struct job *)((char *)timer - offsetof(struct job, memory_timer));
    job_sample_memory(job);
    loop_timer_set(job->loop, timer, now + (nsec)((double)MEMORY_EVERY / job->spec.speed));
}

/* --- The story of a job --- */

static void say_never_connected(struct job *job, const struct run_status *status)
{
    int patience_s = (int)(JOB_STARTUP / NSEC_PER_SEC);
    struct text words;
    text_init(&words);
    if (status->ever_connected == status->clients)
        text_addf(
            &words,
            "every client connected, but they did not stay: %u of %u were open after %d s; the "
            "scenario begins when all are",
            status->open, status->clients, patience_s);
    else
        text_addf(&words,
                  "%u of %u clients connected within %d s; each was given its URL as {url} in the "
                  "command and as HALFOPEN_URL in the environment",
                  status->ever_connected, status->clients, patience_s);
    causes_of_silence(&job->seen,
                      &(struct circumstances){.command = job->spec.subject->client_command,
                                              .tls = job->tls_to_client != NULL,
                                              .port = job->ports[0]},
                      &words);
    job_say_trouble(job, &job->clients[0], text_chars(&words));
    text_fini(&words);
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
    job->pace_tries = 0;
    job_forget_boots(job);
    watch_noise(job);
    job_hooks_start(job->hooks);
    driver_start(job->driver);
    if (job->spec.wants_memory)
        loop_timer_set(job->loop, &job->memory_timer, loop_now());
}

/* A client may keep several connections: that it has one does not mean that it has all. */
static bool all_have_come(struct job *job, nsec now)
{
    uint32_t accepted = run_accepted(job->run);
    if (job->all_open_at == 0)
        job->all_open_at = now;
    if (accepted != job->accepted)
        job->accepted_at = now;
    job->accepted = accepted;
    return now - job->accepted_at >= QUIET_BEGIN || now - job->all_open_at >= LOUD_BEGIN;
}

static void look_at_start(struct job *job, nsec now)
{
    struct run_status status = {0};
    job_ask_server(job);
    if (job->server_ready)
        job_start_next_client(job);
    if (job->state != JOB_STARTING)
        return;
    run_status(job->run, &status);
    if (status.open == status.clients && job_browsers_are_ready(job)) {
        if (all_have_come(job, now) && job_pace_is_kept(job))
            begin_scenario(job);
    } else if (job_start_is_late(job, now)) {
        if (job->server_ready)
            say_never_connected(job, &status);
        else
            job_say_deaf_server(job);
        job_finish(job, job->server_ready     ? "a client never connected"
                        : job->server_accepts ? "the server was never healthy"
                                              : "the server never listened");
    }
}

/* A trace grows with every connection, and who opens so many shows nothing more by more of them. */
static void end_when_flooded(struct job *job)
{
    struct text words;
    if (job->state >= JOB_ENDING || !job->run || run_accepted(job->run) < CONNECTIONS_LIMIT)
        return;
    text_init(&words);
    text_addf(&words, "the clients opened %d connections in ", CONNECTIONS_LIMIT);
    units_add_duration(&words, driver_now(job->driver));
    text_add(&words, ", more than a scenario takes, and it was ended\nlikely cause: a client comes "
                     "back without a pause whenever its connection ends, or opens connections "
                     "without end");
    job_say_trouble(job, NULL, text_chars(&words));
    job_finish(job, "the clients opened too many connections");
    text_fini(&words);
}

void job_look(struct job *job)
{
    nsec now = loop_now();
    end_when_flooded(job);
    if (job->state == JOB_STARTING)
        look_at_start(job, now);
    if (job->state == JOB_RUNNING)
        (void)job_browsers_are_ready(job); /* one that was started anew opens its tabs */
    if (job->state == JOB_RUNNING && run_finished(job->run) && job_pace_is_kept(job))
        job_finish(job, RUN_FINISHED);
    if (job->state == JOB_ENDING && job_children_gone(job))
        be_over(job);
}

static void on_due(struct timer *timer, nsec now)
{
    struct job *job = (struct job *)timer;
    (void)now;
    if (job->state == JOB_STARTING || job->state == JOB_ENDING)
        loop_timer_set(job->loop, timer, loop_now() + JOB_STAGGER);
    job_look(job); /* last: a job that is over is freed by whoever is told */
}

static void on_turn(struct turn *turn)
{
    job_look((struct job *)((char *)turn - offsetof(struct job, turn)));
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

static void leave_out(struct job *job)
{
    const struct declaration *lacks = job->spec.lacks;
    char *reason = xprintf(RUN_NOT_TESTED "%s.%s", lacks->part, lacks->member);
    struct event ev = {.kind = EV_RUN_END, .client = -1, .by = BY_PROXY};
    ev.run_end = (struct ev_run_end){.reason = reason};
    if (job_open_trace(job))
        recorder_emit(job->recorder, ev);
    job_finish(job, reason);
    free(reason);
}

void job_start(struct job *job)
{
    job->began = job->ended = loop_now();
    job->next_start = job->began;
    job->dialer = dialer_new(job->loop);
    noise_watch(&job->noise, job->loop);
    job->pace = pace_new(job->spec.speed);
    if (job->spec.lacks)
        leave_out(job);
    else if (!job_open(job))
        job_finish(job, "it could not begin");
    loop_timer_set(job->loop, &job->timer, loop_now());
}

void job_free(struct job *job)
{
    loop_timer_set(job->loop, &job->timer, NEVER);
    loop_timer_set(job->loop, &job->memory_timer, NEVER);
    loop_untouch(&job->turn);
    job_hooks_free(job->hooks);
    job_stop_errands(job);
    if (job->run)
        run_free(job->run);
    if (job->driver)
        driver_free(job->driver);
    builtin_server_free(job->server);
    for (int i = 0; i < PLAN_BACKENDS_LIMIT - 1; i++)
        builtin_server_free(job->others[i]);
    job_server_free(job);
    for (unsigned i = 0; i < job->started_clients; i++)
        child_free(job, &job->clients[i]);
    for (unsigned i = 0; i < job->started_clients; i++)
        job_browser_free(job->browsers[i]);
    dialer_free(job->dialer);
    child_free(job, &job->server_child);
    flawed_close(&job->flawed);
    if (job->tls_to_client)
        tls_context_free(job->tls_to_client);
    if (job->tls_to_server)
        tls_context_free(job->tls_to_server);
    recorder_free(job->recorder);
    if (job->file)
        (void)fclose(job->file);
    pace_free(job->pace);
    free(job->trace);
    sightings_fini(&job->seen);
    free(job->trouble);
    free(job->unscaled);
    free(job);
}

/* --- Questions --- */

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

nsec job_noise(const struct job *job)
{
    nsec real = lateness_share(&job->noise.lateness, 0.95);
    return job->state == JOB_RUNNING ? (nsec)((double)real * job->spec.speed) : 0;
}

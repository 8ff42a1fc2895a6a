/* Processes that a step ends and starts again. The new one is in the trace a client of its own, for
 * nothing it does comes of what the old one met. */
#include "base/mem.h"
#include "control/job_parts.h"

static bool is_server(const struct child *child)
{
    return child->client < 0;
}

static void set_back(struct child *child, nsec real)
{
    loop_timer_set(child->job->loop, &child->back, real);
}

static void come_back_later(struct child *child)
{
    const struct job *job = child->job;
    set_back(child, loop_now() + (nsec)((double)child->down / job->spec.speed));
}

/* What is left of the old process holds ports and sockets. */
static void bury(struct job *job, struct child *child)
{
    if (!child->process)
        return;
    job_record_usage_of(job, child);
    child_free(job, child);
    child->process = NULL;
}

static void start_again(struct child *child)
{
    struct job *job = child->job;
    bool started;
    if (job->state != JOB_RUNNING || run_finished(job->run))
        return;
    bury(job, child);
    child->life++;
    if (is_server(child)) {
        started = job_start_server(job);
        child->restarting = false;
    } else {
        (void)run_client_renewed(job->run, (unsigned)child->client, driver_now(job->driver));
        started = job_start_client(job, (unsigned)child->client);
        child->started = loop_now();
    }
    if (!started)
        job_finish(job, "an endpoint could not be started again");
}

/* Nothing of ours is under test, and so nothing of it is told but that its connections end. */
static void stop_builtin(struct child *child)
{
    struct job *job = child->job;
    builtin_server_free(job->server);
    job->server = NULL;
    come_back_later(child);
}

static void on_back(struct timer *timer, nsec now)
{
    struct child *child = (struct child *)timer;
    struct job *job = child->job;
    (void)now;
    if (is_server(child) && job->server)
        stop_builtin(child);
    else if (child_alive(child))
        process_end(child->process); /* it does not heed the signal */
    else
        start_again(child);
}

static void tell_to_end(struct child *child, const char *signal)
{
    struct job *job = child->job;
    struct event ev = {.kind = EV_PROCESS_SIGNAL,
                       .client = child->number,
                       .side = is_server(child) ? SIDE_SERVER : SIDE_CLIENT,
                       .by = BY_PROXY};
    ev.at = nsec_max(driver_now(job->driver), recorder_last(job->recorder));
    ev.process_signal =
        (struct ev_process_signal){.pid = (uint64_t)process_pid(child->process), .name = signal};
    recorder_emit(job->recorder, ev);
    child->signalled = true;
    process_signal(child->process, job_signal_number(signal));
    set_back(child, loop_now() + PROCESS_PATIENCE);
}

static void restart(struct job *job, struct child *child, const struct restart_step *step)
{
    if (child->restarting && loop_timer_is_set(&child->back))
        return; /* it is on its way already */
    child->job = job;
    child->back.on_due = on_back;
    child->restarting = true;
    child->down = step->down;
    if (child_alive(child))
        tell_to_end(child, step->signal);
    else if (is_server(child) && job->server)
        set_back(child, loop_now()); /* not within a call of the core, which may hold its sockets */
    else
        come_back_later(child);
}

void job_restart(struct job *job, const struct restart_step *step)
{
    if (step->who == SIDE_SERVER) {
        job->server_child.client = job->server_child.number = -1;
        job->server_child.role = "server";
        restart(job, &job->server_child, step);
        return;
    }
    for (unsigned i = 0; i < job->started_clients; i++)
        if (step->of.all || step->of.client == i)
            restart(job, &job->clients[i], step);
}

void job_restart_on_exit(struct child *child)
{
    come_back_later(child);
}

void job_stop_restarts(struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        loop_timer_set(job->loop, &job->clients[i].back, NEVER);
    loop_timer_set(job->loop, &job->server_child.back, NEVER);
}

/* The starts of clients. A process that starts needs a core for itself until it has connected, and
 * what else runs then is late: only so many of all jobs are on their way at a time. */
#include "control/job_parts.h"

#define BOOT_PATIENCE (3 * NSEC_PER_SEC) /* real: who is not there by then may take its time */

static bool is_there(const struct job *job, const struct child *child, nsec now)
{
    return !child_alive(child) || now - child->started > BOOT_PATIENCE ||
           run_client_was_seen(job->run, (unsigned)child->client);
}

static void stop_counting(struct job *job, struct child *child)
{
    if (child->booting && job->spec.boots)
        job->spec.boots->under_way--;
    child->booting = false;
}

static void count_arrived(struct job *job, nsec now)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (job->clients[i].booting && is_there(job, &job->clients[i], now))
            stop_counting(job, &job->clients[i]);
}

static bool may_start(const struct job *job, nsec now)
{
    const struct boots *boots = job->spec.boots;
    return job->started_clients < job->spec.plan->clients && job->next_start <= now &&
           (!boots || boots->under_way < boots->limit);
}

void job_start_next_client(struct job *job)
{
    nsec now = loop_now();
    count_arrived(job, now);
    while (may_start(job, now)) {
        struct child *child = &job->clients[job->started_clients];
        if (!job_start_client(job, job->started_clients)) {
            job_finish(job, "a client could not be started");
            return;
        }
        child->started = now;
        child->booting = true;
        if (job->spec.boots)
            job->spec.boots->under_way++;
        job->started_clients++;
        job->next_start = nsec_max(job->next_start, now - JOB_STAGGER) + JOB_STAGGER;
    }
}

void job_forget_boots(struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        stop_counting(job, &job->clients[i]);
}

/* Waiting for others to be there is not waiting for the client. */
bool job_start_is_late(const struct job *job, nsec now)
{
    nsec since = job->began;
    if (job->server_ready && job->started_clients < job->spec.plan->clients)
        return false;
    if (job->started_clients > 0)
        since = job->clients[job->started_clients - 1].started;
    return now > since + JOB_STARTUP;
}

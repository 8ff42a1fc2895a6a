/* A job's endpoints must keep the pace of its speed; who does not makes it run again at speed 1. */
#include "base/mem.h"
#include "control/job_parts.h"

#define PACE_POLL             (10 * NSEC_PER_MSEC) /* real */
#define PACE_TRIES            3
#define PACE_TRIES_OF_LEAVERS 10

/* Clients without a connection at the moment hold no socket to ask about, and have said themselves
 * how they waited. */
static bool can_be_asked(const struct job *job, unsigned client)
{
    return child_alive(&job->clients[client]) && run_client_is_open(job->run, client);
}

static void ask(struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++) {
        job->asked_pace[i] = can_be_asked(job, i);
        job->asked_losses[i] = run_client_losses(job->run, i);
        pace_question(job->pace, job->clients[i].process, 0,
                      job->asked_pace[i] ? job->ports[i] : 0);
    }
    if (child_alive(&job->server_child))
        pace_question(job->pace, job->server_child.process, job->server_port, 0);
    pace_ask(job->pace);
    loop_timer_set(job->loop, &job->timer, loop_now() + PACE_POLL);
}

static bool has_left(const struct job *job, unsigned client)
{
    return !can_be_asked(job, client) ||
           run_client_losses(job->run, client) != job->asked_losses[client];
}

/* Who left while the question was being answered is no reason for doubt, even if it is back: on a
 * crowded host a client may give up connections faster than they are looked up. */
static bool someone_left(const struct job *job)
{
    for (unsigned i = 0; i < job->started_clients; i++)
        if (job->asked_pace[i] && has_left(job, i))
            return true;
    return false;
}

/* The kernel's table of sockets is read in pieces while others open and close theirs: now and then
 * a row is missed, which is no reason to go slow. */
static void note_doubt(struct job *job, const char *why)
{
    unsigned tries = someone_left(job) ? PACE_TRIES_OF_LEAVERS : PACE_TRIES;
    if (++job->pace_tries < tries) {
        ask(job);
        return;
    }
    if (!job->unscaled)
        job->unscaled = xstrdup(why);
    job_finish(job, "its processes cannot be sped up");
}

bool job_pace_is_kept(struct job *job)
{
    const char *why = NULL;
    if (job->spec.speed <= 1)
        return true;
    switch (pace_take_answer(job->pace, &why)) {
    case PACE_NOT_ASKED:
        ask(job);
        return false;
    case PACE_PENDING:
        loop_timer_set(job->loop, &job->timer, loop_now() + PACE_POLL);
        return false;
    case PACE_KEPT:
        return true;
    case PACE_IN_DOUBT:
        note_doubt(job, why);
        return false;
    }
    return false;
}

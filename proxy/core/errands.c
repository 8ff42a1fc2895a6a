/* What steps ask of processes, of HTTP servers and of people: carried out outside, told here. */
#include "core/internal.h"

#include <string.h>

void run_watch_errands(struct run *run, const struct run_errands *errands, void *context)
{
    run->errands = errands;
    run->errand_context = context;
}

void errands_restart(struct run *run, const struct restart_step *step)
{
    run->answer = run->errands && run->errands->on_restart ? "done" : "not done";
    if (run->errands && run->errands->on_restart)
        run->errands->on_restart(run->errand_context, step);
}

void errands_request(struct run *run, const struct request_step *step)
{
    run->answer = run->errands && run->errands->on_request ? NULL : "not done";
    if (!run->answer)
        run->errands->on_request(run->errand_context, step);
}

void errands_prompt(struct run *run, const struct prompt_step *step)
{
    run->step_ends = nsec_add(run->now, step->at_most);
    run->answer = run->errands && run->errands->on_prompt ? NULL : "not done";
    if (!run->answer)
        run->errands->on_prompt(run->errand_context, step->text);
}

void errands_end(struct run *run, const struct step *step)
{
    if (step->kind == STEP_PROMPT && !run->answer)
        run->errands->on_prompt(run->errand_context, NULL);
    run->answer = NULL;
}

/* --- What comes back --- */

static const struct step *step_under_way(const struct run *run)
{
    bool one = run->step < run->plan->step_count && run->step_state == STEP_UNDER_WAY;
    return one ? &run->plan->steps[run->step] : NULL;
}

void run_request_answer(struct run *run, int status, const char *why, const char *url, nsec asked,
                        nsec now)
{
    const struct step *step = step_under_way(run);
    run->now = nsec_max(run->now, now);
    if (!step || step->kind != STEP_REQUEST || run->answer)
        return;
    struct event ev = {.at = run->now, .kind = EV_HTTP_ASKED, .client = -1, .by = BY_PROXY};
    ev.http_asked = (struct ev_http_asked){.method = step->request.method,
                                           .url = url,
                                           .status = (uint64_t)status,
                                           .expected = step->request.status,
                                           .answer = status > 0 ? "answered" : why,
                                           .took = nsec_max(run->now - asked, 0)};
    run_emit(run, ev);
    run->answer = status > 0 ? "done" : "no answer";
}

void run_prompt_answer(struct run *run, nsec now)
{
    const struct step *step = step_under_way(run);
    run->now = nsec_max(run->now, now);
    if (step && step->kind == STEP_PROMPT)
        run->answer = "done";
}

/* --- Processes that begin anew --- */

unsigned run_client_number(const struct run *run, unsigned client)
{
    return run->clients[client].number;
}

unsigned run_client_renewed(struct run *run, unsigned client, nsec now)
{
    run->now = nsec_max(run->now, now);
    run->clients[client].number = run->plan->clients + run->renewed++;
    run->clients[client].exited = false;
    run_tell_door(run, client);
    return run->clients[client].number;
}

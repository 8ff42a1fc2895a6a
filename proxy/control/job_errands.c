/* What the steps of a scenario ask of HTTP servers and of people, and what comes back. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/job_parts.h"
#include "control/prompts.h"
#include "control/request_url.h"
#include "ws/redact.h"

/* --- Requests --- */

static void answer(struct job *job, int status, const char *why)
{
    run_request_answer(job->run, status, why, job->request_url, job->asked_at,
                       driver_now(job->driver));
    driver_touch(job->driver);
}

static void on_answer(void *context, int status, const char *body, size_t len, const char *why)
{
    struct job *job = context;
    (void)body;
    (void)len;
    job->request = NULL; /* it is freed right after */
    answer(job, status, why);
}

static char *shown(const struct job *job, const char *url)
{
    struct text target, words;
    text_init(&target);
    text_init(&words);
    redact_target(url, strlen(url), &target);
    redact_secrets(job->spec.subject->secrets, text_chars(&target), &words);
    text_fini(&target);
    return text_take(&words);
}

static void on_request(void *context, const struct request_step *step)
{
    struct job *job = context;
    const char *why = NULL;
    struct url url;
    free(job->request_url);
    job->request_url = shown(job, step->url);
    job->asked_at = driver_now(job->driver);
    if (!request_url_parse(step->url, job->spec.subject, job->server_port, &url, &why)) {
        answer(job, 0, why);
        return;
    }
    job->request = fetch_start(
        job->loop, job->dialer,
        &(struct fetch_request){.method = step->method,
                                .host = url.host,
                                .authority = url.authority,
                                .target = url.target,
                                .port = url.port,
                                .patience = (nsec)((double)step->at_most / job->spec.speed),
                                .on_done = on_answer,
                                .context = job});
    url_fini(&url);
}

/* --- Prompts --- */

static void on_done(void *context)
{
    struct job *job = context;
    run_prompt_answer(job->run, driver_now(job->driver));
    driver_touch(job->driver);
}

static void on_prompt(void *context, const char *text)
{
    struct job *job = context;
    if (!text)
        prompts_withdraw(job->spec.prompts, job);
    else if (job->spec.prompts)
        prompts_ask(job->spec.prompts, job, job->spec.plan->name, text, on_done);
}

static void on_restart(void *context, const struct restart_step *step)
{
    job_restart(context, step);
}

/* --- Life --- */

void job_watch_errands(struct job *job)
{
    static const struct run_errands errands = {
        .on_restart = on_restart, .on_request = on_request, .on_prompt = on_prompt};
    run_watch_errands(job->run, &errands, job);
}

void job_stop_errands(struct job *job)
{
    job_stop_restarts(job);
    prompts_withdraw(job->spec.prompts, job);
    fetch_cancel(job->request);
    job->request = NULL;
    free(job->request_url);
    job->request_url = NULL;
}

/* The result of a task that was run: the judge's word on its trace, and how to have it again. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "control/judge.h"
#include "control/runner_parts.h"
#include "control/testable.h"
#include "net/command.h"

void task_judge(struct task *task, struct scenario_result *result)
{
    const struct runner_config *config = task->runner->config;
    char *path = xprintf("%s/%s", config->folder, job_trace(task->job)), hash[65];
    struct diag *diag = diag_new();
    struct trace *trace = trace_read(path, diag);
    if (trace)
        judge_trace(trace, NULL, result);
    else if (!job_trouble(task->job))
        diag_print(diag, stderr);
    if (digest_sha256_file(path, hash))
        result->sha256 = xstrdup(hash);
    trace_free(trace);
    diag_free(diag);
    free(path);
}

static bool is_bundled(const struct task *task)
{
    const char *data = task->runner->config->data, *file = task->plan->file;
    return !file || (data && strncmp(file, data, strlen(data)) == 0);
}

/* A scenario that comes with halfopen goes by its name, another by its file. */
static const char *word_for(const struct task *task)
{
    return is_bundled(task) ? task->plan->name : task->plan->file;
}

void task_describe_file(const struct task *task, struct scenario_result *result)
{
    result->file = task->plan->file ? xstrdup(task->plan->file) : NULL;
    result->bundled = is_bundled(task);
}

static char *command_again(const struct task *task)
{
    struct text out;
    text_init(&out);
    text_add(&out, "halfopen run ");
    command_add_quoted(&out, word_for(task));
    if (task->subject->again)
        text_addf(&out, " %s", task->subject->again);
    text_addf(&out, " --speed %g --seed %llu", task->runner->config->speed,
              (unsigned long long)task->runner->config->seed);
    return text_take(&out);
}

void task_describe(struct task *task, struct scenario_result *result)
{
    const struct job *job = task->job;
    if (!result->name)
        result->name = xstrdup(task->plan->name);
    task_describe_file(task, result);
    result->subject = task->subject->name ? xstrdup(task->subject->name) : NULL;
    result->trace = xstrdup(job_trace(job));
    result->again = command_again(task);
    result->trouble = job_trouble(job) ? xstrdup(job_trouble(job)) : NULL;
    result->interrupted = job_interrupted(job);
    result->wall_s = job_wall(job);
    if (!plan_lacks(task->plan, task->subject))
        result->estimate_s = schedule_estimate(task->plan, &task->subject->policy, task->speed);
    result->speed = task->speed;
    result->clients = task->plan->clients;
}

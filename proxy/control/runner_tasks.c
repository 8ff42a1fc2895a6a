/* The tasks of a run before it begins: their names, their speeds, and what this machine does not
 * allow. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/runner_parts.h"
#include "control/testable.h"
#include "net/kernel.h"

static char *label_of(const struct runner_task *task, size_t index, const struct runner *runner)
{
    char *base = task->subject->name ? xprintf("%s-%s", task->plan->name, task->subject->name)
                                     : xstrdup(task->plan->name);
    for (char *at = base; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *at))
            *at = '-';
    for (size_t i = 0; i < index; i++)
        if (strcmp(runner->tasks[i].label, base) == 0) {
            char *unique = xprintf("%s-%zu", base, index + 1);
            free(base);
            return unique;
        }
    return base;
}

/* An endpoint that was not started here keeps its own time, and one slow end slows the whole. */
static const char *why_not_faster(const struct subject *subject)
{
    if (subject->server_url && !subject->server_command)
        return "at speed 1: the server was not started here";
    return subject->client_page ? "at speed 1: Chromium freezes when its clock is sped up" : NULL;
}

static void choose_speed(struct task *task, double asked)
{
    const char *why = why_not_faster(task->subject);
    task->speed = why ? 1 : asked;
    if (why && asked > 1)
        task->result.speed_note = xstrdup(why);
}

void runner_make_tasks(struct runner *runner)
{
    const struct runner_config *config = runner->config;
    runner->tasks = xcalloc(config->task_count + 1, sizeof *runner->tasks);
    for (size_t i = 0; i < config->task_count; i++) {
        runner->tasks[i] = (struct task){
            .runner = runner, .plan = config->tasks[i].plan, .subject = config->tasks[i].subject};
        choose_speed(&runner->tasks[i], config->speed);
        runner->tasks[i].label = label_of(&config->tasks[i], i, runner);
        runner->tasks[i].label_again = xprintf("%s.again", runner->tasks[i].label);
    }
}

/* --- What the machine allows --- */

/* In the place of a scenario whose fault this machine does not allow; the others run. */
static void refuse_task(struct task *task, const struct fault_step *fault, const char *why)
{
    task->result.name = xstrdup(task->plan->name);
    task_describe_file(task, &task->result);
    task->result.subject = task->subject->name ? xstrdup(task->subject->name) : NULL;
    task->result.clients = task->plan->clients;
    task->result.speed = task->speed;
    task->result.trouble =
        xprintf("not run: %s is not to be had: %s; or give the step a fallback, as in "
                "fallback: drop",
                fault->desc->name, why);
    task->state = TASK_DONE;
}

/* fault: NULL: it is a person. */
static void slow_down(struct task *task, const struct fault_step *fault)
{
    if (task->speed <= 1)
        return;
    task->speed = 1;
    task->result.speed_note =
        fault ? xprintf("at speed 1: what %s does is timed by the endpoint's kernel, which no "
                        "speed changes",
                        fault->desc->name)
              : xstrdup("at speed 1: a person takes part");
}

void runner_meet_machine(struct runner *runner)
{
    plan_why_not *why_not = runner->config->why_not ? runner->config->why_not : kernel_why_not;
    for (size_t i = 0; i < runner->config->task_count; i++) {
        struct task *task = &runner->tasks[i];
        const struct fault_step *unmet = plan_unmet(task->plan, why_not);
        const struct fault_step *timed = plan_kernel_timed(task->plan);
        if (plan_lacks(task->plan, task->subject))
            continue;
        if (unmet)
            refuse_task(task, unmet, why_not(fault_needs(unmet->desc, unmet->config)));
        else if (timed || plan_first(task->plan, STEP_PROMPT))
            slow_down(task, timed);
    }
}

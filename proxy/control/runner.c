#include "control/runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/judge.h"
#include "control/runner_parts.h"
#include "control/testable.h"
#include "net/machine.h"
#include "net/noise.h"
#include "net/wall.h"
#include "trace/trace.h"

#define LOUD           (50 * NSEC_PER_MSEC) /* target time */
#define BOOTS_PER_CORE 2                    /* client processes on their way at a time */
#define REDRAW         (200 * NSEC_PER_MSEC)

/* --- Tasks --- */

static void begin_task(struct task *task);

static uint64_t seed_of(const struct task *task)
{
    return task->runner->config->seed + (task->again ? 1 : 0);
}

static unsigned slots_in_use(const struct runner *runner)
{
    unsigned used = 0;
    for (size_t i = 0; i < runner->config->task_count; i++)
        if (runner->tasks[i].state == TASK_RUNNING)
            used += runner->tasks[i].plan->clients;
    return used;
}

static bool all_done(const struct runner *runner)
{
    for (size_t i = 0; i < runner->config->task_count; i++)
        if (runner->tasks[i].state != TASK_DONE)
            return false;
    return true;
}

static void finish_task(struct task *task)
{
    const struct runner_config *config = task->runner->config;
    task->state = TASK_DONE;
    if (config->on_settled)
        config->on_settled(config->context, &task->result);
    table_done(task->runner->table, &task->result);
}

static uint64_t heaviest_client(const void *context)
{
    const struct runner *runner = context;
    uint64_t most = 0;
    for (size_t i = 0; i < runner->config->task_count; i++) {
        const struct job *job = runner->tasks[i].job;
        uint64_t bytes = job ? job_client_memory(job) : 0;
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* What runs is late already: more beside it would cost verdicts. */
static bool is_loud(const struct runner *runner)
{
    for (size_t i = 0; i < runner->config->task_count; i++)
        if (runner->tasks[i].job && job_noise(runner->tasks[i].job) > LOUD)
            return true;
    return false;
}

/* The first runs whatever it takes. */
static bool fits(const struct runner *runner, const struct task *task)
{
    unsigned used = slots_in_use(runner), clients = task->plan->clients;
    unsigned places = is_loud(runner) ? schedule_fewest(runner->slots) : runner->slots;
    return used == 0 ||
           (used + clients <= places && schedule_fits_memory(clients, heaviest_client, runner));
}

/* Starts what fits; the longest first, for the whole takes as long as it. */
static void begin_more(struct runner *runner)
{
    for (size_t i = 0; i < runner->config->task_count; i++) {
        struct task *task = &runner->tasks[runner->order[i]];
        if (task->state != TASK_WAITING)
            continue;
        if (runner->stop_reason) {
            task->state = TASK_DONE;
            continue;
        }
        if (fits(runner, task))
            begin_task(task);
    }
    if (all_done(runner))
        loop_stop(runner->loop);
}

static void settle_second(struct task *task)
{
    task->result.wall_s += task->second.wall_s;
    task->result.second_trace = xstrdup(task->second.trace);
    judge_merge(&task->result, &task->second);
    finish_task(task);
}

/* What its speed was in doubt for is run again, at speed 1. */
static bool must_slow_down(struct task *task)
{
    return job_unscaled(task->job) && task->speed > 1;
}

/* Whether a scenario's own time is missed by a timer or by work, which a speed makes look longer,
 * nobody knows here: the run that is to confirm it has none. */
static bool misses_a_time(const struct scenario_result *result)
{
    for (size_t i = 0; i < result->rule_count; i++)
        if (result->rules[i].own && result->rules[i].verdict == FAIL && !result->rules[i].confirmed)
            return true;
    return false;
}

static void on_job_over(void *context, struct job *job)
{
    struct task *task = context;
    struct runner *runner = task->runner;
    struct scenario_result *result = task->again ? &task->second : &task->result;
    if (must_slow_down(task) && !runner->stop_reason) {
        char *note = xprintf("at speed 1: %s", job_unscaled(job));
        free(task->result.speed_note);
        task->result.speed_note = note;
        task->speed = 1;
        task->state = TASK_WAITING;
    } else {
        task_judge(task, result);
        task_describe(task, result);
        if (task->again) {
            settle_second(task);
        } else if (judge_wants_repeat(result) && !result->trouble && !runner->stop_reason) {
            task->again = true;
            task->speed = misses_a_time(result) ? 1 : task->speed;
            task->state = TASK_WAITING;
        } else {
            finish_task(task);
        }
    }
    job_free(job);
    task->job = NULL;
    begin_more(runner);
}

static bool wants_memory(const struct plan *plan)
{
    for (size_t i = 0; i < plan->expect_count; i++) {
        const struct rule_desc *rule = rule_find(plan->expect[i].rule);
        if (rule && (rule->wants & NEEDS(PROCESS_MEMORY)))
            return true;
    }
    return false;
}

static void begin_task(struct task *task)
{
    struct runner *runner = task->runner;
    struct job_spec spec = {.plan = task->plan,
                            .subject = task->subject,
                            .speed = task->speed,
                            .seed = seed_of(task),
                            .noise = runner->noise,
                            .folder = runner->config->folder,
                            .label = task->again ? task->label_again : task->label,
                            .confirms = task->again ? task->result.trace : "",
                            .started = runner->started,
                            .ca = runner->has_ca ? &runner->ca : NULL,
                            .wants_memory = wants_memory(task->plan),
                            .prompts = runner->prompts,
                            .boots = &runner->boots,
                            .lacks = plan_lacks(task->plan, task->subject),
                            .on_over = on_job_over,
                            .context = task};
    task->state = TASK_RUNNING;
    task->job = job_new(runner->loop, runner->processes, &spec);
    job_start(task->job);
}

/* --- While it runs --- */

static struct table_row row_start(const struct task *task)
{
    return (struct table_row){.name = task->plan->name, .subject = task->subject->name};
}

static char *row_of(const struct task *task)
{
    struct run_status status;
    job_status(task->job, &status);
    struct text row;
    text_init(&row);
    struct table_row start = row_start(task);
    start.clients = status.clients;
    start.duration = job_elapsed(task->job);
    start.wall_s = job_wall(task->job);
    table_add_start(task->runner->table, &start, &row);
    text_addf(&row, "step %zu of %zu: %.60s%s", status.step, status.steps, status.doing,
              task->again ? " (again)" : "");
    return text_take(&row);
}

static void redraw(struct timer *timer, nsec now)
{
    struct runner *runner = (struct runner *)timer;
    char *rows[64] = {0};
    size_t count = 0;
    for (size_t i = 0; i < runner->config->task_count && count < 64; i++)
        if (runner->tasks[i].job)
            rows[count++] = row_of(&runner->tasks[i]);
    table_draw(runner->table, (const char *const *)rows, count);
    for (size_t i = 0; i < count; i++)
        free(rows[i]);
    loop_timer_set(runner->loop, timer, now + REDRAW);
}

static void stop_all(struct runner *runner, const char *reason)
{
    runner->stop_reason = reason;
    for (size_t i = 0; i < runner->config->task_count; i++)
        if (runner->tasks[i].job)
            job_stop(runner->tasks[i].job, reason);
    begin_more(runner);
}

static void on_signal(void *context, int number)
{
    struct runner *runner = context;
    (void)number;
    if (runner->interrupts++ > 0) {
        loop_stop(runner->loop);
        return;
    }
    table_say(runner->table, "interrupted: ending what runs, writing the report of what is known");
    stop_all(runner, RUN_INTERRUPTED);
}

static void on_deadline(struct timer *timer, nsec now)
{
    struct runner *runner = (struct runner *)((char *)timer - offsetof(struct runner, deadline));
    (void)now;
    table_say(runner->table, "the time given by --timeout is over: ending what runs");
    stop_all(runner, RUN_TIMED_OUT);
}

/* --- Begin and end --- */

static bool open_ca(struct runner *runner)
{
    struct text why;
    bool wanted = false;
    for (size_t i = 0; i < runner->config->task_count; i++)
        wanted =
            wanted || runner->config->tasks[i].plan->tls || runner->config->tasks[i].subject->tls;
    if (!wanted)
        return true;
    text_init(&why);
    runner->has_ca = ca_open(&runner->ca, NULL, &why);
    if (!runner->has_ca)
        fprintf(stderr, "halfopen: %s\n", text_chars(&why));
    text_fini(&why);
    return runner->has_ca;
}

/* What was never started is in the report too, as not run. */
static void collect(struct runner *runner, struct results *results)
{
    for (size_t i = 0; i < runner->config->task_count; i++) {
        struct task *task = &runner->tasks[i];
        if (!task->result.name) {
            task->result.name = xstrdup(task->plan->name);
            task_describe_file(task, &task->result);
            task->result.interrupted = true;
        }
        *results_add_scenario(results) = task->result;
        scenario_result_fini(&task->second);
        free(task->label);
        free(task->label_again);
    }
}

static size_t name_width(const struct runner *runner)
{
    size_t width = 0;
    for (size_t i = 0; i < runner->config->task_count; i++) {
        struct table_row start = row_start(&runner->tasks[i]);
        char *name = table_name(&start);
        width = strlen(name) > width ? strlen(name) : width;
        free(name);
    }
    return width;
}

static void tell_refused(const struct runner *runner)
{
    for (size_t i = 0; i < runner->config->task_count; i++)
        if (runner->tasks[i].state == TASK_DONE)
            table_done(runner->table, &runner->tasks[i].result);
}

static void open_table(struct runner *runner)
{
    char *heading = xprintf("%s  noise +-%.0f ms", runner->config->heading,
                            nsec_to_seconds(runner->noise) * runner->config->speed * 1000);
    runner->table = table_new(heading, name_width(runner), runner->config->quiet);
    free(heading);
}

static void run_loop(struct runner *runner)
{
    struct lateness lateness = {0};
    noise_calibrate(runner->loop, &lateness);
    runner->noise = nsec_add(lateness_share(&lateness, 0.95), ENDPOINT_LATENESS);
    open_table(runner);
    runner->prompts = prompts_new(runner->loop, runner->table);
    tell_refused(runner);
    loop_on_signal(runner->loop, SIGINT, on_signal, runner);
    loop_on_signal(runner->loop, SIGTERM, on_signal, runner);
    if (table_is_live(runner->table))
        loop_timer_set(runner->loop, &runner->redraw, loop_now() + REDRAW);
    if (runner->config->timeout > 0)
        loop_timer_set(runner->loop, &runner->deadline, loop_now() + runner->config->timeout);
    begin_more(runner);
    if (!all_done(runner))
        loop_run(runner->loop);
    loop_timer_set(runner->loop, &runner->redraw, NEVER);
    loop_timer_set(runner->loop, &runner->deadline, NEVER);
    prompts_close(runner->prompts);
    table_free(runner->table);
}

static void note_host(struct results *results)
{
    struct utsname host;
    results->cores = machine_cores();
    if (uname(&host) == 0)
        results->host = xprintf("%s %s %s", host.sysname, host.release, host.machine);
}

bool runner_run(const struct runner_config *config, struct results *results)
{
    struct runner runner = {
        .config = config, .redraw.on_due = redraw, .deadline.on_due = on_deadline};
    nsec began = loop_now();
    runner.loop = loop_new();
    if (!runner.loop) {
        fprintf(stderr, "halfopen: no event loop: %s\n", strerror(errno));
        return false;
    }
    wall_date(runner.started);
    runner.slots = schedule_places(config->jobs);
    runner.boots.limit = BOOTS_PER_CORE * machine_cores();
    runner_make_tasks(&runner);
    runner.order = schedule_order(config->tasks, config->task_count, config->speed);
    runner_meet_machine(&runner);
    bool ready = open_ca(&runner);
    if (ready) {
        runner.processes = processes_new(runner.loop);
        run_loop(&runner);
        for (size_t i = 0; i < config->task_count; i++)
            if (runner.tasks[i].job)
                job_free(runner.tasks[i].job);
        prompts_free(runner.prompts);
        processes_free(runner.processes);
    }
    collect(&runner, results);
    results->started = xstrdup(runner.started);
    results->noise = (nsec)((double)runner.noise * config->speed);
    results->wall_s = nsec_to_seconds(loop_now() - began);
    results->interrupted = runner.stop_reason != NULL;
    note_host(results);
    if (runner.has_ca)
        ca_close(&runner.ca);
    loop_free(runner.loop);
    free(runner.tasks);
    free(runner.order);
    return ready;
}

/* halfopen demo: three client scenarios against the sound reference client and a flawed one, side
 * by side. It shows what halfopen sees, so it exits 0 when the sound one complies and the flawed
 * one does not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/commands.h"
#include "control/policy_options.h"
#include "control/session_setup.h"

struct demo_options {
    const char *flaw, *report;
    double speed;
    uint64_t seed;
};

static const struct option options[] = {
    {"flaw", OPTION_TEXT, offsetof(struct demo_options, flaw), "NAME",
     "the flaw shown; default no_jitter"},
    {"speed", OPTION_REAL, offsetof(struct demo_options, speed), "X", "default 10"},
    {"seed", OPTION_COUNT, offsetof(struct demo_options, seed), "N", "default 1"},
    {"report", OPTION_TEXT, offsetof(struct demo_options, report), "DIR",
     "default halfopen-report"},
    {0},
};

static const char *const shown[] = {"refused-reconnects", "silent-drop", "proxy-idle-timeout"};
#define SHOWN (sizeof shown / sizeof *shown)

struct demo {
    struct demo_options given;
    struct subject sound, flawed;
    char *data;
    struct paths paths;
    struct plans plans;
    struct runner_task tasks[2 * SHOWN];
};

static bool gather(struct demo *demo, struct diag *diag)
{
    char *data = find_data_folder();
    for (size_t i = 0; i < SHOWN; i++)
        (void)find_scenarios(data, shown[i], &demo->paths, diag);
    demo->data = data;
    subject_init(&demo->sound);
    subject_init(&demo->flawed);
    demo->sound.name = xstrdup("sound");
    demo->flawed.name = xstrdup(demo->given.flaw);
    demo->flawed.client_flaw = xstrdup(demo->given.flaw);
    demo->sound.again = xstrdup("--client 'halfopen client {url}'");
    demo->flawed.again = xprintf("--client 'halfopen client --flaw %s {url}'", demo->given.flaw);
    subject_declare(&demo->sound, NULL);
    subject_declare(&demo->flawed, NULL);
    if (!plans_load(&demo->paths, 0, &demo->plans, diag))
        return false;
    for (size_t i = 0; i < demo->plans.count && i < SHOWN; i++) {
        demo->tasks[2 * i] = (struct runner_task){demo->plans.list[i], &demo->sound};
        demo->tasks[2 * i + 1] = (struct runner_task){demo->plans.list[i], &demo->flawed};
    }
    return true;
}

/* What the demo is to show: nothing of the sound client fails, something of the flawed one does. */
static bool shows(const struct results *results)
{
    bool flawed_failed = false;
    for (size_t i = 0; i < results->scenario_count; i++) {
        const struct scenario_result *result = &results->scenarios[i];
        bool failed = result->verdict == FAIL;
        if (result->trouble || result->interrupted)
            return false;
        if (failed && strcmp(result->subject, "sound") == 0)
            return false;
        flawed_failed = flawed_failed || failed;
    }
    return flawed_failed;
}

static int execute(struct demo *demo)
{
    struct runner_config config = {.tasks = demo->tasks,
                                   .task_count = 2 * demo->plans.count,
                                   .folder = demo->given.report,
                                   .data = demo->data,
                                   .speed = demo->given.speed,
                                   .seed = demo->given.seed};
    if (!runner_make_folder(demo->given.report)) {
        fprintf(stderr, "halfopen: %s: %s\n", demo->given.report,
                errno == EBUSY ? "another run is writing there; choose a folder with --report"
                               : strerror(errno));
        return EXIT_ENVIRONMENT;
    }
    struct results *results = results_new();
    char *heading =
        setup_heading(&config, NULL, "demo: the sound reference client and a flawed one");
    config.heading = heading;
    results->version = xstrdup(HALFOPEN_VERSION);
    results->target = xprintf("the reference client, sound and with the flaw %s", demo->given.flaw);
    results->target_json = xstrdup("{\"client\":\"built-in\",\"server\":\"built-in\"}");
    results->suite = xstrdup("demo");
    results->profile = xstrdup("default");
    results->policy_json = subject_policy(&demo->sound);
    results->speed = demo->given.speed;
    results->seed = demo->given.seed;
    int code = EXIT_ENVIRONMENT;
    if (runner_run(&config, results)) {
        results_conclude(results);
        int told = setup_report(results, demo->given.report, false, false);
        bool as_meant = shows(results);
        code = as_meant ? EXIT_COMPLIED : told == EXIT_COMPLIED ? EXIT_FAILED : told;
        printf(as_meant ? "\nThe demo exits 0: the sound client complied, the flawed one did not.\n"
                        : "\nThis is not what the demo is to show.\n");
    }
    free(heading);
    results_free(results);
    return code;
}

static int run(int argc, char **argv)
{
    struct demo demo = {
        .given = {.flaw = "no_jitter", .speed = 10, .seed = 1, .report = "halfopen-report"}};
    struct option_words rest = {0};
    struct client_policy scratch;
    struct diag *diag = diag_new();
    int code = EXIT_USAGE;
    paths_init(&demo.paths);
    options_parse(&demo_command, argc, argv, &demo.given, &rest, diag);
    client_policy_defaults(&scratch);
    policy_options_flaw(demo.given.flaw, &scratch, diag);
    if (diag_errors(diag) > 0)
        code = command_usage_error(&demo_command, diag);
    else if (!gather(&demo, diag))
        diag_print(diag, stderr);
    else
        code = execute(&demo);
    plans_fini(&demo.plans);
    paths_fini(&demo.paths);
    free(demo.data);
    subject_fini(&demo.sound);
    subject_fini(&demo.flawed);
    diag_free(diag);
    return code;
}

const struct command demo_command = {
    .name = "demo",
    .usage = "demo [--flaw NAME] [--speed X] [--report DIR]",
    .brief = "see it work: a sound client and a flawed one, side by side",
    .options = options,
    .run = run,
};

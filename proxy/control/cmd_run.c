/* halfopen run: run scenarios against a client and a server, judge, report. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/claims.h"
#include "control/commands.h"
#include "control/run_setup.h"
#include "control/schedule.h"
#include "control/testable.h"

#define AT(field) offsetof(struct run_options_given, field)
static const struct option options[] = {
    {"client", OPTION_TEXT, AT(client), "CMD", "the client; {url} {index} {port} are filled in"},
    {"server", OPTION_TEXT, AT(server), "URL", "the server, as in ws://127.0.0.1:8080/feed"},
    {"server-cmd", OPTION_TEXT, AT(server_cmd), "CMD", "starts the server; {port} is filled in"},
    {"target", OPTION_TEXT, AT(target), "FILE",
     "what is tested; default halfopen.yaml if there is one"},
    {"suite", OPTION_TEXT, AT(suite), "NAME", "the scenarios of a suite; default core"},
    {"profile", OPTION_TEXT, AT(profile), "NAME|FILE", "the numbers asked of endpoints"},
    {"clients", OPTION_POSITIVE, AT(clients), "N", "instead of what the scenario says"},
    {"speed", OPTION_REAL, AT(speed), "X", "run the endpoints' clocks X times faster; default 1"},
    {"seed", OPTION_COUNT, AT(seed), "N", "of all random numbers; default 1"},
    {"jobs", OPTION_POSITIVE, AT(jobs), "N", "client processes at a time; default 15 per core"},
    {"only", OPTION_WORDS, AT(only), "GLOB", "only these rules or scenarios; several times"},
    {"last-failed", OPTION_FLAG, AT(last_failed), NULL,
     "only what failed in the last report of --report DIR"},
    {"shard", OPTION_TEXT, AT(shard), "I/N", "the I-th of N parts of the scenarios"},
    {"report", OPTION_TEXT, AT(report), "DIR", "default halfopen-report"},
    {"timeout", OPTION_DURATION, AT(timeout), "DURATION",
     "end the run after this long (wall clock)"},
    {"tls", OPTION_FLAG, AT(tls), NULL, "give the client a wss://localhost URL with a local CA"},
    {"insecure", OPTION_FLAG, AT(insecure), NULL, "do not verify the server's certificate"},
    {"baseline", OPTION_TEXT, AT(baseline), "DIR",
     "the report of an earlier run: only what got worse since fails this one"},
    {"strict", OPTION_FLAG, AT(strict), NULL, "SHOULD rules and warnings fail the run too"},
    {"dry-run", OPTION_FLAG, AT(dry_run), NULL, "say what would run and how long it takes"},
    {"self-test", OPTION_FLAG, AT(self_test), NULL, "the built-in endpoints against each other"},
    {"flaw", OPTION_TEXT, AT(flaw), "NAME", "with --self-test: one defect of the built-in client"},
    {"durations", OPTION_FLAG, AT(durations), NULL,
     "how long each scenario took, slowest first, beside the estimate"},
    {"format", OPTION_TEXT, AT(format), "github", "annotations for a GitHub workflow as well"},
    {"json", OPTION_FLAG, AT(json), NULL, "results.json on stdout"},
    {"quiet", OPTION_FLAG, AT(quiet), NULL, "print nothing but errors"},
    {0},
};

static const struct place command_line = {0};

/* --- Running --- */

static void on_settled(void *context, struct scenario_result *result)
{
    const struct run_setup *setup = context;
    claims_accept(setup->target, setup->today, result);
    baseline_compare(setup->baseline, result);
}

/* Whoever asks for some rules has left the others out. */
static enum claims_extent extent_of(const struct run_setup *setup)
{
    const struct run_options_given *given = &setup->given;
    bool part = given->only.count > 0 || given->last_failed || given->shard;
    return part ? CLAIMS_PART : CLAIMS_WHOLE;
}

static char *describe_target(const struct run_setup *setup)
{
    const struct subject *subject = &setup->subject;
    char *client = subject_shown(subject, subject->client_page ? subject->client_page
                                                               : subject->client_command);
    char *server = subject_shown(subject, subject->server_command ? subject->server_command
                                                                  : subject->server_url);
    char *words = xprintf("%s, server: %s", client ? client : "the built-in client",
                          server ? server : "built-in");
    free(client);
    free(server);
    return words;
}

static void print_durations(const struct run_setup *setup, const struct results *results)
{
    struct text out;
    if (!setup->given.durations || setup->given.quiet || setup->given.json)
        return;
    text_init(&out);
    report_durations(results, &out);
    (void)fputs(text_chars(&out), stdout); /* the report after it fails loudly enough */
    text_fini(&out);
}

/* GitHub reads both streams; the one with results.json stays JSON. */
static void print_annotations(const struct run_setup *setup, const struct results *results)
{
    struct text out;
    if (!setup->given.format)
        return;
    text_init(&out);
    report_github(results, &out);
    (void)fputs(text_chars(&out), setup->given.json ? stderr : stdout);
    text_fini(&out);
}

static int execute(struct run_setup *setup)
{
    struct run_options_given *given = &setup->given;
    struct runner_config config = {.tasks = setup->tasks,
                                   .task_count = setup->plans.count,
                                   .folder = given->report,
                                   .speed = given->speed,
                                   .seed = given->seed,
                                   .jobs = (unsigned)given->jobs,
                                   .timeout = given->timeout,
                                   .data = setup->data,
                                   .on_settled = on_settled,
                                   .context = setup,
                                   .quiet = given->quiet || given->json};
    if (!runner_make_folder(given->report)) {
        fprintf(stderr, "halfopen: %s: %s\n", given->report,
                errno == EBUSY ? "another run is writing there; choose a folder with --report"
                               : strerror(errno));
        return EXIT_ENVIRONMENT;
    }
    struct results *results = results_new();
    char *heading = setup_heading(&config, setup->system, setup->suite);
    config.heading = heading;
    results->version = xstrdup(HALFOPEN_VERSION);
    results->system = setup->system ? xstrdup(setup->system) : NULL;
    results->target = describe_target(setup);
    results->target_json = xstrdup(setup->subject.declared);
    results->suite = xstrdup(setup->suite);
    results->profile = xstrdup(setup->subject.profile);
    results->policy_json = subject_policy(&setup->subject);
    results->speed = given->speed;
    results->seed = given->seed;
    results->strict = given->strict;
    int code = EXIT_ENVIRONMENT;
    if (runner_run(&config, results)) {
        claims_require(setup->target, setup->plans.list, setup->plans.count, extent_of(setup),
                       results);
        results_conclude(results);
        print_durations(setup, results);
        code = setup_report(results, given->report, given->json, given->quiet);
        print_annotations(setup, results);
    }
    free(heading);
    results_free(results);
    return code;
}

static void say_plan(const struct plan *plan, const struct run_setup *setup)
{
    const struct declaration *lacks = plan_lacks(plan, &setup->subject);
    nsec most = plan_longest(plan);
    double speed = plan_kernel_timed(plan) ? 1 : setup->given.speed;
    double expected = schedule_estimate(plan, &setup->subject.policy, setup->given.speed);
    printf("%-26s %2u client%s  ", plan->name, plan->clients, plan->clients == 1 ? " " : "s");
    if (lacks)
        printf("not run: give %s.%s in halfopen.yaml\n", lacks->part, lacks->member);
    else
        printf("about %4.0f s, at most %5.0f s\n", expected,
               most == NEVER ? 0.0 : nsec_to_seconds(most) / speed);
}

static int say_what_would_run(const struct run_setup *setup)
{
    for (size_t i = 0; i < setup->plans.count; i++)
        say_plan(setup->plans.list[i], setup);
    printf("%zu scenario%s, side by side, about %.0f s at speed %g\n", setup->plans.count,
           setup->plans.count == 1 ? "" : "s",
           schedule_expected(setup->tasks, setup->plans.count,
                             schedule_places((unsigned)setup->given.jobs), setup->given.speed),
           setup->given.speed);
    return EXIT_COMPLIED;
}

/* The last report stays as it is, and so does what it came to. */
static int say_nothing_failed(const struct run_setup *setup)
{
    const struct run_options_given *given = &setup->given;
    bool elsewhere = selection_any_failed(setup->last);
    if (!given->quiet)
        fprintf(given->json ? stderr : stdout,
                "nothing to run again: nothing %sfailed in the last report (%s, exit %d)\n",
                elsewhere ? "of this " : "", given->report, setup->last->exit_code);
    return elsewhere ? EXIT_COMPLIED : setup->last->exit_code;
}

static int act(struct run_setup *setup)
{
    if (setup->last && setup->plans.count == 0)
        return say_nothing_failed(setup);
    return setup->given.dry_run ? say_what_would_run(setup) : execute(setup);
}

static void check_given(struct run_setup *setup, struct diag *diag)
{
    const struct run_options_given *given = &setup->given;
    if (given->speed < 1 || given->speed > 100)
        diag_error(diag, command_line, "--speed is %g: at least 1, at most 100", given->speed);
    if (given->format && strcmp(given->format, "github") != 0)
        diag_error(diag, command_line, "--format is '%s': there is github", given->format);
    if (given->shard && !shard_parse(given->shard, &setup->shard))
        diag_error(diag, command_line, "--shard is '%s': which of how many, as in 1/3",
                   given->shard);
    if (given->shard && given->last_failed)
        diag_error(
            diag, command_line,
            "--shard and --last-failed: what failed here is no longer the same for all shards");
}

static int run(int argc, char **argv)
{
    struct run_setup setup = {.given = {.speed = 1, .seed = 1, .report = "halfopen-report"}};
    struct diag *diag = diag_new();
    int code = EXIT_USAGE;
    paths_init(&setup.paths);
    wall_date(setup.today);
    options_parse(&run_command, argc, argv, &setup.given, &setup.rest, diag);
    check_given(&setup, diag);
    if (diag_errors(diag) > 0)
        code = command_usage_error(&run_command, diag);
    else if (!run_setup_gather(&setup, diag))
        diag_print(diag, stderr);
    else {
        diag_print(diag, stderr);
        code = act(&setup);
    }
    run_setup_release(&setup);
    diag_free(diag);
    return code;
}

const struct command run_command = {
    .name = "run",
    .usage = "run [SCENARIO|DIR|NAME ...] --client CMD | --server URL | --self-test [OPTIONS]",
    .brief = "run scenarios against a client or a server, judge, report",
    .options = options,
    .run = run,
};

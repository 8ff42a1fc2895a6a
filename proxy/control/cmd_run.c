/* halfopen run: run scenarios against a client and a server, judge, report. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "control/baseline.h"
#include "control/claims.h"
#include "control/commands.h"
#include "control/session_setup.h"
#include "net/command.h"
#include "net/wall.h"

struct run_options_given {
    const char *client, *server, *server_cmd, *target, *suite, *profile, *only, *report, *baseline;
    uint64_t clients, seed, jobs;
    double speed;
    nsec timeout;
    bool strict, quiet, json, dry_run, self_test, tls, insecure;
};

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
    {"only", OPTION_TEXT, AT(only), "GLOB", "only these rules or scenarios"},
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
    {"json", OPTION_FLAG, AT(json), NULL, "results.json on stdout"},
    {"quiet", OPTION_FLAG, AT(quiet), NULL, "print nothing but errors"},
    {"last-failed", OPTION_LATER, 0, NULL, NULL},
    {"durations", OPTION_LATER, 0, NULL, NULL},
    {"shard", OPTION_LATER, 0, "I/N", NULL},
    {"format", OPTION_LATER, 0, "github", NULL},
    {0},
};

/* Everything a run needs, gathered before anything starts. */
struct setup {
    struct run_options_given given;
    struct option_words rest;
    struct target *target;
    struct profile *profile;
    struct subject subject;
    struct paths paths;
    struct plans plans;
    struct runner_task *tasks;
    char *data, *system, *suite;
    struct earlier *baseline;
    char today[WALL_DATE_SIZE];
};

static const struct place command_line = {0};

/* --- What is tested --- */

static void load_target(struct setup *setup, struct diag *diag)
{
    const char *path = setup->given.target;
    if (!path && access("halfopen.yaml", R_OK) == 0)
        path = "halfopen.yaml";
    if (path)
        setup->target = target_load(path, diag);
}

static void take_environment(struct subject *subject, const struct target *target)
{
    subject->client_environment =
        xcalloc(target->client.env_count + 1, sizeof *subject->client_environment);
    for (size_t i = 0; i < target->client.env_count; i++)
        subject->client_environment[i] =
            xprintf("%s=%s", target->client.env[i].name, target->client.env[i].value);
}

static char *copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static void take_target(struct subject *subject, const struct target *target)
{
    subject->client_command = copy(target->client.command);
    take_environment(subject, target);
    subject->server_command = copy(target->server.command);
    subject->server_url = copy(target->server.url);
    subject->server_ca = copy(target->server.ca);
    subject->server_unverified = !target->server.verify;
    subject->tls = target->tls;
}

static void replace(char **field, const char *given)
{
    if (!given)
        return;
    free(*field);
    *field = xstrdup(given);
}

/* {port} in the server's URL is the one we choose for its command. */
static bool parse_server_url(struct subject *subject, const char **why)
{
    char *url = subject->server_url;
    char *hole = strstr(url, "{port}");
    if (!hole)
        return url_parse(url, &subject->server, why);
    char *filled = xprintf("%.*s%u%s", (int)(hole - url), url, 0u, hole + strlen("{port}"));
    bool parsed = url_parse(filled, &subject->server, why);
    free(filled);
    return parsed;
}

static void describe_declared(struct subject *subject, const struct target *target)
{
    struct text out;
    struct json json;
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    char *client = subject->client_command ? command_redacted(subject->client_command) : NULL;
    json_put_string(&json, "client", client ? client : "built-in");
    json_put_string(&json, "server",
                    subject->server_command ? "command"
                    : subject->server_url   ? "url"
                                            : "built-in");
    if (target && target->behind.profile) {
        json_object_open(&json, "behind");
        json_put_string(&json, "profile", target->behind.profile);
        json_put_string(&json, "idle", target->behind.idle);
        json_put_string(&json, "counts", target->behind.counts);
        json_object_close(&json);
    }
    json_object_close(&json);
    free(client);
    subject->declared = text_take(&out);
}

static void add_option(struct text *out, const char *name, const char *value)
{
    if (!value)
        return;
    text_addf(out, "%s%s ", out->len > 0 ? " " : "", name);
    command_add_quoted(out, value);
}

static void add_flag(struct text *out, const char *name, bool given)
{
    if (given)
        text_addf(out, "%s%s", out->len > 0 ? " " : "", name);
}

/* The options of this run that say what is tested, to type once more. */
static char *options_again(const struct run_options_given *given)
{
    struct text out;
    text_init(&out);
    char *client = given->client ? command_redacted(given->client) : NULL;
    char *server = given->server_cmd ? command_redacted(given->server_cmd) : NULL;
    add_option(&out, "--target", given->target);
    add_option(&out, "--client", client);
    add_option(&out, "--server", given->server);
    add_option(&out, "--server-cmd", server);
    add_option(&out, "--profile", given->profile);
    if (given->clients > 0)
        text_addf(&out, "%s--clients %llu", out.len > 0 ? " " : "",
                  (unsigned long long)given->clients);
    add_flag(&out, "--self-test", given->self_test);
    add_flag(&out, "--tls", given->tls);
    add_flag(&out, "--insecure", given->insecure);
    free(client);
    free(server);
    return out.len > 0 ? text_take(&out) : NULL;
}

static void gather_subject(struct setup *setup, struct diag *diag)
{
    struct subject *subject = &setup->subject;
    const struct run_options_given *given = &setup->given;
    const char *why = NULL;
    subject_init(subject);
    if (setup->target)
        take_target(subject, setup->target);
    replace(&subject->client_command, given->client);
    replace(&subject->server_url, given->server);
    replace(&subject->server_command, given->server_cmd);
    subject->tls = subject->tls || given->tls;
    subject->server_unverified = subject->server_unverified || given->insecure;
    if (subject->server_url && !parse_server_url(subject, &why))
        diag_error(diag, command_line, "--server: '%s' %s", subject->server_url, why);
    if (!subject->client_command && subject_has_builtin_server(subject) && !given->self_test &&
        diag_errors(diag) == 0) {
        diag_error(diag, command_line, "nothing to test: neither client nor server was given");
        diag_hint(diag, "halfopen run --client 'node app.js {url}'     test a client");
        diag_hint(diag, "halfopen run --server ws://127.0.0.1:8080/    test a server");
        diag_hint(diag, "halfopen run --self-test                      the built-in endpoints");
    }
    describe_declared(subject, setup->target);
    subject->again = options_again(given);
    if (setup->target && setup->target->system.name)
        setup->system = setup->target->system.version ? xprintf("%s@%s", setup->target->system.name,
                                                                setup->target->system.version)
                                                      : xstrdup(setup->target->system.name);
}

static void gather_policy(struct setup *setup, struct diag *diag)
{
    const char *written = setup->given.profile;
    char *path = find_profile(setup->data, written ? written : "default", written ? diag : NULL);
    setup->profile = path ? profile_load(path, diag) : written ? NULL : profile_new();
    free(path);
    if (!setup->profile)
        return;
    if (setup->target)
        target_apply_policy(setup->target, setup->profile);
    setup->subject.policy = setup->profile->policy;
    setup->subject.origins = setup->profile->origins;
    setup->subject.profile = setup->profile->name;
}

/* --- What runs --- */

static const char *default_suite(const struct setup *setup)
{
    if (setup->given.suite)
        return setup->given.suite;
    return setup->target && setup->target->suite ? setup->target->suite : "core";
}

static void gather_paths(struct setup *setup, struct diag *diag)
{
    for (size_t i = 0; i < setup->rest.count; i++)
        (void)find_scenarios(setup->data, setup->rest.list[i], &setup->paths, diag);
    if (setup->rest.count == 0 || setup->given.suite)
        (void)find_suite(setup->data, default_suite(setup), &setup->paths, diag);
    setup->suite = xstrdup(setup->rest.count == 0   ? default_suite(setup)
                           : setup->rest.count == 1 ? setup->rest.list[0]
                                                    : "scenarios");
}

static bool rule_is_meant(const struct plan *plan, const char *only)
{
    for (size_t i = 0; i < plan->expect_count; i++) {
        const struct rule_desc *rule = rule_find(plan->expect[i].rule);
        if (rule && (fnmatch(only, rule->name, 0) == 0 || fnmatch(only, rule->id, 0) == 0))
            return true;
    }
    return false;
}

/* --only names rules or scenarios: a scenario is left out when it is not named and holds no rule
 * that is. */
static void leave_out(struct setup *setup, struct diag *diag)
{
    const char *only = setup->given.only;
    size_t kept = 0;
    bool names_scenario = false;
    for (size_t i = 0; only && i < setup->plans.count; i++) {
        struct plan *plan = setup->plans.list[i];
        bool named = fnmatch(only, plan->name, 0) == 0;
        names_scenario = names_scenario || named;
        if (named || rule_is_meant(plan, only))
            setup->plans.list[kept++] = plan;
        else
            plan_free(plan);
    }
    if (!only)
        return;
    setup->plans.count = kept;
    if (names_scenario)
        setup->given.only = NULL;
    if (kept == 0)
        diag_error(diag, command_line, "--only '%s' leaves nothing to run", only);
}

static void load_baseline(struct setup *setup, struct diag *diag)
{
    const char *folder = setup->given.baseline;
    struct text why;
    if (!folder)
        return;
    text_init(&why);
    setup->baseline = earlier_read(folder, &why);
    if (!setup->baseline)
        diag_error(diag, command_line, "--baseline: %s", text_chars(&why));
    else if (strcmp(folder, setup->given.report) == 0)
        diag_warning(diag, command_line,
                     "--baseline: this run's report takes the place of the baseline in '%s'",
                     folder);
    text_fini(&why);
}

static void adapt_plans(struct setup *setup, struct diag *diag)
{
    if (setup->given.clients > PLAN_CLIENTS_LIMIT)
        diag_error(diag, command_line, "--clients is %llu: at most %d",
                   (unsigned long long)setup->given.clients, PLAN_CLIENTS_LIMIT);
    for (size_t i = 0; i < setup->plans.count; i++) {
        struct plan *plan = setup->plans.list[i];
        if (setup->given.clients > 0 && setup->given.clients <= PLAN_CLIENTS_LIMIT)
            plan->clients = (unsigned)setup->given.clients;
        if (setup->target)
            target_apply(setup->target, plan);
        setup_check_tls(plan, plan->tls || setup->subject.tls, setup->subject.server.secure, diag);
        if (setup->subject.server_url && !setup->subject.server_command && !plan->rewrite_host)
            plan->rewrite_host = xstrdup(setup->subject.server.authority);
    }
}

static bool gather(struct setup *setup, struct diag *diag)
{
    setup->data = find_data_folder();
    load_target(setup, diag);
    load_baseline(setup, diag);
    gather_subject(setup, diag);
    gather_policy(setup, diag);
    gather_paths(setup, diag);
    if (!plans_load(&setup->paths, &setup->plans, diag))
        return false;
    leave_out(setup, diag);
    plans_fall_back(&setup->plans);
    adapt_plans(setup, diag);
    setup->tasks = xcalloc(setup->plans.count + 1, sizeof *setup->tasks);
    for (size_t i = 0; i < setup->plans.count; i++)
        setup->tasks[i] =
            (struct runner_task){.plan = setup->plans.list[i], .subject = &setup->subject};
    return diag_errors(diag) == 0;
}

static void release(struct setup *setup)
{
    plans_fini(&setup->plans);
    paths_fini(&setup->paths);
    subject_fini(&setup->subject);
    target_free(setup->target);
    earlier_free(setup->baseline);
    profile_free(setup->profile);
    free(setup->tasks);
    free(setup->data);
    free(setup->system);
    free(setup->suite);
}

/* --- Running --- */

static void on_settled(void *context, struct scenario_result *result)
{
    const struct setup *setup = context;
    claims_accept(setup->target, setup->today, result);
    baseline_compare(setup->baseline, result);
}

/* Whoever asks for some rules has left the others out. */
static enum claims_extent extent_of(const struct setup *setup)
{
    return setup->given.only ? CLAIMS_PART : CLAIMS_WHOLE;
}

static char *describe_target(const struct setup *setup)
{
    const struct subject *subject = &setup->subject;
    char *client = subject->client_command ? command_redacted(subject->client_command)
                                           : xstrdup("the built-in client");
    char *words = xprintf("%s, server: %s", client,
                          subject->server_command ? subject->server_command
                          : subject->server_url   ? subject->server_url
                                                  : "built-in");
    free(client);
    return words;
}

static int execute(struct setup *setup)
{
    struct run_options_given *given = &setup->given;
    struct runner_config config = {.tasks = setup->tasks,
                                   .task_count = setup->plans.count,
                                   .folder = given->report,
                                   .speed = given->speed,
                                   .seed = given->seed,
                                   .jobs = (unsigned)given->jobs,
                                   .timeout = given->timeout,
                                   .only = given->only,
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
    results->system = copy(setup->system);
    results->target = describe_target(setup);
    results->target_json = xstrdup(setup->subject.declared);
    results->suite = xstrdup(setup->suite);
    results->profile = xstrdup(setup->subject.profile);
    results->speed = given->speed;
    results->seed = given->seed;
    results->strict = given->strict;
    int code = EXIT_ENVIRONMENT;
    if (runner_run(&config, results)) {
        claims_require(setup->target, setup->plans.list, setup->plans.count, extent_of(setup),
                       results);
        results_conclude(results);
        code = setup_report(results, given->report, given->json, given->quiet);
    }
    free(heading);
    results_free(results);
    return code;
}

static int say_what_would_run(const struct setup *setup)
{
    for (size_t i = 0; i < setup->plans.count; i++) {
        const struct plan *plan = setup->plans.list[i];
        nsec expected = plan_expected(plan), most = plan_longest(plan);
        double speed = plan_kernel_timed(plan) ? 1 : setup->given.speed;
        printf("%-26s %2u client%s  about %4.0f s, at most %5.0f s\n", plan->name, plan->clients,
               plan->clients == 1 ? " " : "s", nsec_to_seconds(expected) / speed,
               most == NEVER ? 0.0 : nsec_to_seconds(most) / speed);
    }
    printf("%zu scenario%s, side by side, about %.0f s at speed %g\n", setup->plans.count,
           setup->plans.count == 1 ? "" : "s",
           plans_expected(setup->tasks, setup->plans.count, setup->given.speed),
           setup->given.speed);
    return EXIT_COMPLIED;
}

static int run(int argc, char **argv)
{
    struct setup setup = {.given = {.speed = 1, .seed = 1, .report = "halfopen-report"}};
    struct diag *diag = diag_new();
    int code = EXIT_USAGE;
    paths_init(&setup.paths);
    wall_date(setup.today);
    options_parse(&run_command, argc, argv, &setup.given, &setup.rest, diag);
    if (setup.given.speed < 1 || setup.given.speed > 100)
        diag_error(diag, command_line, "--speed is %g: at least 1, at most 100", setup.given.speed);
    if (diag_errors(diag) > 0)
        code = command_usage_error(&run_command, diag);
    else if (!gather(&setup, diag))
        diag_print(diag, stderr);
    else {
        diag_print(diag, stderr);
        code = setup.given.dry_run ? say_what_would_run(&setup) : execute(&setup);
    }
    release(&setup);
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

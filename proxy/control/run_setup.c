#include "control/run_setup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "control/browser.h"
#include "control/policy_options.h"
#include "net/command.h"

static const struct place command_line = {0};

/* --- What is tested --- */

static void load_target(struct run_setup *setup, struct diag *diag)
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
    subject->client_page = copy(target->client.browser);
    subject->client_tabs = (unsigned)target->client.tabs;
    take_environment(subject, target);
    subject->server_command = copy(target->server.command);
    subject->server_url = copy(target->server.url);
    subject->server_health = copy(target->server.health);
    subject->server_ca = copy(target->server.ca);
    subject->server_unverified = !target->server.verify;
    subject->tls = target->tls;
    subject->hooks = &target->hooks;
    subject->close_codes = &target->close_codes;
    subject->secrets = &target->secrets;
}

static void replace(char **field, const char *given)
{
    if (!given)
        return;
    free(*field);
    *field = xstrdup(given);
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
    add_option(&out, "--flaw", given->flaw);
    add_flag(&out, "--tls", given->tls);
    add_flag(&out, "--insecure", given->insecure);
    free(client);
    free(server);
    return out.len > 0 ? text_take(&out) : NULL;
}

static void take_flaw(struct run_setup *setup, struct diag *diag)
{
    struct subject *subject = &setup->subject;
    const char *name = setup->given.flaw;
    struct client_policy scratch;
    if (!name)
        return;
    if (!setup->given.self_test || !subject_has_builtin_client(subject))
        diag_error(diag, command_line,
                   "--flaw is the built-in client's: it goes with --self-test, without a client");
    client_policy_defaults(&scratch);
    policy_options_flaw(name, &scratch, diag);
    subject->client_flaw = xstrdup(name);
}

/* A server on the command line takes the place of the target file's backends. */
static void take_backends(struct run_setup *setup, struct diag *diag)
{
    struct subject *subject = &setup->subject;
    char **urls = setup->target ? setup->target->server.urls : NULL;
    const char *why = NULL;
    if (setup->given.server || setup->given.server_cmd)
        return;
    for (size_t i = 0; urls && urls[i]; i++)
        if (url_parse(urls[i], &subject->backends[subject->backend_count], &why))
            subject->backend_count++;
        else
            diag_error(diag, (struct place){.file = setup->target->file},
                       "'urls' of the server hold '%s', which %s", urls[i], why);
}

/* Another server than the target file's is not asked for the health of that one. */
static void check_health(struct run_setup *setup, struct diag *diag)
{
    struct subject *subject = &setup->subject;
    struct url health = {0};
    const char *why = NULL;
    if (setup->given.server) {
        free(subject->server_health);
        subject->server_health = NULL;
    }
    if (setup->target && subject->server_health &&
        !url_parse_with_port(subject->server_health, 1, &health, &why))
        diag_error(diag, (struct place){.file = setup->target->file},
                   "'health' of the server is '%s', which %s", subject->server_health, why);
    url_fini(&health);
}

/* A command on the command line takes the place of the target file's browser. */
static void find_browser(struct subject *subject, struct diag *diag)
{
    if (subject->client_command) {
        free(subject->client_page);
        subject->client_page = NULL;
    }
    if (!subject->client_page)
        return;
    subject->browser = browser_find(getenv);
    if (subject->browser)
        return;
    diag_error(diag, command_line, "client.browser of the target file: there is no Chromium here");
    diag_hint(diag, "install it, as in apt-get install chromium, or name the program in the "
                    "variable CHROMIUM");
}

static void gather_subject(struct run_setup *setup, struct diag *diag)
{
    struct subject *subject = &setup->subject;
    const struct run_options_given *given = &setup->given;
    const char *why = NULL;
    subject_init(subject);
    if (setup->target)
        take_target(subject, setup->target);
    replace(&subject->client_command, given->client);
    find_browser(subject, diag);
    replace(&subject->server_url, given->server);
    replace(&subject->server_command, given->server_cmd);
    subject->tls = subject->tls || given->tls;
    subject->server_unverified = subject->server_unverified || given->insecure;
    take_flaw(setup, diag);
    /* {port} is the one we choose for its command. */
    if (subject->server_url && !url_parse_with_port(subject->server_url, 0, &subject->server, &why))
        diag_error(diag, command_line, "--server: '%s' %s", subject->server_url, why);
    take_backends(setup, diag);
    check_health(setup, diag);
    if (subject_has_builtin_client(subject) && subject_has_builtin_server(subject) &&
        !given->self_test && diag_errors(diag) == 0) {
        diag_error(diag, command_line, "nothing to test: neither client nor server was given");
        diag_hint(diag, "halfopen run --client 'node app.js {url}'     test a client");
        diag_hint(diag, "halfopen run --server ws://127.0.0.1:8080/    test a server");
        diag_hint(diag, "halfopen run --self-test                      the built-in endpoints");
    }
    subject_declare(subject, setup->target);
    subject->again = options_again(given);
    if (setup->target && setup->target->system.name)
        setup->system = setup->target->system.version ? xprintf("%s@%s", setup->target->system.name,
                                                                setup->target->system.version)
                                                      : xstrdup(setup->target->system.name);
}

static void gather_policy(struct run_setup *setup, struct diag *diag)
{
    const char *written = setup->given.profile;
    if (!written && setup->target)
        written = setup->target->profile;
    if (!written && setup->subject.client_page)
        written = "browser";
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

static const char *default_suite(const struct run_setup *setup)
{
    if (setup->given.suite)
        return setup->given.suite;
    return setup->target && setup->target->suite ? setup->target->suite : "core";
}

/* What failed the last time is found wherever it was, unless scenarios are named. */
static bool finds_failed(const struct run_setup *setup)
{
    return setup->last && setup->rest.count == 0 && !setup->given.suite;
}

static void gather_paths(struct run_setup *setup, struct diag *diag)
{
    if (finds_failed(setup)) {
        selection_find_failed(setup->last, setup->data, &setup->paths, diag);
        setup->suite = xstrdup("what failed");
        return;
    }
    for (size_t i = 0; i < setup->rest.count; i++)
        (void)find_scenarios(setup->data, setup->rest.list[i], &setup->paths, diag);
    if (setup->rest.count == 0 || setup->given.suite)
        (void)find_suite(setup->data, default_suite(setup), &setup->paths, diag);
    setup->suite = xstrdup(setup->rest.count == 0   ? default_suite(setup)
                           : setup->rest.count == 1 ? setup->rest.list[0]
                                                    : "scenarios");
}

static void load_last(struct run_setup *setup, struct diag *diag)
{
    struct text why;
    if (!setup->given.last_failed)
        return;
    text_init(&why);
    setup->last = earlier_read(setup->given.report, &why);
    if (!setup->last) {
        diag_error(diag, command_line, "--last-failed: there is no last report: %s",
                   text_chars(&why));
        diag_hint(diag, "run without --last-failed first, or name its folder with --report DIR");
    }
    text_fini(&why);
}

/* Before anything that this machine decides: all machines have to see the same scenarios. */
static void select_part(struct run_setup *setup, struct diag *diag)
{
    selection_only(&setup->plans, &setup->given.only, diag);
    if (setup->last)
        selection_keep_failed(&setup->plans, setup->last);
    if (setup->given.shard) {
        char *suite = xprintf("%s, shard %s", setup->suite, setup->given.shard);
        free(setup->suite);
        setup->suite = suite;
        selection_shard(&setup->plans, setup->shard, setup->given.speed);
    }
}

static void load_baseline(struct run_setup *setup, struct diag *diag)
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

/* One for each code of the server's own, where they are what the scenario is about. */
static void raise_clients(const struct run_setup *setup, struct plan *plan)
{
    const struct close_codes *codes = subject_close_codes(&setup->subject);
    size_t wanted = codes ? close_codes_count(codes) : 0;
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_CLOSE && plan->steps[i].close.documented &&
            plan->clients < wanted)
            plan->clients = (unsigned)wanted;
}

static unsigned clients_given(const struct run_setup *setup, struct diag *diag)
{
    if (setup->given.clients <= PLAN_CLIENTS_LIMIT)
        return (unsigned)setup->given.clients;
    diag_error(diag, command_line, "--clients is %llu: at most %d",
               (unsigned long long)setup->given.clients, PLAN_CLIENTS_LIMIT);
    return 0;
}

static void adapt_plans(struct run_setup *setup, struct diag *diag)
{
    for (size_t i = 0; i < setup->plans.count; i++) {
        struct plan *plan = setup->plans.list[i];
        if (setup->given.clients == 0)
            raise_clients(setup, plan);
        if (setup->target)
            target_apply(setup->target, plan);
        setup_check_tls(plan, plan->tls || setup->subject.tls, setup->subject.server.secure, diag);
        setup_check_errands(plan, &setup->subject, !setup->given.dry_run, diag);
        if (setup->subject.server_url && !setup->subject.server_command && !plan->rewrite_host)
            plan->rewrite_host = xstrdup(setup->subject.server.authority);
    }
}

bool run_setup_gather(struct run_setup *setup, struct diag *diag)
{
    setup->data = find_data_folder();
    load_target(setup, diag);
    load_baseline(setup, diag);
    load_last(setup, diag);
    gather_subject(setup, diag);
    gather_policy(setup, diag);
    gather_paths(setup, diag);
    if (!plans_load(&setup->paths, clients_given(setup, diag), &setup->plans, diag))
        return false;
    select_part(setup, diag);
    plans_fall_back(&setup->plans);
    adapt_plans(setup, diag);
    setup->tasks = xcalloc(setup->plans.count + 1, sizeof *setup->tasks);
    for (size_t i = 0; i < setup->plans.count; i++)
        setup->tasks[i] =
            (struct runner_task){.plan = setup->plans.list[i], .subject = &setup->subject};
    return diag_errors(diag) == 0;
}

void run_setup_release(struct run_setup *setup)
{
    plans_fini(&setup->plans);
    paths_fini(&setup->paths);
    subject_fini(&setup->subject);
    target_free(setup->target);
    earlier_free(setup->baseline);
    earlier_free(setup->last);
    profile_free(setup->profile);
    free(setup->tasks);
    free(setup->data);
    free(setup->system);
    free(setup->suite);
}

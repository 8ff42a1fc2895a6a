#include "control/session_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "control/request_url.h"
#include "control/commands.h"
#include "control/schedule.h"
#include "control/testable.h"
#include "endpoint/login.h"
#include "net/command.h"
#include "net/kernel.h"
#include "scenario/load.h"

void plans_fini(struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        plan_free(plans->list[i]);
    free(plans->list);
    *plans = (struct plans){0};
}

bool plans_load(const struct paths *paths, unsigned clients, struct plans *plans, struct diag *diag)
{
    *plans = (struct plans){.list = xcalloc(paths->count + 1, sizeof *plans->list)};
    for (size_t i = 0; i < paths->count; i++) {
        struct plan *plan = scenario_load_for(paths->paths[i], clients, diag);
        if (plan)
            plans->list[plans->count++] = plan;
    }
    if (diag_errors(diag) == 0)
        return true;
    plans_fini(plans);
    return false;
}

void plans_fall_back(struct plans *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        plan_fall_back(plans->list[i], kernel_why_not);
}

void setup_check_tls(const struct plan *plan, bool client_tls, bool server_tls, struct diag *diag)
{
    const struct fault_step *fault = plan_without_tls(plan, client_tls, server_tls);
    if (!fault)
        return;
    const char *name = fault->desc->name;
    bool of_client = (fault->dirs & DIR_MASK(TO_CLIENT)) && !client_tls;
    if (of_client)
        diag_error(diag, (struct place){0},
                   "%s: '%s' breaks TLS, and the client's connection has none: it takes tls: true "
                   "in the scenario, or --tls",
                   plan->name, name);
    else
        diag_error(diag, (struct place){0},
                   "%s: '%s' breaks TLS, and the server's connection has none: it takes a wss:// "
                   "server, or direction: to_client",
                   plan->name, name);
}

static void check_request(const struct plan *plan, const struct request_step *request,
                          const struct subject *subject, struct diag *diag)
{
    struct url url;
    const char *why;
    if (request_url_parse(request->url, subject, subject->server.port, &url, &why))
        url_fini(&url);
    else
        diag_error(diag, (struct place){0}, "%s: the URL '%s' of a request %s", plan->name,
                   request->url, why);
}

void setup_check_errands(const struct plan *plan, const struct subject *subject, bool by_hand,
                         struct diag *diag)
{
    bool foreign = subject->server_url && !subject->server_command;
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->steps[i];
        if (step->kind == STEP_REQUEST)
            check_request(plan, &step->request, subject, diag);
        if (step->kind != STEP_RESTART || step->restart.who != SIDE_SERVER || !foreign)
            continue;
        diag_error(diag, (struct place){0},
                   "%s: the server is not started here, and so cannot be restarted: it takes "
                   "--server-cmd, or server.command in the target file",
                   plan->name);
        return;
    }
    if (by_hand && plan_first(plan, STEP_PROMPT) && !isatty(STDIN_FILENO))
        diag_error(diag, (struct place){0},
                   "%s: a prompt waits for a person to press Enter, and standard input is no "
                   "terminal",
                   plan->name);
}

int setup_report(const struct results *results, const char *folder, bool json, bool quiet)
{
    struct text out;
    text_init(&out);
    bool written = report_json(results, folder) && report_junit(results, folder) &&
                   report_html(results, folder);
    int error = errno;
    if (json)
        results_add_json(results, &out);
    else if (!quiet)
        report_text(results, folder, isatty(STDOUT_FILENO) ? INK_COLOUR : INK_PLAIN, &out);
    bool printed = (fputs(text_chars(&out), stdout) >= 0 && fflush(stdout) == 0) || !json;
    if (!printed)
        fprintf(stderr, "halfopen: the results could not be printed: %s\n", strerror(errno));
    text_fini(&out);
    if (!written)
        fprintf(stderr, "halfopen: the report could not be written to %s: %s\n", folder,
                strerror(error));
    return written && printed ? results->exit_code : EXIT_ENVIRONMENT;
}

/* Each scenario's own, though it runs against several. */
static size_t count_assertions(const struct runner_config *config)
{
    size_t count = 0;
    for (size_t t = 0; t < config->task_count; t++) {
        const struct plan *plan = config->tasks[t].plan;
        bool before = false;
        for (size_t i = 0; i < t && !before; i++)
            before = strcmp(config->tasks[i].plan->name, plan->name) == 0;
        for (size_t e = 0; !before && e < plan->expect_count; e++)
            count += plan->expect[e].own != NULL;
    }
    return count;
}

static size_t count_rules(const struct runner_config *config)
{
    size_t count = count_assertions(config);
    for (size_t r = 0; all_rules[r]; r++) {
        bool expected = false;
        for (size_t t = 0; t < config->task_count && !expected; t++)
            for (size_t e = 0; e < config->tasks[t].plan->expect_count && !expected; e++)
                expected = rule_find(config->tasks[t].plan->expect[e].rule) == all_rules[r];
        count += expected;
    }
    return count;
}

/* The one that nobody chose is not worth a word. */
static void add_profile(const struct runner_config *config, struct text *line)
{
    const char *profile = config->task_count > 0 ? config->tasks[0].subject->profile : NULL;
    if (profile && strcmp(profile, "default") != 0)
        text_addf(line, "  profile %s", profile);
}

char *setup_heading(const struct runner_config *config, const char *system, const char *suite)
{
    struct text line;
    size_t rules = count_rules(config);
    text_init(&line);
    text_addf(&line, "halfopen " HALFOPEN_VERSION "  %s%s%s (%zu scenario%s, %zu rule%s)  speed %g",
              system ? system : "", system ? "  " : "", suite, config->task_count,
              config->task_count == 1 ? "" : "s", rules, rules == 1 ? "" : "s", config->speed);
    add_profile(config, &line);
    text_addf(&line, "  about %.0f s",
              schedule_expected(config->tasks, config->task_count, schedule_places(config->jobs),
                                config->speed));
    return text_take(&line);
}

void subject_init(struct subject *subject)
{
    *subject = (struct subject){.profile = "default"};
    policy_defaults(&subject->policy);
}

char *subject_policy(const struct subject *subject)
{
    struct text out;
    text_init(&out);
    policy_write_json(&subject->policy, (const char *const *)subject->origins, &out);
    return text_take(&out);
}

char *subject_shown(const struct subject *subject, const char *written)
{
    struct text out;
    if (!written)
        return NULL;
    text_init(&out);
    text_add(&out, "");
    char *redacted = command_redacted(written);
    redact_secrets(subject->secrets, redacted, &out);
    free(redacted);
    return text_take(&out);
}

static const struct target_hooks of_reference_client = {
    .send = {.way = HOOK_BY_STDIN, .line = (char[]){"send {n}"}},
    .close = {.way = HOOK_BY_STDIN, .line = (char[]){"close"}},
    .gave_up = {.way = HOOK_BY_LOG, .pattern = (char[]){"^gave up"}},
    .state = {.way = HOOK_BY_STDIN, .line = (char[]){"state"}, .pattern = (char[]){"^state: (.*)"}},
};

const struct target_hooks *subject_hooks(const struct subject *subject)
{
    static const struct target_hooks none;
    if (subject_has_builtin_client(subject))
        return &of_reference_client;
    return subject->hooks ? subject->hooks : &none;
}

/* What the reference client does after them is in endpoint/comeback.c. */
static const struct close_codes of_reference_server = {
    .final = {4401, 4403}, .final_count = 2, .retry = {4408, 4429}, .retry_count = 2};

const struct close_codes *subject_close_codes(const struct subject *subject)
{
    return subject_has_builtin_client(subject) ? &of_reference_server : subject->close_codes;
}

static void declare_browser(const struct subject *subject, struct json *json)
{
    if (!subject->client_page)
        return;
    json_object_open(json, "browser");
    json_put_uint(json, "tabs", subject->client_tabs);
    json_object_close(json);
}

static void declare_behind(const struct target *target, struct json *json)
{
    if (!target || !target->behind.profile)
        return;
    json_object_open(json, "behind");
    json_put_string(json, "profile", target->behind.profile);
    json_put_string(json, "idle", target->behind.idle);
    json_put_string(json, "counts", target->behind.counts);
    json_object_close(json);
}

static char *declared_client(const struct subject *subject)
{
    if (!subject_has_builtin_client(subject))
        return subject_shown(subject,
                             subject->client_page ? subject->client_page : subject->client_command);
    return subject->client_flaw ? xprintf("built-in, %s", subject->client_flaw)
                                : xstrdup("built-in");
}

static const struct subject_auth of_reference_login = {
    .message = LOGIN_MESSAGE, .ack = LOGIN_ACK, .answer = LOGIN_ANSWER};

struct subject_auth subject_auth(const struct subject *subject, const struct plan *plan)
{
    if (plan->auth.message || !subject_has_builtin_client(subject))
        return (struct subject_auth){plan->auth.message, plan->auth.ack, plan->auth.answer};
    return of_reference_login;
}

/* A server of the user's answers by itself. */
static void declare_auth(const struct subject *subject, const struct target *target,
                         struct json *json)
{
    bool reference = subject_has_builtin_client(subject);
    if (!reference && (!target || !target->auth.message))
        return;
    json_object_open(json, "auth");
    json_put_bool(json, "message", true);
    json_put_bool(json, "ack", reference || target->auth.ack);
    json_put_bool(json, "answer",
                  reference || target->auth.answer || !subject_has_builtin_server(subject));
    json_object_close(json);
}

void subject_declare(struct subject *subject, const struct target *target)
{
    struct text out;
    struct json json;
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    char *client = declared_client(subject);
    json_put_string(&json, "client", client);
    json_put_string(&json, "server",
                    subject->server_command ? "command"
                    : subject->server_url   ? "url"
                                            : "built-in");
    declare_browser(subject, &json);
    declare_behind(target, &json);
    declare_auth(subject, target, &json);
    target_write_sessions(target, subject_has_builtin_client(subject), &json);
    target_hooks_write(subject_hooks(subject), &json);
    if (subject_close_codes(subject))
        close_codes_write(subject_close_codes(subject), &json);
    if (subject_has_builtin_client(subject) || (target && target->messages.id)) {
        json_object_open(&json, "messages");
        json_put_bool(&json, "id", true);
        json_object_close(&json);
    }
    json_object_close(&json);
    free(client);
    free(subject->declared);
    subject->declared = text_take(&out);
}

void subject_fini(struct subject *subject)
{
    free(subject->name);
    free(subject->client_command);
    free(subject->client_page);
    free(subject->browser);
    free(subject->client_flaw);
    for (size_t i = 0; subject->client_environment && subject->client_environment[i]; i++)
        free(subject->client_environment[i]);
    free(subject->client_environment);
    free(subject->server_command);
    free(subject->server_url);
    url_fini(&subject->server);
    for (unsigned i = 0; i < subject->backend_count; i++)
        url_fini(&subject->backends[i]);
    free(subject->server_health);
    free(subject->server_ca);
    free(subject->path);
    free(subject->again);
    free(subject->declared);
}

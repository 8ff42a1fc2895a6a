#include "scenario/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/rule.h"
#include "scenario/load_parts.h"

static const char *const known[] = {"scenario", "story",   "tests",   "clients", "repeat",
                                    "tls",      "address", "routing", "server",  "client",
                                    "steps",    "expect",  NULL};
static const char *const later[] = {"matrix", "load", NULL};

static const char *const tests_names[] = {"client", "server", "path", "both", NULL};
static const unsigned tests_values[] = {TESTS_CLIENT, TESTS_SERVER, TESTS_PATH,
                                        TESTS_CLIENT | TESTS_SERVER};

static const char *const addresses[] = {"127.0.0.1", "localhost", NULL};
static const char *const routings[] = {"sticky", "round_robin", NULL};

static const struct param server_params[] = {
    P_DURATION(builtin_server_options, pings, .def = "0s", .min = "0s", .max = "1h",
               .doc = "how often the built-in server pings; 0s: never"),
    P_BOOL(builtin_server_options, echo, .def = "false",
           .doc = "the built-in server sends messages back"),
    P_DURATION(builtin_server_options, says, .def = "0s", .min = "0s", .max = "1h",
               .doc = "how often the built-in server sends a message of its own; 0s: never"),
    P_DURATION(builtin_server_options, publishes, .def = "0s", .min = "0s", .max = "1h",
               .doc = "how often the built-in server publishes a numbered event; 0s: never"),
    P_BOOL(builtin_server_options, sessions, .def = "false",
           .doc = "the built-in server gives the built-in client a session"),
    P_BOOL(builtin_server_options, deflate, .def = "false",
           .doc = "the built-in server agrees to permessage-deflate"),
    P_END,
};

static const struct param client_params[] = {
    P_RATE(builtin_client_options, sends, .def = "0B/s", .doc = "what the built-in client sends"),
    {.name = "message",
     .type = PARAM_SIZE,
     .offset = PARAM_FIELD(builtin_client_options, message_bytes, uint64_t),
     .def = "1KiB",
     .min = "1B",
     .max = "16MiB",
     .doc = "size of each message it sends"},
    P_COUNT(builtin_client_options, retry_limit, .def = "0", .max = "1000",
            .doc = "attempts after which the built-in client gives up; 0: never"),
    P_COUNT(builtin_client_options, topics, .def = "0", .max = "2",
            .doc = "topics that the built-in client subscribes to"),
    P_BOOL(builtin_client_options, session, .def = "false",
           .doc = "the built-in client asks for a session"),
    P_BOOL(builtin_client_options, deflate, .def = "false",
           .doc = "the built-in client offers permessage-deflate"),
    P_CHOICE(builtin_client_options, authenticates, .def = "none", .choices = authenticates_names,
             .doc = "how the built-in client says who it is: in the first message, which the "
                    "built-in server acknowledges, or in each request"),
    P_DURATION(builtin_client_options, token_life, .def = "0s", .min = "0s", .max = "24h",
               .doc = "how long each token of the built-in client is valid; 0s: for ever"),
    P_END,
};

/* --- The head --- */

static bool is_scenario_name(const char *name)
{
    return name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static void load_name(struct loader *l, const struct node *root)
{
    const struct node *name = field_need(root, "scenario", l->diag);
    if (!name || !field_copy(name, &l->plan->name, l->diag))
        return;
    if (!is_scenario_name(name->text))
        diag_error(
            l->diag, name->place,
            "'scenario' is %s: a name is lower-case letters, digits and '-', as in silent-drop",
            name->text);
}

static void load_clients(struct loader *l, const struct node *root)
{
    const struct node *clients = field_find(root, "clients");
    uint64_t count = 1;
    _Static_assert(PLAN_CLIENTS_LIMIT == 64 && PLAN_STEPS_LIMIT == 1000, "limits as text below");
    if (clients && field_count(clients, "1", "64", &count, l->diag))
        l->plan->clients = (unsigned)count;
}

/* Of the whole. */
struct repetition {
    uint64_t times;
    nsec pause;
    bool alone;
};

static const struct param repetition_params[] = {
    P_COUNT(repetition, times, .def = "1", .min = "1", .max = "1000",
            .doc = "how often the steps are taken, on the same endpoints"),
    P_DURATION(repetition, pause, .def = "0s", .max = "1h", .doc = "between one time and the next"),
    P_BOOL(repetition, alone, .def = "false",
           .doc = "once only unless a single client takes part, as with --clients 1"),
    P_END,
};

static struct repetition repetition_of(struct loader *l, const struct node *root)
{
    const struct node *repeat = field_find(root, "repeat");
    struct repetition how;
    param_defaults(repetition_params, &how);
    if (repeat && repeat->kind == NODE_MAPPING)
        fields_params(repetition_params, repeat, &how, NULL, "a repeat", l->diag);
    else if (repeat)
        (void)field_count(repeat, "1", "1000", &how.times, l->diag); /* told; stays 1 */
    unsigned clients = l->clients > 0 ? l->clients : l->plan->clients;
    if (how.alone && clients > 1)
        how.times = 1;
    return how;
}

static void load_tests(struct loader *l, const struct node *root)
{
    const struct node *tests = field_find(root, "tests");
    int choice = tests ? field_choice(tests, tests_names, l->diag) : -1;
    if (choice >= 0)
        l->plan->tests = tests_values[choice];
}

static void load_builtin(struct loader *l, const struct node *options, const struct param *table,
                         void *config, const char *example, const char *whose)
{
    param_defaults(table, config);
    if (options && field_is_mapping(options, example, l->diag))
        fields_params(table, options, config, NULL, whose, l->diag);
}

static void load_head(struct loader *l, const struct node *root)
{
    const struct node *tls = field_find(root, "tls"), *address = field_find(root, "address");
    load_name(l, root);
    l->plan->story = xstrdup("");
    (void)field_copy(field_find(root, "story"), &l->plan->story, l->diag); /* told */
    load_tests(l, root);
    if (tls)
        (void)field_flag(tls, &l->plan->tls, l->diag); /* told */
    if (address)
        l->plan->named = field_choice(address, addresses, l->diag) > 0;
    const struct node *routing = field_find(root, "routing");
    if (routing)
        l->plan->round_robin = field_choice(routing, routings, l->diag) > 0;
    load_builtin(l, field_find(root, "server"), server_params, &l->plan->server, "{pings: 30s}",
                 "the built-in server");
    load_builtin(l, field_find(root, "client"), client_params, &l->plan->client, "{sends: 1MiB/s}",
                 "the built-in client");
}

/* --- The steps --- */

/* How many once repeats are unrolled; what is not understood counts as one. */
static uint64_t count_steps(const struct node *list)
{
    uint64_t total = 0;
    for (const struct node *step = list->first; step; step = step->next) {
        const struct node *repeat = field_find(step, "repeat");
        const struct node *times = field_find(repeat, "times"), *body = field_find(repeat, "steps");
        uint64_t count = 1;
        const char *why;
        if (times && times->kind == NODE_SCALAR && body && body->kind == NODE_SEQUENCE &&
            units_count(times->text, &count, &why))
            count = count > PLAN_STEPS_LIMIT ? PLAN_STEPS_LIMIT + 1 : count * count_steps(body);
        total += count;
        if (total > PLAN_STEPS_LIMIT)
            return PLAN_STEPS_LIMIT + 1;
    }
    return total;
}

static void load_all_steps(struct loader *l, const struct node *root, struct repetition how)
{
    const struct node *steps = field_need(root, "steps", l->diag);
    if (!steps || !field_is_list(steps, "- wait: 10s", l->diag))
        return;
    if ((count_steps(steps) + (how.pause > 0)) * how.times > PLAN_STEPS_LIMIT) {
        diag_error(l->diag, steps->key_place,
                   "there are more than %d steps once repeats are unrolled", PLAN_STEPS_LIMIT);
        return;
    }
    load_repeated(l, steps, how.times, how.pause);
}

/* A pattern cannot look into a compressed message. */
static void settle_deflate(struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct fault_step *fault = &plan->steps[i].fault;
        if (plan->steps[i].kind == STEP_FAULT &&
            (fault->desc->breaks_deflate || param_has_pattern(fault->desc->params, fault->config)))
            plan->strip_deflate = true;
    }
}

static void load_root(struct loader *l, const struct node *root)
{
    const struct node *expect = field_find(root, "expect");
    fields_check(root, known, later, "a scenario", l->diag);
    load_head(l, root);
    load_clients(l, root);
    load_all_steps(l, root, repetition_of(l, root));
    settle_deflate(l->plan);
    if (expect && field_is_list(expect, "- reconnect.backoff", l->diag))
        load_expect(l, expect);
}

struct plan *load_plan(const char *file, const struct node *root, unsigned clients,
                       struct diag *diag)
{
    int before = diag_errors(diag);
    struct loader l = {.plan = plan_new(), .clients = clients, .diag = diag};
    l.plan->file = xstrdup(file);
    if (field_is_mapping(root, "scenario: silent-drop", diag))
        load_root(&l, root);
    free(l.labels);
    if (diag_errors(diag) == before)
        return l.plan;
    plan_free(l.plan);
    return NULL;
}

static struct plan *parse(const char *file, const char *text, size_t len, unsigned clients,
                          struct diag *diag)
{
    int before = diag_errors(diag);
    struct node *root = tree_parse(file, text, len, diag);
    struct plan *plan = root ? load_plan(file, root, clients, diag) : NULL;
    tree_free(root);
    if (diag_errors(diag) == before)
        return plan;
    plan_free(plan);
    return NULL;
}

struct plan *scenario_parse(const char *file, const char *text, size_t len, struct diag *diag)
{
    return parse(file, text, len, 0, diag);
}

struct plan *scenario_load_for(const char *path, unsigned clients, struct diag *diag)
{
    char *text = NULL;
    size_t len = 0;
    if (!tree_read_file(path, &text, &len, diag))
        return NULL;
    struct plan *plan = parse(path, text, len, clients, diag);
    free(text);
    if (plan && clients > 0)
        plan->clients = clients;
    return plan;
}

struct plan *scenario_load(const char *path, struct diag *diag)
{
    return scenario_load_for(path, 0, diag);
}

/* A step in words, for the trace, the live table and the report. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "scenario/load_parts.h"
#include "ws/redact.h"

static void add_duration(struct text *out, const char *before, nsec duration)
{
    text_add(out, before);
    units_add_duration_yaml(out, duration);
}

/* --- Waits --- */

static void add_until(struct text *out, const struct plan *plan, const struct until *until)
{
    static const char *const words[] = {
        [UNTIL_OPEN] = "open",           [UNTIL_REOPENED] = "reopened", [UNTIL_CLOSED] = "closed",
        [UNTIL_PING] = "ping",           [UNTIL_PONG] = "pong",         [UNTIL_EXITED] = "exited",
        [UNTIL_HEARTBEAT] = "heartbeat", [UNTIL_GAVE_UP] = "gave up",
    };
    if (until->condition == UNTIL_ATTEMPTS)
        text_addf(out, "%llu attempts", (unsigned long long)until->attempts);
    else if (until->condition == UNTIL_QUIET)
        add_duration(out, "quiet for ", until->quiet);
    else if (until->condition == UNTIL_MESSAGE)
        text_addf(out, "a message of the %s matching '%s'",
                  side_name(plan->watches[until->watch].from), plan->watches[until->watch].match);
    else
        text_add(out, words[until->condition]);
}

static void add_quorum(struct text *out, const struct wait_step *wait)
{
    if (wait->of == OF_ANY)
        text_add(out, " of any client");
    else if (wait->of == OF_CLIENT)
        text_addf(out, " of client %u", wait->client);
    else if (wait->of == OF_SHARE)
        text_addf(out, " of %g%% of the clients", wait->share * 100);
}

static void add_wait(struct text *out, const struct plan *plan, const struct wait_step *wait)
{
    if (wait->count == 0) {
        add_duration(out, "wait ", wait->duration);
        return;
    }
    text_add(out, "wait until ");
    for (size_t i = 0; i < wait->count; i++) {
        text_add(out, i > 0 ? " or " : "");
        add_until(out, plan, &wait->any[i]);
    }
    add_quorum(out, wait);
    if (wait->since)
        text_addf(out, " since %s", wait->since);
    if (wait->at_most != NEVER)
        add_duration(out, ", at most ", wait->at_most);
}

/* --- Faults --- */

static char *value_of(const struct param *param, const void *config)
{
    struct text value;
    text_init(&value);
    param_add_value(param, config, &value);
    return text_take(&value);
}

/* Those that are not what they would be anyway. */
static void add_params(struct text *out, const struct fault_step *fault)
{
    const struct fault_desc *desc = fault->desc;
    const char *before = " (";
    if (!desc->params)
        return;
    void *usual = xcalloc(1, desc->config_size);
    param_defaults(desc->params, usual);
    for (const struct param *param = desc->params; param->name; param++) {
        char *value = value_of(param, fault->config), *default_value = value_of(param, usual);
        if (strcmp(value, default_value) != 0) {
            text_addf(out, "%s%s %s", before, param->name, value);
            before = ", ";
        }
        free(value);
        free(default_value);
    }
    text_add(out, before[0] == ',' ? ")" : "");
    param_free(desc->params, usual);
    free(usual);
}

static void add_direction(struct text *out, const struct fault_step *fault)
{
    const struct fault_ops *ops = &fault->desc->ops;
    if (ops->on_attempt || ops->on_traffic || fault->desc->dirs != DIR_BOTH)
        return;
    if (fault->dirs == DIR_BOTH)
        text_add(out, " both directions");
    else
        text_add(out, fault->dirs == DIR_MASK(TO_SERVER) ? " to the server" : " to the client");
}

static void add_selector(struct text *out, const struct selector *to)
{
    static const char *const words[] = {
        [CONNS_ALL] = "",
        [CONNS_NEW] = " on new connections",
        [CONNS_NEWEST] = " on the newest connection",
        [CONNS_EXISTING] = " on existing connections",
    };
    if (to->which == CONNS_CLIENT)
        text_addf(out, " on client %u", to->client);
    else
        text_add(out, words[to->which]);
    if (to->path)
        text_addf(out, " with path %s", to->path);
}

static void add_fault(struct text *out, const struct fault_step *fault)
{
    static const char *const moments[] = {"", ", after a heartbeat", ", after a ping",
                                          ", after a pong", ", after opening"};
    text_add(out, fault->desc->name);
    add_direction(out, fault);
    add_selector(out, &fault->connections);
    add_params(out, fault);
    if (fault->probability < 1)
        text_addf(out, ", with %g%% probability", fault->probability * 100);
    text_add(out, moments[fault->moment]);
    if (fault->duration != NEVER)
        add_duration(out, ", for ", fault->duration);
    if (strcmp(fault->label, fault->desc->name) != 0)
        text_addf(out, ", as %s", fault->label);
}

static void add_close(struct text *out, const struct close_step *close)
{
    text_add(out, "close");
    if (close->documented)
        text_add(out, " with the documented codes");
    else if (close->code == 1005)
        text_add(out, " without a code");
    else
        text_addf(out, " with %u", close->code);
    if (close->reason[0])
        text_addf(out, " '%s'", close->reason);
    text_addf(out, " to %s", close->to == SIDE_NONE ? "both" : side_name(close->to));
}

static void add_clients(struct text *out, const struct which_clients *of)
{
    if (of->all)
        text_add(out, "each client");
    else
        text_addf(out, "client %u", of->client);
}

static void add_hook(struct text *out, const struct hook_step *hook)
{
    text_add(out, "make ");
    add_clients(out, &hook->of);
    text_addf(out, " %s", hook_name(hook->hook));
    if (hook->hook == HOOK_SEND)
        text_addf(out, " %llu message%s", (unsigned long long)hook->count,
                  hook->count == 1 ? "" : "s");
    if (hook->every > 0)
        add_duration(out, ", one every ", hook->every);
}

static void add_signal(struct text *out, const struct signal_step *signal)
{
    text_addf(out, "SIG%s to ", signal->name);
    add_clients(out, &signal->of);
}

static void add_restart(struct text *out, const struct restart_step *restart)
{
    text_add(out, "restart ");
    if (restart->who == SIDE_SERVER)
        text_add(out, "the server");
    else
        add_clients(out, &restart->of);
    text_addf(out, " by SIG%s", restart->signal);
    if (restart->down > 0)
        add_duration(out, ", down for ", restart->down);
}

static void add_request(struct text *out, const struct request_step *request)
{
    text_addf(out, "request %s ", request->method);
    redact_target(request->url, strlen(request->url), out);
    if (request->status > 0)
        text_addf(out, ", %llu is expected", (unsigned long long)request->status);
}

char *words_of_step(const struct plan *plan, const struct step *step)
{
    struct text out;
    text_init(&out);
    switch (step->kind) {
    case STEP_WAIT:
        add_wait(&out, plan, &step->wait);
        break;
    case STEP_FAULT:
        add_fault(&out, &step->fault);
        break;
    case STEP_CLEAR:
        text_addf(&out, "clear %s", step->clear);
        break;
    case STEP_MARK:
        text_addf(&out, "mark: %s", step->mark);
        break;
    case STEP_CLOSE:
        add_close(&out, &step->close);
        break;
    case STEP_HOOK:
        add_hook(&out, &step->hook);
        break;
    case STEP_SIGNAL:
        add_signal(&out, &step->signal);
        break;
    case STEP_RESTART:
        add_restart(&out, &step->restart);
        break;
    case STEP_REQUEST:
        add_request(&out, &step->request);
        break;
    case STEP_PROMPT:
        text_addf(&out, "prompt: %s", step->prompt.text);
        break;
    case STEP_ROUTE:
        text_addf(&out, "route to backend %u", step->route);
        break;
    }
    return text_take(&out);
}

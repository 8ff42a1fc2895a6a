/* hook and signal: what a scenario asks of the clients' applications and processes. */
#include <string.h>

#include "base/mem.h"
#include "scenario/load_parts.h"

void load_which_clients(struct loader *l, const struct node *node, struct which_clients *out)
{
    const struct node *client = field_find(node, "client");
    if (node->kind == NODE_MAPPING && client && node->count == 1) {
        out->all = !load_client(l, client, &out->client);
        return;
    }
    if (field_is_scalar(node, "all, or {client: 0}", l->diag) && strcmp(node->text, "all") != 0)
        diag_error(l->diag, node->place, "'clients' is %s: all, or {client: 0}",
                   field_written(node));
}

/* --- hook --- */

static bool is_hook(struct loader *l, const char *name, struct place at, enum hook *hook)
{
    static const char *const names[] = {"send", "close", "state"};
    for (int i = HOOK_SEND; i <= HOOK_STATE; i++)
        if (strcmp(names[i], name) == 0) {
            *hook = (enum hook)i;
            return true;
        }
    diag_error(l->diag, at, "no hook is called '%s': send, close or state", name);
    field_suggest(name, names, 3, "", l->diag);
    return false;
}

static void load_sends(struct loader *l, const struct node *body, struct hook_step *hook)
{
    static const char *const known[] = {"send", "every", "clients", NULL};
    fields_check(body, known, NULL, "a hook", l->diag);
    const struct node *send = field_need(body, "send", l->diag), *every = field_find(body, "every");
    hook->hook = HOOK_SEND;
    if (send)
        (void)field_count(send, "1", "10000", &hook->count, l->diag); /* told */
    if (every)
        (void)field_duration(every, &hook->every, l->diag); /* told */
}

void load_hook(struct loader *l, const struct node *step, const struct node *body)
{
    struct step *out = plan_add_step(l->plan, STEP_HOOK);
    const struct node *clients = load_option(l, step, body, "clients");
    if (body->kind == NODE_MAPPING)
        load_sends(l, body, &out->hook);
    else if (field_is_scalar(body, "close, or {send: 20, every: 200ms}", l->diag))
        (void)is_hook(l, body->text, body->place, &out->hook.hook); /* told */
    if (clients)
        load_which_clients(l, clients, &out->hook.of);
    out->what = words_of_step(l->plan, out);
}

/* --- signal --- */

/* Those that a supervisor or a person sends. */
static const char *const signals[] = {"TERM", "INT",  "HUP",  "QUIT", "KILL",
                                      "STOP", "CONT", "USR1", "USR2", NULL};

void load_signal_name(struct loader *l, const struct node *node, const char **out)
{
    if (!field_is_scalar(node, "TERM", l->diag))
        return;
    for (size_t i = 0; signals[i]; i++)
        if (strcmp(signals[i], node->text) == 0)
            *out = signals[i];
    if (is_listed(signals, node->text))
        return;
    diag_error(l->diag, node->place,
               "no signal is called '%s': TERM, INT, HUP, QUIT, KILL, STOP, "
               "CONT, USR1 or USR2",
               node->text);
    field_suggest(node->text, signals, sizeof signals / sizeof *signals - 1, "", l->diag);
}

void load_signal(struct loader *l, const struct node *step, const struct node *body)
{
    static const char *const known[] = {"name", "clients", NULL};
    struct step *out = plan_add_step(l->plan, STEP_SIGNAL);
    const struct node *clients = load_option(l, step, body, "clients"), *name = body;
    if (body->kind == NODE_MAPPING) {
        fields_check(body, known, NULL, "a signal", l->diag);
        name = field_need(body, "name", l->diag);
    }
    if (name)
        load_signal_name(l, name, &out->signal.name);
    if (clients)
        load_which_clients(l, clients, &out->signal.of);
    out->what = words_of_step(l->plan, out);
}

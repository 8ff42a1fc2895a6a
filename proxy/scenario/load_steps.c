/* One step after the other: which action is it, and the actions that are not waits or faults. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "scenario/load_parts.h"

static const char *const actions[] = {"wait",   "clear",   "mark",    "close",  "repeat", "hook",
                                      "signal", "restart", "request", "prompt", "route",  NULL};
static const char *const later_actions[] = {"load", NULL};
static const char *const fault_options[] = {"direction", "connections", "probability", "at",
                                            "as",        "for",         "fallback",    NULL};
static const char *const speech_options[] = {"to", "direction", "connections", "probability", "at",
                                             "as", "for",       "fallback",    NULL};
static const char *const wait_options[] = {"at_most", "of", "since", "as", NULL};
static const char *const ask_options[] = {"clients", NULL};
static const char *const prompt_options[] = {"at_most", NULL};
static const char *const no_options[] = {NULL};

/* --- What the parts share --- */

static struct place later_of(const struct node *a, const struct node *b)
{
    bool a_first =
        a->key_place.line < b->key_place.line ||
        (a->key_place.line == b->key_place.line && a->key_place.column < b->key_place.column);
    return a_first ? b->key_place : a->key_place;
}

const struct node *load_option(struct loader *l, const struct node *step, const struct node *body,
                               const char *name)
{
    const struct node *beside = field_find(step, name), *beneath = field_find(body, name);
    if (beside && beneath) {
        struct place at = later_of(beside, beneath);
        const struct node *first =
            at.line == beside->key_place.line && at.column == beside->key_place.column ? beneath
                                                                                       : beside;
        diag_error(l->diag, at, "'%s' is given twice, first at %d:%d", name, first->key_place.line,
                   first->key_place.column);
        return first;
    }
    return beside ? beside : beneath;
}

void load_remember(struct loader *l, const char *label)
{
    l->labels = xrealloc(l->labels, (l->label_count + 1) * sizeof *l->labels);
    l->labels[l->label_count++] = label;
}

static bool is_repeated(const struct loader *l, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(l->labels[i], l->labels[index]) == 0)
            return true;
    return false;
}

static bool has_label(const struct loader *l, const char *label)
{
    for (size_t i = 0; i < l->label_count; i++)
        if (strcmp(l->labels[i], label) == 0)
            return true;
    return false;
}

/* Two steps of one label could not be told apart: not by `clear` and `since`, not in the trace. */
void load_label(struct loader *l, const struct node *as, char **out)
{
    if (!field_copy(as, out, l->diag) || !has_label(l, *out) || l->again)
        return;
    diag_error(l->diag, as->place,
               "'as' is %s, and so is a step before this one: each needs its own", *out);
}

char *load_usual_label(const struct loader *l, const char *name)
{
    char *label = xstrdup(name);
    for (unsigned number = 2; has_label(l, label); number++) {
        free(label);
        label = xprintf("%s-%u", name, number);
    }
    return label;
}

bool load_knows_label(struct loader *l, const struct node *label)
{
    size_t count = 0;
    if (has_label(l, label->text))
        return true;
    const char **names = xcalloc(l->label_count + 1, sizeof *names);
    for (size_t i = 0; i < l->label_count; i++)
        if (!is_repeated(l, i))
            names[count++] = l->labels[i];
    diag_error(l->diag, label->place, "no step before this one is called '%s'", label->text);
    field_suggest(label->text, names, count, "", l->diag);
    free(names);
    return false;
}

bool load_client(struct loader *l, const struct node *number, unsigned *out)
{
    uint64_t client = 0;
    if (!field_count(number, "0", NULL, &client, l->diag))
        return false;
    if (client >= l->plan->clients) {
        diag_error(l->diag, number->place, "'client' is %s: there are %u, counted from 0",
                   number->text, l->plan->clients);
        return false;
    }
    *out = (unsigned)client;
    return true;
}

/* --- Small actions --- */

static void load_clear(struct loader *l, const struct node *whole, const struct node *body)
{
    if (!field_is_scalar(body, "outage", l->diag) || !load_knows_label(l, body))
        return;
    struct step *step = plan_add_step(l->plan, STEP_CLEAR);
    step->clear = xstrdup(body->text);
    step->what = words_of_step(l->plan, step);
}

static void load_mark(struct loader *l, const struct node *whole, const struct node *body)
{
    if (!field_is_scalar(body, "'the outage begins'", l->diag))
        return;
    struct step *step = plan_add_step(l->plan, STEP_MARK);
    step->mark = xstrdup(body->text);
    step->what = words_of_step(l->plan, step);
}

struct close_params {
    uint64_t code;
    char *reason;
    int to;
    bool documented;
};

/* RFC 6455 5.5: control frames carry at most 125 bytes, 2 are the code */
#define CLOSE_REASON_LIMIT 123

static const char *const close_ends[] = {"client", "server", "both", NULL};
static const struct param close_params[] = {
    P_COUNT(close_params, code, .def = "1000", .min = "1000", .max = "4999",
            .doc = "close code; 1005: none is sent"),
    P_TEXT(close_params, reason, .def = "", .doc = "text that goes with it"),
    P_CHOICE(close_params, to, .def = "both", .choices = close_ends, .doc = "who is told"),
    P_BOOL(close_params, documented, .def = "false",
           .doc = "each client in turn with one of the close_codes of the target file"),
    P_END,
};

static void load_close(struct loader *l, const struct node *whole, const struct node *body)
{
    static const enum side sides[] = {SIDE_CLIENT, SIDE_SERVER, SIDE_NONE};
    struct close_params close = {0};
    const struct node *reason = field_find(body, "reason");
    param_defaults(close_params, &close);
    if (!field_is_empty(body) && field_is_mapping(body, "{code: 1001, to: client}", l->diag))
        fields_params(close_params, body, &close, NULL, "a close", l->diag);
    if (close.reason && strlen(close.reason) > CLOSE_REASON_LIMIT)
        diag_error(l->diag, reason->place, "'reason' is too long: at most %d bytes",
                   CLOSE_REASON_LIMIT);
    if (close.documented && field_find(body, "code"))
        diag_error(l->diag, field_find(body, "code")->key_place,
                   "'code' does not go with 'documented'");
    struct step *step = plan_add_step(l->plan, STEP_CLOSE);
    step->close = (struct close_step){.to = sides[close.to],
                                      .documented = close.documented,
                                      .code = (unsigned)close.code,
                                      .reason = xstrdup(close.reason ? close.reason : "")};
    step->what = words_of_step(l->plan, step);
    param_free(close_params, &close);
}

static void load_repeat(struct loader *l, const struct node *whole, const struct node *body)
{
    static const char *const known[] = {"times", "steps", NULL};
    uint64_t times = 1;
    if (!field_is_mapping(body, "{times: 8, steps: [...]}", l->diag))
        return;
    fields_check(body, known, NULL, "a repeat", l->diag);
    const struct node *count = field_need(body, "times", l->diag);
    const struct node *steps = field_need(body, "steps", l->diag);
    bool good = count && field_count(count, "1", "1000", &times, l->diag);
    if (!steps || !field_is_list(steps, "- wait: 10s", l->diag))
        return;
    load_repeated(l, steps, good ? times : 1, 0);
}

/* --- Which action --- */

static bool is_action(const char *name)
{
    return is_listed(actions, name) || is_listed(later_actions, name) || fault_find(name);
}

static const struct node *find_action(const struct node *step)
{
    for (const struct node *child = step->first; child; child = child->next)
        if (is_action(child->key))
            return child;
    return NULL;
}

static void refuse_unknown_action(struct loader *l, const struct node *step)
{
    const char *names[256];
    size_t count = 0;
    const struct node *wrong = step->first;
    while (wrong && (is_listed(fault_options, wrong->key) || is_listed(wait_options, wrong->key)))
        wrong = wrong->next;
    if (!wrong) {
        diag_error(
            l->diag, step->place,
            "a step says what to do: wait, clear, mark, close, repeat, hook, signal, restart, "
            "request, prompt, route, or a fault (halfopen list faults)");
        return;
    }
    const char *near = nearest_name(wrong->key, actions, sizeof actions / sizeof *actions - 1);
    for (size_t i = 0; all_faults[i] && count < sizeof names / sizeof *names; i++)
        names[count++] = all_faults[i]->name;
    if (near) {
        diag_error(l->diag, wrong->key_place, "no step is called '%s'", wrong->key);
        diag_hint(l->diag, "did you mean '%s'?", near);
        return;
    }
    diag_error(l->diag, wrong->key_place, "no fault is called '%s'", wrong->key);
    near = nearest_name(wrong->key, names, count);
    if (near)
        diag_hint(l->diag, "did you mean '%s'? (halfopen list faults)", near);
    else
        diag_hint(l->diag, "halfopen list faults");
}

static void check_siblings(struct loader *l, const struct node *step, const struct node *action,
                           const char *const *options)
{
    size_t count = 0;
    while (options[count])
        count++;
    for (const struct node *child = step->first; child; child = child->next) {
        if (child == action || is_listed(options, child->key))
            continue;
        if (is_action(child->key)) {
            diag_error(l->diag, child->key_place,
                       "'%s' is a second action in one step; begin another step with '-'",
                       child->key);
            continue;
        }
        diag_error(l->diag, child->key_place, "'%s' does not go with '%s'", child->key,
                   action->key);
        field_suggest(child->key, options, count, "", l->diag);
    }
}

/* The actions that are not faults. */
static const struct action {
    const char *name;
    void (*load)(struct loader *, const struct node *step, const struct node *body);
    const char *const *options;
} loaders[] = {
    {"wait", load_wait, wait_options},     {"clear", load_clear, no_options},
    {"mark", load_mark, no_options},       {"close", load_close, no_options},
    {"repeat", load_repeat, no_options},   {"hook", load_hook, ask_options},
    {"signal", load_signal, ask_options},  {"restart", load_restart, ask_options},
    {"request", load_request, no_options}, {"prompt", load_prompt, prompt_options},
    {"route", load_route, no_options},
};

static const struct action *action_of(const char *name)
{
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        if (strcmp(loaders[i].name, name) == 0)
            return &loaders[i];
    return NULL;
}

/* Whoever refers to a step that was refused is not to blame. */
static void remember_refused(struct loader *l, const struct node *step)
{
    for (const struct node *child = step->first; child; child = child->next) {
        const struct node *label = field_find(child, "as");
        if (strcmp(child->key, "as") == 0)
            label = child;
        if (label && label->kind == NODE_SCALAR)
            load_remember(l, label->text);
    }
}

static void load_step(struct loader *l, const struct node *step)
{
    if (!field_is_mapping(step, "'wait: 10s'", l->diag))
        return;
    const struct node *action = find_action(step);
    if (!action) {
        refuse_unknown_action(l, step);
        remember_refused(l, step);
        return;
    }
    const struct fault_desc *desc = fault_find(action->key);
    const struct action *plain = action_of(action->key);
    if (is_listed(later_actions, action->key)) {
        field_refuse_later(action, l->diag);
        remember_refused(l, step);
        return;
    }
    check_siblings(l, step, action,
                   !desc          ? plain->options
                   : desc->speaks ? speech_options
                                  : fault_options);
    if (action->kind == NODE_BROKEN)
        return;
    if (desc)
        load_fault(l, step, action, desc);
    else
        plain->load(l, step, action);
}

void load_steps(struct loader *l, const struct node *list)
{
    for (const struct node *step = list->first; step; step = step->next)
        load_step(l, step);
}

static void add_pause(struct loader *l, nsec pause)
{
    struct step *step = plan_add_step(l->plan, STEP_WAIT);
    step->wait.duration = pause;
    step->what = words_of_step(l->plan, step);
}

void load_repeated(struct loader *l, const struct node *list, uint64_t times, nsec pause)
{
    bool again = l->again;
    int before = diag_errors(l->diag);
    for (uint64_t i = 0; i < times && diag_errors(l->diag) == before; i++) {
        l->again = again || i > 0;
        if (i > 0 && pause > 0)
            add_pause(l, pause);
        load_steps(l, list);
    }
    l->again = again;
}

/* A fault as a step: its parameters, where and when it works, and for how long. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/find.h"
#include "scenario/load_parts.h"
#include "scenario/preset.h"

static const char *const options[] = {"direction", "connections", "probability", "at",
                                      "as",        "for",         "fallback",    NULL};
static const char *const speech_options[] = {"to", "direction", "connections", "probability", "at",
                                             "as", "for",       "fallback",    NULL};

static const char *const directions[] = {"to_server", "to_client", "both", NULL};
static const unsigned direction_masks[] = {DIR_MASK(TO_SERVER), DIR_MASK(TO_CLIENT), DIR_BOTH};

/* In the order of enum which_connections, up to CONNS_EXISTING. */
static const char *const selections[] = {"all", "new", "newest", "existing", NULL};

/* In the order of enum moment, from AFTER_HEARTBEAT. */
static const char *const moments[] = {"heartbeat", "ping", "pong", "open", NULL};

static const struct param probability_param = {
    .type = PARAM_RATIO, .def = "100%", .min = "0%", .max = "100%"};

static void load_direction(struct loader *l, const struct node *node, struct fault_step *fault)
{
    int choice = node ? field_choice(node, directions, l->diag) : -1;
    fault->dirs = fault->desc->usual_dirs ? fault->desc->usual_dirs : fault->desc->dirs;
    if (choice < 0)
        return;
    if (direction_masks[choice] & ~fault->desc->dirs)
        diag_error(l->diag, node->place, "'direction' is %s: '%s' works only %s", node->text,
                   fault->desc->name,
                   fault->desc->dirs == DIR_MASK(TO_SERVER) ? "to_server" : "to_client");
    else
        fault->dirs = direction_masks[choice];
}

/* Who is told, as `close` has it. */
static void load_to(struct loader *l, const struct node *to, const struct node *direction,
                    struct fault_step *fault)
{
    static const char *const ends[] = {"server", "client", "both", NULL};
    int choice = field_choice(to, ends, l->diag);
    if (direction)
        diag_error(l->diag, direction->key_place, "'direction' does not go with 'to'");
    if (choice >= 0)
        fault->dirs = direction_masks[choice];
}

static void load_selector(struct loader *l, const struct node *node, struct selector *to)
{
    static const char *const keys[] = {"client", "path", NULL};
    if (node->kind == NODE_MAPPING) {
        const struct node *client = field_find(node, "client"), *path = field_find(node, "path");
        fields_check(node, keys, NULL, "'connections'", l->diag);
        if (node->count == 0)
            diag_error(l->diag, node->place,
                       "'connections' is empty: {client: 0} or {path: /feed} is expected");
        if (client && load_client(l, client, &to->client))
            to->which = CONNS_CLIENT;
        (void)field_copy(path, &to->path, l->diag); /* told */
        return;
    }
    if (!field_is_scalar(node, "existing, or {client: 0}", l->diag))
        return;
    for (size_t i = 0; selections[i]; i++)
        if (strcmp(node->text, selections[i]) == 0) {
            to->which = (enum which_connections)i;
            return;
        }
    diag_error(l->diag, node->place,
               "'connections' is %s: one of all, new, newest, existing, {client: 0}, {path: /feed}",
               node->text);
    field_suggest(node->text, selections, sizeof selections / sizeof *selections - 1, "", l->diag);
}

/* A selection that can never hold a connection on which this fault acts. */
static void check_selector(struct loader *l, const struct node *node,
                           const struct fault_step *fault)
{
    enum which_connections which = fault->connections.which;
    const char *name = fault->desc->name;
    bool comes_later = which == CONNS_NEW && fault->desc->instant && fault->moment == AT_ONCE;
    bool came_before = which == CONNS_EXISTING || which == CONNS_NEWEST || fault->connections.path;
    if (comes_later)
        diag_error(l->diag, node->place,
                   "'%s' is done at once, when there are no new connections yet; give it a moment, "
                   "as in at: {after: open}",
                   name);
    if (came_before && fault_only_at_acceptance(fault->desc))
        diag_error(l->diag, node->place,
                   "'%s' acts while a connection is accepted: 'connections' is one of all, new, "
                   "{client: 0}",
                   name);
}

static void load_moment(struct loader *l, const struct node *node, struct fault_step *fault)
{
    static const char *const keys[] = {"after", "at_most", NULL};
    if (fault_only_at_acceptance(fault->desc)) {
        diag_error(l->diag, node->key_place,
                   "'%s' acts while a connection is accepted: it takes no 'at'", fault->desc->name);
        return;
    }
    if (!field_is_mapping(node, "{after: heartbeat, at_most: 60s}", l->diag))
        return;
    fields_check(node, keys, NULL, "'at'", l->diag);
    const struct node *after = field_need(node, "after", l->diag);
    const struct node *at_most = field_find(node, "at_most");
    int choice = after ? field_choice(after, moments, l->diag) : -1;
    if (choice >= 0)
        fault->moment = (enum moment)(AFTER_HEARTBEAT + choice);
    if (at_most)
        (void)field_duration(at_most, &fault->at_most, l->diag); /* told */
    else
        diag_error(l->diag, node->key_place,
                   "'at_most' is missing: every wait ends, as in {after: heartbeat, at_most: 60s}");
}

static void check_instant(struct loader *l, const struct node *duration, const struct node *label,
                          const struct fault_step *fault)
{
    if (!fault->desc->instant)
        return;
    if (duration)
        diag_error(l->diag, duration->key_place, "'%s' is done at once: it takes no 'for'",
                   fault->desc->name);
    if (label && fault->moment == AT_ONCE)
        diag_error(l->diag, label->key_place, "'%s' is done at once: it takes no 'as'",
                   fault->desc->name);
}

static bool wants_parameters(const struct fault_desc *desc)
{
    for (const struct param *param = desc->params; param && param->name; param++)
        if (!param->def)
            return true;
    return false;
}

/* Another fault, with its defaults, for machines that lack what this one needs. */
static void load_fallback(struct loader *l, const struct node *node, struct fault_step *fault)
{
    if (!field_is_scalar(node, "drop", l->diag))
        return;
    const struct fault_desc *other = fault_find(node->text);
    if (fault->desc->need == NEED_NOTHING && !fault->desc->needs)
        diag_error(l->diag, node->key_place, "'%s' works on every machine: it takes no 'fallback'",
                   fault->desc->name);
    else if (!other)
        diag_error(l->diag, node->place, "no fault is called '%s'", node->text);
    else if (other->need != NEED_NOTHING || other->needs)
        diag_error(
            l->diag, node->place,
            "'fallback' is %s, which needs as much of the machine: a fault like drop is expected",
            node->text);
    else if (!(other->dirs & fault->dirs))
        diag_error(l->diag, node->place, "'fallback' is %s, which does not work in that direction",
                   node->text);
    else if (other->instant && !fault->desc->instant)
        diag_error(l->diag, node->place,
                   "'fallback' is %s, which is done at once: one that lasts is expected",
                   node->text);
    else if (wants_parameters(other))
        diag_error(l->diag, node->place,
                   "'fallback' is %s, which has no defaults for all its parameters", node->text);
    else
        fault->fallback = other;
}

static void load_lasting(struct loader *l, const struct node *duration, const struct node *label,
                         struct step *step)
{
    struct fault_step *fault = &step->fault;
    if (duration)
        (void)field_duration(duration, &fault->duration, l->diag); /* told */
    fault->blocking = duration && !label;
    if (label)
        load_label(l, label, &fault->label);
    if (!fault->label)
        fault->label = load_usual_label(l, fault->desc->name);
    check_instant(l, duration, label, fault);
}

/* What no bound of a single parameter says. */
static void check_params(struct loader *l, const struct node *body, const struct fault_step *fault)
{
    const char *param = NULL;
    struct text why;
    text_init(&why);
    if (!fault->desc->check(fault->config, &param, &why)) {
        const struct node *wrong = param ? field_find(body, param) : NULL;
        diag_error(l->diag, wrong ? wrong->place : body->key_place, "%s", text_chars(&why));
    }
    text_fini(&why);
}

/* Without any parameter given, none may be required. */
static void need_params(struct loader *l, const struct node *body, const struct fault_desc *desc)
{
    for (const struct param *param = desc->params; param && param->name; param++)
        if (!param->def)
            diag_error(l->diag, body->key_place, "'%s' is missing, as in %s", param->name,
                       desc->example);
}

static struct preset *load_preset(struct loader *l, const struct node *profile,
                                  const struct fault_desc *desc)
{
    if (!profile || !field_is_scalar(profile, "nginx", l->diag))
        return NULL;
    char *folder = find_data_folder();
    char *path = find_preset(folder, desc->presets, desc->name, profile->text, l->plan->file,
                             profile->place, l->diag);
    struct preset *preset = path ? preset_load(path, desc, l->diag) : NULL;
    free(path);
    free(folder);
    return preset;
}

static void load_params(struct loader *l, const struct node *body, struct fault_step *fault)
{
    const struct fault_desc *desc = fault->desc;
    char *whose = xprintf("'%s'", desc->name);
    fault->config = xcalloc(1, desc->config_size > 0 ? desc->config_size : 1);
    if (desc->params)
        param_defaults(desc->params, fault->config);
    int before = diag_errors(l->diag);
    /* What `profile` says comes first, so that what stands beside it counts. */
    const struct node *profile = desc->presets ? field_find(body, "profile") : NULL;
    struct preset *preset = load_preset(l, profile, desc);
    if (preset)
        preset_apply(preset, fault->config);
    if (field_is_empty(body))
        need_params(l, body, desc);
    else if (field_is_mapping(body, desc->example, l->diag))
        fields_params(desc->params, body, fault->config, desc->speaks ? speech_options : options,
                      whose, l->diag);
    if (preset)
        preset_need(preset, fault->config, body, profile, l->diag);
    if (desc->check && diag_errors(l->diag) == before)
        check_params(l, body, fault);
    preset_free(preset);
    free(whose);
}

void load_fault(struct loader *l, const struct node *step, const struct node *body,
                const struct fault_desc *desc)
{
    struct step *out = plan_add_step(l->plan, STEP_FAULT);
    struct fault_step *fault = &out->fault;
    fault->desc = desc;
    load_params(l, body, fault);
    const struct node *direction = load_option(l, step, body, "direction");
    const struct node *connections = load_option(l, step, body, "connections");
    const struct node *probability = load_option(l, step, body, "probability");
    const struct node *at = load_option(l, step, body, "at");
    const struct node *duration = load_option(l, step, body, "for");
    const struct node *label = load_option(l, step, body, "as");
    const struct node *fallback = load_option(l, step, body, "fallback");
    load_direction(l, direction, fault);
    if (desc->speaks && load_option(l, step, body, "to"))
        load_to(l, load_option(l, step, body, "to"), direction, fault);
    if (at)
        load_moment(l, at, fault);
    if (connections) {
        load_selector(l, connections, &fault->connections);
        check_selector(l, connections, fault);
    }
    if (probability)
        (void)field_param(&probability_param, probability, &fault->probability, l->diag); /* told */
    if (fallback)
        load_fallback(l, fallback, fault);
    load_lasting(l, duration, label, out);
    out->label = xstrdup(fault->label);
    load_remember(l, out->label);
    out->what = words_of_step(l->plan, out);
}

#include "scenario/preset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char unknown[] = "unknown";
static const char *const certainties[] = {"documented", "measured", "folklore", NULL};

void preset_free(struct preset *preset)
{
    if (!preset)
        return;
    for (size_t i = 0; i < preset->fact_count; i++) {
        free(preset->facts[i].value);
        free(preset->facts[i].certainty);
    }
    for (size_t i = 0; i < preset->source_count; i++)
        free(preset->sources[i]);
    free(preset->facts);
    free(preset->sources);
    free(preset->name);
    free(preset->story);
    free(preset->notes);
    free(preset->drain);
    free(preset);
}

bool preset_is_for(const struct node *root, const struct fault_desc *fault)
{
    return fault->presets && root->first && root->first->key &&
           strcmp(root->first->key, fault->name) == 0;
}

const struct fault_desc *preset_fault_of(const struct node *root)
{
    for (size_t i = 0; all_faults[i]; i++)
        if (preset_is_for(root, all_faults[i]))
            return all_faults[i];
    return NULL;
}

/* --- The file --- */

/* NULL: not one of them, and said so. */
static const struct param *fact_param(const struct preset *preset, const struct node *node,
                                      struct diag *diag)
{
    const struct param *param = param_find(preset->fault->params, node->key);
    if (param && strcmp(param->name, "profile") != 0)
        return param;
    const char *names[64];
    size_t count = 0;
    for (const struct param *row = preset->fault->params; row->name && count < 64; row++)
        names[count++] = row->name;
    diag_error(diag, node->key_place, "'%s' is no parameter of '%s'", node->key,
               preset->fault->name);
    field_suggest(node->key, names, count, "", diag);
    return NULL;
}

static void load_fact(struct preset *preset, void *scratch, const struct node *node,
                      struct diag *diag)
{
    static const char *const known[] = {"is", "certainty", NULL};
    const struct param *param = fact_param(preset, node, diag);
    if (!param || !field_is_mapping(node, "{is: 60s, certainty: documented}", diag))
        return;
    fields_check(node, known, NULL, "a fact", diag);
    const struct node *is = field_need(node, "is", diag);
    const struct node *certainty = field_need(node, "certainty", diag);
    if (!is || !certainty || field_choice(certainty, certainties, diag) < 0)
        return;
    bool is_known = !(is->kind == NODE_SCALAR && strcmp(is->text, unknown) == 0);
    if (is_known && !field_param(param, is, scratch, diag))
        return;
    preset->facts = xrealloc(preset->facts, (preset->fact_count + 1) * sizeof *preset->facts);
    preset->facts[preset->fact_count++] =
        (struct preset_fact){.param = param,
                             .value = is_known ? xstrdup(is->text) : NULL,
                             .certainty = xstrdup(certainty->text)};
}

static void load_facts(struct preset *preset, const struct node *facts, struct diag *diag)
{
    void *scratch = xcalloc(1, preset->fault->config_size);
    if (field_is_mapping(facts, "{idle: {is: 60s, certainty: documented}}", diag))
        for (const struct node *node = facts->first; node; node = node->next)
            load_fact(preset, scratch, node, diag);
    param_free(preset->fault->params, scratch);
    free(scratch);
}

static void load_sources(struct preset *preset, const struct node *list, struct diag *diag)
{
    if (!field_is_list(list, "[the vendor's manual]", diag))
        return;
    if (list->count == 0)
        diag_error(diag, list->place, "'source' is empty: where the facts come from is expected");
    preset->sources = xcalloc(list->count + 1, sizeof *preset->sources);
    for (const struct node *item = list->first; item; item = item->next)
        if (field_is_scalar(item, "the vendor's manual", diag))
            preset->sources[preset->source_count++] = xstrdup(item->text);
}

static void load_root(struct preset *preset, const struct node *root, struct diag *diag)
{
    const char *const known[] = {
        preset->fault->name, "story", "facts", "notes", "drain", "source", NULL};
    fields_check(root, known, NULL, "a profile of this kind", diag);
    const struct node *facts = field_need(root, "facts", diag);
    const struct node *source = field_need(root, "source", diag);
    (void)field_copy(field_need(root, preset->fault->name, diag), &preset->name, diag); /* told */
    (void)field_copy(field_need(root, "story", diag), &preset->story, diag);            /* told */
    (void)field_copy(field_find(root, "notes"), &preset->notes, diag);                  /* told */
    (void)field_copy(field_find(root, "drain"), &preset->drain, diag);                  /* told */
    if (facts)
        load_facts(preset, facts, diag);
    if (source)
        load_sources(preset, source, diag);
}

struct preset *preset_load(const char *path, const struct fault_desc *fault, struct diag *diag)
{
    int before = diag_errors(diag);
    char *text = NULL;
    size_t len = 0;
    if (!tree_read_file(path, &text, &len, diag))
        return NULL;
    struct node *root = tree_parse(path, text, len, diag);
    struct preset *preset = xcalloc(1, sizeof *preset);
    preset->fault = fault;
    if (root && field_is_mapping(root, "intermediary: nginx", diag))
        load_root(preset, root, diag);
    tree_free(root);
    free(text);
    if (diag_errors(diag) == before)
        return preset;
    preset_free(preset);
    return NULL;
}

/* --- In a scenario --- */

void preset_apply(const struct preset *preset, void *config)
{
    struct text why;
    text_init(&why);
    for (size_t i = 0; i < preset->fact_count; i++) {
        const struct preset_fact *fact = &preset->facts[i];
        bool good = !fact->value || param_set(fact->param, config, fact->value, &why);
        assert(good); /* it was tried when it was read */
    }
    text_fini(&why);
}

void preset_need(const struct preset *preset, const void *config, const struct node *body,
                 const struct node *profile, struct diag *diag)
{
    const struct fault_desc *fault = preset->fault;
    for (size_t i = 0; i < preset->fact_count; i++) {
        const struct preset_fact *fact = &preset->facts[i];
        const char *name = fact->param->name;
        if (!fact->value && !field_find(body, name) && (!fault->uses || fault->uses(config, name)))
            diag_error(diag, profile->place, "nobody knows '%s' of %s: give it, as in %s: %s", name,
                       preset->name, name, fact->param->def);
    }
}

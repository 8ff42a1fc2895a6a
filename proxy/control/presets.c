/* Intermediaries in the catalogue: what their files say, each fact with its certainty. */
#include "control/presets.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/find.h"

/* --- Reading them --- */

static const struct fault_desc *intermediary(void)
{
    return fault_find("intermediary");
}

void presets_open(struct presets *presets)
{
    struct diag *quiet = diag_new();
    struct paths paths;
    char *folder = find_data_folder();
    paths_init(&paths);
    find_all_presets(folder, intermediary()->presets, &paths);
    *presets = (struct presets){.list = xcalloc(paths.count + 1, sizeof *presets->list)};
    for (size_t i = 0; i < paths.count; i++) {
        struct preset *preset = preset_load(paths.paths[i], intermediary(), quiet);
        if (preset)
            presets->list[presets->count++] = preset;
    }
    paths_fini(&paths);
    free(folder);
    diag_free(quiet);
}

void presets_close(struct presets *presets)
{
    for (size_t i = 0; i < presets->count; i++)
        preset_free(presets->list[i]);
    free(presets->list);
}

const char *preset_value(const struct preset *preset, const char *name)
{
    for (size_t i = 0; i < preset->fact_count; i++)
        if (strcmp(preset->facts[i].param->name, name) == 0)
            return preset->facts[i].value ? preset->facts[i].value : "unknown";
    const struct param *param = param_find(preset->fault->params, name);
    return param ? param->def : "";
}

/* --- Lists --- */

static void add_line(const struct preset *preset, struct text *out)
{
    const char *idle = preset_value(preset, "idle"), *counts = preset_value(preset, "counts");
    bool none = strcmp(counts, "none") == 0 || strcmp(idle, "0s") == 0;
    text_addf(out, "%-26s idle %-8s counts %-14s client sees %-12s server sees %s\n", preset->name,
              none ? "never" : idle, none ? "-" : counts,
              none ? "-" : preset_value(preset, "idle_to_client"),
              none ? "-" : preset_value(preset, "idle_to_server"));
}

void catalogue_intermediaries_text(struct text *out)
{
    struct presets presets;
    presets_open(&presets);
    for (size_t i = 0; i < presets.count; i++)
        add_line(presets.list[i], out);
    presets_close(&presets);
}

static void put_preset(const struct preset *preset, struct json *json)
{
    json_object_open(json, NULL);
    json_put_string(json, "name", preset->name);
    json_put_string(json, "story", preset->story);
    json_object_open(json, "facts");
    for (size_t i = 0; i < preset->fact_count; i++) {
        const struct preset_fact *fact = &preset->facts[i];
        json_object_open(json, fact->param->name);
        json_put_string(json, "is", fact->value);
        json_put_string(json, "certainty", fact->certainty);
        json_object_close(json);
    }
    json_object_close(json);
    json_put_string(json, "drain", preset->drain);
    json_put_string(json, "notes", preset->notes);
    json_array_open(json, "source");
    for (size_t i = 0; i < preset->source_count; i++)
        json_put_string(json, NULL, preset->sources[i]);
    json_array_close(json);
    json_object_close(json);
}

void catalogue_intermediaries_json(struct json *json)
{
    struct presets presets;
    presets_open(&presets);
    json_array_open(json, NULL);
    for (size_t i = 0; i < presets.count; i++)
        put_preset(presets.list[i], json);
    json_array_close(json);
    presets_close(&presets);
}

/* --- One in full --- */

static void add_facts(const struct preset *preset, struct text *out)
{
    text_add(out, "\nFacts\n");
    for (size_t i = 0; i < preset->fact_count; i++) {
        const struct preset_fact *fact = &preset->facts[i];
        text_addf(out, "  %-20s %-14s %s\n", fact->param->name,
                  fact->value ? fact->value : "unknown",
                  fact->value ? fact->certainty : "where it matters a scenario has to give it");
    }
}

/* What a scenario has to give, with values that are as good as any. */
static void add_unknown(const struct preset *preset, struct text *out)
{
    void *config = xcalloc(1, preset->fault->config_size);
    param_defaults(preset->fault->params, config);
    preset_apply(preset, config);
    for (size_t i = 0; i < preset->fact_count; i++) {
        const struct param *param = preset->facts[i].param;
        if (!preset->facts[i].value && preset->fault->uses(config, param->name))
            text_addf(out, ", %s: %s", param->name, param->def);
    }
    param_free(preset->fault->params, config);
    free(config);
}

static void explain(const struct preset *preset, struct text *out)
{
    text_addf(out, "%s\n\n", preset->name);
    catalogue_fold(out, preset->story, 0, 96);
    add_facts(preset, out);
    if (preset->drain) {
        text_add(out, "\nReload and shutdown\n");
        catalogue_fold(out, preset->drain, 2, 94);
    }
    if (preset->notes) {
        text_add(out, "\nNotes\n");
        catalogue_fold(out, preset->notes, 2, 94);
    }
    text_add(out, "\nSources\n");
    for (size_t i = 0; i < preset->source_count; i++)
        catalogue_fold(out, preset->sources[i], 2, 94);
    text_addf(out, "\nExample\n  steps:\n    - intermediary: {profile: %s", preset->name);
    add_unknown(preset, out);
    text_add(out, "}\n");
}

/* A file of one's own. */
static bool explain_file(const char *path, struct text *out)
{
    struct diag *quiet = diag_new();
    struct preset *preset = strstr(path, ".yaml") ? preset_load(path, intermediary(), quiet) : NULL;
    bool found = preset != NULL;
    if (preset)
        explain(preset, out);
    preset_free(preset);
    diag_free(quiet);
    return found;
}

bool catalogue_explain_intermediary(const char *name, struct text *out)
{
    struct presets presets;
    bool found = false;
    presets_open(&presets);
    for (size_t i = 0; i < presets.count && !found; i++)
        if (strcmp(presets.list[i]->name, name) == 0) {
            explain(presets.list[i], out);
            found = true;
        }
    presets_close(&presets);
    return found || explain_file(name, out);
}

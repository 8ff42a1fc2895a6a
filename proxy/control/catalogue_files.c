/* Scenarios, suites and profiles that come along: what their files say. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/units.h"
#include "control/catalogue.h"
#include "scenario/fields.h"
#include "scenario/find.h"
#include "scenario/profile.h"
#include "scenario/yaml.h"

typedef void find_files(const char *folder, struct paths *out);

/* NULL: it cannot be read. The caller frees the tree. */
static struct node *read_tree(const char *path)
{
    struct diag *quiet = diag_new();
    char *text = NULL;
    size_t len = 0;
    struct node *root =
        tree_read_file(path, &text, &len, quiet) ? tree_parse(path, text, len, quiet) : NULL;
    free(text);
    diag_free(quiet);
    return root;
}

/* "" when the file does not say. */
static const char *story_of(const struct node *root)
{
    const struct node *story =
        root && root->kind == NODE_MAPPING ? field_find(root, "story") : NULL;
    return story && story->kind == NODE_SCALAR ? story->text : "";
}

/* --- Lists --- */

static void list_files(find_files *find, struct text *out)
{
    char *folder = find_data_folder();
    struct paths paths;
    paths_init(&paths);
    find(folder, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        char *name = find_name(paths.paths[i]);
        struct node *root = read_tree(paths.paths[i]);
        text_addf(out, "%-28s %s\n", name, story_of(root));
        tree_free(root);
        free(name);
    }
    paths_fini(&paths);
    free(folder);
}

static void list_files_json(find_files *find, struct json *json)
{
    char *folder = find_data_folder();
    struct paths paths;
    paths_init(&paths);
    find(folder, &paths);
    json_array_open(json, NULL);
    for (size_t i = 0; i < paths.count; i++) {
        char *name = find_name(paths.paths[i]);
        struct node *root = read_tree(paths.paths[i]);
        json_object_open(json, NULL);
        json_put_string(json, "name", name);
        json_put_string(json, "file", paths.paths[i]);
        json_put_string(json, "story", story_of(root));
        json_object_close(json);
        tree_free(root);
        free(name);
    }
    json_array_close(json);
    paths_fini(&paths);
    free(folder);
}

void catalogue_scenarios_text(struct text *out)
{
    list_files(find_all_scenarios, out);
}

void catalogue_scenarios_json(struct json *json)
{
    list_files_json(find_all_scenarios, json);
}

void catalogue_suites_text(struct text *out)
{
    list_files(find_all_suites, out);
    text_addf(out, "%-28s %s\n", "all", "Every scenario that comes along.");
}

void catalogue_suites_json(struct json *json)
{
    list_files_json(find_all_suites, json);
}

void catalogue_profiles_text(struct text *out)
{
    list_files(find_all_profiles, out);
}

void catalogue_profiles_json(struct json *json)
{
    list_files_json(find_all_profiles, json);
}

/* --- One in full --- */

static void add_quantity(const struct param *param, const struct policy *policy, struct text *out)
{
    if (param->type == PARAM_SIZE)
        units_add_size(out,
                       *(const uint64_t *)(const void *)((const char *)policy + param->offset));
    else
        param_add_value(param, policy, out);
}

static void explain_profile(const char *path, struct text *out)
{
    struct diag *quiet = diag_new();
    struct profile *profile = profile_load(path, quiet);
    diag_free(quiet);
    if (!profile)
        return;
    text_addf(out, "profile %s\n\n", profile->name);
    catalogue_fold(out, profile->story ? profile->story : "", 0, 96);
    text_add(out, "\n");
    for (size_t row = 0; policy_params[row].name; row++) {
        struct text value;
        text_init(&value);
        add_quantity(&policy_params[row], &profile->policy, &value);
        text_addf(out, "  %-16s %-10s %-18s %s\n", policy_params[row].name, text_chars(&value),
                  profile->origins[row], policy_params[row].doc);
        text_fini(&value);
    }
    text_addf(out,
              "\n  halfopen run --profile %s ...\n\nSingle values: policy in halfopen.yaml. A "
              "profile of your own, over this one:\n\n  profile: mine\n  base: %s\n  policy: "
              "{ping: 20s}\n",
              profile->name, profile->name);
    profile_free(profile);
}

static void explain_suite(const char *path, struct text *out)
{
    char *name = find_name(path), *folder = find_data_folder();
    struct diag *quiet = diag_new();
    struct node *root = read_tree(path);
    struct paths scenarios;
    paths_init(&scenarios);
    (void)find_suite_file(folder, path, &scenarios, quiet); /* as far as it can be read */
    text_addf(out, "suite %s, %zu scenarios\n\n", name, scenarios.count);
    catalogue_fold(out, story_of(root), 0, 96);
    text_add(out, "\n");
    for (size_t i = 0; i < scenarios.count; i++) {
        char *scenario = find_name(scenarios.paths[i]);
        struct node *its = read_tree(scenarios.paths[i]);
        text_addf(out, "  %-26s %s\n", scenario, story_of(its));
        tree_free(its);
        free(scenario);
    }
    text_addf(out, "\n  halfopen run --suite %s ...\n", name);
    paths_fini(&scenarios);
    tree_free(root);
    diag_free(quiet);
    free(name);
    free(folder);
}

/* A scenario explains itself: its file is written to be read. */
static void explain_scenario(const char *path, struct text *out)
{
    struct diag *quiet = diag_new();
    char *text = NULL;
    size_t len = 0;
    if (tree_read_file(path, &text, &len, quiet))
        text_addf(out, "%s\n\n%s", path, text);
    free(text);
    diag_free(quiet);
}

static bool explain_one(find_files *find, void (*explain)(const char *, struct text *),
                        const char *name, struct text *out)
{
    char *folder = find_data_folder();
    struct paths paths;
    size_t before = out->len;
    paths_init(&paths);
    find(folder, &paths);
    for (size_t i = 0; i < paths.count && out->len == before; i++) {
        char *its = find_name(paths.paths[i]);
        if (strcmp(its, name) == 0)
            explain(paths.paths[i], out);
        free(its);
    }
    paths_fini(&paths);
    free(folder);
    return out->len > before;
}

bool catalogue_explain_file(const char *name, struct text *out)
{
    return explain_one(find_all_profiles, explain_profile, name, out) ||
           explain_one(find_all_suites, explain_suite, name, out) ||
           explain_one(find_all_scenarios, explain_scenario, name, out);
}

static void add_intermediaries(const char *folder, struct paths *out)
{
    find_all_presets(folder, "intermediaries", out);
}

char *catalogue_nearest_file(const char *name)
{
    find_files *const kinds[] = {find_all_profiles, find_all_suites, find_all_scenarios,
                                 add_intermediaries};
    char *folder = find_data_folder();
    struct paths paths;
    paths_init(&paths);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        kinds[i](folder, &paths);
    char **names = xcalloc(paths.count + 1, sizeof *names);
    for (size_t i = 0; i < paths.count; i++)
        names[i] = find_name(paths.paths[i]);
    const char *near = nearest_name(name, (const char *const *)names, paths.count);
    char *copy = near ? xstrdup(near) : NULL;
    for (size_t i = 0; i < paths.count; i++)
        free(names[i]);
    free(names);
    paths_fini(&paths);
    free(folder);
    return copy;
}

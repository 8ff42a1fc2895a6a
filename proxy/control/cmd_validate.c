/* halfopen validate FILE ...: check scenario, target, profile, suite and intermediary files; run
 * nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/commands.h"
#include "scenario/find.h"
#include "scenario/load.h"
#include "scenario/preset.h"
#include "scenario/profile.h"
#include "scenario/target.h"
#include "scenario/yaml.h"

static const struct option options[] = {{0}};

enum file_kind { FILE_SCENARIO, FILE_PROFILE, FILE_SUITE, FILE_TARGET, FILE_PRESET };

static bool has_key(const struct node *root, const char *key)
{
    for (const struct node *child = root->first; child; child = child->next)
        if (child->key && strcmp(child->key, key) == 0)
            return true;
    return false;
}

static enum file_kind kind_of(const char *path, const struct fault_desc **preset_fault)
{
    struct diag *quiet = diag_new();
    char *text = NULL;
    size_t len = 0;
    enum file_kind kind = FILE_SCENARIO;
    struct node *root =
        tree_read_file(path, &text, &len, quiet) ? tree_parse(path, text, len, quiet) : NULL;
    *preset_fault = root && root->kind == NODE_MAPPING ? preset_fault_of(root) : NULL;
    if (*preset_fault)
        kind = FILE_PRESET;
    else if (root && has_key(root, "profile"))
        kind = FILE_PROFILE;
    else if (root && has_key(root, "suite") && has_key(root, "scenarios"))
        kind = FILE_SUITE;
    else if (root && !has_key(root, "scenario") && !has_key(root, "steps") &&
             (has_key(root, "system") || has_key(root, "server") || has_key(root, "client") ||
              has_key(root, "rules") || has_key(root, "policy")))
        kind = FILE_TARGET;
    tree_free(root);
    free(text);
    diag_free(quiet);
    return kind;
}

static void check(const char *path, struct diag *diag)
{
    const struct fault_desc *preset_fault;
    switch (kind_of(path, &preset_fault)) {
    case FILE_SCENARIO:
        plan_free(scenario_load(path, diag));
        break;
    case FILE_PROFILE:
        profile_free(profile_load(path, diag));
        break;
    case FILE_PRESET:
        preset_free(preset_load(path, preset_fault, diag));
        break;
    case FILE_TARGET:
        target_free(target_load(path, diag));
        break;
    case FILE_SUITE: {
        struct paths paths;
        char *data = find_data_folder();
        paths_init(&paths);
        (void)find_suite_file(data, path, &paths, diag);
        paths_fini(&paths);
        free(data);
        break;
    }
    }
}

static int run(int argc, char **argv)
{
    struct option_words rest = {0};
    struct diag *diag = diag_new();
    options_parse(&validate_command, argc, argv, NULL, &rest, diag);
    if (rest.count == 0)
        diag_error(diag, (struct place){0},
                   "validate takes files, as in: halfopen validate my-scenario.yaml");
    if (diag_errors(diag) > 0) {
        int code = command_usage_error(&validate_command, diag);
        diag_free(diag);
        return code;
    }
    for (size_t i = 0; i < rest.count; i++)
        check(rest.list[i], diag);
    diag_print(diag, stderr);
    int code = diag_errors(diag) > 0 ? EXIT_USAGE : EXIT_COMPLIED;
    if (code == EXIT_COMPLIED)
        printf("%zu file%s, no errors\n", rest.count, rest.count == 1 ? "" : "s");
    diag_free(diag);
    return code;
}

const struct command validate_command = {
    .name = "validate",
    .usage = "validate FILE ...",
    .brief = "check scenario, target, profile, suite and intermediary files",
    .options = options,
    .run = run,
};

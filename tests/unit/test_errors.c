/* Every message of the YAML loaders: tests/errors/NAME.yaml is wrong, NAME.txt is what is said
 * about it. The kind of file is the first word of its name. GOLDEN=1 writes the expected texts
 * anew. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/find.h"
#include "scenario/load.h"
#include "scenario/preset.h"
#include "scenario/target.h"
#include "scenario/yaml.h"
#include "tests/check.h"

#define FOLDER "tests/errors"

static char *environment(const char *name)
{
    static char secret[] = "hunter2";
    return strcmp(name, "SECRET") == 0 ? secret : NULL;
}

static void load_target(const char *path, struct diag *diag)
{
    char *text = NULL;
    size_t len = 0;
    if (!tree_read_file(path, &text, &len, diag))
        return;
    target_free(target_parse(path, text, len, environment, diag));
    free(text);
}

static char *read_text(const char *path)
{
    char *text = xcalloc(1, 1 << 16);
    FILE *in = fopen(path, "rb");
    if (in && fread(text, 1, (1 << 16) - 1, in) == 0)
        text[0] = '\0';
    if (in)
        (void)fclose(in);
    return text;
}

/* A spec a line, as --fault has it. */
static void load_specs(const char *path, struct diag *diag)
{
    const char *specs[64];
    char *text = read_text(path);
    size_t count = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) && count < 64; line = end + 1) {
        *end = '\0';
        specs[count++] = line;
    }
    plan_free(scenario_of_faults("--fault", specs, count, diag));
    free(text);
}

static void load(const char *path, const char *kind, struct diag *diag)
{
    struct paths paths;
    paths_init(&paths);
    if (strncmp(kind, "target", 6) == 0)
        load_target(path, diag);
    else if (strncmp(kind, "option-fault", 12) == 0)
        load_specs(path, diag);
    else if (strncmp(kind, "profile", 7) == 0)
        profile_free(profile_load(path, diag));
    else if (strncmp(kind, "intermediary", 12) == 0)
        preset_free(preset_load(path, fault_find("intermediary"), diag));
    else if (strncmp(kind, "suite", 5) == 0)
        (void)find_suite_file("scenarios", path, &paths, diag);
    else
        plan_free(scenario_load(path, diag));
    paths_fini(&paths);
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "wb");
    CHECK(out && fputs(text, out) >= 0 && fclose(out) == 0);
}

static void check_pair(const char *name)
{
    struct text said;
    struct diag *diag = diag_new();
    char *path = xprintf("%s/%s.yaml", FOLDER, name), *golden = xprintf("%s/%s.txt", FOLDER, name);
    text_init(&said);
    load(path, name, diag);
    diag_add_text(diag, &said);
    if (getenv("GOLDEN"))
        write_text(golden, text_chars(&said));
    char *expected = read_text(golden);
    check_str(__FILE__, __LINE__, name, text_chars(&said), expected);
    CHECK(said.len > 0);
    free(expected);
    free(path);
    free(golden);
    text_fini(&said);
    diag_free(diag);
}

static void each_file_is_told_what_is_wrong_with_it(void)
{
    struct dirent **entries = NULL;
    int count = scandir(FOLDER, &entries, NULL, alphasort);
    CHECK(count > 2);
    for (int i = 0; i < count; i++) {
        char *dot = strrchr(entries[i]->d_name, '.');
        if (dot && strcmp(dot, ".yaml") == 0) {
            *dot = '\0';
            check_pair(entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
}

static void each_example_of_a_fault_loads(void)
{
    for (size_t i = 0; all_faults[i]; i++) {
        struct diag *diag = diag_new();
        char *text = xprintf("scenario: a\nsteps:\n  - %s\n", all_faults[i]->example);
        struct plan *plan = scenario_parse(all_faults[i]->name, text, strlen(text), diag);
        check_true(__FILE__, __LINE__, all_faults[i]->name, plan != NULL);
        plan_free(plan);
        free(text);
        diag_free(diag);
    }
}

SUITE(errors, TEST(each_file_is_told_what_is_wrong_with_it), TEST(each_example_of_a_fault_loads))

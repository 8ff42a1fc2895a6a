#include "scenario/find.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "scenario/fields.h"

#define FOLDER_DEPTH_LIMIT 8
#define PATH_LIMIT_BYTES   4096

/* --- Lists of paths --- */

void paths_init(struct paths *paths)
{
    *paths = (struct paths){0};
}

void paths_fini(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->paths[i]);
    free(paths->paths);
    paths_init(paths);
}

static void add_path(struct paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->count; i++)
        if (strcmp(paths->paths[i], path) == 0)
            return;
    paths->paths = xrealloc(paths->paths, (paths->count + 1) * sizeof *paths->paths);
    paths->paths[paths->count++] = xstrdup(path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct paths *paths)
{
    if (paths->count > 1)
        qsort(paths->paths, paths->count, sizeof *paths->paths, by_name);
}

/* --- Folders --- */

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static bool ends_in_yaml(const char *name)
{
    size_t len = strlen(name);
    return (len > 5 && strcmp(name + len - 5, ".yaml") == 0) ||
           (len > 4 && strcmp(name + len - 4, ".yml") == 0);
}

static bool holds_scenarios(const char *name)
{
    return strcmp(name, "suites") != 0 && strcmp(name, "profiles") != 0 &&
           strcmp(name, "intermediaries") != 0;
}

static void collect(const char *folder, int depth, struct paths *out)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    while (open && (entry = readdir(open))) {
        char *path = xprintf("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.')
            ;
        else if (is_file(path) && ends_in_yaml(entry->d_name))
            add_path(out, path);
        else if (depth > 0 && holds_scenarios(entry->d_name) && is_folder(path))
            collect(path, depth - 1, out);
        free(path);
    }
    if (open)
        (void)closedir(open); /* only read from */
}

static void collect_sorted(const char *folder, const char *below, int depth, struct paths *out)
{
    struct paths found;
    if (!folder)
        return;
    char *path = below[0] ? xprintf("%s/%s", folder, below) : xstrdup(folder);
    paths_init(&found);
    collect(path, depth, &found);
    sort(&found);
    for (size_t i = 0; i < found.count; i++)
        add_path(out, found.paths[i]);
    paths_fini(&found);
    free(path);
}

void find_all_scenarios(const char *folder, struct paths *out)
{
    collect_sorted(folder, "", FOLDER_DEPTH_LIMIT, out);
}

void find_all_suites(const char *folder, struct paths *out)
{
    collect_sorted(folder, "suites", 0, out);
}

void find_all_profiles(const char *folder, struct paths *out)
{
    collect_sorted(folder, "profiles", 0, out);
}

void find_all_presets(const char *folder, const char *kind, struct paths *out)
{
    collect_sorted(folder, kind, 0, out);
}

char *find_data_folder(void)
{
    static const char *const places[] = {"../scenarios", "../share/halfopen/scenarios"};
    char program[PATH_LIMIT_BYTES];
    const char *told = getenv("HALFOPEN_DATA");
    if (told && told[0])
        return is_folder(told) ? xstrdup(told) : NULL;
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0)
        return NULL;
    program[len] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *path = xprintf("%s/%s", program, places[i]);
        char *real = is_folder(path) ? realpath(path, NULL) : NULL;
        free(path);
        if (real)
            return real;
    }
    return NULL;
}

/* --- Names --- */

char *find_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}

static const char *path_of_name(const struct paths *among, const char *name)
{
    const char *found = NULL;
    for (size_t i = 0; i < among->count && !found; i++) {
        char *its = find_name(among->paths[i]);
        if (strcmp(its, name) == 0)
            found = among->paths[i];
        free(its);
    }
    return found;
}

/* "intermediaries" of "intermediary" */
static char *plural_of(const char *what)
{
    size_t len = strlen(what);
    return what[len - 1] == 'y' ? xprintf("%.*sies", (int)len - 1, what) : xprintf("%ss", what);
}

static void refuse_name(const struct paths *among, const char *what, const char *name,
                        struct place at, struct diag *diag)
{
    char *plural = plural_of(what);
    char **names = xcalloc(among->count + 1, sizeof *names);
    for (size_t i = 0; i < among->count; i++)
        names[i] = find_name(among->paths[i]);
    const char *near = nearest_name(name, (const char *const *)names, among->count);
    diag_error(diag, at, "no %s is called '%s'", what, name);
    if (near)
        diag_hint(diag, "did you mean '%s'? (halfopen list %s)", near, plural);
    else
        diag_hint(diag, "halfopen list %s", plural);
    free(plural);
    for (size_t i = 0; i < among->count; i++)
        free(names[i]);
    free(names);
}

static bool looks_like_path(const char *written)
{
    return strchr(written, '/') || ends_in_yaml(written);
}

/* The path of one that comes along; NULL: said so, unless diag is NULL. The caller frees. */
static char *look_up(const struct paths *among, const char *what, const char *name, struct place at,
                     struct diag *diag)
{
    const char *found = path_of_name(among, name);
    if (!found && diag)
        refuse_name(among, what, name, at, diag);
    return found ? xstrdup(found) : NULL;
}

static bool add_named(const char *folder, const char *name, struct place at, struct paths *out,
                      struct diag *diag)
{
    struct paths bundled;
    paths_init(&bundled);
    find_all_scenarios(folder, &bundled);
    char *path = look_up(&bundled, "scenario", name, at, diag);
    bool found = path != NULL;
    if (found)
        add_path(out, path);
    free(path);
    paths_fini(&bundled);
    return found;
}

/* scenarios/client names what comes along wherever one stands, unless something of that name is
 * there. */
static char *bundled_instead(const char *folder, const char *written)
{
    static const char prefix[] = "scenarios/";
    if (!folder || is_file(written) || is_folder(written) ||
        strncmp(written, prefix, strlen(prefix)) != 0)
        return xstrdup(written);
    return xprintf("%s/%s", folder, written + strlen(prefix));
}

static bool add_folder(const char *path, const char *written, struct paths *out, struct diag *diag)
{
    size_t before = out->count;
    collect_sorted(path, "", FOLDER_DEPTH_LIMIT, out);
    if (out->count == before)
        diag_error(diag, (struct place){0}, "%s: no scenario (*.yaml) in this folder", written);
    return out->count > before;
}

bool find_scenarios(const char *folder, const char *written, struct paths *out, struct diag *diag)
{
    struct place command_line = {0};
    char *path = bundled_instead(folder, written);
    bool found = is_file(path);
    if (found)
        add_path(out, path);
    else if (is_folder(path))
        found = add_folder(path, written, out, diag);
    else if (looks_like_path(written))
        diag_error(diag, command_line, "%s: there is no such file or folder", written);
    else
        found = add_named(folder, written, command_line, out, diag);
    free(path);
    return found;
}

/* --- Suites and profiles --- */

static void load_suite(const char *folder, const struct node *root, struct paths *out,
                       struct diag *diag)
{
    static const char *const known[] = {"suite", "story", "scenarios", NULL};
    fields_check(root, known, NULL, "a suite", diag);
    (void)field_need(root, "suite", diag); /* told */
    const struct node *list = field_need(root, "scenarios", diag);
    if (!list || !field_is_list(list, "[silent-drop]", diag))
        return;
    for (const struct node *item = list->first; item; item = item->next)
        if (field_is_scalar(item, "silent-drop", diag))
            (void)add_named(folder, item->text, item->place, out, diag); /* told */
}

bool find_suite_file(const char *folder, const char *path, struct paths *out, struct diag *diag)
{
    int before = diag_errors(diag);
    char *text = NULL;
    size_t len = 0;
    if (!tree_read_file(path, &text, &len, diag))
        return false;
    struct node *root = tree_parse(path, text, len, diag);
    if (root && field_is_mapping(root, "suite: core", diag))
        load_suite(folder, root, out, diag);
    tree_free(root);
    free(text);
    return diag_errors(diag) == before;
}

bool find_suite(const char *folder, const char *name, struct paths *out, struct diag *diag)
{
    struct place command_line = {0};
    struct paths suites;
    if (strcmp(name, "all") == 0) {
        find_all_scenarios(folder, out);
        return true;
    }
    paths_init(&suites);
    find_all_suites(folder, &suites);
    char *path = look_up(&suites, "suite", name, command_line, diag);
    bool good = path && find_suite_file(folder, path, out, diag);
    free(path);
    paths_fini(&suites);
    return good;
}

static char *beside_of(const char *file, const char *written)
{
    const char *slash = file ? strrchr(file, '/') : NULL;
    if (written[0] == '/' || !slash)
        return NULL;
    char *path = xprintf("%.*s/%s", (int)(slash - file), file, written);
    if (is_file(path))
        return path;
    free(path);
    return NULL;
}

char *find_profile_beside(const char *folder, const char *written, const char *file,
                          struct place at, struct diag *diag)
{
    struct paths profiles;
    if (looks_like_path(written)) {
        char *path = beside_of(file, written);
        return path ? path : xstrdup(written);
    }
    paths_init(&profiles);
    find_all_profiles(folder, &profiles);
    char *path = look_up(&profiles, "profile", written, at, diag);
    paths_fini(&profiles);
    return path;
}

char *find_profile(const char *folder, const char *written, struct diag *diag)
{
    return find_profile_beside(folder, written, NULL, (struct place){0}, diag);
}

char *find_preset(const char *folder, const char *kind, const char *what, const char *written,
                  const char *beside, struct place at, struct diag *diag)
{
    struct paths presets;
    if (looks_like_path(written)) {
        char *path = beside_of(beside, written);
        return path ? path : xstrdup(written);
    }
    paths_init(&presets);
    find_all_presets(folder, kind, &presets);
    char *path = look_up(&presets, what, written, at, diag);
    paths_fini(&presets);
    return path;
}

#include "scenario/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/find.h"
#include "scenario/fields.h"

#define BASE_DEPTH_LIMIT 4 /* profiles over profiles */

static const char *const known[] = {"profile", "story", "base", "policy", NULL};

struct profile *profile_new(void)
{
    struct profile *profile = xcalloc(1, sizeof *profile);
    size_t count = policy_param_count();
    profile->name = xstrdup("default");
    profile->origins = xcalloc(count, sizeof *profile->origins);
    policy_defaults(&profile->policy);
    for (size_t i = 0; i < count; i++)
        profile->origins[i] = xstrdup("default profile");
    return profile;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    policy_written_free(profile->origins);
    free(profile->name);
    free(profile->story);
    free(profile);
}

/* --- A policy as written --- */

char **policy_written_new(void)
{
    return xcalloc(policy_param_count(), sizeof(char *));
}

void policy_written_free(char **written)
{
    for (size_t i = 0; written && i < policy_param_count(); i++)
        free(written[i]);
    free(written);
}

static size_t find_row(const char *prefix, const char *key)
{
    char *name = xprintf("%s%s", prefix, key);
    size_t row = 0;
    while (policy_params[row].name && strcmp(policy_params[row].name, name) != 0)
        row++;
    free(name);
    return row;
}

/* Some row's name begins with "key." */
static bool is_group(const char *key)
{
    size_t len = strlen(key);
    for (const struct param *row = policy_params; row->name; row++)
        if (strncmp(row->name, key, len) == 0 && row->name[len] == '.')
            return true;
    return false;
}

/* The keys that may stand at this level, "backoff" once for all of "backoff.base" and the like. */
static void refuse_unknown(const char *prefix, const struct node *node, struct diag *diag)
{
    char **names = xcalloc(policy_param_count(), sizeof *names);
    size_t count = 0, skip = strlen(prefix);
    for (const struct param *row = policy_params; row->name; row++) {
        if (strncmp(row->name, prefix, skip) != 0)
            continue;
        char *name = xstrndup(row->name + skip, strcspn(row->name + skip, "."));
        if (count > 0 && strcmp(names[count - 1], name) == 0)
            free(name);
        else
            names[count++] = name;
    }
    diag_error(diag, node->key_place, "%s has no '%s'", skip > 0 ? "'backoff'" : "a policy",
               node->key);
    field_suggest(node->key, (const char *const *)names, count, "", diag);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static void load_level(const char *prefix, const struct node *mapping, char **written,
                       struct diag *diag)
{
    struct policy scratch;
    policy_defaults(&scratch);
    for (const struct node *child = mapping->first; child; child = child->next) {
        size_t row = find_row(prefix, child->key);
        if (policy_params[row].name) {
            if (field_param(&policy_params[row], child, &scratch, diag))
                written[row] = xstrdup(child->text);
        } else if (!prefix[0] && is_group(child->key)) {
            char *deeper = xprintf("%s.", child->key);
            if (field_is_mapping(child, "{base: 1s, cap: 30s}", diag))
                load_level(deeper, child, written, diag);
            free(deeper);
        } else {
            refuse_unknown(prefix, child, diag);
        }
    }
}

void policy_written_load(const struct node *mapping, char **written, struct diag *diag)
{
    if (field_is_mapping(mapping, "{ping: 25s}", diag))
        load_level("", mapping, written, diag);
}

void profile_override(struct profile *profile, char *const *written, const char *origin)
{
    struct text why;
    text_init(&why);
    for (size_t row = 0; row < policy_param_count(); row++) {
        if (!written[row])
            continue;
        bool good = param_set(&policy_params[row], &profile->policy, written[row], &why);
        assert(good); /* it was tried when it was read */
        free(profile->origins[row]);
        profile->origins[row] = xstrdup(origin);
    }
    text_fini(&why);
}

/* --- The file --- */

static struct profile *load_file(const char *path, int depth, struct diag *diag);

/* The policy it starts from becomes this profile's, with the origins it had there. */
static void load_base(struct profile *profile, const struct node *base, int depth,
                      struct diag *diag)
{
    if (!field_is_scalar(base, "mobile", diag))
        return;
    if (depth == BASE_DEPTH_LIMIT) {
        diag_error(diag, base->place,
                   "'base' is %s: it leads back to this file, or over more than %d profiles",
                   field_written(base), BASE_DEPTH_LIMIT);
        return;
    }
    char *folder = find_data_folder();
    char *path = find_profile_beside(folder, base->text, base->place.file, base->place, diag);
    struct profile *under = path ? load_file(path, depth + 1, diag) : NULL;
    if (under) {
        char **origins = profile->origins;
        profile->policy = under->policy;
        profile->origins = under->origins;
        under->origins = origins;
    }
    profile_free(under);
    free(path);
    free(folder);
}

static void load_root(struct profile *profile, const struct node *root, int depth,
                      struct diag *diag)
{
    char **written = policy_written_new();
    fields_check(root, known, NULL, "a profile", diag);
    const struct node *name = field_need(root, "profile", diag);
    const struct node *policy = field_find(root, "policy"), *base = field_find(root, "base");
    (void)field_copy(name, &profile->name, diag);                       /* told */
    (void)field_copy(field_find(root, "story"), &profile->story, diag); /* told */
    if (base)
        load_base(profile, base, depth, diag);
    if (policy)
        policy_written_load(policy, written, diag);
    char *origin = xprintf("%s profile", profile->name);
    profile_override(profile, written, origin);
    policy_written_free(written);
    free(origin);
}

static struct profile *parse(const char *file, const char *text, size_t len, int depth,
                             struct diag *diag)
{
    int before = diag_errors(diag);
    struct node *root = tree_parse(file, text, len, diag);
    if (!root)
        return NULL;
    struct profile *profile = profile_new();
    if (field_is_mapping(root, "profile: default", diag))
        load_root(profile, root, depth, diag);
    tree_free(root);
    if (diag_errors(diag) == before)
        return profile;
    profile_free(profile);
    return NULL;
}

struct profile *profile_parse(const char *file, const char *text, size_t len, struct diag *diag)
{
    return parse(file, text, len, 0, diag);
}

static struct profile *load_file(const char *path, int depth, struct diag *diag)
{
    char *text = NULL;
    size_t len = 0;
    if (!tree_read_file(path, &text, &len, diag))
        return NULL;
    struct profile *profile = parse(path, text, len, depth, diag);
    free(text);
    return profile;
}

struct profile *profile_load(const char *path, struct diag *diag)
{
    return load_file(path, 0, diag);
}

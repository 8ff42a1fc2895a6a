#define PCRE2_CODE_UNIT_WIDTH 8
#include "scenario/target.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "scenario/find.h"
#include "scenario/preset.h"
#include "scenario/target_parts.h"

static const char *const known[] = {"system",    "client", "server",   "tls",   "behind",
                                    "heartbeat", "auth",   "messages", "hooks", "close_codes",
                                    "policy",    "rules",  "sessions", NULL};
static const char *const later[] = {"external", NULL};

/* --- Small parts --- */

static void load_system(struct target *target, const struct node *system, struct diag *diag)
{
    static const char *const keys[] = {"name", "version", "owner", NULL};
    if (!field_is_mapping(system, "{name: trading-web}", diag))
        return;
    fields_check(system, keys, NULL, "a system", diag);
    (void)field_copy(field_find(system, "name"), &target->system.name, diag);       /* told */
    (void)field_copy(field_find(system, "version"), &target->system.version, diag); /* told */
    (void)field_copy(field_find(system, "owner"), &target->system.owner, diag);     /* told */
}

/* From the given members, else from the profile's facts. NULL: nobody knows, and said so. */
static char *idle_fact(const struct preset *preset, const struct node *behind, const char *name,
                       struct diag *diag)
{
    const struct node *given = field_find(behind, name);
    for (size_t i = 0; i < preset->fact_count; i++) {
        const struct preset_fact *fact = &preset->facts[i];
        if (strcmp(fact->param->name, name) != 0 || (given && given->kind == NODE_SCALAR))
            continue;
        if (!fact->value)
            diag_error(diag, behind->place,
                       "nobody knows '%s' of %s: give it, as in behind: "
                       "{profile: %s, %s: %s}",
                       name, preset->name, preset->name, name, fact->param->def);
        return fact->value ? xstrdup(fact->value) : NULL;
    }
    return xstrdup(given ? given->text : param_find(preset->fault->params, name)->def);
}

static void check_facts(const struct preset *preset, const struct node *behind, struct diag *diag)
{
    static const char *const keys[] = {"profile", NULL};
    static const char *const timer[] = {"idle", "counts", NULL};
    void *scratch = xcalloc(1, preset->fault->config_size);
    for (const struct node *child = behind->first; child; child = child->next)
        if (is_listed(timer, child->key))
            (void)field_param(param_find(preset->fault->params, child->key), child, scratch, diag);
        else if (!is_listed(keys, child->key))
            diag_error(diag, child->key_place, "'behind' has no '%s': profile, idle and counts",
                       child->key);
    param_free(preset->fault->params, scratch);
    free(scratch);
}

static void load_behind(struct target *target, const struct node *behind, struct diag *diag)
{
    const struct fault_desc *fault = fault_find("intermediary");
    const struct node *profile =
        behind->kind == NODE_MAPPING ? field_need(behind, "profile", diag) : behind;
    if (!profile || !field_is_scalar(profile, "nginx", diag))
        return;
    if (profile->written) { /* which no message shows */
        diag_error(diag, profile->place,
                   "'behind' is '%s': a name written out is expected, as in nginx",
                   field_written(profile));
        return;
    }
    char *folder = find_data_folder();
    char *path = find_preset(folder, fault->presets, fault->name, profile->text,
                             profile->place.file, profile->place, diag);
    struct preset *preset = path ? preset_load(path, fault, diag) : NULL;
    if (preset) {
        check_facts(preset, behind, diag);
        target->behind.profile = xstrdup(preset->name);
        target->behind.idle = idle_fact(preset, behind, "idle", diag);
        target->behind.counts = idle_fact(preset, behind, "counts", diag);
    }
    preset_free(preset);
    free(path);
    free(folder);
}

void target_load_pattern(const struct node *node, char **out, struct diag *diag)
{
    int number;
    PCRE2_SIZE offset;
    if (!node || !field_copy(node, out, diag))
        return;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)node->text, PCRE2_ZERO_TERMINATED, 0, &number, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR why[256];
        (void)pcre2_get_error_message(number, why, sizeof why); /* cut off when longer */
        diag_error(diag, node->place, "'%s' is %s: no pattern (PCRE2), %s after %zu characters",
                   node->key, field_written(node), (const char *)why, (size_t)offset);
    }
    pcre2_code_free(code);
}

static void load_heartbeat(struct target *target, const struct node *heartbeat, struct diag *diag)
{
    static const char *const keys[] = {"ping", "pong", NULL};
    if (!field_is_mapping(heartbeat, "{ping: '\"type\":\"ping\"'}", diag))
        return;
    fields_check(heartbeat, keys, NULL, "'heartbeat'", diag);
    target_load_pattern(field_find(heartbeat, "ping"), &target->heartbeat.ping, diag);
    target_load_pattern(field_find(heartbeat, "pong"), &target->heartbeat.pong, diag);
}

/* The first group is what is looked for. */
static void need_group(const struct node *node, struct diag *diag)
{
    struct text why;
    text_init(&why);
    struct pattern *pattern = pattern_new(node->text, &why);
    if (pattern && pattern_groups(pattern) == 0)
        diag_error(diag, node->place,
                   "'%s' is %s: a group says which part is the id, as in '\"id\":(\\d+)'",
                   node->key, field_written(node));
    pattern_free(pattern);
    text_fini(&why);
}

static void load_messages(struct target *target, const struct node *messages, struct diag *diag)
{
    static const char *const keys[] = {"id", NULL};
    if (!field_is_mapping(messages, "{id: '\"id\":(\\d+)'}", diag))
        return;
    fields_check(messages, keys, NULL, "'messages'", diag);
    target_load_pattern(field_find(messages, "id"), &target->messages.id, diag);
    if (target->messages.id)
        need_group(field_find(messages, "id"), diag);
}

/* --- The file --- */

static void load_root(struct target *target, const struct node *root, struct diag *diag)
{
    static const struct {
        const char *key;
        void (*load)(struct target *, const struct node *, struct diag *);
    } parts[] = {
        {"system", load_system},
        {"client", target_load_client},
        {"server", target_load_server},
        {"behind", load_behind},
        {"heartbeat", load_heartbeat},
        {"messages", load_messages},
        {"rules", target_load_rules},
        {"hooks", target_load_hooks},
        {"close_codes", target_load_codes},
        {"auth", target_load_auth},
        {"sessions", target_load_sessions},
    };
    const struct node *tls = field_find(root, "tls"), *policy = field_find(root, "policy");
    fields_check(root, known, later, "a target file", diag);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const struct node *part = field_find(root, parts[i].key);
        if (part)
            parts[i].load(target, part, diag);
    }
    if (tls)
        (void)field_flag(tls, &target->tls, diag); /* told */
    if (policy)
        policy_written_load(policy, target->policy, diag);
}

/* Name and version of the system head every report; everything else may be secret. */
static void expand(struct target *target, struct node *root, char *(*lookup)(const char *),
                   struct diag *diag)
{
    for (struct node *part = root->first; part; part = part->next)
        environment_expand(part, lookup,
                           part->key && strcmp(part->key, "system") == 0 ? NULL : &target->secrets,
                           diag);
}

struct target *target_parse(const char *file, const char *text, size_t len,
                            char *(*lookup)(const char *), struct diag *diag)
{
    int before = diag_errors(diag);
    struct node *root = tree_parse(file, text, len, diag);
    if (!root)
        return NULL;
    struct target *target = xcalloc(1, sizeof *target);
    target->file = xstrdup(file);
    target->server.verify = true;
    target->client.tabs = 1;
    target->policy = policy_written_new();
    if (field_is_mapping(root, "client: {command: 'node app.js {url}'}", diag)) {
        expand(target, root, lookup, diag);
        load_root(target, root, diag);
    }
    tree_free(root);
    if (diag_errors(diag) == before)
        return target;
    target_free(target);
    return NULL;
}

struct target *target_load(const char *path, struct diag *diag)
{
    char *text = NULL;
    size_t len = 0;
    if (!tree_read_file(path, &text, &len, diag))
        return NULL;
    struct target *target = target_parse(path, text, len, getenv, diag);
    free(text);
    return target;
}

static void free_accepted(struct target *target)
{
    for (size_t i = 0; i < target->accept_count; i++) {
        free(target->accept[i].rule);
        free(target->accept[i].until);
        free(target->accept[i].owner);
        free(target->accept[i].reason);
    }
    free(target->accept);
}

static void free_lists(struct target *target)
{
    for (size_t i = 0; i < target->client.env_count; i++) {
        free(target->client.env[i].name);
        free(target->client.env[i].value);
    }
    for (size_t i = 0; i < target->require_count; i++)
        free(target->require[i]);
    for (size_t i = 0; target->server.urls && target->server.urls[i]; i++)
        free(target->server.urls[i]);
    free(target->server.urls);
    free(target->client.env);
    free(target->require);
    policy_written_free(target->policy);
    secrets_fini(&target->secrets);
}

void target_free(struct target *target)
{
    if (!target)
        return;
    char *texts[] = {target->file,           target->system.name,     target->system.version,
                     target->system.owner,   target->client.command,  target->client.browser,
                     target->client.path,    target->client.protocol, target->client.host,
                     target->server.command, target->server.url,      target->server.health,
                     target->server.ca,      target->behind.profile,  target->behind.idle,
                     target->behind.counts,  target->heartbeat.ping,  target->heartbeat.pong,
                     target->messages.id,    target->suite,           target->profile};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    target_hooks_fini(&target->hooks);
    target_free_auth(target);
    target_free_sessions(target);
    free_accepted(target);
    free_lists(target);
    free(target);
}

/* --- What others need of it --- */

void target_replace(char **where, const char *with)
{
    if (!with)
        return;
    free(*where);
    *where = xstrdup(with);
}

void target_apply(const struct target *target, struct plan *plan)
{
    target_replace(&plan->path, target->client.path);
    target_replace(&plan->protocol, target->client.protocol);
    target_replace(&plan->host, target->client.host);
    target_replace(&plan->ping_pattern, target->heartbeat.ping);
    target_replace(&plan->pong_pattern, target->heartbeat.pong);
    target_replace(&plan->message_id, target->messages.id);
    target_apply_auth(target, plan);
    target_apply_sessions(target, plan);
    plan->tls = plan->tls || target->tls;
}

void target_apply_policy(const struct target *target, struct profile *profile)
{
    profile_override(profile, target->policy, "target file");
}

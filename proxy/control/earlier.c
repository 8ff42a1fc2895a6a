#include "control/earlier.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "rules/own.h"

#define EARLIER_SIZE_LIMIT ((size_t)64 << 20) /* of a results.json */

/* --- JSON to struct --- */

static bool read_rule(const json_t *from, struct earlier_rule *out)
{
    const char *id = json_string_value(json_object_get(from, "id"));
    const char *verdict = json_string_value(json_object_get(from, "verdict"));
    const char *name = json_string_value(json_object_get(from, "name"));
    bool own = name && strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0;
    out->rule = id ? rule_find(id) : NULL;
    if (!(out->rule || own) || !verdict || !verdict_from_name(verdict, &out->verdict))
        return false;
    out->own = out->rule ? NULL : xstrdup(name);
    if (out->verdict == FAIL && !json_is_true(json_object_get(from, "confirmed")))
        out->verdict = INCONCLUSIVE;
    return true;
}

static void read_scenario(const json_t *from, struct earlier_scenario *out)
{
    const json_t *rules = json_object_get(from, "rules");
    const char *name = json_string_value(json_object_get(from, "name"));
    const char *file = json_string_value(json_object_get(from, "file"));
    size_t index;
    json_t *rule;
    out->name = xstrdup(name ? name : "");
    out->file = file ? xstrdup(file) : NULL;
    out->whole =
        !json_is_true(json_object_get(from, "interrupted")) && !json_object_get(from, "trouble");
    out->rules = xcalloc(json_array_size(rules) + 1, sizeof *out->rules);
    json_array_foreach(rules, index, rule)
    {
        out->rule_count += read_rule(rule, &out->rules[out->rule_count]);
    }
}

static struct earlier *read_root(const char *name, const json_t *root, struct text *why)
{
    const json_t *scenarios = json_object_get(root, "scenarios");
    const json_t *schema = json_object_get(root, "schema");
    if (json_integer_value(schema) != 1 || !json_is_array(scenarios)) {
        text_addf(why, "%s: no results of halfopen in the format of this version", name);
        return NULL;
    }
    struct earlier *earlier = xcalloc(1, sizeof *earlier);
    size_t index;
    json_t *scenario;
    earlier->exit_code = (int)json_integer_value(json_object_get(root, "exit"));
    earlier->scenarios = xcalloc(json_array_size(scenarios) + 1, sizeof *earlier->scenarios);
    json_array_foreach(scenarios, index, scenario)
    {
        read_scenario(scenario, &earlier->scenarios[earlier->scenario_count++]);
    }
    return earlier;
}

struct earlier *earlier_parse(const char *name, const char *bytes, size_t len, struct text *why)
{
    json_error_t error;
    json_t *root = json_loadb(bytes, len, 0, &error);
    if (!root) {
        text_addf(why, "%s:%d:%d: not JSON: %s", name, error.line, error.column, error.text);
        return NULL;
    }
    struct earlier *earlier = read_root(name, root, why);
    json_decref(root);
    return earlier;
}

/* --- Files --- */

/* NULL: errno. */
static char *read_all(const char *path, size_t *len)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    if (!file)
        return NULL;
    if (fstat(fileno(file), &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0 &&
        (size_t)info.st_size <= EARLIER_SIZE_LIMIT) {
        bytes = xcalloc(1, (size_t)info.st_size + 1);
        *len = fread(bytes, 1, (size_t)info.st_size, file);
    } else {
        errno = S_ISREG(info.st_mode) ? EFBIG : EINVAL;
    }
    (void)fclose(file);
    return bytes;
}

struct earlier *earlier_read(const char *written, struct text *why)
{
    struct stat info;
    size_t len = 0;
    bool is_folder = stat(written, &info) == 0 && S_ISDIR(info.st_mode);
    char *path = is_folder ? xprintf("%s/results.json", written) : xstrdup(written);
    char *bytes = read_all(path, &len);
    struct earlier *earlier = NULL;
    if (bytes)
        earlier = earlier_parse(path, bytes, len, why);
    else
        text_addf(why, "%s: %s", path, strerror(errno));
    free(bytes);
    free(path);
    return earlier;
}

bool earlier_is(const struct earlier_rule *then, const struct rule_desc *rule)
{
    return then->rule ? then->rule == rule : strcmp(then->own, rule->name) == 0;
}

void earlier_free(struct earlier *earlier)
{
    if (!earlier)
        return;
    for (size_t i = 0; i < earlier->scenario_count; i++) {
        free(earlier->scenarios[i].name);
        free(earlier->scenarios[i].file);
        for (size_t r = 0; r < earlier->scenarios[i].rule_count; r++)
            free(earlier->scenarios[i].rules[r].own);
        free(earlier->scenarios[i].rules);
    }
    free(earlier->scenarios);
    free(earlier);
}

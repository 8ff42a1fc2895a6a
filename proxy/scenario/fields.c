#include "scenario/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/units.h"

const char *field_name(const struct node *node)
{
    return node->key ? node->key : node->text ? node->text : "";
}

const char *field_written(const struct node *node)
{
    return node->written ? node->written : node->text;
}

const struct node *field_find(const struct node *mapping, const char *key)
{
    if (!mapping || mapping->kind != NODE_MAPPING)
        return NULL;
    for (const struct node *child = mapping->first; child; child = child->next)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

/* A misspelled key was told as such already. */
static bool is_misspelled(const struct node *mapping, const char *key)
{
    for (const struct node *child = mapping->first; child; child = child->next)
        if (nearest_name(child->key, &key, 1))
            return true;
    return false;
}

const struct node *field_need(const struct node *mapping, const char *key, struct diag *diag)
{
    const struct node *found = field_find(mapping, key);
    if (!found && !is_misspelled(mapping, key))
        diag_error(diag, mapping->key ? mapping->key_place : mapping->place, "'%s' is missing",
                   key);
    return found;
}

bool is_listed(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static size_t length(const char *const *names)
{
    size_t count = 0;
    while (names[count])
        count++;
    return count;
}

void field_suggest(const char *written, const char *const *names, size_t count, const char *where,
                   struct diag *diag)
{
    const char *near = nearest_name(written, names, count);
    if (near)
        diag_hint(diag, "did you mean '%s'?%s", near, where);
}

/* --- Kinds --- */

static bool is_kind(const struct node *node, enum node_kind kind, const char *example,
                    struct diag *diag)
{
    static const char *const found[] = {"a single value", "a mapping", "a list", ""};
    static const char *const expected[] = {"a single value", "a mapping", "a list", ""};
    if (node->kind == kind)
        return true;
    if (node->kind == NODE_BROKEN)
        return false;
    const char *name = node->key ? node->key : NULL;
    if (name)
        diag_error(diag, node->place, "'%s' is %s: %s is expected, as in %s", name,
                   found[node->kind], expected[kind], example);
    else
        diag_error(diag, node->place, "this is %s: %s is expected, as in %s", found[node->kind],
                   expected[kind], example);
    return false;
}

bool field_is_mapping(const struct node *node, const char *example, struct diag *diag)
{
    return is_kind(node, NODE_MAPPING, example, diag);
}

bool field_is_list(const struct node *node, const char *example, struct diag *diag)
{
    return is_kind(node, NODE_SEQUENCE, example, diag);
}

bool field_is_scalar(const struct node *node, const char *example, struct diag *diag)
{
    return is_kind(node, NODE_SCALAR, example, diag);
}

bool field_is_empty(const struct node *node)
{
    if (node->kind == NODE_SCALAR)
        return !node->quoted && node->text[0] == '\0';
    return node->count == 0;
}

/* --- Names --- */

void field_refuse_later(const struct node *node, struct diag *diag)
{
    diag_error(diag, node->key ? node->key_place : node->place,
               "'%s' is not supported by this version", field_name(node));
}

static void refuse_unknown(const struct node *node, const char *const *names, const char *whose,
                           struct diag *diag)
{
    diag_error(diag, node->key_place, "%s has no '%s'", whose, node->key);
    field_suggest(node->key, names, length(names), "", diag);
}

void fields_check(const struct node *mapping, const char *const *known, const char *const *later,
                  const char *whose, struct diag *diag)
{
    for (const struct node *child = mapping->first; child; child = child->next) {
        if (is_listed(later, child->key))
            field_refuse_later(child, diag);
        else if (!is_listed(known, child->key))
            refuse_unknown(child, known, whose, diag);
    }
}

/* --- Values --- */

static const char *example_of(const struct param *param)
{
    static const char *const examples[] = {"30s",  "64KiB", "1MiB/s", "8",    "30%",
                                           "true", "",      "text",   "^ping"};
    if (param->def && param->def[0])
        return param->def;
    return param->type == PARAM_CHOICE ? param->choices[0] : examples[param->type];
}

static bool is_word_of_json(const char *text)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], text) == 0)
            return true;
    return false;
}

/* RFC 8259 6 */
static bool is_number_of_json(const char *at)
{
    static const char digits[] = "0123456789";
    at += *at == '-';
    size_t whole = strspn(at, digits);
    if (whole == 0 || (whole > 1 && *at == '0'))
        return false;
    at += whole;
    if (*at == '.' && strspn(at + 1, digits) > 0)
        at += 1 + strspn(at + 1, digits);
    if ((*at == 'e' || *at == 'E') && at[1]) {
        at += at[1] == '+' || at[1] == '-' ? 2 : 1;
        if (strspn(at, digits) == 0)
            return false;
        at += strspn(at, digits);
    }
    return *at == '\0';
}

static void add_string(struct text *out, const char *chars)
{
    struct json json;
    json_init(&json, out, 0);
    json_put_string(&json, NULL, chars);
}

/* As deep as a file may be: YAML_DEPTH_LIMIT. */
static void add_json(const struct node *node, struct text *out)
{
    bool list = node->kind == NODE_SEQUENCE;
    if (node->kind == NODE_SCALAR) {
        bool plain =
            !node->quoted && (is_word_of_json(node->text) || is_number_of_json(node->text));
        if (plain)
            text_add(out, node->text);
        else
            add_string(out, node->text);
        return;
    }
    text_add(out, list ? "[" : "{");
    for (const struct node *child = node->first; child; child = child->next) {
        text_add(out, child == node->first ? "" : ",");
        if (!list) {
            add_string(out, child->key);
            text_add(out, ":");
        }
        add_json(child, out);
    }
    text_add(out, list ? "]" : "}");
}

static bool set_json(const struct param *param, const struct node *node, void *config)
{
    struct text json, why;
    text_init(&json);
    text_init(&why);
    add_json(node, &json);
    bool good = param_set(param, config, text_chars(&json), &why);
    text_fini(&json);
    text_fini(&why);
    return good;
}

bool field_param(const struct param *param, const struct node *node, void *config,
                 struct diag *diag)
{
    struct text why;
    if (param->json && (node->kind == NODE_MAPPING || node->kind == NODE_SEQUENCE))
        return set_json(param, node, config);
    if (!field_is_scalar(node, example_of(param), diag))
        return false;
    text_init(&why);
    bool good = param_set(param, config, node->text, &why);
    if (!good) {
        diag_error(diag, node->place, "'%s' is %s: %s", field_name(node), field_written(node),
                   text_chars(&why));
        if (param->type == PARAM_CHOICE)
            field_suggest(node->text, param->choices, length(param->choices), "", diag);
    }
    text_fini(&why);
    return good;
}

bool field_duration(const struct node *node, nsec *out, struct diag *diag)
{
    static const struct param param = {.type = PARAM_DURATION, .max = "24h"};
    return field_param(&param, node, out, diag);
}

bool field_flag(const struct node *node, bool *out, struct diag *diag)
{
    static const struct param param = {.type = PARAM_BOOL};
    return field_param(&param, node, out, diag);
}

bool field_count(const struct node *node, const char *min, const char *max, uint64_t *out,
                 struct diag *diag)
{
    struct param param = {.type = PARAM_COUNT, .min = min, .max = max};
    return field_param(&param, node, out, diag);
}

int field_choice(const struct node *node, const char *const *choices, struct diag *diag)
{
    struct param param = {.type = PARAM_CHOICE, .choices = choices};
    int index = -1;
    return field_param(&param, node, &index, diag) ? index : -1;
}

bool field_copy(const struct node *node, char **out, struct diag *diag)
{
    if (!node)
        return true;
    if (!field_is_scalar(node, "text", diag))
        return false;
    free(*out);
    *out = xstrdup(node->text);
    return true;
}

/* --- Whole tables --- */

static void refuse_unknown_param(const struct param *table, const struct node *node,
                                 const char *const *beside, const char *whose, struct diag *diag)
{
    size_t count = 0, used = 0;
    while (table && table[count].name)
        count++;
    const char **names = xcalloc(count + (beside ? length(beside) : 0) + 1, sizeof *names);
    for (; used < count; used++)
        names[used] = table[used].name;
    for (; beside && *beside; beside++)
        names[used++] = *beside;
    refuse_unknown(node, names, whose, diag);
    free(names);
}

void fields_params(const struct param *table, const struct node *mapping, void *config,
                   const char *const *beside, const char *whose, struct diag *diag)
{
    if (mapping->kind != NODE_MAPPING)
        return;
    for (const struct node *child = mapping->first; child; child = child->next) {
        const struct param *param = table ? param_find(table, child->key) : NULL;
        if (param)
            (void)field_param(param, child, config, diag); /* told; the others are looked at too */
        else if (!is_listed(beside, child->key))
            refuse_unknown_param(table, child, beside, whose, diag);
    }
    for (const struct param *param = table; param && param->name; param++)
        if (!param->def)
            (void)field_need(mapping, param->name, diag); /* told */
}

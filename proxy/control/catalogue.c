#include "control/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/param.h"
#include "endpoint/flaws.h"
#include "fault/fault.h"
#include "rules/own.h"

#define NAMES_LIMIT 512

/* --- Rules --- */

const char *catalogue_applies(unsigned applies)
{
    if ((applies & APPLIES_CLIENT) && (applies & APPLIES_SERVER))
        return "client and server";
    if (applies & APPLIES_CLIENT)
        return "client";
    return applies & APPLIES_SERVER ? "server" : "path";
}

void catalogue_declares(const struct rule_desc *rule, struct text *out)
{
    for (const struct declaration *at = declarations; at->part; at++)
        if (rule->declares & at->what)
            text_addf(out, "Needs %s.%s in halfopen.yaml, as in `%s`.\n", at->part, at->member,
                      at->example);
    const char *before = "Needs";
    for (const struct declaration *at = declarations; at->part; at++) {
        if (!(rule->declares_any & at->what))
            continue;
        text_addf(out, "%s %s.%s in halfopen.yaml, as in `%s`", before, at->part, at->member,
                  at->example);
        before = ", or";
    }
    text_add(out, rule->declares_any ? ".\n" : "");
}

void catalogue_rules_text(struct text *out)
{
    for (size_t i = 0; all_rules[i]; i++) {
        const struct rule_desc *rule = all_rules[i];
        text_addf(out, "%-30s %-9s %-7s %s\n", rule->name, rule->id, level_name(rule->level),
                  rule->title);
    }
}

static void params_json(struct json *json, const struct param *params)
{
    static const char *const types[] = {"duration", "size",   "rate", "count",  "ratio",
                                        "bool",     "choice", "text", "pattern"};
    json_array_open(json, "params");
    for (const struct param *param = params; param && param->name; param++) {
        json_object_open(json, NULL);
        json_put_string(json, "name", param->name);
        json_put_string(json, "type", types[param->type]);
        json_put_string(json, "default", param->def);
        json_put_string(json, "min", param->min);
        json_put_string(json, "max", param->max);
        if (param->type == PARAM_CHOICE) {
            json_array_open(json, "choices");
            for (size_t i = 0; param->choices[i]; i++)
                json_put_string(json, NULL, param->choices[i]);
            json_array_close(json);
        }
        json_put_string(json, "doc", param->doc);
        json_object_close(json);
    }
    json_array_close(json);
}

static void declares_json(struct json *json, const struct rule_desc *rule)
{
    json_array_open(json, "declares");
    for (const struct declaration *at = declarations; at->part; at++) {
        char *name = xprintf("%s.%s", at->part, at->member);
        if (rule->declares & at->what)
            json_put_string(json, NULL, name);
        free(name);
    }
    json_array_close(json);
    json_array_open(json, "declares_any");
    for (const struct declaration *at = declarations; at->part; at++) {
        char *name = xprintf("%s.%s", at->part, at->member);
        if (rule->declares_any & at->what)
            json_put_string(json, NULL, name);
        free(name);
    }
    json_array_close(json);
}

void catalogue_rules_json(struct json *json)
{
    json_array_open(json, NULL);
    for (size_t i = 0; all_rules[i]; i++) {
        const struct rule_desc *rule = all_rules[i];
        json_object_open(json, NULL);
        json_put_string(json, "name", rule->name);
        json_put_string(json, "id", rule->id);
        json_put_string(json, "title", rule->title);
        json_put_string(json, "brief", rule->brief);
        json_put_string(json, "level", level_name(rule->level));
        json_put_string(json, "applies", catalogue_applies(rule->applies));
        json_put_string(json, "source", rule->source);
        declares_json(json, rule);
        json_put_string(json, "doc", rule->doc);
        params_json(json, rule->params);
        json_object_close(json);
    }
    json_array_close(json);
}

/* --- Faults --- */

void catalogue_faults_text(struct text *out)
{
    for (size_t i = 0; all_faults[i]; i++)
        text_addf(out, "%-16s %s\n", all_faults[i]->name, all_faults[i]->brief);
}

void catalogue_faults_json(struct json *json)
{
    json_array_open(json, NULL);
    for (size_t i = 0; all_faults[i]; i++) {
        const struct fault_desc *fault = all_faults[i];
        json_object_open(json, NULL);
        json_put_string(json, "name", fault->name);
        json_put_string(json, "brief", fault->brief);
        json_put_bool(json, "silences", fault->silences);
        json_put_string(json, "doc", fault->doc);
        json_put_string(json, "example", fault->example);
        params_json(json, fault->params);
        json_object_close(json);
    }
    json_array_close(json);
}

/* --- Flaws of the reference client --- */

void catalogue_flaws_text(struct text *out)
{
    for (const struct flaw *flaw = client_flaws; flaw->name; flaw++)
        text_addf(out, "%-22s %s\n", flaw->name, flaw->brief);
}

void catalogue_flaws_json(struct json *json)
{
    json_array_open(json, NULL);
    for (const struct flaw *flaw = client_flaws; flaw->name; flaw++) {
        json_object_open(json, NULL);
        json_put_string(json, "name", flaw->name);
        json_put_string(json, "brief", flaw->brief);
        json_object_close(json);
    }
    json_array_close(json);
}

/* --- Explanations --- */

void catalogue_fold(struct text *out, const char *prose, int indent, int width)
{
    int column = 0;
    for (const char *word = prose; *word;) {
        size_t len = strcspn(word, " \n");
        if (column > 0 && column + 1 + (int)len > width) {
            text_add(out, "\n");
            column = 0;
        }
        if (column == 0)
            text_addf(out, "%*s", indent, "");
        else
            text_add(out, " ");
        text_add_bytes(out, word, len);
        column += (int)len + (column > 0);
        word += len;
        word += strspn(word, " \n");
    }
    text_add(out, "\n");
}

/* unset: what an empty default stands for. */
static void add_params(struct text *out, const struct param *params, const char *unset)
{
    if (!params || !params->name)
        return;
    text_add(out, "\nParameters\n");
    for (const struct param *param = params; param->name; param++) {
        text_addf(out, "  %-14s ", param->name);
        if (!param->def)
            text_add(out, "required");
        else if (*param->def)
            text_addf(out, "default %s", param->def);
        else
            text_addf(out, "default: %s", unset);
        if (param->min)
            text_addf(out, ", at least %s", param->min);
        if (param->max)
            text_addf(out, ", at most %s", param->max);
        for (size_t i = 0; param->type == PARAM_CHOICE && param->choices[i]; i++)
            text_addf(out, "%s%s", i == 0 ? ": " : " | ", param->choices[i]);
        text_add(out, "\n");
        catalogue_fold(out, param->doc, 17, 78);
    }
}

static void explain_rule(const struct rule_desc *rule, struct text *out)
{
    text_addf(out, "%s (%s): %s\n%s; applies to %s; source: %s\n\nThis rule checks that %s.\n\n",
              rule->name, rule->id, rule->title, level_name(rule->level),
              catalogue_applies(rule->applies), rule->source ? rule->source : "none", rule->brief);
    catalogue_fold(out, rule->doc, 0, 96);
    text_add(out, rule->declares | rule->declares_any ? "\n" : "");
    catalogue_declares(rule, out);
    add_params(out, rule->params, "from the policy");
    text_addf(out, "\nExample\n  expect:\n    - %s\n", rule->example);
}

static void explain_assertion(const struct own_kind *kind, struct text *out)
{
    text_addf(out, "%s: an assertion of a scenario's own\n\n", kind->name);
    catalogue_fold(
        out,
        "Judged like a rule, a MUST: for each client, and each time its moment came. What "
        "the scenario, a fault or halfopen's own endpoint did is not counted; what could "
        "not be seen to the end is inconclusive. `never: {...}` around it asserts that "
        "there is none; `as: NAME` names it in reports. See docs/scenarios.md.",
        0, 96);
    add_params(out, kind->params, "none");
    text_addf(out, "\nExample\n  expect:\n    - %s\n", kind->example);
}

/* "expect.message", as reports begin. NULL: no assertion is meant. */
static const struct own_kind *own_kind_of(const char *name)
{
    size_t prefix = strlen(OWN_PREFIX);
    return strncmp(name, OWN_PREFIX, prefix) == 0 ? own_kind_find(name + prefix) : NULL;
}

static void explain_fault(const struct fault_desc *fault, struct text *out)
{
    text_addf(out, "%s\n\nThis fault will %s.\n\n", fault->name, fault->brief);
    catalogue_fold(out, fault->doc, 0, 96);
    add_params(out, fault->params, "none");
    text_addf(out, "\nExample\n  steps:\n    - %s\n", fault->example);
}

static void explain_flaw(const struct flaw *flaw, struct text *out)
{
    text_addf(out,
              "%s\n\nA flaw of the reference client: %s.\n\n  halfopen client --flaw %s ws://...\n",
              flaw->name, flaw->brief, flaw->name);
}

static const char exit_codes[] =
    "Exit codes\n\n"
    "  0    complied\n"
    "  1    a MUST rule failed; with --strict a SHOULD rule or a warning too\n"
    "  2    the command line or a YAML file is wrong; nothing was run\n"
    "  3    the environment failed: a port taken, a server unreachable, a client that never\n"
    "       connected\n"
    "  4    no MUST rule failed, but one that had all it needs could not be decided, or one the\n"
    "       target file requires was not\n"
    "  130  interrupted; the report holds what is known\n\n"
    "Several at once: 2 before 1 before 3 before 4.\n\n"
    "What the target file accepts (rules.accept, until its day) and what an earlier run knows\n"
    "(--baseline, no worse now) is told and counts for nothing, except that a rule the target file\n"
    "requires must be decided.\n";

static const struct flaw *find_flaw(const char *name)
{
    for (const struct flaw *flaw = client_flaws; flaw->name; flaw++)
        if (strcmp(flaw->name, name) == 0)
            return flaw;
    return NULL;
}

/* 'jitter' is near 'reconnect.jitter' too. NULL: none, or several. */
static const char *nearest_of_rules(const char *name)
{
    const char *parts[NAMES_LIMIT] = {0};
    size_t count = 0;
    for (; count < NAMES_LIMIT && all_rules[count]; count++) {
        const char *dot = strchr(all_rules[count]->name, '.');
        parts[count] = dot ? dot + 1 : all_rules[count]->name;
    }
    const char *near = nearest_name(name, parts, count), *found = NULL;
    for (size_t i = 0; near && i < count; i++)
        if (strcmp(parts[i], near) == 0) {
            if (found)
                return NULL;
            found = all_rules[i]->name;
        }
    return found;
}

static const char *nearest_of_all(const char *name)
{
    const char *names[NAMES_LIMIT] = {0};
    size_t count = 0;
    for (size_t i = 0; all_rules[i] && count < NAMES_LIMIT; i++)
        names[count++] = all_rules[i]->name;
    for (size_t i = 0; all_faults[i] && count < NAMES_LIMIT; i++)
        names[count++] = all_faults[i]->name;
    for (const struct flaw *flaw = client_flaws; flaw->name && count < NAMES_LIMIT; flaw++)
        names[count++] = flaw->name;
    const char *near = nearest_name(name, names, count);
    return near ? near : nearest_of_rules(name);
}

/* The caller frees. */
static char *nearest_to(const char *name)
{
    const char *near = nearest_of_all(name);
    return near ? xstrdup(near) : catalogue_nearest_file(name);
}

bool catalogue_explain(const char *name, struct text *out, char **near)
{
    const struct rule_desc *rule = rule_find(name);
    const struct fault_desc *fault = fault_find(name);
    const struct flaw *flaw = find_flaw(name);
    if (rule)
        explain_rule(rule, out);
    else if (fault)
        explain_fault(fault, out);
    else if (flaw)
        explain_flaw(flaw, out);
    else if (own_kind_of(name))
        explain_assertion(own_kind_of(name), out);
    else if (strcmp(name, "exit") == 0)
        text_add(out, exit_codes);
    else if (!catalogue_explain_step(name, out) && !catalogue_explain_intermediary(name, out) &&
             !catalogue_explain_file(name, out)) {
        *near = nearest_to(name);
        return false;
    }
    return true;
}

/* --format github: workflow commands that GitHub shows beside the code, one for each rule. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reports/results.h"

/* A command is a line; in its properties also ':' and ',' mean something. */
enum part { PART_MESSAGE, PART_PROPERTY };

static void add_escaped(struct text *out, const char *words, enum part part)
{
    for (const char *at = words ? words : ""; *at; at++) {
        bool special = *at == '%' || *at == '\r' || *at == '\n' ||
                       (part == PART_PROPERTY && (*at == ':' || *at == ','));
        bool control = ((unsigned char)*at < 0x20 && !special) || *at == 0x7f;
        if (special)
            text_addf(out, "%%%02X", (unsigned)(unsigned char)*at);
        else
            text_add_bytes(out, control ? "?" : at, 1);
    }
}

static void add_command(struct text *out, const char *command, const char *file, const char *title,
                        const char *message)
{
    text_addf(out, "::%s ", command);
    if (file) {
        text_add(out, "file=");
        add_escaped(out, file, PART_PROPERTY);
        text_add(out, ",");
    }
    text_add(out, "title=");
    add_escaped(out, title, PART_PROPERTY);
    text_add(out, "::");
    add_escaped(out, message, PART_MESSAGE);
    text_add(out, "\n");
}

static void add_finding(struct text *out, const char *command,
                        const struct scenario_result *scenario, const struct rule_result *rule,
                        const char *elsewhere)
{
    char *title =
        xprintf("%s (%s, %s)", rule->rule->name, rule->rule->id, level_name(rule->rule->level));
    char *message = xprintf("%s: %s%s%s%s", scenario->name, rule->summary, elsewhere,
                            rule->fix ? "\nfix: " : "", rule->fix ? rule->fix : "");
    add_command(out, command, scenario->file, title, message);
    free(title);
    free(message);
}

/* --- One for each rule, at the first scenario that shows it --- */

/* The command that a finding is worth; NULL: none. */
typedef const char *command_of(const struct results *, const struct rule_result *);

static const char *command_of_failure(const struct results *results, const struct rule_result *rule)
{
    if (rule_fails_run(rule, results->strict))
        return "error";
    return rule->verdict == FAIL && !rule_is_excused(rule) ? "warning" : NULL;
}

/* Nobody is told of these when another scenario decided. */
static const char *command_of_doubt(const struct results *results, const struct rule_result *rule)
{
    bool open = rule->verdict == INCONCLUSIVE && rule->rule->level == MUST &&
                results_verdict(results, rule->rule) == INCONCLUSIVE && !rule_is_excused(rule);
    return open ? "warning" : NULL;
}

static void add_rule(struct text *out, const struct results *results, const struct rule_desc *desc,
                     command_of *worth)
{
    const struct scenario_result *scenario = NULL;
    const struct rule_result *first = NULL;
    struct text elsewhere;
    text_init(&elsewhere);
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++) {
            const struct rule_result *rule = &results->scenarios[s].rules[r];
            const char *command = rule->rule == desc ? worth(results, rule) : NULL;
            if (command && !first) {
                scenario = &results->scenarios[s];
                first = rule;
            } else if (command) {
                text_addf(&elsewhere, "\nalso in %s", results->scenarios[s].name);
            }
        }
    if (first)
        add_finding(out, worth(results, first), scenario, first, text_chars(&elsewhere));
    text_fini(&elsewhere);
}

static void add_rules(struct text *out, const struct results *results, command_of *worth)
{
    for (size_t i = 0; i < results->rule_count; i++)
        add_rule(out, results, results->rules[i].rule, worth);
}

static void add_required(struct text *out, const struct results *results)
{
    for (size_t i = 0; i < results->required_count; i++) {
        const struct rule_desc *rule = results->required[i];
        if (!results_is_undecided(results, rule))
            continue;
        char *title = xprintf("%s (%s, %s)", rule->name, rule->id, level_name(rule->level));
        add_command(out, "error", NULL, title,
                    "the target file requires it, and it was not decided");
        free(title);
    }
}

void report_github(const struct results *results, struct text *out)
{
    add_rules(out, results, command_of_failure);
    for (size_t s = 0; s < results->scenario_count; s++)
        if (results->scenarios[s].trouble)
            add_command(out, "error", results->scenarios[s].file, results->scenarios[s].name,
                        results->scenarios[s].trouble);
    add_required(out, results);
    add_rules(out, results, command_of_doubt);
}

/* index.html: the report, in one file. */
#include <errno.h>
#include <jansson.h>
#include <libxml/xmlstring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "reports/html_parts.h"

/* --- Text --- */

static const char *entity_of(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static size_t character_len(const char *at)
{
    char four[5] = {0};
    int len = 4;
    strncpy(four, at, 4);
    int value = xmlGetUTF8Char((const unsigned char *)four, &len);
    bool legal = value == '\t' || value == '\n' || (value >= 0x20 && value != 0x7f);
    return legal ? (size_t)len : 0;
}

void html_add(struct text *out, const char *chars)
{
    for (const char *at = chars ? chars : ""; *at;) {
        const char *entity = entity_of(*at);
        size_t len = character_len(at);
        if (entity)
            text_add(out, entity);
        else if (len == 0)
            text_add(out, "\xef\xbf\xbd");
        else
            text_add_bytes(out, at, len);
        at += len ? len : 1;
    }
}

static void add_badge(struct text *out, enum verdict verdict)
{
    static const char *const words[] = {"n/a", "not tested", "pass", "warn", "undecided", "FAIL"};
    text_addf(out, "<span class='badge %s'>%s</span>", verdict_name(verdict), words[verdict]);
}

/* --- Head --- */

static const char *exit_words(int code)
{
    switch (code) {
    case 0:
        return "complied";
    case 1:
        return "a MUST rule failed";
    case 3:
        return "the environment failed";
    case 4:
        return "nothing failed, but a MUST rule could not be decided";
    default:
        return "interrupted: what is known";
    }
}

static void add_head(const struct results *results, struct text *out)
{
    text_add(out,
             "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
             "content='width=device-width,initial-scale=1'><title>halfopen: ");
    html_add(out, exit_words(results->exit_code));
    text_addf(out, "</title><style>%s</style></head><body><main><h1>", html_style);
    html_add(out, results->system ? results->system : "WebSocket resilience");
    text_add(out, "</h1><p>");
    html_add(out, results->target);
    text_addf(out,
              "</p><p class='dim'>halfopen %s · %s · speed %g · seed %llu · timing noise "
              "&#177;%.0f ms · profile ",
              results->version, results->started ? results->started : "", results->speed,
              (unsigned long long)results->seed, nsec_to_seconds(results->noise) * 1000);
    html_add(out, results->profile);
    text_addf(out, "</p><p class='sentence'><b>exit %d: %s</b></p><div class='tally'>",
              results->exit_code, exit_words(results->exit_code));
    for (int verdict = FAIL; verdict >= NOT_APPLICABLE; verdict--)
        if (results_count(results, (enum verdict)verdict) > 0)
            text_addf(out, "<span class='%s'>%zu %s</span>", verdict_name((enum verdict)verdict),
                      results_count(results, (enum verdict)verdict),
                      verdict_name((enum verdict)verdict));
    text_add(out, "</div>");
}

/* --- The table of verdicts --- */

static const struct rule_result *telling(const struct results *results,
                                         const struct rule_summary *summary)
{
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++) {
            const struct rule_result *rule = &results->scenarios[s].rules[r];
            if (rule->rule == summary->rule && rule->verdict == summary->verdict)
                return rule;
        }
    return NULL;
}

static void add_verdicts(const struct results *results, struct text *out)
{
    text_add(out, "<div class='scroll'><table><tr><th>verdict</th><th>rule</th><th>level</th>"
                  "<th>finding</th></tr>");
    for (size_t i = 0; i < results->rule_count; i++) {
        const struct rule_summary *summary = &results->rules[i];
        const struct rule_result *rule = telling(results, summary);
        text_add(out, "<tr><td>");
        add_badge(out, summary->verdict);
        text_addf(
            out, "</td><td><a href='#%s'>%s</a><br><span class='dim'>%s</span></td><td>%s</td><td>",
            summary->rule->id, summary->rule->name, summary->rule->id,
            level_name(summary->rule->level));
        html_add(out, rule ? rule->summary : "");
        text_add(out, "</td></tr>");
    }
    text_add(out, "</table></div>");
}

/* --- A rule in a scenario --- */

static void add_values(struct text *out, const char *title, const char *json)
{
    json_error_t error;
    json_t *object = json_loads(json ? json : "{}", 0, &error), *value;
    const char *key;
    if (json_object_size(object) > 0) {
        text_addf(out, "<table><tr><th>%s</th><th></th></tr>", title);
        json_object_foreach(object, key, value)
        {
            text_add(out, "<tr><td class='mono'>");
            html_add(out, key);
            text_addf(out, "</td><td class='num'>%.5g</td></tr>", json_number_value(value));
        }
        text_add(out, "</table>");
    }
    json_decref(object);
}

static bool is_first(const struct results *results, const struct rule_result *rule)
{
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++)
            if (results->scenarios[s].rules[r].rule == rule->rule)
                return &results->scenarios[s].rules[r] == rule;
    return false;
}

static void add_rule(const struct results *results, const struct rule_result *rule,
                     const struct trace *trace, struct text *out)
{
    text_add(out, "<section class='rule'");
    if (is_first(results, rule))
        text_addf(out, " id='%s'", rule->rule->id);
    text_add(out, "><header>");
    add_badge(out, rule->verdict);
    text_addf(out, "<h3>%s</h3><span class='dim'>%s · %s · %s</span></header><p class='sentence'>",
              rule->rule->name, rule->rule->id, level_name(rule->rule->level),
              rule->rule->source ? rule->rule->source : "");
    html_add(out, rule->summary);
    text_add(out, "</p>");
    if (rule->table) {
        text_add(out, "<pre>");
        html_add(out, rule->table);
        text_add(out, "</pre>");
    }
    if (rule->fix && rule->verdict != PASS) {
        text_add(out, "<p><b>Fix:</b> ");
        html_add(out, rule->fix);
        text_add(out, "</p>");
    }
    text_add(out, "<div class='pair'>");
    add_values(out, "measured", rule->measured);
    add_values(out, "allowed", rule->allowed);
    text_add(out, "</div>");
    if (trace)
        html_events(trace, rule->from, rule->to, out);
    text_add(out, "</section>");
}

/* --- A scenario --- */

static void add_facts(const struct scenario_result *scenario, struct text *out)
{
    text_addf(out, "<p class='dim'>%u client%s · %.0f s in %.0f s · speed %g · seed %llu",
              scenario->clients, scenario->clients == 1 ? "" : "s",
              nsec_to_seconds(scenario->duration), scenario->wall_s, scenario->speed,
              (unsigned long long)scenario->seed);
    if (scenario->repeated)
        text_addf(out, " · ran again with seed %llu: %s", (unsigned long long)scenario->second_seed,
                  scenario->confirmed ? "failed again" : "not repeatable");
    text_add(out, "</p>");
    if (scenario->speed_note) {
        text_add(out, "<p class='dim'>");
        html_add(out, scenario->speed_note);
        text_add(out, "</p>");
    }
    if (scenario->trouble) {
        text_add(out, "<div class='trouble mono'>");
        html_add(out, scenario->trouble);
        text_add(out, "</div>");
    }
}

static void add_origin(const struct scenario_result *scenario, struct text *out)
{
    if (!scenario->trace)
        return;
    text_add(out, "<p class='dim'>Trace <a href='");
    html_add(out, scenario->trace);
    text_add(out, "'><code>");
    html_add(out, scenario->trace);
    text_add(out, "</code></a>");
    if (scenario->sha256)
        text_addf(out, " · sha256 <code>%.16s…</code>", scenario->sha256);
    text_add(out, " · again: <code>halfopen run ");
    html_add(out, scenario->name);
    text_addf(out, " --seed %llu</code></p>", (unsigned long long)scenario->seed);
}

static struct trace *open_trace(const struct scenario_result *scenario, const char *folder)
{
    struct diag *diag = diag_new();
    char *path = scenario->trace && scenario->trace[0] != '/'
                     ? xprintf("%s/%s", folder, scenario->trace)
                     : xstrdup(scenario->trace ? scenario->trace : "");
    struct trace *trace = *path ? trace_read(path, diag) : NULL;
    if (!trace && scenario->trace)
        trace = trace_read(scenario->trace, diag);
    free(path);
    diag_free(diag);
    return trace;
}

static void add_scenario(const struct results *results, const struct scenario_result *scenario,
                         const char *folder, struct text *out)
{
    struct trace *trace = open_trace(scenario, folder);
    text_add(out, "<h2>");
    html_add(out, scenario->name);
    if (scenario->subject) {
        text_add(out, " <span class='dim'>(");
        html_add(out, scenario->subject);
        text_add(out, ")</span>");
    }
    text_add(out, "</h2><p>");
    html_add(out, scenario->story);
    text_add(out, "</p>");
    add_facts(scenario, out);
    if (trace)
        html_timeline(trace, out);
    for (size_t i = 0; i < scenario->rule_count; i++)
        add_rule(results, &scenario->rules[i], trace, out);
    add_origin(scenario, out);
    trace_free(trace);
}

bool report_html(const struct results *results, const char *folder)
{
    struct text out;
    char *path = xprintf("%s/index.html", folder);
    FILE *file = fopen(path, "w");
    text_init(&out);
    add_head(results, &out);
    add_verdicts(results, &out);
    for (size_t i = 0; i < results->scenario_count; i++)
        add_scenario(results, &results->scenarios[i], folder, &out);
    text_add(&out, "</main></body></html>\n");
    bool written = file && fwrite(out.chars, 1, out.len, file) == out.len;
    if (file && fclose(file) != 0)
        written = false;
    text_fini(&out);
    free(path);
    return written;
}

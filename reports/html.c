/* index.html: the report, in one file. What failed comes first. */
#include <errno.h>
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
    bool control = value >= 0x7f && value < 0xa0;
    bool legal = value == '\t' || value == '\n' || (value >= 0x20 && !control);
    return legal ? (size_t)len : 0;
}

/* Returns the bytes it took, at least one. */
static size_t add_character(struct text *out, const char *at)
{
    const char *entity = entity_of(*at);
    size_t len = character_len(at);
    if (entity)
        text_add(out, entity);
    else if (len == 0)
        text_add(out, "\xef\xbf\xbd");
    else
        text_add_bytes(out, at, len);
    return len ? len : 1;
}

void html_add(struct text *out, const char *chars)
{
    for (const char *at = chars ? chars : ""; *at;)
        at += add_character(out, at);
}

/* Whether a space stands between a number and its unit: there no line is broken. */
static bool is_in_quantity(const char *start, const char *space)
{
    static const char *const units[] = {"%", "s", "ms",  "us",  "ns", "min",
                                        "h", "B", "KiB", "MiB", "GiB"};
    size_t len = strcspn(space + 1, " ,;:)./");
    if (space == start || !strchr("0123456789", space[-1]))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i]) == len && strncmp(space + 1, units[i], len) == 0)
            return true;
    return false;
}

/* The next character or sign of a sentence; the bytes it took. */
static size_t add_next(struct text *out, const char *sentence, const char *at)
{
    if (strncmp(at, "+-", 2) == 0) {
        text_add(out, "±");
        return 2;
    }
    if (*at == ' ') {
        text_add(out, is_in_quantity(sentence, at) ? "&nbsp;" : " ");
        return 1;
    }
    return add_character(out, at);
}

void html_add_sentence(struct text *out, const char *sentence)
{
    for (const char *at = sentence ? sentence : ""; *at;)
        at += add_next(out, sentence, at);
}

void html_add_table(struct text *out, const char *table)
{
    for (const char *at = table ? table : ""; *at;) {
        bool sign = strncmp(at, "+-", 2) == 0;
        if (sign)
            text_add(out, " ±");
        at += sign ? 2 : add_character(out, at);
    }
}

void html_add_badge(struct text *out, enum verdict verdict)
{
    static const char *const words[] = {"n/a",  "not tested",   "pass",
                                        "warn", "inconclusive", "FAIL"};
    text_addf(out, "<span class='badge %s'>%s</span>", verdict_name(verdict), words[verdict]);
}

/* --- Order: what failed first --- */

static const enum verdict order[] = {FAIL, INCONCLUSIVE, WARN, PASS, NOT_TESTED, NOT_APPLICABLE};
#define VERDICTS (sizeof order / sizeof *order)

static const struct rule_result *telling(const struct results *results,
                                         const struct rule_desc *rule)
{
    enum verdict verdict = NOT_APPLICABLE;
    for (size_t i = 0; i < results->rule_count; i++)
        if (rule_is(results->rules[i].rule, rule))
            verdict = results->rules[i].verdict;
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++) {
            const struct rule_result *result = &results->scenarios[s].rules[r];
            if (rule_is(result->rule, rule) && result->verdict == verdict)
                return result;
        }
    return NULL;
}

/* As it is linked to: the scenario's name, made unique. Caller frees. */
static char *anchor_of(const struct results *results, const struct scenario_result *scenario)
{
    size_t index = (size_t)(scenario - results->scenarios), same = 0;
    char *name = scenario->subject ? xprintf("%s-%s", scenario->name, scenario->subject)
                                   : xstrdup(scenario->name);
    for (size_t i = 0; i < index; i++)
        same += strcmp(results->scenarios[i].name, scenario->name) == 0;
    for (char *at = name; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *at))
            *at = '-';
    if (same == 0 || scenario->subject)
        return name;
    char *numbered = xprintf("%s-%zu", name, same + 1);
    free(name);
    return numbered;
}

static void add_scenario_name(const struct scenario_result *scenario, struct text *out)
{
    if (scenario->subject) {
        html_add(out, scenario->subject);
        text_add(out, ": ");
    }
    html_add(out, scenario->name);
}

/* --- Head --- */

static void add_fact(struct text *out, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    text_addf(out, "<div><dt>%s</dt><dd>", name);
    html_add(out, value);
    text_add(out, "</dd></div>");
}

static void add_fact_owned(struct text *out, const char *name, char *value)
{
    add_fact(out, name, value);
    free(value);
}

static void add_facts(const struct results *results, struct text *out)
{
    text_add(out, "<dl class='facts'>");
    add_fact(out, "started", results->started);
    if (results->wall_s > 0)
        add_fact_owned(out, "took", xprintf("%.0f s", results->wall_s));
    add_fact_owned(out, "speed", xprintf("%g", results->speed));
    add_fact_owned(out, "seed", xprintf("%llu", (unsigned long long)results->seed));
    add_fact_owned(out, "timing noise",
                   xprintf("±%.0f ms", nsec_to_seconds(results->noise) * 1000));
    add_fact(out, "profile", results->profile);
    if (results->host)
        add_fact_owned(out, "host", xprintf("%s, %u cores", results->host, results->cores));
    text_add(out, "</dl>");
}

static void add_tally(const struct results *results, struct text *out)
{
    static const char *const words[] = {"not applicable", "not tested",   "pass",
                                        "warn",           "inconclusive", "fail"};
    text_add(out, "<ul class='tally'>");
    for (size_t i = 0; i < VERDICTS; i++) {
        size_t count = results_count(results, order[i]);
        text_addf(out, "<li class='%s%s'><b>%zu</b>%s</li>", verdict_name(order[i]),
                  count == 0 ? " none" : "", count, words[order[i]]);
    }
    text_add(out, "</ul>");
}

static void add_outcome(const struct results *results, struct text *out)
{
    text_addf(out, "<div class='outcome %s'><b>", verdict_name(results_tone(results)));
    results_add_headline(results, out);
    text_addf(out, "</b><span>exit %d: %s</span></div>", results->exit_code,
              results_exit_words(results));
}

static void add_head(const struct results *results, struct text *out)
{
    text_add(out,
             "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
             "content='width=device-width,initial-scale=1'><title>");
    html_add(out, results->system ? results->system : "halfopen");
    text_addf(out, ": %s</title><style>%s</style></head><body><main><header>",
              results_exit_words(results), html_style);
    text_add(out, "<p class='brand'><b>halfopen</b> ");
    html_add(out, results->version);
    text_add(out, " · what a WebSocket endpoint does when its connection breaks</p><h1>");
    html_add(out, results->system ? results->system : "WebSocket resilience");
    text_add(out, "</h1><p class='dim'><code>");
    html_add(out, results->target);
    text_add(out, "</code></p>");
    add_outcome(results, out);
    add_tally(results, out);
    add_facts(results, out);
    text_add(out, "</header>");
}

/* --- The table of verdicts --- */

static void add_where(const struct results *results, const struct rule_desc *rule, struct text *out)
{
    text_add(out, "<div class='where'>");
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++) {
            const struct rule_result *result = &results->scenarios[s].rules[r];
            if (result->rule != rule)
                continue;
            char *anchor = anchor_of(results, &results->scenarios[s]);
            text_addf(out, "<span class='%s' title='%s'><a href='#", verdict_name(result->verdict),
                      verdict_name(result->verdict));
            html_add(out, anchor);
            text_addf(out, ".%s'>", rule->id);
            add_scenario_name(&results->scenarios[s], out);
            text_add(out, "</a></span>");
            free(anchor);
        }
    text_add(out, "</div>");
}

static void add_standing(const struct rule_result *rule, struct text *out)
{
    char *remark = rule ? rule_remark(rule) : NULL;
    if (remark) {
        text_add(out, "<div class='dim small'>");
        html_add(out, remark);
        text_add(out, "</div>");
    }
    free(remark);
}

static void add_verdict(const struct results *results, const struct rule_summary *summary,
                        struct text *out)
{
    const struct rule_desc *rule = summary->rule;
    const struct rule_result *result = telling(results, rule);
    text_add(out, "<tr><td>");
    html_add_badge(out, summary->verdict);
    text_addf(out, "</td><td><a href='#%s'><b>", rule->id);
    html_add(out, rule->title);
    text_addf(out, "</b></a><br><span class='dim small'><code>%s</code><br>%s · %s</span></td><td>",
              rule->name, rule->id, level_name(rule->level));
    html_add_sentence(out, result ? result->summary : "");
    add_standing(result, out);
    add_where(results, rule, out);
    text_add(out, "</td></tr>");
}

static void add_verdicts(const struct results *results, struct text *out)
{
    text_add(out,
             "<table class='verdicts'><thead><tr><th>verdict</th><th>rule</th><th>finding</th></tr>"
             "</thead><tbody>");
    for (size_t v = 0; v < VERDICTS; v++)
        for (size_t i = 0; i < results->rule_count; i++)
            if (results->rules[i].verdict == order[v])
                add_verdict(results, &results->rules[i], out);
    text_add(out, "</tbody></table>");
}

/* --- A scenario --- */

static void add_scenario_facts(const struct scenario_result *scenario, struct text *out)
{
    text_addf(
        out,
        "<p class='dim small'>%u client%s · %.0f s of target time · speed %g · seed %llu · timing "
        "noise ±%.0f ms",
        scenario->clients, scenario->clients == 1 ? "" : "s", nsec_to_seconds(scenario->duration),
        scenario->speed, (unsigned long long)scenario->seed,
        nsec_to_seconds(scenario->noise) * 1000);
    if (scenario->repeated)
        text_addf(out, " · ran again with seed %llu: %s", (unsigned long long)scenario->second_seed,
                  scenario->confirmed ? "failed again" : "not repeatable");
    if (scenario->interrupted)
        text_add(out, " · <b>cut short</b>");
    text_add(out, "</p>");
    if (scenario->speed_note) {
        text_add(out, "<p class='dim small'>Ran ");
        html_add(out, scenario->speed_note);
        text_add(out, "</p>");
    }
    if (scenario->replaced) {
        text_add(out, "<p class='small'><b>Not what was asked:</b> ");
        html_add(out, scenario->replaced);
        text_add(out, "</p>");
    }
    if (scenario->trouble) {
        text_add(out, "<div class='trouble mono'>");
        html_add(out, scenario->trouble);
        text_add(out, "</div>");
    }
}

static void add_trace_link(const char *words, const char *path, struct text *out)
{
    text_addf(out, "%s <a href='", words);
    html_add(out, path);
    text_add(out, "'><code>");
    html_add(out, path);
    text_add(out, "</code></a>");
}

static void add_origin(const struct scenario_result *scenario, struct text *out)
{
    text_add(out, "<div class='again'>");
    if (scenario->again) {
        text_add(out, "<h4>Run it again</h4><pre>");
        html_add(out, scenario->again);
        text_add(out, "</pre>");
    }
    if (scenario->trace) {
        text_add(out, "<p class='dim'>");
        add_trace_link("Trace", scenario->trace, out);
        if (scenario->sha256)
            text_addf(out, ", sha256 <code>%s</code>", scenario->sha256);
        if (scenario->second_trace)
            add_trace_link("; of the second run", scenario->second_trace, out);
        text_add(out, ". The verdicts follow from it alone: <code>halfopen judge ");
        html_add(out, scenario->trace);
        text_add(out, "</code></p>");
    }
    text_add(out, "</div>");
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

static bool is_table_new(const struct rule_result *rule, const char **shown)
{
    bool is_new = rule->table && (!*shown || strcmp(rule->table, *shown) != 0);
    *shown = rule->table ? rule->table : *shown;
    return is_new;
}

static void add_rules(const struct results *results, const struct scenario_result *scenario,
                      const char *anchor, const struct trace *trace, struct text *out)
{
    const char *shown = NULL;
    for (size_t v = 0; v < VERDICTS; v++)
        for (size_t i = 0; i < scenario->rule_count; i++) {
            const struct rule_result *rule = &scenario->rules[i];
            if (rule->verdict != order[v])
                continue;
            struct html_rule how = {.anchor = anchor,
                                    .is_telling = telling(results, rule->rule) == rule,
                                    .shows_table = is_table_new(rule, &shown)};
            html_add_rule(rule, &how, trace, out);
        }
}

static void add_scenario(const struct results *results, const struct scenario_result *scenario,
                         const char *folder, struct text *out)
{
    struct trace *trace = open_trace(scenario, folder);
    char *anchor = anchor_of(results, scenario);
    text_add(out, "<section class='scenario' id='");
    html_add(out, anchor);
    text_add(out, "'><header class='title'>");
    html_add_badge(out, scenario->verdict);
    text_add(out, "<h2>");
    add_scenario_name(scenario, out);
    text_add(out, "</h2></header><p class='story'>");
    html_add(out, scenario->story);
    text_add(out, "</p>");
    add_scenario_facts(scenario, out);
    if (trace) {
        html_timeline(trace, out);
        html_delays(trace, out);
    }
    add_rules(results, scenario, anchor, trace, out);
    html_processes(scenario, out);
    add_origin(scenario, out);
    text_add(out, "</section>");
    free(anchor);
    trace_free(trace);
}

static void add_scenarios(const struct results *results, const char *folder, struct text *out)
{
    for (size_t v = 0; v < VERDICTS; v++)
        for (size_t i = 0; i < results->scenario_count; i++)
            if (results->scenarios[i].verdict == order[v])
                add_scenario(results, &results->scenarios[i], folder, out);
}

bool report_html(const struct results *results, const char *folder)
{
    struct text out;
    char *path = xprintf("%s/index.html", folder);
    FILE *file = fopen(path, "w");
    text_init(&out);
    add_head(results, &out);
    add_verdicts(results, &out);
    html_policy(results, &out);
    add_scenarios(results, folder, &out);
    text_add(&out, "</main></body></html>\n");
    bool written = file && fwrite(out.chars, 1, out.len, file) == out.len;
    if (file && fclose(file) != 0)
        written = false;
    text_fini(&out);
    free(path);
    return written;
}

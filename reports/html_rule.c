/* A rule in a scenario, as a card of the report. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "reports/html_parts.h"
#include "trace/recorder.h"

/* --- Measured beside allowed --- */

static bool ends_in(const char *key, const char *end)
{
    size_t len = strlen(key), end_len = strlen(end);
    return len > end_len && strcmp(key + len - end_len, end) == 0;
}

/* How a value is written follows from the end of its key. */
static void add_value(struct text *out, const char *key, double value)
{
    struct text words;
    text_init(&words);
    if (ends_in(key, "_s"))
        units_add_duration(&words, nsec_from_seconds(value));
    else if (ends_in(key, "_bytes"))
        units_add_size(&words, (uint64_t)(value > 0 ? value : 0));
    else if (ends_in(key, "rate"))
        units_add_rate(&words, value);
    else if (ends_in(key, "_share") || strncmp(key, "half_width", 10) == 0)
        text_addf(&words, "%.3g %%", value * 100);
    else
        text_addf(&words, "%.4g", value);
    html_add(out, text_chars(&words));
    text_fini(&words);
}

/* "longest_delay_s" is read as "longest delay". */
static void add_key(struct text *out, const char *key)
{
    size_t len = strlen(key);
    if (ends_in(key, "_s"))
        len -= 2;
    else if (ends_in(key, "_bytes"))
        len -= 6;
    for (size_t i = 0; i < len; i++) {
        char one[2] = {key[i] == '_' ? ' ' : key[i], '\0'};
        html_add(out, one);
    }
}

/* Bounds of a measured value: its own key, or with one of these behind. */
static const struct {
    const char *behind, *words;
} bounds[] = {{"", ""}, {"_min", "at least "}, {"_max", "at most "}, {"_asked", "asked "}};
#define BOUNDS (sizeof bounds / sizeof *bounds)

static const json_t *bound_of(const json_t *allowed, const char *key, size_t i)
{
    char *name = xprintf("%s%s", key, bounds[i].behind);
    const json_t *value = json_object_get(allowed, name);
    free(name);
    return value;
}

static void add_bounds(struct text *out, const char *key, const json_t *allowed)
{
    bool any = false;
    for (size_t i = 0; i < BOUNDS; i++) {
        const json_t *value = bound_of(allowed, key, i);
        if (!value)
            continue;
        text_addf(out, "%s%s", any ? ", " : "", bounds[i].words);
        add_value(out, key, json_number_value(value));
        any = true;
    }
}

/* Stands in the row of what it bounds. */
static bool is_bound(const json_t *measured, const char *key)
{
    bool found = json_object_get(measured, key) != NULL;
    for (size_t i = 1; i < BOUNDS && !found; i++) {
        if (!ends_in(key, bounds[i].behind))
            continue;
        char *name = xstrndup(key, strlen(key) - strlen(bounds[i].behind));
        found = json_object_get(measured, name) != NULL;
        free(name);
    }
    return found;
}

/* measured: the value, NULL: none; allowed: all that is. */
static void add_row(struct text *out, const char *key, const json_t *measured,
                    const json_t *allowed)
{
    text_add(out, "<tr><td>");
    add_key(out, key);
    text_add(out, "</td><td class='num'>");
    if (measured)
        add_value(out, key, json_number_value(measured));
    text_add(out, "</td><td class='num'>");
    add_bounds(out, key, allowed);
    text_add(out, "</td></tr>");
}

static void add_values(const struct rule_result *rule, struct text *out)
{
    json_t *measured = json_loads(rule->measured ? rule->measured : "{}", 0, NULL);
    json_t *allowed = json_loads(rule->allowed ? rule->allowed : "{}", 0, NULL);
    json_t *value;
    const char *key;
    if (json_object_size(measured) + json_object_size(allowed) > 0) {
        text_add(out, "<table class='values'><tr><th></th><th>measured</th><th>allowed</th></tr>");
        json_object_foreach(measured, key, value) add_row(out, key, value, allowed);
        json_object_foreach(allowed, key, value)
        {
            if (!is_bound(measured, key))
                add_row(out, key, NULL, allowed);
        }
        text_add(out, "</table>");
    }
    json_decref(measured);
    json_decref(allowed);
}

/* --- Cited events --- */

#define EVENTS_SHOWN 24
#define LINE_SHOWN   240

static void add_event(const struct event *ev, struct text *out)
{
    struct text line;
    text_init(&line);
    event_write(ev, &line);
    text_addf(out,
              "<tr><td class='num'>%llu</td><td class='num'>%.3f</td><td>%s</td><td class='mono'>",
              (unsigned long long)ev->seq, nsec_to_seconds(ev->at), event_name(ev->kind));
    if (line.len > LINE_SHOWN)
        line.chars[line.len = LINE_SHOWN] = '\0';
    html_add(out, text_chars(&line));
    text_add(out, "</td></tr>");
    text_fini(&line);
}

static bool is_telling(const struct event *ev)
{
    return ev->kind == EV_TCP_OPEN || ev->kind == EV_TCP_CLOSE || ev->kind == EV_TCP_SHUT ||
           ev->kind == EV_WS_OPEN || ev->kind == EV_WS_CLOSE || ev->kind == EV_FAULT_ON ||
           ev->kind == EV_FAULT_ACT || ev->kind == EV_WS_FRAME || ev->kind == EV_PROCESS_EXIT ||
           ev->kind == EV_PROCESS_SIGNAL || ev->kind == EV_HTTP_ASKED;
}

static void add_evidence(const struct trace *trace, uint64_t from, uint64_t to, struct text *out)
{
    size_t shown = 0, telling = 0;
    text_addf(out,
              "<details><summary>Evidence: events %llu to %llu of the trace</summary><div "
              "class='scroll'><table><tr><th class='num'>seq</th><th class='num'>at (s)</th>"
              "<th>event</th><th>as recorded</th></tr>",
              (unsigned long long)from, (unsigned long long)to);
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->seq < from || ev->seq > to || !is_telling(ev))
            continue;
        if (telling++ < EVENTS_SHOWN)
            add_event(ev, out), shown++;
    }
    text_add(out, "</table></div>");
    if (telling > shown)
        text_addf(out, "<p class='dim'>and %zu more in the trace</p>", telling - shown);
    text_add(out, "</details>");
}

/* --- The card --- */

static void add_title(const struct rule_result *rule, const struct html_rule *how, struct text *out)
{
    const struct rule_desc *desc = rule->rule;
    text_addf(out, "<section class='rule %s' id='", verdict_name(rule->verdict));
    html_add(out, how->anchor);
    text_addf(out, ".%s'><header class='title'%s%s%s>", desc->id, how->is_telling ? " id='" : "",
              how->is_telling ? desc->id : "", how->is_telling ? "'" : "");
    html_add_badge(out, rule->verdict);
    text_add(out, "<h3>");
    html_add(out, desc->title);
    text_addf(out, "</h3><span class='dim small ids'><code>%s</code> · %s · %s%s%s</span></header>",
              desc->name, desc->id, level_name(desc->level), desc->source ? " · " : "",
              desc->source ? desc->source : "");
}

static void add_remarks(const struct rule_result *rule, struct text *out)
{
    char *remark = rule_remark(rule);
    if (remark) {
        text_add(out, "<p class='dim'>");
        html_add(out, remark);
        text_addf(out, "%s.</p>", rule_is_excused(rule) ? ": does not fail the run" : "");
    }
    if (rule->verdict == FAIL && !rule->confirmed)
        text_add(out, "<p class='dim'>Not confirmed by a second run.</p>");
    free(remark);
}

static bool wants_fix(const struct rule_result *rule)
{
    return rule->fix && rule->verdict != PASS;
}

/* On paper the first card of a rule shows it unfolded. */
static void add_about(const struct rule_desc *rule, bool first, struct text *out)
{
    text_addf(out, "<details class='about%s'><summary>What this rule asks</summary><p>",
              first ? " first" : "");
    html_add(out, rule->doc);
    text_add(out, "</p></details>");
}

void html_add_rule(const struct rule_result *rule, const struct html_rule *how,
                   const struct trace *trace, struct text *out)
{
    add_title(rule, how, out);
    text_add(out, "<p class='sentence'>");
    html_add_sentence(out, rule->summary);
    text_add(out, "</p>");
    add_remarks(rule, out);
    if (wants_fix(rule)) {
        text_add(out, "<p class='fix'><b>Fix:</b> ");
        html_add_sentence(out, rule->fix);
        text_add(out, "</p>");
    }
    if (rule->table && how->shows_table) {
        text_add(out, "<pre>");
        html_add_table(out, rule->table);
        text_add(out, "</pre>");
    }
    add_values(rule, out);
    if (trace && rule->from > 0)
        add_evidence(trace, rule->from, rule->to, out);
    add_about(rule->rule, how->is_telling, out);
    text_add(out, "</section>");
}

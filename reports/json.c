/* results.json (DESIGN 4). The same results give the same bytes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "reports/results.h"

static void put_optional(struct json *json, const char *key, const char *value)
{
    if (value)
        json_put_string(json, key, value);
}

static void put_rule(struct json *json, const struct rule_result *rule)
{
    json_object_open(json, NULL);
    json_put_string(json, "name", rule->rule->name);
    json_put_string(json, "id", rule->rule->id);
    json_put_string(json, "verdict", verdict_name(rule->verdict));
    json_put_string(json, "level", level_name(rule->rule->level));
    json_put_string(json, "summary", rule->summary);
    json_put_raw(json, "measured", rule->measured ? rule->measured : "{}");
    json_put_raw(json, "allowed", rule->allowed ? rule->allowed : "{}");
    json_array_open(json, "evidence");
    if (rule->from > 0) {
        json_put_uint(json, NULL, rule->from);
        json_put_uint(json, NULL, rule->to);
    }
    json_array_close(json);
    put_optional(json, "source", rule->rule->source);
    put_optional(json, "fix", rule->fix);
    put_optional(json, "table", rule->table);
    put_optional(json, "note", rule->note);
    put_optional(json, "acceptance", rule->acceptance);
    if (rule->baseline != BASELINE_NONE)
        json_put_string(json, "baseline", baseline_name(rule->baseline));
    if (rule->verdict == FAIL) {
        json_put_bool(json, "confirmed", rule->confirmed);
        json_put_bool(json, "accepted", rule->accepted);
    }
    json_object_close(json);
}

static void put_process(struct json *json, const struct process_result *process)
{
    json_object_open(json, NULL);
    json_put_string(json, "role", process->role);
    if (process->client >= 0)
        json_put_int(json, "client", process->client);
    json_put_uint(json, "pid", process->pid);
    json_put_string(json, "command", process->command);
    json_put_string(json, "output", process->output);
    if (*process->version)
        json_put_string(json, "version", process->version);
    if (*process->how)
        json_put_string(json, "ended", process->how);
    if (process->measured) {
        json_put_seconds(json, "cpu_s", process->cpu);
        json_put_uint(json, "memory_bytes", process->memory);
    }
    json_object_close(json);
}

static void put_processes(struct json *json, const struct scenario_result *scenario)
{
    if (scenario->process_count == 0)
        return;
    json_array_open(json, "processes");
    for (size_t i = 0; i < scenario->process_count; i++)
        put_process(json, &scenario->processes[i]);
    json_array_close(json);
}

static void put_scenario(struct json *json, const struct scenario_result *scenario)
{
    json_object_open(json, NULL);
    json_put_string(json, "name", scenario->name);
    put_optional(json, "subject", scenario->subject);
    put_optional(json, "file", scenario->bundled ? NULL : scenario->file);
    json_put_string(json, "verdict", verdict_name(scenario->verdict));
    put_optional(json, "story", scenario->story);
    json_put_seconds(json, "duration_s", scenario->duration);
    json_put_real(json, "wall_s", scenario->wall_s);
    json_put_real(json, "speed", scenario->speed);
    put_optional(json, "speed_note", scenario->speed_note);
    put_optional(json, "replaced", scenario->replaced);
    json_put_uint(json, "seed", scenario->seed);
    json_put_uint(json, "clients", scenario->clients);
    json_put_seconds(json, "noise_s", scenario->noise);
    json_put_bool(json, "confirmed", scenario->confirmed);
    json_put_bool(json, "interrupted", scenario->interrupted);
    put_optional(json, "trouble", scenario->trouble);
    put_optional(json, "trace", scenario->trace);
    put_optional(json, "sha256", scenario->sha256);
    put_optional(json, "second_trace", scenario->second_trace);
    put_processes(json, scenario);
    json_array_open(json, "rules");
    for (size_t i = 0; i < scenario->rule_count; i++)
        put_rule(json, &scenario->rules[i]);
    json_array_close(json);
    json_object_close(json);
}

static void put_summary(struct json *json, const struct results *results,
                        const struct rule_summary *rule)
{
    json_object_open(json, rule->rule->name);
    json_put_string(json, "id", rule->rule->id);
    json_put_string(json, "verdict", verdict_name(rule->verdict));
    json_put_string(json, "level", level_name(rule->rule->level));
    if (results_baseline(results, rule) != BASELINE_NONE)
        json_put_string(json, "baseline", baseline_name(results_baseline(results, rule)));
    json_array_open(json, "scenarios");
    for (size_t s = 0; s < results->scenario_count; s++)
        for (size_t r = 0; r < results->scenarios[s].rule_count; r++)
            if (rule_is(results->scenarios[s].rules[r].rule, rule->rule))
                json_put_string(json, NULL, results->scenarios[s].name);
    json_array_close(json);
    json_object_close(json);
}

/* What the target file requires and did not get. */
static void put_required(struct json *json, const struct results *results)
{
    if (results->required_count == 0)
        return;
    json_array_open(json, "required_undecided");
    for (size_t i = 0; i < results->required_count; i++)
        if (results_is_undecided(results, results->required[i]))
            json_put_string(json, NULL, results->required[i]->name);
    json_array_close(json);
}

static void put_head(struct json *json, const struct results *results)
{
    json_put_string(json, "halfopen", results->version);
    json_put_int(json, "schema", 1);
    json_put_string(json, "started", results->started);
    json_put_real(json, "wall_s", results->wall_s);
    json_put_real(json, "speed", results->speed);
    json_put_uint(json, "seed", results->seed);
    json_put_seconds(json, "noise_s", results->noise);
    json_put_string(json, "profile", results->profile);
    if (results->policy_json)
        json_put_raw(json, "policy", results->policy_json);
    json_put_int(json, "exit", results->exit_code);
    json_object_open(json, "system");
    put_optional(json, "name", results->system);
    json_object_close(json);
    json_object_open(json, "host");
    put_optional(json, "name", results->host);
    json_put_uint(json, "cores", results->cores);
    json_object_close(json);
    json_put_raw(json, "target", results->target_json ? results->target_json : "{}");
}

void results_add_json(const struct results *results, struct text *out)
{
    struct json json;
    json_init(&json, out, 1);
    json_object_open(&json, NULL);
    put_head(&json, results);
    json_object_open(&json, "counts");
    for (int verdict = PASS; verdict <= FAIL; verdict++)
        json_put_uint(&json, verdict_name((enum verdict)verdict),
                      results_count(results, (enum verdict)verdict));
    json_put_uint(&json, "not_tested", results_count(results, NOT_TESTED));
    json_put_uint(&json, "not_applicable", results_count(results, NOT_APPLICABLE));
    json_object_close(&json);
    json_object_open(&json, "rules");
    for (size_t i = 0; i < results->rule_count; i++)
        put_summary(&json, results, &results->rules[i]);
    json_object_close(&json);
    put_required(&json, results);
    json_array_open(&json, "scenarios");
    for (size_t i = 0; i < results->scenario_count; i++)
        put_scenario(&json, &results->scenarios[i]);
    json_array_close(&json);
    json_object_close(&json);
    text_add(out, "\n");
}

bool report_json(const struct results *results, const char *folder)
{
    struct text out;
    char *path = xprintf("%s/results.json", folder);
    FILE *file = fopen(path, "w");
    text_init(&out);
    results_add_json(results, &out);
    bool written = file && fwrite(out.chars, 1, out.len, file) == out.len;
    if (file && fclose(file) != 0)
        written = false;
    text_fini(&out);
    free(path);
    return written;
}

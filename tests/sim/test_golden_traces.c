/* Golden traces: each bundled scenario for clients at seed 1, played by the sound client and by the
 * flawed one that most rules object to. tests/golden/traces/SCENARIO-CLIENT.txt holds what was
 * recorded (its digest, and how often each event) and what results.json says of it; short traces
 * are kept whole beside it. A digest that changed without a reason in the same commit is a trace
 * that depends on something it must not. */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/golden.h"
#include "tests/sim/world.h"

#define FOLDER      "tests/golden/traces"
#define SHORT_BYTES ((size_t)8 << 10)

static struct sim_config config_of(const struct plan *plan, const char *flaw)
{
    struct sim_config cfg;
    sim_config_init(&cfg, plan);
    if (flaw)
        CHECK(client_flaw_apply(&cfg.client, flaw));
    return cfg;
}

/* --- The flaw most rules object to --- */

static int objections(const struct scenario_result *result)
{
    int weight = 0;
    for (size_t i = 0; i < result->rule_count; i++)
        weight += result->rules[i].verdict == FAIL ? 10 : result->rules[i].verdict == WARN;
    return weight;
}

static const char *worst_flaw(struct plan *plan)
{
    const char *worst = client_flaws[0].name;
    int most = -1;
    for (const struct flaw *flaw = client_flaws; flaw->name; flaw++) {
        struct sim_config cfg = config_of(plan, flaw->name);
        struct scenario_result result;
        CHECK_STR(sim_verdicts(&cfg, &result), "finished");
        if (objections(&result) > most) {
            most = objections(&result);
            worst = flaw->name;
        }
        scenario_result_fini(&result);
    }
    return worst;
}

/* --- What is kept --- */

static void add_counts(const struct text *trace, struct text *out)
{
    for (int kind = 0; kind < EV_KINDS; kind++) {
        char *words = xprintf("\"ev\":\"%s\"", event_name((enum event_kind)kind));
        size_t count = 0;
        for (const char *at = text_chars(trace); (at = strstr(at, words)) != NULL; at++)
            count++;
        if (count > 0)
            text_addf(out, "%s %zu\n", event_name((enum event_kind)kind), count);
        free(words);
    }
}

static void add_value(json_t *value, struct text *out)
{
    char *words = json_dumps(value, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    text_addf(out, "%s\n", words);
    free(words);
}

/* The parts of results.json that tell about rules, for a run of this scenario alone. */
static void add_rules(const struct text *trace, struct text *out)
{
    struct results *results = results_new();
    struct text words;
    json_error_t error;
    text_init(&words);
    sim_judge(trace, results_add_scenario(results));
    results_conclude(results);
    results_add_json(results, &words);
    json_t *root = json_loads(text_chars(&words), 0, &error);
    CHECK(root != NULL);
    add_value(json_object_get(root, "rules"), out);
    add_value(json_object_get(json_array_get(json_object_get(root, "scenarios"), 0), "rules"), out);
    json_decref(root);
    text_fini(&words);
    results_free(results);
}

static void add_sha256(const struct text *trace, struct text *out)
{
    uint8_t digest[32];
    CHECK(EVP_Digest(trace->chars, trace->len, digest, NULL, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < sizeof digest; i++)
        text_addf(out, "%02x", digest[i]);
    text_add(out, "\n");
}

static void check_run(struct plan *plan, const char *flaw, struct golden_folder *folder)
{
    struct sim_config cfg = config_of(plan, flaw);
    struct text trace, kept;
    const char *who = flaw ? flaw : "sound";
    text_init(&trace);
    text_init(&kept);
    CHECK_STR(sim_run(&cfg, &trace), "finished");
    text_addf(&kept, "%s, %s client, seed 1\nsha256 ", plan->name, who);
    add_sha256(&trace, &kept);
    add_counts(&trace, &kept);
    add_rules(&trace, &kept);
    char *name = xprintf("%s-%s.txt", plan->name, who);
    golden_folder_check(folder, name, &kept);
    free(name);
    name = xprintf("%s-%s.jsonl", plan->name, who);
    if (trace.len <= SHORT_BYTES)
        golden_folder_check(folder, name, &trace);
    free(name);
    text_fini(&trace);
    text_fini(&kept);
}

static void bundled_scenarios_leave_the_traces_they_left_before(void)
{
    struct sim_plans plans = sim_plans_load("client");
    struct golden_folder folder;
    golden_folder_init(&folder, FOLDER);
    for (size_t i = 0; i < plans.count; i++) {
        struct plan *plan = plans.list[i];
        check_run(plan, NULL, &folder);
        check_run(plan, worst_flaw(plan), &folder);
    }
    golden_folder_fini(&folder);
    sim_plans_free(&plans);
}

SUITE(golden_traces, TEST(bundled_scenarios_leave_the_traces_they_left_before))

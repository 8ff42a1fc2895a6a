/* Golden traces: each bundled scenario for clients at seed 1, played by the sound client and by the
 * flawed one that most rules object to. tests/golden/traces/SCENARIO-CLIENT.txt holds what was
 * recorded (its digest, and how often each event) and what results.json says of it; short traces
 * are kept whole beside it. A digest that changed without a reason in the same commit is a trace
 * that depends on something it must not. `make golden` finds out whom most rules object to, and the
 * file's name keeps it. */
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/golden.h"
#include "tests/sim/transcript.h"
#include "tests/sim/world.h"
#include "tests/spread.h"

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

struct players {
    struct sim_plans plans;
    const char **worst; /* flaw of each plan */
};

static int weigh(const struct sim_config *cfg)
{
    struct scenario_result result;
    const char *reason = sim_verdicts(cfg, &result);
    CHECK_STR(strcmp(reason, SIM_NEVER_CONNECTED) == 0 ? "finished" : reason, "finished");
    int weight = objections(&result);
    scenario_result_fini(&result);
    return weight;
}

/* The number of the flaw, in decimal. Who plays as the sound client does is judged likewise. */
static void find_worst_of(void *context, size_t piece, struct text *out)
{
    const struct players *players = context;
    struct sim_config sound = config_of(players->plans.list[piece], NULL);
    sound.transcript = transcript_new();
    int as_sound = weigh(&sound), most = -1;
    size_t worst = 0;
    for (size_t i = 0; client_flaws[i].name; i++) {
        struct sim_config cfg = config_of(players->plans.list[piece], client_flaws[i].name);
        int weight = sim_same_run(&sound, &cfg.client) ? as_sound : weigh(&cfg);
        worst = weight > most ? i : worst;
        most = weight > most ? weight : most;
    }
    transcript_free(sound.transcript);
    text_addf(out, "%zu", worst);
}

static void search_worst(struct players *players)
{
    size_t count = players->plans.count;
    struct text *worst = xcalloc(count, sizeof *worst);
    spread(count, find_worst_of, players, worst);
    for (size_t i = 0; i < count; i++) {
        players->worst[i] = client_flaws[strtoul(text_chars(&worst[i]), NULL, 10)].name;
        text_fini(&worst[i]);
    }
    free(worst);
}

static bool is_golden(const struct plan *plan, const char *flaw)
{
    char *path = xprintf("%s/%s-%s.txt", FOLDER, plan->name, flaw);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static const char *recall_worst_of(const struct plan *plan)
{
    for (size_t i = 0; client_flaws[i].name; i++)
        if (is_golden(plan, client_flaws[i].name))
            return client_flaws[i].name;
    CHECK_STR("no golden trace of a flawed client", plan->name);
    return client_flaws[0].name;
}

static void find_worst(struct players *players)
{
    if (getenv("GOLDEN"))
        search_worst(players);
    else
        for (size_t i = 0; i < players->plans.count; i++)
            players->worst[i] = recall_worst_of(players->plans.list[i]);
}

/* --- What is kept --- */

static void add_counts(const struct trace *trace, struct text *out)
{
    for (int kind = 0; kind < EV_KINDS; kind++) {
        int count = sim_count(trace, (enum event_kind)kind);
        if (count > 0)
            text_addf(out, "%s %d\n", event_name((enum event_kind)kind), count);
    }
}

static void add_value(json_t *value, struct text *out)
{
    char *words = json_dumps(value, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    text_addf(out, "%s\n", words);
    free(words);
}

/* The parts of results.json that tell about rules, for a run of this scenario alone. */
static void add_rules(const struct trace *trace, struct text *out)
{
    struct results *results = results_new();
    struct text words;
    json_error_t error;
    text_init(&words);
    judge_trace(trace, NULL, results_add_scenario(results));
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

/* The sound client's, then the worst one's. */
static const char *flaw_of(const struct players *players, size_t piece)
{
    return piece % 2 == 0 ? NULL : players->worst[piece / 2];
}

/* Both files, the first with its NUL; the second is empty unless the trace is short. */
static void keep(void *context, size_t piece, struct text *out)
{
    const struct players *players = context;
    const struct plan *plan = players->plans.list[piece / 2];
    const char *flaw = flaw_of(players, piece);
    struct sim_config cfg = config_of(plan, flaw);
    struct text lines;
    text_init(&lines);
    CHECK_STR(sim_run(&cfg, &lines), "finished");
    struct trace *trace = sim_read(&lines);
    text_addf(out, "%s, %s client, seed 1\nsha256 ", plan->name, flaw ? flaw : "sound");
    add_sha256(&lines, out);
    add_counts(trace, out);
    add_rules(trace, out);
    text_add_bytes(out, "", 1);
    if (lines.len <= SHORT_BYTES)
        text_add_bytes(out, lines.chars, lines.len);
    trace_free(trace);
    text_fini(&lines);
}

static void check_file(struct golden_folder *folder, const char *scenario, const char *flaw,
                       const char *ending, const char *chars)
{
    struct text got;
    char *name = xprintf("%s-%s.%s", scenario, flaw ? flaw : "sound", ending);
    text_init(&got);
    text_add(&got, chars);
    golden_folder_check(folder, name, &got);
    text_fini(&got);
    free(name);
}

static void check_kept(const struct players *players, const struct text *kept)
{
    struct golden_folder folder;
    golden_folder_init(&folder, FOLDER);
    for (size_t i = 0; i < 2 * players->plans.count; i++) {
        const char *scenario = players->plans.list[i / 2]->name, *chars = text_chars(&kept[i]);
        const char *flaw = flaw_of(players, i), *lines = chars + strlen(chars) + 1;
        bool whole = kept[i].len > strlen(chars);
        CHECK_STR(whole ? "" : scenario, "");
        if (whole)
            check_file(&folder, scenario, flaw, "txt", chars);
        if (whole && *lines)
            check_file(&folder, scenario, flaw, "jsonl", lines);
    }
    golden_folder_fini(&folder);
}

static void bundled_scenarios_leave_the_traces_they_left_before(void)
{
    struct players players = {.plans = sim_plans_load("client")};
    players.worst = xcalloc(players.plans.count + 1, sizeof *players.worst);
    find_worst(&players);
    struct text *kept = xcalloc(2 * players.plans.count + 1, sizeof *kept);
    spread(2 * players.plans.count, keep, &players, kept);
    check_kept(&players, kept);
    for (size_t i = 0; i < 2 * players.plans.count; i++)
        text_fini(&kept[i]);
    free(kept);
    free(players.worst);
    sim_plans_free(&players.plans);
}

SUITE(golden_traces, TEST(bundled_scenarios_leave_the_traces_they_left_before))

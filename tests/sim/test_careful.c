/* Other careful clients than the reference: schedules and heartbeats that real libraries have
 * (RULES 8) and that are fine, on a host whose timers come late. No rule fails any of them in any
 * scenario. */
#include <string.h>

#include "base/text.h"
#include "tests/check.h"
#include "tests/sim/transcript.h"
#include "tests/sim/world.h"
#include "tests/spread.h"

#define SEEDS        4
#define LATENESS     (20 * NSEC_PER_MSEC)
#define CHANGE_LIMIT 6

static const struct careful {
    const char *name;
    struct {
        const char *parameter, *value;
    } changes[CHANGE_LIMIT];
} clients[] = {
    {"beats every 10 s", {{"ping", "10s"}}},
    {"engine.io's 25 s and 20 s", {{"ping", "25s"}, {"pong", "20s"}}},
    {"gRPC's schedule",
     {{"backoff_factor", "1.6"},
      {"jitter_low", "0.8"},
      {"jitter_high", "1.2"},
      {"backoff_cap", "120s"}}},
    {"full jitter", {{"jitter_low", "0"}, {"jitter_high", "1"}}},
    {"equal jitter", {{"jitter_low", "0.5"}, {"jitter_high", "1"}}},
    {"a little jitter", {{"jitter_low", "0.9"}, {"jitter_high", "1.1"}}},
    {"a random first delay", {{"first_delay", "uniform"}}},
    {"python-websockets' growth",
     {{"first_delay", "uniform"},
      {"backoff_base", "3.1s"},
      {"backoff_factor", "1.618"},
      {"backoff_cap", "90s"}}},
    {"gives up after ten", {{"retry_limit", "10"}}},
    {"begins with 5 s", {{"backoff_base", "5s"}}},
    {"no longer than 10 s", {{"backoff_cap", "10s"}}},
    {"triples", {{"backoff_factor", "3"}}},
    {"half as much again", {{"backoff_factor", "1.5"}}},
};

#define CLIENTS (sizeof clients / sizeof *clients)

static const struct careful reference = {.name = "the reference"};

static void become(struct client_policy *policy, const struct careful *client)
{
    for (int i = 0; i < CHANGE_LIMIT && client->changes[i].parameter; i++) {
        const struct param *param = param_find(client_policy_params, client->changes[i].parameter);
        struct text why;
        text_init(&why);
        CHECK(param && param_set(param, policy, client->changes[i].value, &why));
        text_fini(&why);
    }
}

static void check_not_failed(const struct scenario_result *result, const struct careful *client)
{
    for (size_t i = 0; i < result->rule_count; i++) {
        const struct rule_result *rule = &result->rules[i];
        struct text words;
        text_init(&words);
        if (rule->verdict == FAIL)
            text_addf(&words, "%s, %s, seed %d: %s", client->name, rule->rule->name,
                      (int)result->seed, rule->summary);
        CHECK_STR(text_chars(&words), "");
        text_fini(&words);
    }
}

/* Calls look with each result, of as many seeds. */
static void play(const struct plan *plan, const struct careful *client, uint64_t first,
                 uint64_t seeds,
                 void (*look)(const struct scenario_result *, const struct careful *))
{
    struct sim_config cfg;
    sim_config_init(&cfg, plan);
    cfg.lateness = LATENESS;
    become(&cfg.client, client);
    struct sim_stage *stage = sim_stage_new(&cfg);
    cfg.stage = stage;
    for (cfg.seed = first; cfg.seed < first + seeds; cfg.seed++) {
        struct scenario_result result;
        CHECK_STR(sim_verdicts(&cfg, &result), "finished");
        look(&result, client);
        scenario_result_fini(&result);
    }
    sim_stage_free(stage);
}

/* One seed of a scenario: who plays as the reference does has its verdicts. */
static void play_piece(void *context, size_t piece, struct text *out)
{
    const struct sim_plans *plans = context;
    const struct plan *plan = plans->list[piece / SEEDS];
    struct sim_config sound;
    struct scenario_result result;
    if (plan->client.sends > 0)
        return; /* nothing here changes how much is sent */
    sim_config_init(&sound, plan);
    struct sim_stage *stage = sim_stage_new(&sound);
    sound.stage = stage;
    sound.lateness = LATENESS;
    sound.seed = 101 + piece % SEEDS;
    sound.transcript = transcript_new();
    CHECK_STR(sim_verdicts(&sound, &result), "finished");
    check_not_failed(&result, &reference);
    scenario_result_fini(&result);
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client_policy policy = sound.client;
        become(&policy, &clients[i]);
        if (!sim_same_run(&sound, &policy))
            play(plan, &clients[i], sound.seed, 1, check_not_failed);
    }
    transcript_free(sound.transcript);
    sim_stage_free(stage);
}

static void no_careful_client_is_convicted(void)
{
    struct sim_plans plans = sim_plans_load("client");
    spread(plans.count * SEEDS, play_piece, &plans, NULL);
    sim_plans_free(&plans);
}

static void check_noticed(const struct scenario_result *result, const struct careful *client)
{
    CHECK_STR(verdict_name(sim_verdict(result, "reconnect.silent_death")), "pass");
}

/* It has no pings, says that it is a browser, and sends a message instead. */
static void a_page_with_a_heartbeat_passes(void)
{
    struct plan *plan = sim_plan("scenarios/client/heartbeat.yaml");
    struct sim_config cfg;
    struct scenario_result result;
    sim_config_init(&cfg, plan);
    cfg.client.browser = cfg.server.echo = true;
    CHECK_STR(sim_verdicts(&cfg, &result), "finished");
    CHECK_STR(verdict_name(sim_verdict(&result, "heartbeat.application")), "pass");
    CHECK_STR(verdict_name(sim_verdict(&result, "heartbeat.interval")), "pass");
    scenario_result_fini(&result);
    plan_free(plan);
}

/* Its window is the limit itself: what its timers are late must not tip the verdict. */
static void a_window_that_equals_the_limit_passes(void)
{
    struct plan *plan = sim_plan("scenarios/client/silent-drop.yaml");
    play(plan, &clients[1], 1, 40, check_noticed);
    plan_free(plan);
}

/* Its pings wait in its own socket, behind data that a slow path does not take. */
static void beats_that_we_do_not_read_are_not_missed(void)
{
    struct plan *plan =
        sim_plan_of("scenario: narrow\nstory: S.\ntests: client\n"
                    "server: {echo: true}\n"
                    "client: {sends: 2KiB/s, message: 512B}\nsteps:\n"
                    "  - wait: {until: open, at_most: 30s}\n"
                    "  - bandwidth: {rate: 512B/s, burst: 1KiB}\n    as: narrow\n"
                    "  - wait: 300s\n"
                    "expect:\n  - heartbeat.interval\n  - heartbeat.idle_timeout\n");
    play(plan, &reference, 1, SEEDS, check_not_failed);
    plan_free(plan);
}

SUITE(careful, TEST(no_careful_client_is_convicted), TEST(a_page_with_a_heartbeat_passes),
      TEST(a_window_that_equals_the_limit_passes), TEST(beats_that_we_do_not_read_are_not_missed))

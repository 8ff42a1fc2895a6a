/* The bundled stories about frames, told to the sound client and to flawed ones: what faults say in
 * an endpoint's name must never be taken for what it said itself. */
#include <string.h>

#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/world.h"

struct told {
    struct plan *plan;
    struct text trace;
    struct scenario_result result;
};

static void tell(struct told *told, struct plan *plan, const char *flaw)
{
    struct sim_config cfg;
    *told = (struct told){.plan = plan};
    sim_config_init(&cfg, plan);
    if (flaw)
        CHECK(client_flaw_apply(&cfg.client, flaw));
    CHECK_STR(sim_run(&cfg, &told->trace), "finished");
    sim_judge(&told->trace, &told->result);
}

static void forget(struct told *told)
{
    scenario_result_fini(&told->result);
    text_fini(&told->trace);
    plan_free(told->plan);
}

static void check_verdict(struct plan *plan, const char *flaw, const char *rule, enum verdict want)
{
    struct told told;
    tell(&told, plan, flaw);
    CHECK_STR(verdict_name(sim_verdict(&told.result, rule)), verdict_name(want));
    forget(&told);
}

/* Pongs that a flood asked for are no heartbeat of the client's own. */
static void a_flood_of_pings_is_no_heartbeat_of_the_client(void)
{
    const char *path = "scenarios/path/flood-of-pings.yaml";
    check_verdict(sim_plan(path), NULL, "heartbeat.interval", PASS);
    check_verdict(sim_plan(path), "no_heartbeat", "heartbeat.interval", FAIL);
    check_verdict(sim_plan(path), "slow_heartbeat", "heartbeat.interval", FAIL);
}

static void clients_told_to_go_come_back_apart(void)
{
    const char *path = "scenarios/path/service-restart.yaml";
    check_verdict(sim_plan(path), NULL, "reconnect.jitter", PASS);
    check_verdict(sim_plan(path), NULL, "reconnect.storm", PASS);
    check_verdict(sim_plan(path), NULL, "reconnect.backoff", PASS);
    check_verdict(sim_plan(path), "no_backoff", "reconnect.backoff", FAIL);
    check_verdict(sim_plan(path), "no_jitter", "reconnect.jitter", FAIL);
}

static const char masked[] =
    "scenario: masked\n"
    "story: A proxy answers for a dead server.\n"
    "tests: client\n"
    "steps:\n"
    "  - wait: {until: open, at_most: 30s}\n"
    "  - forge_pong: {direction: to_server, connections: existing}\n"
    "  - drop: {connections: existing, at: {after: heartbeat, at_most: 90s}}\n"
    "  - wait: 300s\n"
    "expect:\n"
    "  - reconnect.silent_death\n";

static void a_client_that_hears_forged_pongs_is_not_blamed(void)
{
    check_verdict(sim_plan_of(masked), NULL, "reconnect.silent_death", INCONCLUSIVE);
}

static size_t count_of(const struct text *trace, const char *part)
{
    size_t count = 0;
    for (const char *at = text_chars(trace); (at = strstr(at, part)); at++)
        count++;
    return count;
}

static void a_masked_death_is_never_noticed_by_pings_alone(void)
{
    struct told told;
    tell(&told, sim_plan("scenarios/path/masking-proxy.yaml"), NULL);
    CHECK(count_of(&told.trace, "\"ev\":\"ws.injected\"") > 10);
    CHECK_INT(count_of(&told.trace, "\"outcome\":\"ran out\""), 1);
    forget(&told);
}

static void a_client_comes_back_from_half_a_message(void)
{
    struct told told;
    tell(&told, sim_plan("scenarios/path/half-a-message.yaml"), NULL);
    CHECK_INT(count_of(&told.trace, "\"outcome\":\"ran out\""), 0);
    CHECK_INT(count_of(&told.trace, "\"ev\":\"tcp.shut\",\"by\":\"fault\""), 12);
    CHECK_INT(count_of(&told.trace, "\"verb\":\"end\",\"detail\":\"close\""), 3);
    CHECK_INT(count_of(&told.trace, "\"verb\":\"end\",\"detail\":\"rst\""), 3);
    forget(&told);
}

SUITE(frame_stories, TEST(a_flood_of_pings_is_no_heartbeat_of_the_client),
      TEST(clients_told_to_go_come_back_apart),
      TEST(a_client_that_hears_forged_pongs_is_not_blamed),
      TEST(a_masked_death_is_never_noticed_by_pings_alone),
      TEST(a_client_comes_back_from_half_a_message))

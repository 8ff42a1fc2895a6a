/* The bundled stories about frames, told to the sound client and to flawed ones: what faults say in
 * an endpoint's name must never be taken for what it said itself. */
#include <string.h>

#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/world.h"

struct told {
    struct plan *plan;
    struct trace *trace;
    struct scenario_result result;
};

static void tell(struct told *told, struct plan *plan, const char *flaw)
{
    struct sim_config cfg;
    *told = (struct told){.plan = plan};
    sim_config_init(&cfg, plan);
    if (flaw)
        CHECK(client_flaw_apply(&cfg.client, flaw));
    CHECK_STR(sim_keep(&cfg, NULL, &told->trace), "finished");
    sim_judge_kept(&cfg, told->trace, &told->result);
}

static void forget(struct told *told)
{
    scenario_result_fini(&told->result);
    trace_free(told->trace);
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

static int ran_out(const struct trace *trace)
{
    const struct event *ev;
    int count = 0;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_STEP_END));)
        count += strcmp(ev->step_end.outcome, "ran out") == 0;
    return count;
}

static void a_masked_death_is_never_noticed_by_pings_alone(void)
{
    struct told told;
    tell(&told, sim_plan("scenarios/path/masking-proxy.yaml"), NULL);
    CHECK(sim_count(told.trace, EV_WS_INJECTED) > 10);
    CHECK_INT(ran_out(told.trace), 1);
    forget(&told);
}

static int shut_by_fault(const struct trace *trace)
{
    const struct event *ev;
    int count = 0;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_TCP_SHUT));)
        count += ev->by == BY_FAULT;
    return count;
}

static int ended_as(const struct trace *trace, const char *how)
{
    const struct event *ev;
    int count = 0;
    for (size_t i = 0; (ev = trace_next(trace, &i, EV_FAULT_ACT));)
        count += strcmp(ev->fault_act.verb, "end") == 0 && strcmp(ev->fault_act.detail, how) == 0;
    return count;
}

static void a_client_comes_back_from_half_a_message(void)
{
    struct told told;
    tell(&told, sim_plan("scenarios/path/half-a-message.yaml"), NULL);
    CHECK_INT(ran_out(told.trace), 0);
    CHECK_INT(shut_by_fault(told.trace), 12);
    CHECK_INT(ended_as(told.trace, "close"), 3);
    CHECK_INT(ended_as(told.trace, "rst"), 3);
    forget(&told);
}

SUITE(frame_stories, TEST(a_flood_of_pings_is_no_heartbeat_of_the_client),
      TEST(clients_told_to_go_come_back_apart),
      TEST(a_client_that_hears_forged_pongs_is_not_blamed),
      TEST(a_masked_death_is_never_noticed_by_pings_alone),
      TEST(a_client_comes_back_from_half_a_message))

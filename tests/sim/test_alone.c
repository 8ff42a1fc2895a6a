/* A service with one connection (RULES 0.9): what ten clients show in one outage, one shows in
 * several, if each finds it on a stable connection. */
#include "endpoint/flaws.h"
#include "scenario/load.h"
#include "tests/check.h"
#include "tests/sim/world.h"

#define SEEDS    10
#define LATENESS (25 * NSEC_PER_MSEC)
#define SCENARIO "scenarios/client/refused-reconnects.yaml"

struct said {
    int times[FAIL + 1];
};

/* flaw: NULL for the sound client. */
static struct said play(struct plan *plan, const char *flaw, const char *rule)
{
    struct said said = {0};
    struct sim_config cfg;
    sim_config_init(&cfg, plan);
    cfg.lateness = LATENESS;
    CHECK(!flaw || client_flaw_apply(&cfg.client, flaw));
    for (cfg.seed = 1; cfg.seed <= SEEDS; cfg.seed++) {
        struct scenario_result result;
        CHECK_STR(sim_verdicts(&cfg, &result), "finished");
        said.times[sim_verdict(&result, rule)]++;
        scenario_result_fini(&result);
    }
    plan_free(plan);
    return said;
}

static struct plan *alone(void)
{
    struct diag *diag = diag_new();
    struct plan *plan = scenario_load_for(SCENARIO, 1, diag);
    CHECK(plan != NULL);
    diag_free(diag);
    return plan;
}

static void a_sound_client_passes(void)
{
    CHECK_INT(play(alone(), NULL, "reconnect.backoff").times[PASS], SEEDS);
    CHECK_INT(play(alone(), NULL, "reconnect.jitter").times[PASS], SEEDS);
    CHECK_INT(play(alone(), NULL, "reconnect.cap").times[PASS], SEEDS);
    CHECK_INT(play(alone(), NULL, "reconnect.first_delay").times[PASS], SEEDS);
}

static void flaws_are_found(void)
{
    CHECK_INT(play(alone(), "no_backoff", "reconnect.backoff").times[FAIL], SEEDS);
    CHECK_INT(play(alone(), "reconnects_at_once", "reconnect.hammering").times[FAIL], SEEDS);
    CHECK_INT(play(alone(), "jitter_lost_at_cap", "reconnect.jitter").times[WARN], SEEDS);
}

/* Whether each process draws a number of its own, one cannot show. */
static void the_same_wait_each_time_is_left_open(void)
{
    CHECK_INT(play(alone(), "no_jitter", "reconnect.jitter").times[INCONCLUSIVE], SEEDS);
}

/* Outages without a stable connection in between, as somebody may write them. */
static struct plan *in_a_row(const char *pause)
{
    struct text yaml;
    text_init(&yaml);
    text_addf(&yaml,
              "scenario: a\ntests: client\nrepeat: {times: 7, pause: %s}\nsteps:\n"
              "  - wait: {until: open, at_most: 30s}\n"
              "  - refuse: {}\n    as: outage\n"
              "  - reset: {connections: existing}\n"
              "  - wait: {until: {attempts: 6}, at_most: 600s}\n"
              "  - clear: outage\n"
              "  - wait: {until: reopened, at_most: 600s}\n"
              "expect: [reconnect.backoff, reconnect.jitter]\n",
              pause);
    struct plan *plan = sim_plan_of(text_chars(&yaml));
    text_fini(&yaml);
    return plan;
}

static void who_goes_on_where_it_was_is_not_convicted(void)
{
    CHECK_INT(play(in_a_row("0s"), NULL, "reconnect.backoff").times[FAIL], 0);
    CHECK_INT(play(in_a_row("0s"), "no_jitter", "reconnect.backoff").times[FAIL], 0);
    CHECK_INT(play(in_a_row("10s"), "never_resets", "reconnect.backoff").times[FAIL], 0);
}

static void a_schedule_that_goes_on_is_no_jitter(void)
{
    CHECK_INT(play(in_a_row("0s"), "no_jitter", "reconnect.jitter").times[PASS], 0);
}

SUITE(alone, TEST(a_sound_client_passes), TEST(flaws_are_found),
      TEST(the_same_wait_each_time_is_left_open), TEST(who_goes_on_where_it_was_is_not_convicted),
      TEST(a_schedule_that_goes_on_is_no_jitter))

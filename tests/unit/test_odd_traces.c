/* Traces no run would write: any event after any other, on any connection, with any numbers. */
#include "base/rng.h"
#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc reconnect_backoff_rule, reconnect_jitter_rule, reconnect_cap_rule,
    reconnect_storm_rule, reconnect_silent_death_rule, heartbeat_interval_rule,
    heartbeat_idle_timeout_rule, state_client_backpressure_rule;

static const struct rule_desc *const rules[] = {
    &reconnect_backoff_rule,      &reconnect_jitter_rule,         &reconnect_cap_rule,
    &reconnect_storm_rule,        &reconnect_silent_death_rule,   &heartbeat_interval_rule,
    &heartbeat_idle_timeout_rule, &state_client_backpressure_rule};

static uint64_t below(struct rng *rng, uint64_t limit)
{
    return rng_next(rng) % limit;
}

static void add_anything(struct story *s, struct rng *rng, double at)
{
    enum side side = (enum side)below(rng, 3);
    switch (below(rng, 16)) {
    case 0:
        story_open(s, at);
        break;
    case 1:
        story_fault(s, at, "drop", side, below(rng, 2));
        break;
    case 2:
        story_fault_off(s, at, "drop", "over");
        break;
    case 3:
        story_fin(s, at, side);
        break;
    case 4:
        story_close(s, at, side, below(rng, 5000));
        break;
    case 5:
        story_pause(s, at, below(rng, 2), rng_next(rng), rng_next(rng));
        break;
    case 6:
        story_memory(s, at, (double)below(rng, UINT64_C(1) << 40));
        break;
    case 7:
        story_idle_fault(s, at, below(rng, 2) ? "{\"after\":\"1s\"}" : "null");
        break;
    case 8:
        story_cut(s, at, below(rng, 2) ? "idle_timeout" : "reset", "fin");
        break;
    case 9:
        story_exit(s, at, "exit 0", below(rng, 2));
        break;
    case 10:
        story_attempt(s, at);
        break;
    case 11:
        story_data(s, at, side, "x", rng_next(rng));
        break;
    default:
        (void)story_add(s, at, (enum event_kind)(1 + below(rng, EV_KINDS - 1)), side,
                        (enum cause)below(rng, 4));
        break;
    }
}

static void tell_anything(struct story *s, struct rng *rng)
{
    static const int clients[] = {-1, 0, 1, INT32_MAX - 1};
    static const uint32_t conns[] = {0, 1, 2, UINT32_MAX};
    story_begin(s);
    size_t events = below(rng, 200);
    for (size_t i = 0; i < events; i++) {
        story_of(s, clients[below(rng, 4)], conns[below(rng, 4)]);
        add_anything(s, rng, below(rng, 50) == 0 ? 9e9 : (double)below(rng, 1000));
    }
}

static void every_rule_answers_every_trace(void)
{
    struct rng rng;
    rng_init(&rng, 1, "odd", 0);
    for (int i = 0; i < 800; i++) {
        struct story s;
        tell_anything(&s, &rng);
        (void)story_judge(&s, rules[i % 8], NULL);
        CHECK(s.findings.first != NULL);
        story_end(&s);
    }
}

static void an_empty_trace_is_inconclusive(void)
{
    for (int i = 0; i < 8; i++) {
        struct story s;
        story_begin(&s);
        CHECK_INT(story_judge(&s, rules[i], NULL), INCONCLUSIVE);
        story_end(&s);
    }
}

SUITE(odd_traces, TEST(every_rule_answers_every_trace), TEST(an_empty_trace_is_inconclusive))

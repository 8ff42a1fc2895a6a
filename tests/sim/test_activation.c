/* Which connections a fault works on, from which moment, and until when. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/world.h"

#define SECONDS(n) ((nsec)((n)*1e9))

static struct trace *play(unsigned clients, const char *steps, uint64_t seed)
{
    struct sim_config cfg;
    struct text lines;
    char *yaml = xprintf("scenario: faults\nstory: S.\ntests: client\nclients: %u\nsteps:\n%s",
                         clients, steps);
    struct plan *plan = sim_plan_of(yaml);
    sim_config_init(&cfg, plan);
    cfg.seed = seed;
    text_init(&lines);
    CHECK_STR(sim_run(&cfg, &lines), "finished");
    struct trace *trace = sim_read(&lines);
    text_fini(&lines);
    plan_free(plan);
    free(yaml);
    return trace;
}

/* On how many connections the fault began; each is written once for every direction it acts in, so
 * the faults here act in one. */
static int begun(const struct trace *trace)
{
    int count = 0;
    for (size_t i = 0; i < trace->count; i++)
        count += trace->events[i].kind == EV_FAULT_ON && trace->events[i].conn != 0 &&
                 strcmp(trace->events[i].fault_on.fault, "latency") == 0;
    return count;
}

static bool works_on(const struct trace *trace, uint32_t conn)
{
    for (size_t i = 0; i < trace->count; i++)
        if (trace->events[i].kind == EV_FAULT_ON && trace->events[i].conn == conn &&
            strcmp(trace->events[i].fault_on.fault, "latency") == 0)
            return true;
    return false;
}

/* Two clients with a connection each (1 and 2); then the fault; then all are reset and come back (3
 * and 4). */
static struct trace *two_and_two(const char *options)
{
    char *steps = xprintf("  - latency: {delay: 1ms, direction: to_client%s}\n    as: x\n"
                          "  - wait: 1s\n  - reset: {}\n  - wait: 5s\n",
                          options);
    struct trace *trace = play(2, steps, 1);
    CHECK_INT(sim_count(trace, EV_TCP_OPEN), 4);
    free(steps);
    return trace;
}

static void check_selected(const char *options, const bool want[4])
{
    struct trace *trace = two_and_two(options);
    for (uint32_t conn = 1; conn <= 4; conn++)
        CHECK_INT(works_on(trace, conn), want[conn - 1]);
    trace_free(trace);
}

static void connections_are_selected_by_when_they_came(void)
{
    check_selected("", (bool[]){true, true, true, true});
    check_selected(", connections: all", (bool[]){true, true, true, true});
    check_selected(", connections: existing", (bool[]){true, true, false, false});
    check_selected(", connections: new", (bool[]){false, false, true, true});
    check_selected(", connections: newest", (bool[]){false, true, false, false});
}

static void connections_are_selected_by_their_path(void)
{
    check_selected(", connections: {path: /}", (bool[]){true, true, true, true});
    check_selected(", connections: {path: /feed}", (bool[]){false, false, false, false});
}

static void connections_are_selected_by_their_client(void)
{
    struct trace *trace = two_and_two(", connections: {client: 1}");
    CHECK_INT(begun(trace), 2);
    for (size_t i = 0; i < trace->count; i++)
        if (trace->events[i].kind == EV_FAULT_ON && trace->events[i].conn != 0 &&
            strcmp(trace->events[i].fault_on.fault, "latency") == 0)
            CHECK_INT(trace->events[i].client, 1);
    trace_free(trace);
}

/* --- Chance --- */

static int begun_by_chance(const char *probability, uint64_t seed)
{
    char *steps = xprintf("  - latency: {delay: 1ms, direction: to_client, probability: %s}\n"
                          "    as: x\n  - wait: 1s\n",
                          probability);
    struct trace *trace = play(60, steps, seed);
    int count = begun(trace);
    trace_free(trace);
    free(steps);
    return count;
}

static void a_probability_is_a_share_of_the_connections(void)
{
    CHECK_INT(begun_by_chance("0%", 1), 0);
    CHECK_INT(begun_by_chance("100%", 1), 60);
    int half = begun_by_chance("50%", 1);
    CHECK(half >= 15 && half <= 45); /* further off than 1 in 10,000, and the seed is fixed */
    CHECK_INT(begun_by_chance("50%", 1), half);
}

/* The dice fall once for each connection and are in the trace; what they said is what happens. */
static void what_the_dice_say_is_recorded_and_holds(void)
{
    const char *steps = "  - latency: {delay: 1ms, direction: to_client, probability: 50%}\n"
                        "    as: x\n  - wait: 1s\n"
                        "  - bandwidth: {}\n    as: y\n  - wait: 1s\n  - clear: y\n  - wait: 1s\n";
    struct trace *trace = play(20, steps, 3);
    CHECK_INT(sim_count(trace, EV_TCP_OPEN), 20);
    CHECK_INT(sim_count(trace, EV_FAULT_DICE), 20);
    const struct event *ev;
    for (int i = 0; (ev = sim_event(trace, EV_FAULT_DICE, i)); i++) {
        CHECK_STR(ev->fault_dice.label, "x");
        CHECK_REAL(ev->fault_dice.probability, 0.5, 1e-9);
        CHECK_INT(works_on(trace, ev->conn), ev->fault_dice.hit);
    }
    trace_free(trace);
}

static void a_certain_fault_throws_no_dice(void)
{
    struct trace *trace = play(3, "  - latency: {delay: 1ms}\n    as: x\n  - wait: 1s\n", 1);
    CHECK_INT(sim_count(trace, EV_FAULT_DICE), 0);
    trace_free(trace);
}

/* --- Moments --- */

static const struct event *latency_on(const struct trace *trace)
{
    const struct event *ev = NULL;
    for (int i = 0; (ev = sim_event(trace, EV_FAULT_ON, i)); i++)
        if (strcmp(ev->fault_on.fault, "latency") == 0)
            return ev;
    return NULL;
}

static nsec begins_at(const char *moment)
{
    char *steps = xprintf("  - wait: 1s\n"
                          "  - latency: {delay: 1ms, direction: to_client}\n    at: %s\n    as: x\n"
                          "  - wait: 100s\n",
                          moment);
    struct trace *trace = play(1, steps, 1);
    const struct event *on = latency_on(trace);
    CHECK_INT(sim_count(trace, EV_FAULT_ARMED), 1);
    nsec at = on ? on->at : NEVER;
    trace_free(trace);
    free(steps);
    return at;
}

static void an_armed_fault_begins_at_its_moment(void)
{
    CHECK_INT(begins_at("{after: heartbeat, at_most: 60s}"), SECONDS(30));
    CHECK_INT(begins_at("{after: ping, at_most: 60s}"), SECONDS(30));
    CHECK_INT(begins_at("{after: pong, at_most: 60s}"), SECONDS(30));
}

static void or_at_its_limit(void)
{
    CHECK_INT(begins_at("{after: heartbeat, at_most: 7s}"), SECONDS(8));
    CHECK_INT(begins_at("{after: open, at_most: 9s}"), SECONDS(10)); /* it is open since long */
}

static void after_opening_means_after_the_next_one(void)
{
    struct trace *trace = play(1,
                               "  - latency: {delay: 1ms, direction: to_client}\n"
                               "    at: {after: open, at_most: 60s}\n    as: x\n"
                               "  - reset: {}\n  - wait: 10s\n",
                               1);
    const struct event *on = latency_on(trace), *second = sim_event(trace, EV_WS_OPEN, 1);
    CHECK(on && second);
    if (on && second) {
        CHECK_INT(on->conn, second->conn);
        CHECK_INT(on->at, second->at);
    }
    trace_free(trace);
}

/* Each connection has its own moment, and the time of the fault counts from there. */
static void its_time_counts_from_its_moment(void)
{
    struct trace *trace = play(1,
                               "  - latency: {delay: 1ms, direction: to_client}\n"
                               "    at: {after: heartbeat, at_most: 60s}\n    for: 4s\n    as: x\n"
                               "  - wait: 60s\n",
                               1);
    const struct event *on = latency_on(trace), *off = sim_event(trace, EV_FAULT_OFF, 0);
    CHECK(on && off);
    if (on && off)
        CHECK_INT(off->at - on->at, SECONDS(4));
    trace_free(trace);
}

/* --- Ends --- */

static void a_label_ends_what_carries_it_on_every_connection(void)
{
    struct trace *trace = play(2,
                               "  - latency: {delay: 1ms, direction: to_client}\n    as: x\n"
                               "  - latency: {delay: 2ms, direction: to_server}\n    as: z\n"
                               "  - latency: {delay: 3ms, direction: to_server}\n    as: y\n"
                               "  - wait: 1s\n  - clear: x\n  - wait: 1s\n",
                               1);
    int cleared = 0, ended = 0;
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->kind != EV_FAULT_OFF)
            continue;
        cleared +=
            strcmp(ev->fault_off.why, "cleared") == 0 && strcmp(ev->fault_off.label, "x") == 0;
        ended += strcmp(ev->fault_off.label, "y") == 0 && strcmp(ev->fault_off.why, "cleared") != 0;
    }
    CHECK_INT(cleared, 2);
    CHECK_INT(ended, 2);
    trace_free(trace);
}

static void what_was_cleared_comes_to_no_new_connection(void)
{
    struct trace *trace = play(1,
                               "  - latency: {delay: 1ms, direction: to_client}\n    as: x\n"
                               "  - clear: x\n  - reset: {}\n  - wait: 5s\n",
                               1);
    CHECK_INT(sim_count(trace, EV_TCP_OPEN), 2);
    CHECK(works_on(trace, 1));
    CHECK(!works_on(trace, 2));
    trace_free(trace);
}

static void an_instant_fault_is_over_at_once_and_meets_nobody_later(void)
{
    struct trace *trace = play(1, "  - reset: {}\n  - wait: 10s\n", 1);
    const struct event *on = sim_event(trace, EV_FAULT_ON, 0),
                       *off = sim_event(trace, EV_FAULT_OFF, 0);
    CHECK(on && off);
    if (on && off)
        CHECK_INT(off->at, on->at);
    CHECK_INT(sim_count(trace, EV_FAULT_OFF), 1);
    CHECK_INT(sim_count(trace, EV_WS_OPEN), 2);
    trace_free(trace);
}

/* A connection that hangs is served once the fault that kept it is over. */
static void attempts_that_wait_are_served_when_the_fault_ends(void)
{
    struct trace *trace = play(1,
                               "  - accept_stall: {}\n    as: stuck\n  - reset: {}\n"
                               "  - wait: 10s\n  - clear: stuck\n  - wait: 1s\n",
                               1);
    const struct event *second = sim_event(trace, EV_WS_OPEN, 1);
    const struct event *cleared = sim_event(trace, EV_STEP_END, 3);
    CHECK(second && cleared);
    if (second && cleared)
        CHECK_INT(second->at, cleared->at);
    trace_free(trace);
}

SUITE(activation, TEST(connections_are_selected_by_when_they_came),
      TEST(connections_are_selected_by_their_path), TEST(connections_are_selected_by_their_client),
      TEST(a_probability_is_a_share_of_the_connections),
      TEST(what_the_dice_say_is_recorded_and_holds), TEST(a_certain_fault_throws_no_dice),
      TEST(an_armed_fault_begins_at_its_moment), TEST(or_at_its_limit),
      TEST(after_opening_means_after_the_next_one), TEST(its_time_counts_from_its_moment),
      TEST(a_label_ends_what_carries_it_on_every_connection),
      TEST(what_was_cleared_comes_to_no_new_connection),
      TEST(an_instant_fault_is_over_at_once_and_meets_nobody_later),
      TEST(attempts_that_wait_are_served_when_the_fault_ends))

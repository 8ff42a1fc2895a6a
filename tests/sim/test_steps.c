/* The steps of a scenario: what they wait for, how long, in which order, and what ends them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/world.h"

#define SECONDS(n) ((nsec)((n)*1e9))

struct show {
    struct trace *trace;
    const char *reason;
};

/* clients and steps as in a scenario file; the client as the policy says (NULL: sound). */
static struct show play(unsigned clients, const char *steps, const char *flaw)
{
    struct show show;
    struct sim_config cfg;
    struct text lines;
    char *yaml = xprintf("scenario: steps\nstory: Steps.\ntests: client\nclients: %u\nsteps:\n%s",
                         clients, steps);
    struct plan *plan = sim_plan_of(yaml);
    sim_config_init(&cfg, plan);
    if (flaw)
        CHECK(client_flaw_apply(&cfg.client, flaw));
    text_init(&lines);
    show.reason = sim_run(&cfg, &lines);
    show.trace = sim_read(&lines);
    text_fini(&lines);
    plan_free(plan);
    free(yaml);
    return show;
}

/* How the step, from 1, ended, and how long after it began. */
static const char *outcome(const struct show *show, int step)
{
    const struct event *ev = sim_event(show->trace, EV_STEP_END, step - 1);
    return ev ? ev->step_end.outcome : "never";
}

static nsec lasted(const struct show *show, int step)
{
    const struct event *began = sim_event(show->trace, EV_STEP_START, step - 1);
    const struct event *ended = sim_event(show->trace, EV_STEP_END, step - 1);
    return began && ended ? ended->at - began->at : NEVER;
}

static void check_step(const struct show *show, int step, const char *want, nsec length)
{
    CHECK_STR(outcome(show, step), want);
    CHECK_INT(lasted(show, step), length);
}

static void end(struct show *show)
{
    trace_free(show->trace);
}

/* --- Waits --- */

static void a_wait_lasts_as_long_as_it_says(void)
{
    struct show show = play(1, "  - wait: 12s\n  - wait: 1ms\n", NULL);
    check_step(&show, 1, "done", SECONDS(12));
    check_step(&show, 2, "done", SECONDS(0.001));
    CHECK_STR(show.reason, "finished");
    end(&show);
}

static void a_wait_for_what_is_so_already_is_over_at_once(void)
{
    struct show show = play(2, "  - wait: {until: open, at_most: 10s}\n", NULL);
    check_step(&show, 1, "done", 0);
    end(&show);
}

static void a_wait_runs_out_at_its_limit(void)
{
    struct show show = play(1, "  - wait: {until: closed, at_most: 7s}\n", NULL);
    check_step(&show, 1, "ran out", SECONDS(7));
    end(&show);
}

/* The reference client pings every 30 s and is answered in the same instant. */
static void a_ping_a_pong_and_a_heartbeat_are_waited_for(void)
{
    struct show show = play(1,
                            "  - wait: 1s\n"
                            "  - wait: {until: ping, at_most: 60s}\n"
                            "  - mark: one\n"
                            "  - wait: {until: pong, at_most: 60s}\n"
                            "  - mark: two\n"
                            "  - wait: {until: heartbeat, at_most: 60s}\n",
                            NULL);
    check_step(&show, 2, "done", SECONDS(29));
    check_step(&show, 4, "done", 0);
    CHECK_STR(outcome(&show, 6), "done");
    CHECK_INT(lasted(&show, 6) % SECONDS(30), 0);
    end(&show);
}

static void quiet_counts_from_the_last_traffic(void)
{
    struct show show = play(1,
                            "  - wait: {until: ping, at_most: 60s}\n"
                            "  - wait: {until: {quiet: 5s}, at_most: 60s}\n",
                            NULL);
    check_step(&show, 2, "done", SECONDS(5));
    end(&show);
}

static void quiet_is_broken_by_traffic(void)
{
    struct show show = play(1,
                            "  - wait: 28s\n"
                            "  - wait: {until: {quiet: 5s}, at_most: 60s}\n",
                            NULL);
    check_step(&show, 2, "done", SECONDS(7)); /* a ping after 2 s */
    end(&show);
}

static void closed_and_reopened_count_since_the_last_act(void)
{
    struct show show = play(1,
                            "  - reset: {}\n"
                            "  - wait: {until: closed, at_most: 5s}\n"
                            "  - wait: {until: reopened, at_most: 5s}\n"
                            "  - mark: again\n"
                            "  - wait: {until: reopened, at_most: 5s}\n",
                            NULL);
    check_step(&show, 2, "done", 0);
    CHECK_STR(outcome(&show, 3), "done");
    check_step(&show, 5, "ran out", SECONDS(5)); /* since the mark nothing was reopened */
    end(&show);
}

static void since_counts_from_the_step_it_names(void)
{
    struct show show = play(1,
                            "  - drop: {connections: newest}\n    as: one\n"
                            "  - reset: {}\n"
                            "  - wait: {until: reopened, at_most: 5s}\n"
                            "  - mark: again\n"
                            "  - wait: {until: reopened, since: one, at_most: 5s}\n",
                            NULL);
    check_step(&show, 5, "done", 0);
    end(&show);
}

static void the_first_of_several_conditions_counts(void)
{
    struct show show = play(1, "  - wait: {until: [closed, ping], at_most: 60s}\n", NULL);
    CHECK_STR(outcome(&show, 1), "done");
    CHECK_INT(lasted(&show, 1), SECONDS(30));
    end(&show);
}

static void attempts_are_counted_for_each_client(void)
{
    struct show show = play(3,
                            "  - refuse: {}\n    as: outage\n"
                            "  - reset: {}\n"
                            "  - wait: {until: {attempts: 3}, of: all, at_most: 60s}\n",
                            NULL);
    CHECK_STR(outcome(&show, 3), "done");
    const struct event *end_of_wait = sim_event(show.trace, EV_STEP_END, 2);
    int attempts[3] = {0};
    for (size_t i = 0; i < show.trace->count; i++) {
        const struct event *ev = &show.trace->events[i];
        if (ev->kind == EV_TCP_OPEN && ev->seq < end_of_wait->seq)
            attempts[ev->client]++;
    }
    int least = attempts[0];
    for (int i = 1; i < 3; i++)
        least = attempts[i] < least ? attempts[i] : least;
    CHECK_INT(least, 4); /* the first one, and three that were refused */
    end(&show);
}

static void an_exit_is_waited_for(void)
{
    struct duct duct;
    duct_init(&duct, duct_plan("  - wait: {until: exited, at_most: 60s}\n"), 1);
    duct_until(&duct, SECONDS(5));
    run_process_exited(duct.run, 0, duct.now);
    duct_until(&duct, SECONDS(6));
    duct_end_run(&duct);
    struct show show = {.trace = sim_read(&duct.trace)};
    CHECK_STR(outcome(&show, 1), "done");
    CHECK(lasted(&show, 1) >= SECONDS(5) && lasted(&show, 1) <= SECONDS(6));
    end(&show);
    duct_fini(&duct);
}

/* --- Of whom --- */

static const char three_lost[] = "  - refuse: {connections: {client: 1}}\n    as: outage\n"
                                 "  - reset: {}\n";

static void check_quorum(const char *of, const char *want)
{
    char *steps = xprintf("%s  - wait: {until: reopened, of: %s, at_most: 60s}\n", three_lost, of);
    struct show show = play(3, steps, NULL);
    CHECK_STR(outcome(&show, 3), want);
    end(&show);
    free(steps);
}

/* Clients 0 and 2 come back, client 1 is refused for ever. */
static void a_quorum_is_all_any_a_share_or_one_client(void)
{
    check_quorum("all", "ran out");
    check_quorum("any", "done");
    check_quorum("median", "done");
    check_quorum("66%", "done");
    check_quorum("67%", "ran out");
    check_quorum("{client: 0}", "done");
    check_quorum("{client: 1}", "ran out");
}

/* --- Steps that act --- */

static void steps_without_a_wait_happen_in_one_turn(void)
{
    struct show show =
        play(1, "  - mark: a\n  - refuse: {}\n    as: x\n  - reset: {}\n  - clear: x\n", NULL);
    for (int step = 1; step <= 4; step++)
        check_step(&show, step, "done", 0);
    CHECK_INT(sim_event(show.trace, EV_STEP_START, 0)->at,
              sim_event(show.trace, EV_STEP_END, 3)->at);
    end(&show);
}

static void a_fault_with_a_time_and_no_label_blocks(void)
{
    struct show show = play(1, "  - latency: {delay: 1s}\n    for: 9s\n  - mark: then\n", NULL);
    check_step(&show, 1, "done", SECONDS(9));
    const struct event *off = sim_event(show.trace, EV_FAULT_OFF, 0);
    CHECK_INT(off ? off->at - sim_event(show.trace, EV_FAULT_ON, 0)->at : 0, SECONDS(9));
    end(&show);
}

static void a_fault_with_a_time_and_a_label_runs_beside(void)
{
    struct show show =
        play(1, "  - latency: {delay: 1s}\n    for: 9s\n    as: x\n  - wait: 20s\n", NULL);
    check_step(&show, 1, "done", 0);
    const struct event *off = sim_event(show.trace, EV_FAULT_OFF, 0);
    CHECK_STR(off ? off->fault_off.why : "", "over");
    CHECK_INT(off ? off->at - sim_event(show.trace, EV_FAULT_ON, 0)->at : 0, SECONDS(9));
    end(&show);
}

static void a_fault_with_neither_stays_to_the_end(void)
{
    struct show show = play(1, "  - latency: {delay: 1s}\n  - wait: 20s\n", NULL);
    const struct event *off = sim_event(show.trace, EV_FAULT_OFF, 0);
    CHECK(off != NULL);
    CHECK_INT(off ? off->at : 0, sim_event(show.trace, EV_RUN_END, 0)->at);
    end(&show);
}

static void a_close_is_ours_and_is_answered(void)
{
    struct show show =
        play(1, "  - close: {code: 1012, reason: later, to: client}\n  - wait: 1s\n", NULL);
    const struct event *ours = sim_event(show.trace, EV_WS_CLOSE, 0);
    const struct event *answer = sim_event(show.trace, EV_WS_CLOSE, 1);
    CHECK(ours && answer);
    if (ours && answer) {
        CHECK_INT(ours->by, BY_PROXY);
        CHECK_INT(ours->side, SIDE_SERVER);
        CHECK_INT(ours->ws_close.code, 1012);
        CHECK_STR(ours->ws_close.reason, "later");
        CHECK_INT(answer->by, BY_ENDPOINT);
        CHECK_INT(answer->side, SIDE_CLIENT);
    }
    end(&show);
}

static void repeated_steps_are_numbered_on(void)
{
    struct show show =
        play(1, "  - repeat: {times: 3, steps: [{wait: 1s}, {mark: again}]}\n", NULL);
    CHECK_INT(sim_count(show.trace, EV_STEP_END), 6);
    CHECK_INT(sim_count(show.trace, EV_MARK), 3);
    CHECK_INT(sim_event(show.trace, EV_STEP_END, 5)->step_end.step, 6);
    end(&show);
}

static void a_client_that_never_connects_ends_the_run(void)
{
    struct sim_config cfg;
    struct text lines;
    struct plan *plan =
        sim_plan_of("scenario: a\nstory: S.\ntests: client\nsteps:\n  - wait: 1s\n");
    sim_config_init(&cfg, plan);
    cfg.no_server = true;
    text_init(&lines);
    CHECK_STR(sim_run(&cfg, &lines), "a client never connected");
    text_fini(&lines);
    plan_free(plan);
}

/* The one that is open stays; a client that comes back goes to the other. */
static void connections_to_come_are_routed(void)
{
    struct show show = play(1,
                            "  - wait: {until: open, at_most: 30s}\n"
                            "  - route: {to: b}\n"
                            "  - wait: 10s\n"
                            "  - reset: {connections: existing}\n"
                            "  - wait: {until: reopened, at_most: 30s}\n",
                            NULL);
    CHECK_STR(outcome(&show, 2), "done");
    CHECK_INT(sim_count(show.trace, EV_TCP_ROUTE), 2);
    CHECK_INT(sim_event(show.trace, EV_TCP_ROUTE, 0)->tcp_route.backend, 0);
    CHECK_INT(sim_event(show.trace, EV_TCP_ROUTE, 1)->tcp_route.backend, 1);
    CHECK_INT(sim_event(show.trace, EV_TCP_ROUTE, 1)->tcp_route.of, 2);
    end(&show);
}

static void in_turn_each_connection_goes_to_the_next(void)
{
    struct sim_config cfg;
    struct text lines;
    struct plan *plan = sim_plan_of("scenario: turn\nstory: In turn.\ntests: client\nclients: 3\n"
                                    "routing: round_robin\nsteps:\n  - wait: 1s\n");
    sim_config_init(&cfg, plan);
    text_init(&lines);
    sim_run(&cfg, &lines);
    struct trace *trace = sim_read(&lines);
    CHECK_INT(sim_count(trace, EV_TCP_ROUTE), 3);
    for (int i = 0; i < 3; i++)
        CHECK_INT(sim_event(trace, EV_TCP_ROUTE, i)->tcp_route.backend, i % 2);
    trace_free(trace);
    text_fini(&lines);
    plan_free(plan);
}

static void with_one_backend_nothing_is_told(void)
{
    struct show show = play(1, "  - wait: {until: open, at_most: 30s}\n  - route: {to: 0}\n", NULL);
    CHECK_STR(outcome(&show, 2), "done");
    CHECK_INT(sim_count(show.trace, EV_TCP_ROUTE), 0);
    end(&show);
}

SUITE(steps, TEST(connections_to_come_are_routed), TEST(in_turn_each_connection_goes_to_the_next),
      TEST(with_one_backend_nothing_is_told), TEST(a_wait_lasts_as_long_as_it_says),
      TEST(a_wait_for_what_is_so_already_is_over_at_once), TEST(a_wait_runs_out_at_its_limit),
      TEST(a_ping_a_pong_and_a_heartbeat_are_waited_for), TEST(quiet_counts_from_the_last_traffic),
      TEST(quiet_is_broken_by_traffic), TEST(closed_and_reopened_count_since_the_last_act),
      TEST(since_counts_from_the_step_it_names), TEST(the_first_of_several_conditions_counts),
      TEST(attempts_are_counted_for_each_client), TEST(an_exit_is_waited_for),
      TEST(a_quorum_is_all_any_a_share_or_one_client),
      TEST(steps_without_a_wait_happen_in_one_turn), TEST(a_fault_with_a_time_and_no_label_blocks),
      TEST(a_fault_with_a_time_and_a_label_runs_beside),
      TEST(a_fault_with_neither_stays_to_the_end), TEST(a_close_is_ours_and_is_answered),
      TEST(repeated_steps_are_numbered_on), TEST(a_client_that_never_connects_ends_the_run))

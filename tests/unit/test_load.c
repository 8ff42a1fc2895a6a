#include "scenario/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scenario/find.h"
#include "tests/check.h"

#define HEAD "scenario: a\nclients: 3\nsteps:\n"

/* NULL, with the problems printed, when it does not load. */
static struct plan *load(const char *text)
{
    struct diag *diag = diag_new();
    struct plan *plan = scenario_parse("a.yaml", text, strlen(text), diag);
    diag_print(diag, stderr);
    diag_free(diag);
    CHECK(plan != NULL);
    return plan ? plan : plan_new();
}

/* The only step, with room to look at it. */
static struct plan *load_step(const char *line, struct step *step)
{
    char *text = xprintf(HEAD "%s\n", line);
    struct plan *plan = load(text);
    CHECK_INT(plan->step_count, 1);
    *step = plan->step_count > 0 ? plan->steps[0] : (struct step){.what = ""};
    free(text);
    return plan;
}

static void check_words(const char *line, const char *words)
{
    struct step step;
    struct plan *plan = load_step(line, &step);
    CHECK_STR(step.what, words);
    plan_free(plan);
}

static void the_head_is_read(void)
{
    struct plan *plan = load("scenario: half-open\nstory: Gone.\ntests: both\nclients: 64\n"
                             "tls: true\nserver: {pings: 30s, echo: true}\n"
                             "client: {sends: 1MiB/s, message: 4KiB}\nsteps: [wait: 1s]\n");
    CHECK_STR(plan->name, "half-open");
    CHECK_STR(plan->story, "Gone.");
    CHECK_INT(plan->tests, TESTS_CLIENT | TESTS_SERVER);
    CHECK_INT(plan->clients, 64);
    CHECK(plan->tls && plan->server.echo);
    CHECK_INT(plan->server.pings, 30 * NSEC_PER_SEC);
    CHECK_REAL(plan->client.sends, 1048576, 0.5);
    CHECK_INT(plan->client.message_bytes, 4096);
    plan_free(plan);
}

static void what_is_not_given_is_plain(void)
{
    struct plan *plan = load("scenario: a\nsteps: [wait: 1s]\n");
    CHECK_INT(plan->tests, TESTS_CLIENT);
    CHECK_INT(plan->clients, 1);
    CHECK(!plan->tls && !plan->strip_deflate && !plan->server.echo);
    CHECK_INT(plan->server.pings, 0);
    CHECK_REAL(plan->client.sends, 0, 0);
    CHECK_STR(plan->story, "");
    plan_free(plan);
}

static void a_wait_may_be_a_duration(void)
{
    struct step step;
    struct plan *plan = load_step("  - wait: 1.5s", &step);
    CHECK_INT(step.kind, STEP_WAIT);
    CHECK_INT(step.wait.count, 0);
    CHECK_INT(step.wait.duration, 1500 * NSEC_PER_MSEC);
    plan_free(plan);
}

static void a_wait_for_several_things_takes_the_first(void)
{
    struct step step;
    struct plan *plan = load_step(
        "  - wait: {until: [reopened, {attempts: 8}, {quiet: 5s}], at_most: 90s, of: median}",
        &step);
    CHECK_INT(step.wait.count, 3);
    CHECK_INT(step.wait.any[0].condition, UNTIL_REOPENED);
    CHECK_INT(step.wait.any[1].attempts, 8);
    CHECK_INT(step.wait.any[2].quiet, 5 * NSEC_PER_SEC);
    CHECK_INT(step.wait.at_most, 90 * NSEC_PER_SEC);
    CHECK_INT(step.wait.of, OF_SHARE);
    CHECK_REAL(step.wait.share, 0.5, 1e-9);
    plan_free(plan);
}

static void each_condition_has_its_name(void)
{
    static const struct {
        const char *name;
        enum condition condition;
    } conditions[] = {{"open", UNTIL_OPEN},           {"reopened", UNTIL_REOPENED},
                      {"closed", UNTIL_CLOSED},       {"{attempts: 1}", UNTIL_ATTEMPTS},
                      {"ping", UNTIL_PING},           {"pong", UNTIL_PONG},
                      {"heartbeat", UNTIL_HEARTBEAT}, {"{quiet: 1s}", UNTIL_QUIET},
                      {"exited", UNTIL_EXITED},       {"gave_up", UNTIL_GAVE_UP}};
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        struct step step;
        char *line = xprintf("  - wait: {until: %s, at_most: 9s}", conditions[i].name);
        struct plan *plan = load_step(line, &step);
        CHECK_INT(step.wait.any[0].condition, conditions[i].condition);
        plan_free(plan);
        free(line);
    }
}

static void a_hook_and_a_signal_say_whom_and_how_often(void)
{
    struct step step;
    struct plan *plan =
        load_step("  - hook: {send: 20, every: 200ms, clients: {client: 1}}", &step);
    CHECK_INT(step.hook.hook, HOOK_SEND);
    CHECK_INT(step.hook.count, 20);
    CHECK_INT(step.hook.every, 200 * NSEC_PER_MSEC);
    CHECK(!step.hook.of.all);
    CHECK_INT(step.hook.of.client, 1);
    CHECK_STR(step.what, "make client 1 send 20 messages, one every 200ms");
    plan_free(plan);
    plan = load_step("  - hook: close", &step);
    CHECK_INT(step.hook.hook, HOOK_CLOSE);
    CHECK_INT(step.hook.count, 1);
    CHECK(step.hook.of.all);
    CHECK_STR(step.what, "make each client close");
    plan_free(plan);
    plan = load_step("  - signal: INT\n    clients: {client: 2}", &step);
    CHECK_STR(step.signal.name, "INT");
    CHECK_INT(step.signal.of.client, 2);
    CHECK_STR(step.what, "SIGINT to client 2");
    plan_free(plan);
}

static void a_wait_may_be_for_one_client(void)
{
    struct step step;
    struct plan *plan = load_step("  - wait: {until: open, at_most: 9s, of: {client: 2}}", &step);
    CHECK_INT(step.wait.of, OF_CLIENT);
    CHECK_INT(step.wait.client, 2);
    plan_free(plan);
}

static void a_wait_may_count_from_a_step(void)
{
    struct plan *plan = load(HEAD "  - drop: {as: outage}\n"
                                  "  - wait: {until: open, at_most: 9s, since: outage}\n");
    CHECK_STR(plan->steps[1].wait.since, "outage");
    CHECK_STR(plan->steps[0].label, "outage");
    plan_free(plan);
}

static void a_fault_with_neither_for_nor_as_stays_in_the_background(void)
{
    struct step step;
    struct plan *plan = load_step("  - drop:", &step);
    CHECK(step.fault.desc == fault_find("drop"));
    CHECK_INT(step.fault.dirs, DIR_BOTH);
    CHECK_INT(step.fault.duration, NEVER);
    CHECK_INT(step.fault.connections.which, CONNS_ALL);
    CHECK_REAL(step.fault.probability, 1, 0);
    CHECK(!step.fault.blocking);
    CHECK_STR(step.fault.label, "drop");
    plan_free(plan);
}

static void for_without_as_lasts_as_long_as_the_step(void)
{
    struct step step;
    struct plan *plan = load_step("  - refuse: {}\n    for: 30s", &step);
    CHECK(step.fault.blocking);
    CHECK_INT(step.fault.duration, 30 * NSEC_PER_SEC);
    plan_free(plan);
}

static void for_with_as_runs_in_the_background(void)
{
    struct step step;
    struct plan *plan = load_step("  - refuse: {for: 30s}\n    as: outage", &step);
    CHECK(!step.fault.blocking);
    CHECK_INT(step.fault.duration, 30 * NSEC_PER_SEC);
    CHECK_STR(step.fault.label, "outage");
    plan_free(plan);
}

static void options_may_stand_beside_the_fault_or_beneath_it(void)
{
    static const char *const lines[] = {
        "  - drop: {direction: to_client, connections: newest, probability: 30%, for: 3s, as: x}",
        "  - drop: {}\n    direction: to_client\n    connections: newest\n    probability: 30%\n"
        "    for: 3s\n    as: x",
    };
    for (size_t i = 0; i < 2; i++) {
        struct step step;
        struct plan *plan = load_step(lines[i], &step);
        CHECK_STR(step.what, "drop to the client on the newest connection, with 30% "
                             "probability, for 3s, as x");
        CHECK_INT(step.fault.connections.which, CONNS_NEWEST);
        CHECK_REAL(step.fault.probability, 0.3, 1e-9);
        plan_free(plan);
    }
}

static void parameters_are_read_and_the_others_have_their_defaults(void)
{
    struct step step;
    struct plan *plan = load_step("  - idle_timeout: {after: 20s}", &step);
    CHECK_STR(step.what, "idle_timeout (after 20s)");
    plan_free(plan);
}

static void a_fault_may_wait_for_its_moment(void)
{
    struct step step;
    struct plan *plan = load_step(
        "  - drop: {connections: existing, at: {after: heartbeat, at_most: 60s}, as: outage}",
        &step);
    CHECK_INT(step.fault.moment, AFTER_HEARTBEAT);
    CHECK_INT(step.fault.at_most, 60 * NSEC_PER_SEC);
    CHECK_STR(step.what, "drop both directions on existing connections, after a "
                         "heartbeat, as outage");
    plan_free(plan);
}

static void connections_may_be_of_a_client_or_a_path(void)
{
    struct step step;
    struct plan *plan = load_step("  - drop: {connections: {client: 1, path: /feed}}", &step);
    CHECK_INT(step.fault.connections.which, CONNS_CLIENT);
    CHECK_INT(step.fault.connections.client, 1);
    CHECK_STR(step.fault.connections.path, "/feed");
    plan_free(plan);
}

static void an_instant_fault_may_have_a_moment_and_a_label(void)
{
    struct step step;
    struct plan *plan =
        load_step("  - reset: {connections: new, at: {after: open, at_most: 5s}, as: flap}", &step);
    CHECK_INT(step.fault.moment, AFTER_OPEN);
    CHECK_STR(step.fault.label, "flap");
    plan_free(plan);
}

static void a_fault_that_breaks_deflate_takes_it_out_of_the_offer(void)
{
    struct plan *plan = load(HEAD "  - delay_pong: {delay: 3s}\n");
    CHECK(plan->strip_deflate);
    plan_free(plan);
}

static void a_clear_names_a_label_or_a_fault(void)
{
    struct plan *plan = load(HEAD "  - drop: {as: outage}\n  - refuse: {}\n"
                                  "  - clear: outage\n  - clear: refuse\n");
    CHECK_STR(plan->steps[2].clear, "outage");
    CHECK_STR(plan->steps[3].clear, "refuse");
    plan_free(plan);
}

static void a_close_has_code_reason_and_end(void)
{
    struct step step;
    struct plan *plan = load_step("  - close: {code: 1001, reason: bye, to: client}", &step);
    CHECK_INT(step.close.code, 1001);
    CHECK_STR(step.close.reason, "bye");
    CHECK_INT(step.close.to, SIDE_CLIENT);
    plan_free(plan);
}

static void a_close_alone_is_normal_and_to_both(void)
{
    check_words("  - close:", "close with 1000 to both");
}

static void a_close_reason_fills_a_control_frame(void)
{
    struct step step;
    char reason[124];
    memset(reason, 'x', 123);
    reason[123] = '\0';
    char *line = xprintf("  - close: {reason: %s}", reason);
    struct plan *plan = load_step(line, &step);
    CHECK_STR(step.close.reason, reason);
    plan_free(plan);
    free(line);
}

static void steps_are_told_in_words(void)
{
    check_words("  - wait: 10s", "wait 10s");
    check_words("  - wait: {until: open, at_most: 10s}", "wait until open, at most 10s");
    check_words("  - wait: {until: {attempts: 8}, at_most: 10s, of: 80%}",
                "wait until 8 attempts of 80% of the clients, at most 10s");
    check_words("  - wait: {until: [{quiet: 5s}, exited], at_most: 10s, of: any}",
                "wait until quiet for 5s or exited of any client, at most 10s");
    check_words("  - mark: here", "mark: here");
    check_words("  - refuse: {connections: {client: 1}}", "refuse on client 1");
}

static void repeats_are_unrolled(void)
{
    struct plan *plan = load(HEAD "  - repeat:\n      times: 3\n      steps:\n"
                                  "        - wait: 1s\n"
                                  "        - repeat: {times: 2, steps: [mark: x]}\n");
    CHECK_INT(plan->step_count, 9);
    CHECK_INT(plan->steps[0].kind, STEP_WAIT);
    CHECK_INT(plan->steps[2].kind, STEP_MARK);
    CHECK_INT(plan->steps[3].kind, STEP_WAIT);
    plan_free(plan);
}

static void the_whole_may_be_repeated(void)
{
    struct plan *plan = load("scenario: a\nrepeat: 10\nsteps: [wait: 1s, mark: x]\n");
    CHECK_INT(plan->step_count, 20);
    plan_free(plan);
}

static void steps_are_allowed_up_to_the_limit(void)
{
    struct plan *plan = load("scenario: a\nrepeat: 1000\nsteps: [wait: 1s]\n");
    CHECK_INT(plan->step_count, PLAN_STEPS_LIMIT);
    plan_free(plan);
}

static void one_step_more_is_refused(void)
{
    static const char text[] =
        "scenario: a\nsteps: [mark: x, {repeat: {times: 1000, steps: [wait: 1s]}}]\n";
    struct diag *diag = diag_new();
    CHECK(scenario_parse("a.yaml", text, strlen(text), diag) == NULL);
    diag_free(diag);
}

static void a_rule_is_named_by_name_or_id(void)
{
    struct plan *plan = load("scenario: a\nsteps: [refuse: {}]\n"
                             "expect: [reconnect.backoff, RECON-03]\n");
    CHECK_INT(plan->expect_count, 2);
    CHECK_STR(plan->expect[0].rule, "reconnect.backoff");
    CHECK_STR(plan->expect[0].params, "{}");
    CHECK_STR(plan->expect[1].rule, "reconnect.jitter");
    plan_free(plan);
}

static size_t steps_for(unsigned clients)
{
    struct diag *diag = diag_new();
    struct plan *plan =
        scenario_load_for("scenarios/client/refused-reconnects.yaml", clients, diag);
    CHECK(plan != NULL);
    size_t count = plan->step_count;
    CHECK_INT(plan->clients, clients > 0 ? clients : 10);
    plan_free(plan);
    diag_free(diag);
    return count;
}

/* A pause stands between one time and the next. */
static void the_whole_may_be_repeated_for_one_alone(void)
{
    size_t once = steps_for(0);
    CHECK_INT(steps_for(2), once);
    CHECK_INT(steps_for(1), 7 * once + 6);
}

static void a_repeated_step_keeps_its_label(void)
{
    struct plan *plan = load("scenario: a\nrepeat: 2\nsteps: [{drop: {}, as: x}, clear: x]\n");
    CHECK_INT(plan->step_count, 4);
    CHECK_STR(plan->steps[0].fault.label, "x");
    CHECK_STR(plan->steps[2].fault.label, "x");
    plan_free(plan);
}

static void a_repeated_mistake_is_said_once(void)
{
    static const char text[] = "scenario: a\nrepeat: 10\nsteps: [wait: 10]\n";
    struct diag *diag = diag_new();
    CHECK(scenario_parse("a.yaml", text, strlen(text), diag) == NULL);
    CHECK_INT(diag_problems(diag), 1);
    diag_free(diag);
}

static void every_cut_of_a_scenario_is_survived(void)
{
    static const char text[] =
        "scenario: a\nclients: 2\nsteps:\n  - wait: {until: [open, {attempts: 3}], at_most: 9s}\n"
        "  - drop: {at: {after: ping, at_most: 3s}, connections: {client: 1}, as: x}\n"
        "  - repeat: {times: 2, steps: [{close: {code: 1001, reason: r}}, {clear: x}]}\n"
        "expect:\n  - reconnect.backoff: {}\n";
    for (size_t len = 0; len < sizeof text; len++) {
        struct diag *diag = diag_new();
        plan_free(scenario_parse("a.yaml", text, len, diag));
        diag_free(diag);
    }
    CHECK(true);
}

static void check_bundled(const char *path)
{
    struct diag *diag = diag_new();
    struct plan *plan = scenario_load(path, diag);
    char *name = find_name(path);
    diag_print(diag, stderr);
    check_int(__FILE__, __LINE__, path, diag_problems(diag), 0);
    CHECK_STR(plan ? plan->name : "", name);
    CHECK(plan && plan->story[0] && plan_longest(plan) != NEVER);
    /* What a client is judged by has something to judge it by; others may be for the eye. */
    CHECK(plan && (plan->expect_count > 0 || !strstr(path, "/client/")));
    free(name);
    plan_free(plan);
    diag_free(diag);
}

static void every_bundled_scenario_loads_without_a_word(void)
{
    struct paths paths;
    paths_init(&paths);
    find_all_scenarios("scenarios", &paths);
    CHECK(paths.count > 5);
    for (size_t i = 0; i < paths.count; i++)
        check_bundled(paths.paths[i]);
    paths_fini(&paths);
}

/* --- In a line --- */

static void check_same_words(const char *spec, const char *words)
{
    struct diag *diag = diag_new();
    const char *both[] = {spec, spec};
    struct plan *plan = scenario_of_faults("--fault", both, 2, diag);
    diag_print(diag, stderr);
    CHECK(plan && plan->step_count == 2);
    CHECK_STR(plan ? plan->steps[0].what : "", words);
    CHECK_STR(plan ? plan->name : "", "session");
    plan_free(plan);
    diag_free(diag);
}

static void a_fault_in_a_line_may_be_yaml_or_words(void)
{
    check_same_words("drop", "drop both directions");
    check_same_words("drop: {for: 3s, direction: to_client}", "drop to the client, for 3s");
    check_same_words("  drop   for=3s direction=to_client ", "drop to the client, for 3s");
    check_same_words("delay_pong:\n  delay: 2s\n  for: 1m",
                     "delay_pong both directions (delay 2s), for 60s");
    check_same_words("drop probability='30%'", "drop both directions, with 30% probability");
}

SUITE(load, TEST(a_fault_in_a_line_may_be_yaml_or_words), TEST(the_head_is_read),
      TEST(what_is_not_given_is_plain), TEST(a_wait_may_be_a_duration),
      TEST(a_wait_for_several_things_takes_the_first), TEST(each_condition_has_its_name),
      TEST(a_hook_and_a_signal_say_whom_and_how_often), TEST(a_wait_may_be_for_one_client),
      TEST(a_wait_may_count_from_a_step),
      TEST(a_fault_with_neither_for_nor_as_stays_in_the_background),
      TEST(for_without_as_lasts_as_long_as_the_step), TEST(for_with_as_runs_in_the_background),
      TEST(options_may_stand_beside_the_fault_or_beneath_it),
      TEST(parameters_are_read_and_the_others_have_their_defaults),
      TEST(a_fault_may_wait_for_its_moment), TEST(connections_may_be_of_a_client_or_a_path),
      TEST(an_instant_fault_may_have_a_moment_and_a_label),
      TEST(a_fault_that_breaks_deflate_takes_it_out_of_the_offer),
      TEST(a_clear_names_a_label_or_a_fault), TEST(a_close_has_code_reason_and_end),
      TEST(a_close_alone_is_normal_and_to_both), TEST(a_close_reason_fills_a_control_frame),
      TEST(steps_are_told_in_words), TEST(repeats_are_unrolled), TEST(the_whole_may_be_repeated),
      TEST(the_whole_may_be_repeated_for_one_alone), TEST(a_repeated_step_keeps_its_label),
      TEST(steps_are_allowed_up_to_the_limit), TEST(one_step_more_is_refused),
      TEST(a_rule_is_named_by_name_or_id), TEST(a_repeated_mistake_is_said_once),
      TEST(every_cut_of_a_scenario_is_survived), TEST(every_bundled_scenario_loads_without_a_word))

/* Restarts, requests and prompts, with the reference client. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/show.h"

static const struct event *open_of(const struct show *show, int client)
{
    size_t i = 0;
    for (const struct event *ev; (ev = trace_next(show->trace, &i, EV_WS_OPEN));)
        if (ev->client == client)
            return ev;
    return NULL;
}

static void a_new_process_is_a_client_of_its_own(void)
{
    struct show show = show_of("scenario: a\nclients: 2\nsteps:\n"
                               "  - restart: {who: client, down: 4s, clients: {client: 1}}\n"
                               "  - wait: {until: reopened, of: {client: 1}, at_most: 60s}\n"
                               "  - wait: 2s\n"
                               "expect:\n  - attempts: {at_least: 1, after: closed}\n"
                               "  - attempts: {count: 1}\n    as: once\n");
    const struct event *signal = sim_event(show.trace, EV_PROCESS_SIGNAL, 0);
    const struct event *exit = sim_event(show.trace, EV_PROCESS_EXIT, 0);
    const struct event *start = sim_event(show.trace, EV_PROCESS_START, 0);
    CHECK(signal && exit && start && open_of(&show, 2));
    CHECK_INT(signal->client, 1);
    CHECK_INT(exit->client, 1);
    CHECK(exit->process_exit.asked);
    CHECK_INT(start->client, 2);
    CHECK_INT(start->at - exit->at, 4 * NSEC_PER_SEC);
    CHECK(start->process_start.pid != exit->process_exit.pid);
    CHECK(open_of(&show, 2)->seq > start->seq);
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 1)->step_end.outcome, "done");
    CHECK_STR(verdict_name(show.result.rules[1].verdict), "pass");
    show_end(&show);
}

/* Its connection is gone, it is told to end, and does not come back: that is our doing. */
static void who_was_told_to_end_is_not_asked_to_return(void)
{
    struct show show =
        show_of("scenario: a\nclients: 2\nclient: {sends: 1KiB/s}\nsteps:\n  - wait: 6s\n"
                "  - refuse: {}\n    as: away\n  - reset: {}\n  - wait: 500ms\n"
                "  - restart: {who: client, down: 5m}\n  - wait: 3m\n"
                "expect:\n  - reconnect.backoff\n  - reconnect.first_delay\n"
                "  - reconnect.retry_limit\n  - reconnect.cap\n"
                "  - reconnect.hammering\n  - reconnect.single_flight\n"
                "  - reconnect.recovery_time\n  - reconnect.jitter\n");
    CHECK_INT(sim_count(show.trace, EV_PROCESS_EXIT), 2);
    for (size_t i = 0; i < show.result.rule_count; i++) {
        enum verdict verdict = show.result.rules[i].verdict;
        if (verdict == FAIL || verdict == WARN)
            CHECK_STR(show.result.rules[i].summary, "");
    }
    show_end(&show);
}

/* A process that begins is not in a hurry to retry: it never lost anything. */
static void a_new_process_is_no_retry_of_the_old_one(void)
{
    struct show show = show_of("scenario: a\nclients: 5\nsteps:\n  - wait: 6s\n"
                               "  - refuse: {}\n    for: 20s\n    as: away\n  - reset: {}\n"
                               "  - wait: 10s\n  - restart: {who: client}\n"
                               "  - wait: {until: reopened, at_most: 2m}\n  - wait: 10s\n"
                               "expect:\n  - reconnect.backoff\n  - reconnect.first_delay\n"
                               "  - reconnect.jitter\n  - reconnect.hammering\n"
                               "  - reconnect.backoff_reset\n  - reconnect.single_flight\n"
                               "  - reconnect.storm\n");
    CHECK(sim_count(show.trace, EV_PROCESS_START) == 5);
    for (size_t i = 0; i < show.result.rule_count; i++) {
        enum verdict verdict = show.result.rules[i].verdict;
        if (verdict == FAIL || verdict == WARN)
            CHECK_STR(show.result.rules[i].summary, "");
    }
    show_end(&show);
}

/* --- Every rule, and nothing that a sound client did wrong --- */

static void check_nobody_is_convicted(const char *steps)
{
    struct text yaml;
    text_init(&yaml);
    text_addf(&yaml,
              "scenario: a\nclients: 3\nserver: {echo: true, pings: 20s}\n"
              "client: {sends: 100B/s, message: 100B}\nsteps:\n  - wait: 10s\n%s  - wait: 70s\n"
              "expect:\n",
              steps);
    for (size_t i = 0; all_rules[i]; i++)
        text_addf(&yaml, "  - %s\n", all_rules[i]->name);
    struct show show = show_of(text_chars(&yaml));
    CHECK(show.result.rule_count > 50);
    for (size_t i = 0; i < show.result.rule_count; i++) {
        const struct rule_result *rule = &show.result.rules[i];
        if (rule->verdict != FAIL && rule->verdict != WARN)
            continue;
        char *told = xprintf("%s\n%s: %s", steps, rule->rule->name, rule->summary);
        CHECK_STR(told, "");
        free(told);
    }
    show_end(&show);
    text_fini(&yaml);
}

static void what_we_say_convicts_nobody(void)
{
    check_nobody_is_convicted("  - send: {to: client, json: {type: notice}}\n");
    check_nobody_is_convicted("  - send: {to: both, text: ping}\n");
    check_nobody_is_convicted("  - send: {to: server, binary: 00ff}\n");
    check_nobody_is_convicted("  - inject: {to: client, frames: {opcode: 3}}\n");
    check_nobody_is_convicted("  - inject: {to: server, frames: {opcode: 3}}\n");
    check_nobody_is_convicted("  - inject: {to: both, frames: {length: 5000, payload: x}}\n");
    check_nobody_is_convicted("  - inject: {to: client, frames: {mask: true, payload: x}}\n");
    check_nobody_is_convicted("  - inject: {to: client, frames: [{opcode: ping, payload: a}, "
                              "{opcode: pong, payload: b}]}\n");
    check_nobody_is_convicted("  - inject: {to: client, frames: {opcode: close, code: 4999}}\n");
    check_nobody_is_convicted("  - inject: {to: client, frames: {opcode: close, code: 1012}}\n");
    check_nobody_is_convicted("  - inject: {to: client, frames: {opcode: close, code: 1006}}\n");
    check_nobody_is_convicted("  - inject: {to: server, frames: {opcode: close, code: 1000}}\n");
}

static void a_restart_convicts_nobody(void)
{
    check_nobody_is_convicted("  - restart: client\n");
    check_nobody_is_convicted("  - restart: {who: client, down: 20s, clients: {client: 1}}\n");
    check_nobody_is_convicted("  - drop: {for: 50s, as: silent}\n  - wait: 5s\n"
                              "  - restart: {who: client, down: 1s}\n");
    check_nobody_is_convicted("  - refuse: {for: 20s, as: away}\n  - reset: {}\n  - wait: 3s\n"
                              "  - restart: {who: client, down: 1s, clients: {client: 0}}\n");
    check_nobody_is_convicted("  - close: {code: 1012, to: client}\n"
                              "  - restart: {who: client, down: 500ms, signal: KILL}\n");
    check_nobody_is_convicted("  - hook: {send: 5, every: 1s}\n  - wait: 2s\n  - reset: {}\n"
                              "  - restart: {who: client}\n  - hook: {send: 5, every: 1s}\n");
}

static void a_request_is_recorded_and_judged(void)
{
    struct show show = show_of("scenario: a\nsteps:\n  - request: {url: /a}\n"
                               "  - request: {method: POST, url: /b, status: 204}\n"
                               "  - request: {url: /c, status: 200}\n");
    CHECK_INT(sim_count(show.trace, EV_HTTP_ASKED), 3);
    CHECK_INT(show.result.rule_count, 1);
    CHECK_STR(show.result.rules[0].rule->name, "expect.a.requests");
    CHECK_STR(show.result.rules[0].summary, "GET /c was answered 204, and 200 is expected");
    CHECK_INT(show.result.rules[0].verdict, FAIL);
    show_end(&show);
    show = show_of("scenario: a\nsteps:\n  - request: {url: /b, status: 204}\n");
    CHECK_INT(show.result.rules[0].verdict, PASS);
    show_end(&show);
}

static void a_prompt_lasts_until_it_is_answered(void)
{
    struct show show = show_of("scenario: a\nsteps:\n  - prompt: pull the cable\n  - mark: done\n");
    CHECK_STR(sim_event(show.trace, EV_STEP_START, 0)->step_start.what, "prompt: pull the cable");
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 0)->step_end.outcome, "done");
    show_end(&show);
}

SUITE(errands, TEST(a_new_process_is_a_client_of_its_own),
      TEST(who_was_told_to_end_is_not_asked_to_return),
      TEST(a_new_process_is_no_retry_of_the_old_one), TEST(what_we_say_convicts_nobody),
      TEST(a_restart_convicts_nobody), TEST(a_request_is_recorded_and_judged),
      TEST(a_prompt_lasts_until_it_is_answered))

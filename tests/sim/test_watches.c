/* Messages that a scenario waits for or asserts something about, with the reference client. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/sim/show.h"

static void check_verdict(const struct show *show, const char *name, enum verdict verdict)
{
    for (size_t i = 0; i < show->result.rule_count; i++) {
        const struct rule_result *rule = &show->result.rules[i];
        if (strcmp(rule->rule->name, name) != 0)
            continue;
        CHECK_STR(verdict_name(rule->verdict), verdict_name(verdict));
        CHECK_STR(rule->rule->id, name + strlen("expect."));
        return;
    }
    CHECK_STR("not judged", name);
}

#define HEAD                                                                                       \
    "scenario: a\nstory: Words.\nclients: 2\nclient: {sends: 1KiB/s, message: 100B}\nsteps:\n"

static void a_wait_ends_with_the_message_it_waits_for(void)
{
    struct show show = show_of(
        HEAD "  - wait: {until: {message: {from: client, match: '.'}}, at_most: 60s}\n"
             "  - wait: {until: {message: {from: client, match: 'no such'}}, at_most: 5s}\n");
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 0)->step_end.outcome, "done");
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 1)->step_end.outcome, "ran out");
    CHECK_STR(sim_event(show.trace, EV_STEP_START, 1)->step_start.what,
              "wait until a message of the client matching 'no such', at most 5s");
    CHECK_INT(sim_count(show.trace, EV_WS_MATCH), 0);
    show_end(&show);
}

static void messages_before_the_step_do_not_count(void)
{
    struct show show =
        show_of("scenario: a\nsteps:\n  - hook: {send: 1}\n  - wait: 2s\n  - mark: here\n"
                "  - wait: {until: {message: {from: client, match: '.'}}, at_most: 5s}\n");
    CHECK_STR(sim_event(show.trace, EV_STEP_END, 3)->step_end.outcome, "ran out");
    show_end(&show);
}

static void matches_are_recorded_and_judged(void)
{
    struct show show = show_of(HEAD "  - wait: 3s\n"
                                    "  - reset: {}\n"
                                    "  - wait: {until: reopened, at_most: 60s}\n"
                                    "  - wait: 5s\n"
                                    "expect:\n"
                                    "  - message: {match: '.', within: 3s, after: reopened}\n"
                                    "  - message: {match: 'no such', within: 3s, after: reopened}\n"
                                    "    as: wanted\n"
                                    "  - never: {message: {match: 'no such'}}\n"
                                    "  - never: {message: {match: '.'}}\n"
                                    "  - attempts: {at_most: 1, after: closed}\n"
                                    "  - attempts: {at_least: 2, after: closed, within: 4s}\n"
                                    "  - never: {close: {from: client}}\n");
    size_t matched = 0, i = 0;
    for (const struct event *ev; (ev = trace_next(show.trace, &i, EV_WS_MATCH));) {
        const struct event *frame = trace_at_seq(show.trace, ev->ws_match.frame);
        CHECK(frame && event_is_message(frame) && frame->side == SIDE_CLIENT);
        matched += strcmp(ev->ws_match.assertion, "expect.a.message") == 0;
        CHECK(strcmp(ev->ws_match.assertion, "expect.a.wanted") != 0);
    }
    CHECK(matched > 10);
    check_verdict(&show, "expect.a.message", PASS);
    check_verdict(&show, "expect.a.wanted", FAIL);
    check_verdict(&show, "expect.a.no-message", PASS);
    check_verdict(&show, "expect.a.no-message-2", FAIL);
    check_verdict(&show, "expect.a.attempts", PASS);
    check_verdict(&show, "expect.a.attempts-2", FAIL);
    check_verdict(&show, "expect.a.no-close", PASS);
    show_end(&show);
}

static void a_long_message_is_looked_at_for_its_start(void)
{
    struct show show = show_of("scenario: a\nclient: {sends: 64KiB/s, message: 16KiB}\n"
                               "steps:\n  - wait: 3s\n"
                               "expect:\n  - never: {message: {match: 'no such'}}\n");
    CHECK_STR(sim_event(show.trace, EV_WS_MATCH, 0)->ws_match.how, "start");
    check_verdict(&show, "expect.a.no-message", INCONCLUSIVE);
    show_end(&show);
}

static void a_compressed_message_is_looked_into(void)
{
    struct show show = show_of("scenario: a\nserver: {deflate: true}\n"
                               "client: {sends: 1KiB/s, message: 200B, deflate: true}\n"
                               "steps:\n  - wait: 5s\n"
                               "expect:\n  - message: {match: '^[^\\x00-\\x08]+$'}\n"
                               "  - never: {message: {match: 'no such'}}\n");
    CHECK(sim_event(show.trace, EV_WS_FRAME, 0)->ws_frame.rsv != 0);
    check_verdict(&show, "expect.a.message", PASS);
    check_verdict(&show, "expect.a.no-message", PASS);
    show_end(&show);
}

/* What we say is no message of anybody, and what comes of it is. */
static void what_we_send_is_ours_and_its_echo_is_not(void)
{
    struct show show =
        show_of("scenario: a\nserver: {echo: true}\nsteps:\n  - send: {to: server, text: hello}\n"
                "  - wait: 2s\nexpect:\n  - never: {message: {from: client, match: hello}}\n");
    CHECK_INT(sim_count(show.trace, EV_WS_INJECTED), 1);
    CHECK_INT(sim_event(show.trace, EV_WS_INJECTED, 0)->by, BY_FAULT);
    CHECK_INT(sim_event(show.trace, EV_WS_INJECTED, 0)->side, SIDE_CLIENT);
    check_verdict(&show, "expect.a.no-message", PASS);
    show_end(&show);
}

static void a_forbidden_frame_is_answered_by_a_close(void)
{
    struct show show =
        show_of("scenario: a\nclients: 2\nsteps:\n"
                "  - inject: {to: client, frames: {opcode: 3}}\n    connections: {client: 0}\n"
                "  - wait: {until: reopened, of: {client: 0}, at_most: 60s}\n"
                "expect:\n"
                "  - close: {from: client, code: 1002}\n    as: fails\n"
                "  - never: {close: {from: client, code: 1000}}\n"
                "  - close: {from: client, code: 1002, within: 2s, after: inject}\n"
                "  - attempts: {at_most: 1, after: closed}\n");
    check_verdict(&show, "expect.a.fails", FAIL);         /* client 1 was not asked */
    check_verdict(&show, "expect.a.close", INCONCLUSIVE); /* its moment never came for client 1 */
    check_verdict(&show, "expect.a.no-close", PASS);
    show_end(&show);
}

SUITE(watches, TEST(a_wait_ends_with_the_message_it_waits_for),
      TEST(messages_before_the_step_do_not_count), TEST(matches_are_recorded_and_judged),
      TEST(a_long_message_is_looked_at_for_its_start), TEST(a_compressed_message_is_looked_into),
      TEST(what_we_send_is_ours_and_its_echo_is_not),
      TEST(a_forbidden_frame_is_answered_by_a_close))

/* Assertions of a scenario's own, on traces written by hand. */
#include <string.h>

#include "rules/own.h"
#include "tests/check.h"
#include "tests/unit/story.h"

#define NAME "expect.a.message"

static enum verdict judge(struct story *s, const char *kind_name, const char *params)
{
    const struct own_kind *kind = own_kind_find(kind_name);
    struct assertion *assertion = assertion_new(kind, NAME, params);
    struct own_rule *rule = own_rule_new(kind, NAME, assertion);
    enum verdict verdict = story_judge(s, own_rule_desc(rule), assertion);
    own_rule_free(rule);
    assertion_free(kind, assertion);
    return verdict;
}

static void expect(struct story *s, const char *kind, const char *params, enum verdict verdict,
                   const char *part)
{
    enum verdict found = judge(s, kind, params);
    CHECK_STR(verdict_name(found), verdict_name(verdict));
    if (!strstr(story_text(s), part))
        CHECK_STR(story_text(s), part);
    if (found == FAIL)
        CHECK(findings_worst(&s->findings)->fix != NULL);
    story_end(s);
}

static void match_how(struct story *s, double at, enum side from, const char *how)
{
    story_data(s, at, from, "aa", 10);
    struct event *ev =
        story_add(s, at, EV_WS_MATCH, from, from == SIDE_CLIENT ? s->client_by : s->server_by);
    ev->ws_match = (struct ev_ws_match){.frame = s->count - 1, .assertion = NAME, .how = how};
}

static void match(struct story *s, double at, enum side from)
{
    match_how(s, at, from, "matched");
}

/* Open at 0, lost at 10 by a reset, open again at 12. */
static void begin_reopened(struct story *s)
{
    story_begin(s);
    story_open(s, 0);
    story_fault(s, 10, "reset", SIDE_CLIENT, false);
    story_cut(s, 10, "reset", "rst");
    story_of(s, 0, 2);
    story_open(s, 12);
}

#define RESUMES "{\"match\": \"resume\", \"within\": \"5s\", \"after\": \"reopened\"}"

static void a_message_in_time_passes(void)
{
    struct story s;
    begin_reopened(&s);
    match(&s, 13, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, PASS,
           "1 message matching 'resume' after the WebSocket opened again, the first after at most "
           "1.00 s of 5.00 s");
}

static void none_in_time_fails(void)
{
    struct story s;
    begin_reopened(&s);
    match(&s, 3, SIDE_CLIENT);
    match(&s, 19, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, FAIL,
           "the client sent no message matching 'resume' within 5.00 s after the WebSocket opened "
           "again at 12.000 s");
}

static void exactly_at_the_limit_is_in_time_and_near_behind_it_is_open(void)
{
    struct story s;
    begin_reopened(&s);
    match(&s, 17, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, PASS, "5.00 s of 5.00 s");
    story_begin(&s);
    story_noise(&s, 0.05);
    story_open(&s, 0);
    match(&s, 5.04, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "message", "{\"match\": \"resume\", \"within\": \"5s\", \"after\": \"open\"}",
           INCONCLUSIVE, "nearer than the run could be timed");
}

static void a_run_that_ends_before_leaves_it_open(void)
{
    struct story s;
    begin_reopened(&s);
    story_run_end(&s, 15);
    expect(&s, "message", RESUMES, INCONCLUSIVE, "the run was over");
}

static void a_connection_that_we_ended_leaves_it_open(void)
{
    struct story s;
    begin_reopened(&s);
    story_cut(&s, 13, "reset", "rst");
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, INCONCLUSIVE, "its connection was ended, and not by itself");
}

static void a_connection_that_the_client_ended_does_not(void)
{
    struct story s;
    begin_reopened(&s);
    story_close(&s, 13, SIDE_CLIENT, 1000);
    story_close(&s, 13.1, SIDE_SERVER, 1000);
    story_fin(&s, 13.2, SIDE_CLIENT);
    story_shut(&s, 13.3, SIDE_CLIENT, BY_PROXY, "fin");
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, FAIL, "sent no message");
}

static void a_connection_that_the_server_ended_leaves_it_open(void)
{
    struct story s;
    begin_reopened(&s);
    story_close(&s, 13, SIDE_SERVER, 1001);
    story_close(&s, 13.1, SIDE_CLIENT, 1001);
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, INCONCLUSIVE, "was ended, and not by itself");
}

static void who_hears_nothing_need_not_speak(void)
{
    struct story s;
    begin_reopened(&s);
    story_fault(&s, 13, "drop", SIDE_CLIENT, true);
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, INCONCLUSIVE, "a fault kept all from it");
    begin_reopened(&s);
    story_fault(&s, 13, "drop", SIDE_SERVER, true);
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, FAIL, "sent no message");
}

static void what_never_came_is_not_passed(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    match(&s, 1, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, INCONCLUSIVE, "it never came");
}

static void one_of_two_times_is_a_failure(void)
{
    struct story s;
    begin_reopened(&s);
    match(&s, 13, SIDE_CLIENT);
    story_cut(&s, 20, "reset", "rst");
    story_of(&s, 0, 3);
    story_open(&s, 22);
    story_run_end(&s, 60);
    expect(&s, "message", RESUMES, FAIL, "at 22.000 s");
}

static void the_other_side_and_another_assertion_are_others(void)
{
    struct story s;
    begin_reopened(&s);
    match(&s, 13, SIDE_SERVER);
    match(&s, 14, SIDE_CLIENT);
    s.events[s.count - 1].ws_match.assertion = "expect.a.other";
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, FAIL, "sent no message");
}

static void what_is_ours_is_not_counted(void)
{
    struct story s;
    begin_reopened(&s);
    match(&s, 13, SIDE_CLIENT);
    s.events[s.count - 1].by = BY_FAULT;
    story_run_end(&s, 30);
    expect(&s, "message", RESUMES, FAIL, "sent no message");
    story_begin(&s);
    s.server_by = BY_BUILTIN;
    story_open(&s, 0);
    match(&s, 1, SIDE_SERVER);
    story_run_end(&s, 30);
    expect(&s, "message", "{\"from\": \"server\", \"match\": \"x\"}", NOT_APPLICABLE,
           "the server is halfopen's own");
}

#define NEVER_SAID "{\"match\": \"secret\", \"at_most\": \"0\"}"

static void what_is_never_to_come_fails_when_it_comes(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    match(&s, 4, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "message", NEVER_SAID, FAIL,
           "a message matching 'secret' in the whole run, and is never to");
}

static void what_never_came_in_a_whole_run_passes(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_data(&s, 3, SIDE_CLIENT, "aa", 9);
    story_run_end(&s, 30);
    expect(&s, "message", NEVER_SAID, PASS, "no message matching 'secret'");
}

static void what_could_not_be_seen_whole_does_not_pass(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    match_how(&s, 3, SIDE_CLIENT, "start");
    story_run_end(&s, 30);
    expect(&s, "message", NEVER_SAID, INCONCLUSIVE, "only the first 4 KiB");
    story_begin(&s);
    story_open(&s, 0);
    (void)story_add(&s, 3, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    story_run_end(&s, 30);
    expect(&s, "message", NEVER_SAID, INCONCLUSIVE, "the trace was full");
    story_begin(&s);
    story_open(&s, 0);
    story_pause(&s, 3, true, 0, 0);
    story_run_end(&s, 30);
    expect(&s, "message", NEVER_SAID, INCONCLUSIVE, "nothing was read from it");
    story_begin(&s);
    story_open(&s, 0);
    struct event *ev = story_add(&s, 30, EV_RUN_END, SIDE_NONE, BY_PROXY);
    ev->run_end.reason = "the server has exited";
    expect(&s, "message", NEVER_SAID, INCONCLUSIVE, "the run ended early");
}

static void numbers_are_compared(void)
{
    static const struct {
        const char *params;
        enum verdict verdict;
    } asked[] = {{"{\"match\": \"x\", \"count\": \"2\"}", PASS},
                 {"{\"match\": \"x\", \"count\": \"1\"}", FAIL},
                 {"{\"match\": \"x\", \"count\": \"3\"}", FAIL},
                 {"{\"match\": \"x\", \"at_least\": \"2\"}", PASS},
                 {"{\"match\": \"x\", \"at_least\": \"3\"}", FAIL},
                 {"{\"match\": \"x\", \"at_most\": \"2\"}", PASS},
                 {"{\"match\": \"x\", \"at_most\": \"1\"}", FAIL}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct story s;
        story_begin(&s);
        story_open(&s, 0);
        match(&s, 3, SIDE_CLIENT);
        match(&s, 4, SIDE_CLIENT);
        story_run_end(&s, 30);
        expect(&s, "message", asked[i].params, asked[i].verdict, "2 messages matching 'x'");
    }
}

/* --- Closes --- */

static void a_close_is_told_by_its_code_and_reason(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_close(&s, 4, SIDE_CLIENT, 1002);
    story_run_end(&s, 30);
    expect(&s, "close", "{\"code\": \"1002\", \"within\": \"5s\", \"after\": \"open\"}", PASS,
           "1 Close with 1002");
    story_begin(&s);
    story_open(&s, 0);
    story_close(&s, 4, SIDE_CLIENT, 1001);
    story_run_end(&s, 30);
    expect(&s, "close", "{\"code\": \"1002\"}", FAIL, "no Close with 1002");
    story_begin(&s);
    story_open(&s, 0);
    story_close(&s, 4, SIDE_CLIENT, 1001);
    story_run_end(&s, 30);
    expect(&s, "close", "{\"reason\": \"away\"}", FAIL, "no Close of a reason matching 'away'");
}

static void an_answer_to_a_close_is_awaited(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_close(&s, 3, SIDE_SERVER, 1000);
    story_run_end(&s, 30);
    expect(&s, "close", "{\"within\": \"5s\", \"after\": \"open\"}", FAIL, "sent no Close");
}

static void an_end_without_a_close_is_1006(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fin(&s, 4, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "close", "{\"code\": \"1006\"}", PASS, "1 end without a Close");
    story_begin(&s);
    story_open(&s, 0);
    story_close(&s, 3, SIDE_CLIENT, 1000);
    story_fin(&s, 4, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, "close", "{\"code\": \"1006\"}", FAIL, "made no end without a Close");
}

/* --- Attempts --- */

static void attempts_after_a_loss_are_counted(void)
{
    struct story s;
    begin_reopened(&s);
    story_run_end(&s, 60);
    expect(&s, "attempts", "{\"at_most\": \"1\", \"after\": \"closed\"}", PASS, "1 attempt");
    begin_reopened(&s);
    story_run_end(&s, 60);
    expect(&s, "attempts", "{\"at_most\": \"0\", \"after\": \"closed\"}", FAIL, "an attempt");
    begin_reopened(&s);
    story_run_end(&s, 60);
    expect(&s, "attempts", "{\"count\": \"2\"}", PASS, "2 attempts in the whole run");
}

static void connects_that_cannot_be_seen_leave_it_open(void)
{
    struct story s;
    begin_reopened(&s);
    struct event *door = story_add(&s, 20, EV_TCP_DOOR, SIDE_CLIENT, BY_FAULT);
    door->tcp_door.hangs = true;
    story_run_end(&s, 60);
    expect(&s, "attempts", "{\"at_most\": \"2\"}", INCONCLUSIVE, "its connects could not be seen");
}

/* --- Steps and processes --- */

static void a_label_is_where_its_fault_began(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 10, "drop", SIDE_CLIENT, true);
    match(&s, 11, SIDE_CLIENT);
    story_run_end(&s, 60);
    expect(&s, "message", "{\"match\": \"x\", \"within\": \"2s\", \"after\": \"drop\"}", PASS,
           "after 'drop'");
    story_begin(&s);
    story_open(&s, 0);
    match(&s, 1, SIDE_CLIENT);
    story_run_end(&s, 60);
    expect(&s, "message", "{\"match\": \"x\", \"within\": \"2s\", \"after\": \"drop\"}",
           INCONCLUSIVE, "it never came");
}

static void a_process_that_the_scenario_ended_need_not_go_on(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_exit(&s, 4, "signal 15", true);
    story_run_end(&s, 60);
    expect(&s, "message", "{\"match\": \"x\", \"within\": \"10s\", \"after\": \"open\"}",
           INCONCLUSIVE, "the scenario ended its process");
}

static void judge_anew(struct story *s)
{
    findings_fini(&s->findings);
    findings_init(&s->findings);
    trace_free(s->trace);
    s->trace = NULL;
}

static void who_is_told_to_end_is_dismissed_from_then_on(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_signal(&s, 3, "USR1");
    story_signal(&s, 5, "TERM");
    story_signal(&s, 7, "KILL");
    story_exit(&s, 8, "signal 9", true);
    story_run_end(&s, 60);
    story_trace(&s);
    CHECK_INT(trace_dismissed(s.trace, 0), 5 * NSEC_PER_SEC);
    CHECK_INT(trace_dismissed(s.trace, 1), NEVER);
    story_end(&s);
    story_begin(&s);
    story_open(&s, 0);
    story_signal(&s, 5, "TERM");
    story_exit(&s, 8, "exit 1", false);
    story_run_end(&s, 60);
    story_trace(&s);
    CHECK_INT(trace_dismissed(s.trace, 0), NEVER);
    story_end(&s);
}

/* It is a client of its own, and what was before it was there does not concern it. */
static void a_process_that_takes_its_place_is_another_client(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    struct event *mark = story_add(&s, 2, EV_MARK, SIDE_NONE, BY_PROXY);
    mark->client = -1;
    mark->mark.text = "early";
    match(&s, 3, SIDE_CLIENT);
    story_exit(&s, 4, "signal 15", true);
    struct event *start = story_add(&s, 6, EV_PROCESS_START, SIDE_NONE, BY_PROXY);
    start->client = 1;
    start->process_start.role = "client";
    story_of(&s, 1, 2);
    story_open(&s, 7);
    mark = story_add(&s, 10, EV_MARK, SIDE_NONE, BY_PROXY);
    mark->client = -1;
    mark->mark.text = "late";
    match(&s, 11, SIDE_CLIENT);
    story_run_end(&s, 60);
    CHECK_STR(verdict_name(judge(&s, "message", "{\"match\": \"x\", \"after\": \"early\"}")),
              "pass");
    CHECK(strstr(story_text(&s), "times out of") == NULL);
    judge_anew(&s);
    CHECK_STR(verdict_name(judge(&s, "message", "{\"match\": \"x\", \"after\": \"late\"}")),
              "pass");
    judge_anew(&s);
    CHECK_STR(verdict_name(judge(&s, "message", "{\"match\": \"x\", \"at_most\": \"1\"}")), "pass");
    story_end(&s);
}

SUITE(own, TEST(a_message_in_time_passes), TEST(none_in_time_fails),
      TEST(exactly_at_the_limit_is_in_time_and_near_behind_it_is_open),
      TEST(a_run_that_ends_before_leaves_it_open), TEST(a_connection_that_we_ended_leaves_it_open),
      TEST(a_connection_that_the_client_ended_does_not),
      TEST(a_connection_that_the_server_ended_leaves_it_open),
      TEST(who_hears_nothing_need_not_speak), TEST(what_never_came_is_not_passed),
      TEST(one_of_two_times_is_a_failure), TEST(the_other_side_and_another_assertion_are_others),
      TEST(what_is_ours_is_not_counted), TEST(what_is_never_to_come_fails_when_it_comes),
      TEST(what_never_came_in_a_whole_run_passes), TEST(what_could_not_be_seen_whole_does_not_pass),
      TEST(numbers_are_compared), TEST(a_close_is_told_by_its_code_and_reason),
      TEST(an_answer_to_a_close_is_awaited), TEST(an_end_without_a_close_is_1006),
      TEST(attempts_after_a_loss_are_counted), TEST(connects_that_cannot_be_seen_leave_it_open),
      TEST(a_label_is_where_its_fault_began),
      TEST(a_process_that_the_scenario_ended_need_not_go_on),
      TEST(a_process_that_takes_its_place_is_another_client),
      TEST(who_is_told_to_end_is_dismissed_from_then_on))

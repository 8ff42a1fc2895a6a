#include "tests/check.h"
#include "tests/unit/story.h"
#include "ws/frame.h"

extern const struct rule_desc heartbeat_ping_flood_rule;

#define MIB   (1024.0 * 1024)
#define FIRST 40.0 /* a thousand pings in 5 s */
#define THEN  60.0 /* five thousand in 20 s */
#define OVER  80.0
#define END   100.0

static void flood(struct story *s, double from, double to, int pings, enum side name)
{
    for (int i = 0; i < pings; i++) {
        double at = from + (to - from) * i / (pings - 1);
        struct event *ev = story_add(s, at, EV_WS_INJECTED, name, BY_FAULT);
        ev->ws_injected = (struct ev_ws_injected){
            .opcode = OPCODE_PING, .fin = true, .masked = name == SIDE_CLIENT, .hash = "f"};
    }
}

static void pongs(struct story *s, double from, double to, int count)
{
    for (int i = 0; i < count; i++)
        story_pong(s, from + (to - from) * i / count, SIDE_CLIENT);
}

static void two_floods(struct story *s)
{
    story_open(s, 0);
    flood(s, FIRST, FIRST + 5, 1000, SIDE_SERVER);
    flood(s, THEN, OVER, 5000, SIDE_SERVER);
    pongs(s, FIRST, END, 200);
}

/* 20 MiB, and what the two halves of the second flood add. */
static void memory(struct story *s, double first_half, double second_half)
{
    for (double at = 0; at < END; at++) {
        double grown = at > THEN ? first_half : 0;
        grown += at > (THEN + OVER) / 2 ? second_half : 0;
        story_memory(s, at, 20 * MIB + (at < OVER + 5 ? grown : 0));
    }
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &heartbeat_ping_flood_rule, want, part);
}

static void grows(double first_half, double second_half, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, first_half, second_half);
    story_run_end(&s, END);
    expect(&s, want, part);
}

static void flat_memory_passes(void)
{
    grows(0, 0, PASS,
          "the client took 6,000 pings and answered 200 of them; its memory grew by 0 B");
}

static void growing_up_to_the_limit_passes(void)
{
    grows(0, 15.99 * MIB, PASS, "up to 16 MiB is fine");
}

static void growing_with_the_pings_fails(void)
{
    grows(0, 16 * MIB, FAIL,
          "the client grew by 16 MiB of memory in a flood of 6,000 pings, and went on growing");
    grows(12 * MIB, 6 * MIB, FAIL, "grew by 18 MiB");
}

static void growing_at_the_beginning_warns(void)
{
    grows(12.1 * MIB, 6 * MIB, WARN, "most of it at the beginning; up to 16 MiB is fine");
    grows(30 * MIB, 0, WARN, "grew by 30 MiB");
}

/* Garbage collectors make peaks: what counts is the usual before, not the lowest. */
static void the_usual_before_is_the_measure(void)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    for (double at = 0; at < END; at++)
        story_memory(&s, at, (at < 21 ? 90 : at == 30 ? 5 : at < 70 ? 40 : 55) * MIB);
    story_run_end(&s, END);
    expect(&s, PASS, "grew by 15 MiB");
}

static void memory_of_another_client_is_not_its_own(void)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 0);
    story_of(&s, 1, 2);
    for (double at = 0; at < END; at++)
        story_memory(&s, at, (at < 65 ? 20 : 90) * MIB);
    story_of(&s, 0, 1);
    story_run_end(&s, END);
    expect(&s, PASS, "grew by 0 B");
}

static void an_unknown_process_is_not_tested(void)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    story_run_end(&s, END);
    expect(&s, NOT_TESTED, "client.command in the target file");
}

/* --- Endings --- */

static void closes_at(double at, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 0);
    story_close(&s, at, SIDE_CLIENT, 1008);
    story_run_end(&s, END);
    expect(&s, want, part);
}

static void ending_the_connection_passes(void)
{
    closes_at(THEN + 0.5, PASS, "ended the connection 500 ms into a flood of pings");
}

static void ending_it_later_is_no_answer_to_the_flood(void)
{
    closes_at(OVER + 4, PASS, "ended the connection 24 s into a flood");
    closes_at(OVER + 6, PASS, "took 6,000 pings");
}

static void an_answer_to_the_servers_close_is_none_to_the_flood(void)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 0);
    story_close(&s, THEN + 1, SIDE_SERVER, 1001);
    story_close(&s, THEN + 2, SIDE_CLIENT, 1001);
    story_run_end(&s, END);
    expect(&s, PASS, "took 6,000 pings");
}

static void growing_before_it_ends_the_connection_fails(void)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 40 * MIB);
    story_close(&s, OVER, SIDE_CLIENT, 1008);
    story_run_end(&s, END);
    expect(&s, FAIL, "grew by 40 MiB");
}

static void exits_at(double at, double closed, bool asked, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 0);
    if (closed > 0)
        story_fin(&s, closed, SIDE_CLIENT);
    story_exit(&s, at, "signal 6", asked);
    story_run_end(&s, END);
    expect(&s, want, part);
}

static void a_process_that_ends_in_a_flood_fails(void)
{
    static const char words[] =
        "did not survive a flood of 6,000 pings: the process ended (signal 6)";
    exits_at(70, 0, false, FAIL, words);
    exits_at(70, 69.9, false, FAIL, words);
}

static void one_that_had_closed_before_does_not(void)
{
    exits_at(70, 69, false, PASS, "ended the connection 9");
}

static void one_that_we_end_does_not(void)
{
    exits_at(70, 0, true, PASS, "took 6,000 pings");
}

static void one_that_ends_long_after_does_not(void)
{
    exits_at(OVER + 6, 0, false, PASS, "took 6,000 pings");
}

/* --- Data --- */

/* Ten messages a second before, `during` in each second of the first flood. */
static void sends(int during, bool held_back, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 0);
    for (int i = 0; i < 400; i++)
        story_data(&s, i / 10.0, SIDE_CLIENT, "work", 20);
    for (int i = 0; i < 5 * during; i++)
        story_data(&s, FIRST + 5.0 * i / (5 * during), SIDE_CLIENT, "work", 20);
    for (int i = 0; i < 300 && !held_back; i++)
        story_data(&s, THEN + i / 10.0, SIDE_CLIENT, "work", 20);
    for (double at = FIRST; held_back && at < OVER; at += 4) {
        struct event *act = story_add(&s, at, EV_FAULT_ACT, SIDE_SERVER, BY_FAULT);
        act->fault_act = (struct ev_fault_act){
            .fault = "bandwidth", .label = "narrow", .verb = "hold", .detail = "", .count = 1};
    }
    story_run_end(&s, END);
    expect(&s, want, part);
}

static void data_as_usual_passes(void)
{
    sends(10, false, PASS, "took 6,000 pings");
    sends(5, false, PASS, "took 6,000 pings");
}

static void less_than_half_warns(void)
{
    sends(4, false, WARN, "sent only 40 % of its usual data while pings came");
}

static void hardly_any_fails(void)
{
    sends(1, false, WARN, "10 %");
    sends(0, false, FAIL, "sent only 0 % of its usual data while pings came");
}

static void what_a_fault_holds_back_is_not_missing(void)
{
    sends(0, true, PASS, "took 6,000 pings");
}

/* All are answered while nobody reads: what is kept of them is the kernels'. */
static void all_answered(uint64_t answered, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    flood(&s, FIRST, FIRST + 5, 6000, SIDE_SERVER);
    struct event *act = story_add(&s, FIRST + 1, EV_FAULT_ACT, SIDE_SERVER, BY_FAULT);
    act->fault_act = (struct ev_fault_act){
        .fault = "bandwidth", .label = "narrow", .verb = "hold", .detail = "", .count = 1};
    pongs(&s, FIRST, END, answered);
    memory(&s, 0, 0);
    story_run_end(&s, END);
    expect(&s, want, part);
}

static void what_the_kernels_took_shows_nothing(void)
{
    all_answered(6000, INCONCLUSIVE, "the kernels' buffers took the pongs that nobody read");
    all_answered(5999, PASS, "answered 5,999 of them");
}

static void too_few_messages_say_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    flood(&s, FIRST, FIRST + 5, 6000, SIDE_SERVER);
    pongs(&s, FIRST, END, 200);
    memory(&s, 0, 0);
    for (int i = 0; i < 40; i++)
        story_data(&s, i, SIDE_CLIENT, "work", 20);
    story_run_end(&s, END);
    expect(&s, PASS, "took 6,000 pings");
}

/* --- What is no flood --- */

static void only(int pings, enum side name, int answers, enum verdict want, const char *part)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    flood(&s, THEN, OVER, pings, name);
    pongs(&s, THEN, END, answers);
    memory(&s, 0, 0);
    story_run_end(&s, END);
    expect(&s, want, part);
}

static void five_thousand_pings_are_needed(void)
{
    only(5000, SIDE_SERVER, 10, PASS, "took 5,000 pings");
    only(4999, SIDE_SERVER, 10, INCONCLUSIVE, "got only 4,999 pings; 5,000 are needed");
}

static void a_burst_is_no_flood(void)
{
    only(999, SIDE_SERVER, 10, INCONCLUSIVE, "got no flood of pings");
}

static void pings_towards_the_server_are_none(void)
{
    only(6000, SIDE_CLIENT, 10, INCONCLUSIVE, "got no flood of pings");
}

static void who_answers_nothing_shows_nothing(void)
{
    only(6000, SIDE_SERVER, 0, INCONCLUSIVE, "answered none of 6,000 pings");
    only(6000, SIDE_SERVER, 1, PASS, "answered 1 of them");
}

/* --- More --- */

static void the_worst_of_several_clients_counts(void)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 0);
    story_of(&s, 1, 2);
    two_floods(&s);
    memory(&s, 0, 20 * MIB);
    story_run_end(&s, END);
    expect(&s, FAIL, "1 of 2 clients grew by 20 MiB");
}

static void the_limit_is_a_parameter(void)
{
    struct story s;
    uint64_t limit = (uint64_t)(4 * MIB);
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 5 * MIB);
    story_run_end(&s, END);
    CHECK_STR(verdict_name(story_judge(&s, &heartbeat_ping_flood_rule, &limit)), "fail");
    CHECK_CONTAINS(story_text(&s), "up to 4.00 MiB is fine");
    story_end(&s);
}

static void a_full_trace_decides_nothing(void)
{
    struct story s;
    story_begin(&s);
    two_floods(&s);
    memory(&s, 0, 0);
    (void)story_add(&s, 99, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    story_run_end(&s, END);
    expect(&s, INCONCLUSIVE, "the trace is full");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    two_floods(&s);
    story_run_end(&s, END);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

SUITE(heartbeat_ping_flood, TEST(flat_memory_passes), TEST(growing_up_to_the_limit_passes),
      TEST(growing_with_the_pings_fails), TEST(growing_at_the_beginning_warns),
      TEST(the_usual_before_is_the_measure), TEST(memory_of_another_client_is_not_its_own),
      TEST(an_unknown_process_is_not_tested), TEST(ending_the_connection_passes),
      TEST(ending_it_later_is_no_answer_to_the_flood),
      TEST(an_answer_to_the_servers_close_is_none_to_the_flood),
      TEST(growing_before_it_ends_the_connection_fails), TEST(a_process_that_ends_in_a_flood_fails),
      TEST(one_that_had_closed_before_does_not), TEST(one_that_we_end_does_not),
      TEST(one_that_ends_long_after_does_not), TEST(data_as_usual_passes),
      TEST(less_than_half_warns), TEST(hardly_any_fails),
      TEST(what_a_fault_holds_back_is_not_missing), TEST(what_the_kernels_took_shows_nothing),
      TEST(too_few_messages_say_nothing), TEST(five_thousand_pings_are_needed),
      TEST(a_burst_is_no_flood), TEST(pings_towards_the_server_are_none),
      TEST(who_answers_nothing_shows_nothing), TEST(the_worst_of_several_clients_counts),
      TEST(the_limit_is_a_parameter), TEST(a_full_trace_decides_nothing),
      TEST(halfopens_own_client_is_not_judged))

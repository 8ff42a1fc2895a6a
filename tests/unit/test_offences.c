/* What the rules about forbidden frames have in common, told of message.reserved. */
#include "tests/check.h"
#include "tests/unit/offence_story.h"

extern const struct rule_desc message_reserved_rule;
extern const struct rule_desc message_control_limits_rule;

static void offended(struct story *s)
{
    story_open(s, 0);
    story_probe(s, 1);
    story_bad_frame(s, 5, "reserved_bits");
}

static void begin(struct story *s)
{
    story_begin(s);
    offended(s);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &message_reserved_rule, want, part);
}

static void closed_after(double took, double speed, double noise, enum verdict want)
{
    struct story s;
    story_begin(&s);
    if (speed > 0)
        story_speed(&s, speed);
    story_noise(&s, noise);
    offended(&s);
    story_fail(&s, 5 + took, 1002);
    story_run_end(&s, 100);
    expect(&s, want, "a reserved bit");
}

static void a_second_passes(void)
{
    closed_after(1, 0, 0, PASS);
}

static void a_bit_more_than_a_second_warns(void)
{
    closed_after(1.001, 0, 0, WARN);
}

static void two_seconds_warn(void)
{
    closed_after(2, 0, 0, WARN);
}

static void more_than_two_seconds_fail(void)
{
    closed_after(2.001, 0, 0, FAIL);
}

static void noise_is_added(void)
{
    closed_after(1.2, 0, 0.2, PASS);
    closed_after(1.201, 0, 0.2, WARN);
}

/* Ten seconds of target time are one of work at speed 10. */
static void work_is_judged_in_wall_time(void)
{
    closed_after(10, 10, 0, PASS);
    closed_after(20, 10, 0, WARN);
    closed_after(20.001, 10, 0, FAIL);
}

static void staying_fails(void)
{
    struct story s;
    begin(&s);
    story_run_end(&s, 30);
    expect(&s, FAIL,
           "the client went on after a reserved bit as if nothing had happened, for 25 s");
}

static void a_bare_fin_passes(void)
{
    struct story s;
    begin(&s);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, PASS, "closed within 10 ms");
}

static void a_run_that_ends_too_soon_shows_nothing(void)
{
    struct story s;
    begin(&s);
    story_run_end(&s, 6.999);
    expect(&s, INCONCLUSIVE, "until the connection ended otherwise or the run did");
}

static void a_client_that_is_never_seen_to_read_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_bad_frame(&s, 5, "reserved_bits");
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "nothing shows that it reads");
}

/* Its heartbeat's pong answers nothing. */
static void a_pong_that_nobody_asked_for_shows_no_reading(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_pong(&s, 1, SIDE_CLIENT);
    story_bad_frame(&s, 5, "reserved_bits");
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "nothing shows that it reads");
}

static void an_answer_to_another_offence_shows_reading(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_bad_frame(&s, 1, "large_control");
    story_fail(&s, 1.01, 1002);
    story_of(&s, 0, 2);
    story_open(&s, 2);
    story_bad_frame(&s, 5, "reserved_bits");
    story_run_end(&s, 30);
    expect(&s, FAIL, "went on after a reserved bit");
}

static void the_servers_end_is_no_answer(void)
{
    struct story s;
    begin(&s);
    story_fin(&s, 5.5, SIDE_SERVER);
    story_shut(&s, 5.5, SIDE_CLIENT, BY_PROXY, "fin");
    story_fin(&s, 5.6, SIDE_CLIENT);
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "until the connection ended otherwise");
}

static void our_cut_is_no_answer(void)
{
    struct story s;
    begin(&s);
    story_cut(&s, 5.5, "reset", "rst");
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "until the connection ended otherwise");
}

static void another_connection_that_closes_is_no_answer(void)
{
    struct story s;
    begin(&s);
    story_of(&s, 0, 2);
    story_open(&s, 0);
    story_fail(&s, 5.1, 1002);
    story_run_end(&s, 30);
    expect(&s, FAIL, "went on");
}

static void what_we_do_not_read_is_not_missed(void)
{
    struct story s;
    begin(&s);
    story_pause(&s, 5.5, true, 0, 0);
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "until the connection ended otherwise");
}

static void a_connection_on_its_way_out_is_not_offended(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_probe(&s, 1);
    story_close(&s, 4.9, SIDE_CLIENT, 1000);
    story_bad_frame(&s, 5, "reserved_bits");
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "nothing of the kind reached an open connection");
}

/* After the first was accepted nobody knows how the bytes are read. */
static void behind_an_accepted_offence_nothing_is_judged(void)
{
    struct story s;
    begin(&s);
    story_fault_off(&s, 6, "bad_frame", "over");
    story_bad_frame(&s, 15, "large_control");
    story_run_end(&s, 30);
    story_expect(&s, &message_control_limits_rule, INCONCLUSIVE, "nothing of the kind");
}

static void a_crash_warns(void)
{
    struct story s;
    begin(&s);
    story_fin(&s, 5.01, SIDE_CLIENT);
    story_exit(&s, 5.02, "exit 1", false);
    story_run_end(&s, 30);
    expect(&s, WARN, "the process ended (exit 1) after a reserved bit");
}

static void an_orderly_exit_is_none(void)
{
    struct story s;
    begin(&s);
    story_fail(&s, 5.01, 1002);
    story_exit(&s, 5.02, "exit 0", false);
    story_run_end(&s, 30);
    expect(&s, PASS, "closed within");
}

static void our_own_ending_is_no_crash(void)
{
    struct story s;
    begin(&s);
    story_fail(&s, 5.01, 1002);
    story_exit(&s, 6, "signal 15", true);
    story_run_end(&s, 30);
    expect(&s, PASS, "closed within");
}

/* The runner ends its children after the last step. */
static void what_comes_after_the_last_step_does_not_count(void)
{
    struct story s;
    begin(&s);
    struct event *step = story_add(&s, 5.5, EV_STEP_END, SIDE_NONE, BY_PROXY);
    step->conn = 0;
    step->step_end = (struct ev_step_end){.step = 1, .outcome = "done"};
    story_fail(&s, 5.6, 1002);
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "until the connection ended otherwise or the run did");
}

static void a_long_length_that_is_taken_warns(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_probe(&s, 1);
    story_bad_frame(&s, 5, "long_length");
    story_run_end(&s, 30);
    expect(&s, WARN, "a length written longer than needed");
}

static void one_of_three_clients_is_enough_to_fail(void)
{
    struct story s;
    story_begin(&s);
    for (int client = 0; client < 3; client++) {
        story_of(&s, client, (uint32_t)client + 1);
        offended(&s);
        if (client < 2)
            story_fail(&s, 5.01, 1002);
    }
    story_run_end(&s, 30);
    expect(&s, FAIL, "1 of 3 clients went on");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    offended(&s);
    story_run_end(&s, 30);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

static void other_faults_are_no_offence(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    story_fault(&s, 5, "latency", SIDE_CLIENT, false);
    story_run_end(&s, 30);
    expect(&s, INCONCLUSIVE, "it takes the fault bad_frame");
}

static void a_cut_trace_shows_nothing(void)
{
    struct story s;
    begin(&s);
    expect(&s, INCONCLUSIVE, "did nothing about a reserved bit");
}

SUITE(offences, TEST(a_second_passes), TEST(a_bit_more_than_a_second_warns), TEST(two_seconds_warn),
      TEST(more_than_two_seconds_fail), TEST(noise_is_added), TEST(work_is_judged_in_wall_time),
      TEST(staying_fails), TEST(a_bare_fin_passes), TEST(a_run_that_ends_too_soon_shows_nothing),
      TEST(a_client_that_is_never_seen_to_read_is_not_judged),
      TEST(a_pong_that_nobody_asked_for_shows_no_reading),
      TEST(an_answer_to_another_offence_shows_reading), TEST(the_servers_end_is_no_answer),
      TEST(our_cut_is_no_answer), TEST(another_connection_that_closes_is_no_answer),
      TEST(what_we_do_not_read_is_not_missed), TEST(a_connection_on_its_way_out_is_not_offended),
      TEST(behind_an_accepted_offence_nothing_is_judged), TEST(a_crash_warns),
      TEST(an_orderly_exit_is_none), TEST(our_own_ending_is_no_crash),
      TEST(what_comes_after_the_last_step_does_not_count), TEST(a_long_length_that_is_taken_warns),
      TEST(one_of_three_clients_is_enough_to_fail), TEST(halfopens_own_client_is_not_judged),
      TEST(other_faults_are_no_offence), TEST(a_cut_trace_shows_nothing))

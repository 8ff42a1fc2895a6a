#include <math.h>

#include "tests/check.h"
#include "tests/unit/story.h"

extern const struct rule_desc state_client_backpressure_rule;

#define MIB    (1024.0 * 1024)
#define KERNEL (4 * MIB)

/* One message every quarter of a second at 1 MiB/s, 40 s of control, stalls of 40 and 80 s with 40
 * s between them. What had piled up comes within the first second after each release. */
static void sends(struct story *s, double from, double to, double rate)
{
    for (double at = from; at < to; at += 0.25)
        story_data(s, at, SIDE_CLIENT, "load", (uint64_t)(rate / 4));
}

static void stall(struct story *s, double from, double to, double backlog)
{
    story_fault(s, from, "stall", SIDE_SERVER, true);
    story_pause(s, from, true, 0, 0);
    story_pause(s, to, false, (uint64_t)(KERNEL / 8), (uint64_t)(KERNEL * 7 / 8));
    story_fault_off(s, to, "stall", "cleared");
    if (backlog > 0)
        story_data(s, to + 0.1, SIDE_CLIENT, "load", (uint64_t)backlog);
}

static void go_on_with_two_stalls(struct story *s, double rate, double first, double second)
{
    story_open(s, 0);
    sends(s, 0, 40, rate);
    stall(s, 40, 80, first);
    sends(s, 80.2, 120, rate);
    stall(s, 120, 200, second);
    sends(s, 200.2, 260, rate);
    story_run_end(s, 260);
}

static void two_stalls(struct story *s, double rate, double first, double second)
{
    story_begin(s);
    go_on_with_two_stalls(s, rate, first, second);
}

static void expect(struct story *s, enum verdict want, const char *part)
{
    story_expect(s, &state_client_backpressure_rule, want, part);
}

static void keeping_everything_fails(void)
{
    struct story s;
    two_stalls(&s, MIB, 40 * MIB, 80 * MIB);
    expect(&s, FAIL, "grows with the stall and has no bound");
}

/* At speed 10 a fifth of a second, which the kernel takes to go on, is two seconds, and three are
 * not enough either. */
static void a_kernel_that_takes_its_time_hides_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_speed(&s, 10);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    stall(&s, 40, 80, 0);
    story_data(&s, 84.5, SIDE_CLIENT, "load", (uint64_t)(44 * MIB));
    sends(&s, 84.7, 120, MIB);
    stall(&s, 120, 200, 0);
    story_data(&s, 204.5, SIDE_CLIENT, "load", (uint64_t)(84 * MIB));
    sends(&s, 204.7, 260, MIB);
    story_run_end(&s, 260);
    expect(&s, FAIL, "grows with the stall and has no bound");
}

static void pausing_passes(void)
{
    struct story s;
    two_stalls(&s, MIB, KERNEL, KERNEL);
    expect(&s, PASS, "while the path was stalled for 80 s: bounded");
}

static void a_bound_passes(void)
{
    struct story s;
    two_stalls(&s, MIB, 24 * MIB, 24 * MIB);
    expect(&s, PASS, "the client kept 20");
}

static void the_kernels_share_is_not_held_against_the_client(void)
{
    struct story s;
    two_stalls(&s, MIB, KERNEL / 2, KERNEL);
    expect(&s, PASS, "bounded");
}

static void a_bound_above_the_limit_warns(void)
{
    struct story s;
    two_stalls(&s, 4 * MIB, 90 * MIB, 90 * MIB);
    expect(&s, WARN, "bounded, but above 64 MiB");
}

static void neither_doubled_nor_constant_is_inconclusive(void)
{
    struct story s;
    two_stalls(&s, MIB, 34 * MIB, 46 * MIB);
    expect(&s, INCONCLUSIVE, "not in proportion");
}

static void a_client_that_sends_little_is_not_tested(void)
{
    struct story s;
    two_stalls(&s, 200, 8000, 16000);
    expect(&s, NOT_TESTED, "give hooks.send");
}

static void a_client_that_sends_little_when_asked_is_to_send_more(void)
{
    struct story s;
    story_begin(&s);
    story_target(&s, "{\"hooks\": {\"send\": {\"stdin\": \"send {n}\"}}}");
    go_on_with_two_stalls(&s, 200, 8000, 16000);
    expect(&s, NOT_TESTED, "let hooks.send make messages of 16 KiB");
}

static void a_client_that_sends_nothing_is_not_tested(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    stall(&s, 40, 80, 0);
    stall(&s, 120, 200, 0);
    story_run_end(&s, 260);
    expect(&s, NOT_TESTED, "the client sends 0 B/s");
}

static void what_fits_the_kernel_is_not_tested(void)
{
    struct story s;
    two_stalls(&s, 100 * 1024, 100 * 1024 * 40, 100 * 1024 * 80);
    expect(&s, NOT_TESTED, "does not fill the kernel's buffers");
}

static void one_stall_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    stall(&s, 40, 80, 40 * MIB);
    sends(&s, 80.2, 200, MIB);
    story_run_end(&s, 200);
    expect(&s, INCONCLUSIVE, "two stalls that end");
}

static void a_stall_that_never_ended_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    story_pause(&s, 40, true, 0, 0);
    expect(&s, INCONCLUSIVE, "two stalls that end");
}

static void an_unknown_rate_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 4, MIB);
    stall(&s, 4, 44, 40 * MIB);
    story_run_end(&s, 60);
    expect(&s, INCONCLUSIVE, "usual rate is unknown");
}

static void a_backlog_still_draining_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    stall(&s, 40, 80, 20 * MIB);
    sends(&s, 80.2, 120, 4 * MIB);
    stall(&s, 120, 200, 80 * MIB);
    sends(&s, 200.2, 260, MIB);
    story_run_end(&s, 260);
    expect(&s, INCONCLUSIVE, "still draining");
}

static void closing_in_time_passes(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    story_pause(&s, 40, true, 0, 0);
    story_fin(&s, 75, SIDE_CLIENT);
    story_run_end(&s, 260);
    expect(&s, PASS, "closed the connection after 35 s");
}

/* What follows the server's goodbye is an answer, no decision of the client's. */
static void an_answer_to_an_end_bounds_nothing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    story_pause(&s, 40, true, 0, 0);
    story_shut(&s, 50, SIDE_CLIENT, BY_PROXY, "fin");
    story_fin(&s, 50, SIDE_CLIENT);
    story_run_end(&s, 260);
    expect(&s, INCONCLUSIVE, "two stalls that end");
}

static void closing_at_the_limit_passes(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    story_pause(&s, 40, true, 0, 0);
    story_close(&s, 90, SIDE_CLIENT, 1001);
    story_run_end(&s, 260);
    expect(&s, PASS, "closed the connection after 50 s");
}

static void closing_later_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    story_pause(&s, 40, true, 0, 0);
    story_fin(&s, 90.01, SIDE_CLIENT);
    story_run_end(&s, 260);
    expect(&s, INCONCLUSIVE, "only after 50");
}

static void a_process_that_ends_is_inconclusive(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    story_pause(&s, 40, true, 0, 0);
    story_exit(&s, 60, "signal 9", false);
    story_fin(&s, 60, SIDE_CLIENT);
    story_run_end(&s, 61);
    expect(&s, INCONCLUSIVE, "process ended (signal 9)");
}

static void a_cut_of_ours_is_no_closing(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    story_pause(&s, 40, true, 0, 0);
    story_cut(&s, 60, "reset", "rst");
    (void)story_add(&s, 60, EV_CONN_END, SIDE_NONE, BY_PROXY);
    story_run_end(&s, 260);
    expect(&s, INCONCLUSIVE, "two stalls that end");
}

static void a_slow_server_is_no_stall_of_ours(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    struct event *ev = story_add(&s, 40, EV_TCP_PAUSE, SIDE_CLIENT, BY_PROXY);
    ev->tcp_pause = (struct ev_tcp_pause){.on = true, .why = "the other side does not read"};
    story_run_end(&s, 260);
    expect(&s, INCONCLUSIVE, "no fault stalled");
}

static void a_stall_of_the_server_is_not_the_clients(void)
{
    struct story s;
    story_begin(&s);
    story_open(&s, 0);
    sends(&s, 0, 40, MIB);
    struct event *ev = story_add(&s, 40, EV_TCP_PAUSE, SIDE_SERVER, BY_FAULT);
    ev->tcp_pause = (struct ev_tcp_pause){.on = true, .why = "fault"};
    story_run_end(&s, 260);
    expect(&s, INCONCLUSIVE, "no fault stalled");
}

static void another_connections_bytes_do_not_count(void)
{
    struct story s;
    two_stalls(&s, MIB, KERNEL, KERNEL);
    story_of(&s, 0, 2);
    story_open(&s, 0);
    story_data(&s, 80.3, SIDE_CLIENT, "load", (uint64_t)(40 * MIB));
    story_data(&s, 200.3, SIDE_CLIENT, "load", (uint64_t)(80 * MIB));
    expect(&s, PASS, "bounded");
}

static void a_full_trace_is_inconclusive(void)
{
    struct story s;
    two_stalls(&s, MIB, 40 * MIB, 80 * MIB);
    (void)story_add(&s, 250, EV_TRACE_FULL, SIDE_NONE, BY_PROXY);
    expect(&s, INCONCLUSIVE, "the trace is full");
}

static void halfopens_own_client_is_not_judged(void)
{
    struct story s;
    story_begin(&s);
    s.client_by = BY_BUILTIN;
    story_open(&s, 0);
    stall(&s, 40, 80, 0);
    story_run_end(&s, 260);
    expect(&s, NOT_APPLICABLE, "halfopen's own");
}

/* --- Memory, where the backlog decides nothing --- */

/* A collector that saws between 0 and 6 MiB above what lives. */
static void remembers(struct story *s, double from, double to, double first, double growth)
{
    for (double at = from; at < to; at += 1)
        story_memory(s, at, first + growth * (at - from) + MIB * fmod(at, 7));
}

static void grows_by(struct story *s, double growth)
{
    two_stalls(s, MIB, 34 * MIB, 46 * MIB);
    remembers(s, 0, 120, 50 * MIB, 0);
    remembers(s, 120, 200, 50 * MIB, growth);
}

static void memory_that_grows_with_the_stall_fails(void)
{
    struct story s;
    grows_by(&s, MIB);
    expect(&s, FAIL, "the client's memory grew by");
}

static void memory_that_stays_passes(void)
{
    struct story s;
    grows_by(&s, 0);
    expect(&s, PASS, "grew by only");
}

static void memory_that_fills_to_a_bound_is_inconclusive(void)
{
    struct story s;
    two_stalls(&s, MIB, 34 * MIB, 46 * MIB);
    remembers(&s, 0, 120, 50 * MIB, 0);
    remembers(&s, 120, 150, 50 * MIB, MIB);
    remembers(&s, 150, 200, 80 * MIB, 0);
    expect(&s, INCONCLUSIVE, "not in proportion");
}

static void a_decided_backlog_needs_no_memory(void)
{
    struct story s;
    two_stalls(&s, MIB, 24 * MIB, 24 * MIB);
    remembers(&s, 0, 260, 50 * MIB, MIB);
    expect(&s, PASS, "bounded");
}

SUITE(state_client_backpressure, TEST(keeping_everything_fails),
      TEST(a_kernel_that_takes_its_time_hides_nothing), TEST(pausing_passes), TEST(a_bound_passes),
      TEST(the_kernels_share_is_not_held_against_the_client), TEST(a_bound_above_the_limit_warns),
      TEST(neither_doubled_nor_constant_is_inconclusive),
      TEST(a_client_that_sends_little_is_not_tested),
      TEST(a_client_that_sends_little_when_asked_is_to_send_more),
      TEST(a_client_that_sends_nothing_is_not_tested), TEST(what_fits_the_kernel_is_not_tested),
      TEST(one_stall_is_inconclusive), TEST(a_stall_that_never_ended_is_inconclusive),
      TEST(an_unknown_rate_is_inconclusive), TEST(a_backlog_still_draining_is_inconclusive),
      TEST(closing_in_time_passes), TEST(an_answer_to_an_end_bounds_nothing),
      TEST(closing_at_the_limit_passes), TEST(closing_later_is_inconclusive),
      TEST(a_process_that_ends_is_inconclusive), TEST(a_cut_of_ours_is_no_closing),
      TEST(a_slow_server_is_no_stall_of_ours), TEST(a_stall_of_the_server_is_not_the_clients),
      TEST(another_connections_bytes_do_not_count), TEST(a_full_trace_is_inconclusive),
      TEST(halfopens_own_client_is_not_judged), TEST(memory_that_grows_with_the_stall_fails),
      TEST(memory_that_stays_passes), TEST(memory_that_fills_to_a_bound_is_inconclusive),
      TEST(a_decided_backlog_needs_no_memory))

/* fin, half_close, half_open, slow_close: how a connection ends, and for whom. */
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static struct session_bench *open_under(const char *steps)
{
    struct session_bench *b = session_bench_new(steps);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    return b;
}

/* --- What a run knows of its clients --- */

/* Whoever asks twice sees that a client is not where it was, although it is back. */
static void a_client_that_is_back_has_lost_a_connection(void)
{
    struct session_bench *b = open_under("- wait: 60s");
    CHECK(run_client_is_open(b->run, 0));
    CHECK_INT(run_client_losses(b->run, 0), 0);
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    CHECK(!run_client_is_open(b->run, 0));
    session_bench_accept(b, 1);
    session_bench_open(b, 1);
    CHECK(run_client_is_open(b->run, 0));
    CHECK_INT(run_client_losses(b->run, 0), 1);
    CHECK_INT(run_client_losses(b->run, 99), 0);
    session_bench_free(b);
}

/* --- fin --- */

static void a_fin_goes_out_at_once(void)
{
    struct bench *b = bench_new("fin: {linger: 3s}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut client fin; cut server fin");
    bench_free(b);
}

static void what_is_sent_after_it_is_thrown_away_and_then_refused(void)
{
    struct bench *b = bench_new("fin: {linger: 3s}");
    bench_start(b);
    (void)bench_did(b);
    bench_bytes(b, TO_SERVER, "a");
    bench_end(b, TO_SERVER, CUT_FIN);
    bench_until(b, 3 * NSEC_PER_SEC - 1);
    CHECK_STR(bench_did(b), "drop; drop");
    bench_until(b, 3 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    bench_free(b);
}

static void without_linger_it_is_a_close(void)
{
    struct bench *b = bench_new("fin: {linger: 0s}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    CHECK(b->wake == NEVER);
    bench_free(b);
}

/* The client's bytes go nowhere, although the direction named is to the client. */
static void of_one_leg_the_other_end_learns_nothing(void)
{
    struct session_bench *b =
        open_under("- fin: {direction: to_client, linger: 2s}\n  - wait: 60s");
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x01"
                       "b");
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "2s client0 close");
    CHECK(session_bench_told(b, "fault.act", "\"verb\":\"drop\""));
    session_bench_free(b);
}

static void it_is_over_when_both_have_answered(void)
{
    struct session_bench *b = open_under("- fin: {}\n  - wait: 60s");
    (void)session_bench_saw(b);
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    CHECK_STR(session_bench_saw(b), "");
    session_bench_end(b, 0, SIDE_SERVER, CUT_FIN);
    session_bench_until(b, NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "0s over0");
    session_bench_free(b);
}

static void connections_that_come_later_are_left_alone(void)
{
    struct session_bench *b = open_under("- fin: {}\n  - wait: 60s");
    session_bench_accept(b, 1);
    session_bench_open(b, 1);
    (void)session_bench_saw(b);
    session_bench_send(b, 1, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    session_bench_until(b, 4 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "0s server1 '\\x81\\x01a'");
    session_bench_free(b);
}

/* --- half_close --- */

static void one_way_ends_and_the_other_goes_on(void)
{
    struct session_bench *b = open_under("- half_close: {}\n  - wait: 60s");
    CHECK_CONTAINS(session_bench_saw(b), "0s client0 fin");
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x01"
                       "b");
    CHECK_STR(session_bench_saw(b), "0s server0 '\\x81\\x01a'");
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    CHECK_STR(session_bench_saw(b), "0s server0 fin");
    session_bench_end(b, 0, SIDE_SERVER, CUT_FIN);
    session_bench_until(b, NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "0s over0");
    session_bench_free(b);
}

static void the_other_way_likewise(void)
{
    struct session_bench *b = open_under("- half_close: {direction: to_server}\n  - wait: 60s");
    CHECK_CONTAINS(session_bench_saw(b), "0s server0 fin");
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x01"
                       "b");
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    CHECK_STR(session_bench_saw(b), "0s client0 '\\x81\\x01b'");
    session_bench_free(b);
}

static void the_fin_comes_behind_what_is_on_its_way(void)
{
    struct session_bench *b =
        open_under("- latency: {delay: 5s}\n  - wait: 1s\n  - half_close: {}\n"
                   "  - wait: 60s");
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x01"
                       "b");
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "5s client0 '\\x81\\x01b'; 6s client0 fin");
    session_bench_free(b);
}

/* --- half_open --- */

static void one_is_gone_and_the_other_is_never_told(void)
{
    struct session_bench *b = open_under("- half_open: {gone: server, how: rst}\n  - wait: 60s");
    CHECK_CONTAINS(session_bench_saw(b), "0s server0 rst");
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    CHECK(session_bench_is_read(b, 0, SIDE_CLIENT));
    session_bench_end(b, 0, SIDE_CLIENT, CUT_FIN);
    session_bench_until(b, 50 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "");
    session_bench_end(b, 0, SIDE_CLIENT, CUT_RST);
    session_bench_until(b, 51 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "50s over0");
    session_bench_free(b);
}

/* A rule must not take the one that was told for one that noticed by itself. */
static void only_who_hears_nothing_is_silenced(void)
{
    struct session_bench *b = open_under("- half_open: {gone: client, how: fin}\n  - wait: 60s");
    CHECK(session_bench_told(b, "fault.on", "\"side\":\"server\",\"fault\":\"half_open\""));
    CHECK(session_bench_told(b, "fault.on", "\"silences\":true"));
    CHECK_CONTAINS(session_bench_saw(b), "0s client0 close");
    session_bench_free(b);
}

static bool silences(const char *how, enum side side)
{
    struct bench *b = bench_new(how);
    bool silenced = fault_silences(b->step->desc, b->step->config, side);
    bench_free(b);
    return silenced;
}

static void who_is_gone_without_a_word_is_silenced_too(void)
{
    CHECK(silences("half_open: {gone: client}", SIDE_CLIENT));
    CHECK(silences("half_open: {gone: client}", SIDE_SERVER));
    CHECK(!silences("half_open: {gone: client, how: rst}", SIDE_CLIENT));
    CHECK(silences("half_open: {gone: client, how: rst}", SIDE_SERVER));
    CHECK(!silences("half_open: {gone: server, how: fin}", SIDE_SERVER));
    CHECK(silences("half_open: {gone: server, how: fin}", SIDE_CLIENT));
}

/* --- slow_close --- */

static void the_end_is_late_and_bytes_are_not(void)
{
    struct bench *b = bench_new("slow_close: {delay: 3s}");
    bench_bytes(b, TO_SERVER, "a");
    bench_end(b, TO_SERVER, CUT_FIN);
    bench_end(b, TO_CLIENT, CUT_RST);
    CHECK_STR(bench_did(b), "pass; hold until 3s; hold until 3s");
    bench_free(b);
}

static void without_a_delay_it_passes(void)
{
    struct bench *b = bench_new("slow_close: {delay: 0s}");
    bench_end(b, TO_SERVER, CUT_FIN);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void a_late_end_is_the_end_it_was(void)
{
    struct session_bench *b = open_under("- slow_close: {delay: 3s}\n  - wait: 60s");
    (void)session_bench_saw(b);
    session_bench_end(b, 0, SIDE_SERVER, CUT_RST);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "3s client0 rst; 3s over0");
    session_bench_free(b);
}

SUITE(ends, TEST(a_client_that_is_back_has_lost_a_connection), TEST(a_fin_goes_out_at_once),
      TEST(what_is_sent_after_it_is_thrown_away_and_then_refused),
      TEST(without_linger_it_is_a_close), TEST(of_one_leg_the_other_end_learns_nothing),
      TEST(it_is_over_when_both_have_answered), TEST(connections_that_come_later_are_left_alone),
      TEST(one_way_ends_and_the_other_goes_on), TEST(the_other_way_likewise),
      TEST(the_fin_comes_behind_what_is_on_its_way), TEST(one_is_gone_and_the_other_is_never_told),
      TEST(only_who_hears_nothing_is_silenced), TEST(who_is_gone_without_a_word_is_silenced_too),
      TEST(the_end_is_late_and_bytes_are_not), TEST(without_a_delay_it_passes),
      TEST(a_late_end_is_the_end_it_was))

#include <string.h>

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static void the_end_comes_at_its_time_whatever_flows(void)
{
    struct bench *b = bench_new("max_lifetime: {after: 10s}");
    bench_until(b, NSEC_PER_SEC);
    bench_start(b);
    bench_until(b, 9 * NSEC_PER_SEC);
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "");
    bench_traffic(b, TO_SERVER);
    bench_until(b, 11 * NSEC_PER_SEC - 1);
    CHECK_STR(bench_did(b), "pass");
    bench_until(b, 11 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    bench_free(b);
}

static const char *end_of(struct bench *b)
{
    bench_start(b);
    bench_until(b, 10 * NSEC_PER_SEC);
    return bench_did(b);
}

static void each_ending_is_what_it_says(void)
{
    struct bench *b = bench_new("max_lifetime: {after: 1s, ending: rst}");
    CHECK_STR(end_of(b), "cut client rst; cut server rst");
    bench_free(b);
    b = bench_new("max_lifetime: {after: 1s, ending: silent}");
    CHECK_STR(end_of(b), "cut client silent; cut server silent");
    bench_free(b);
}

static void a_close_frame_goes_to_both_and_then_the_fin(void)
{
    struct bench *b =
        bench_new("max_lifetime: {after: 1s, ending: close, code: 1012, reason: x, grace: 2s}");
    b->open = true;
    bench_start(b);
    bench_until(b, NSEC_PER_SEC);
    CHECK_CONTAINS(bench_did(b),
                   "inject to_client '\\x88\\x03\\x03\\xf4x'; inject to_server '\\x88\\x83");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "");
    CHECK_STR(bench_did(b), "drop");
    bench_until(b, 3 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    bench_free(b);
}

static void before_the_handshake_there_is_no_close_frame(void)
{
    struct bench *b = bench_new("max_lifetime: {after: 1s, ending: close}");
    CHECK_STR(end_of(b), "cut client close; cut server close");
    bench_free(b);
}

static void the_spread_is_random_and_bounded(void)
{
    struct bench *b = bench_new("max_lifetime: {after: 10s, spread: 4s}");
    bench_start(b);
    CHECK(b->wake >= 10 * NSEC_PER_SEC && b->wake <= 14 * NSEC_PER_SEC);
    CHECK(b->wake != 10 * NSEC_PER_SEC);
    bench_free(b);
}

/* A frame under way is finished before the Close; nothing begins after it. */
static void the_close_comes_between_frames(void)
{
    struct session_bench *b = session_bench_new(
        "- max_lifetime: {after: 1s, ending: close, code: 1001, grace: 3s}\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x02"
                       "a");
    (void)session_bench_saw(b);
    session_bench_until(b, 2 * NSEC_PER_SEC);
    CHECK(!strstr(session_bench_saw(b), "client0"));
    session_bench_send(b, 0, SIDE_SERVER,
                       "b\x81\x01"
                       "c");
    CHECK_STR(session_bench_saw(b), "2s client0 'b'; 2s client0 '\\x88\\x02\\x03\\xe9'");
    CHECK(session_bench_told(b, "ws.close", "\"by\":\"fault\""));
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "4s client0 close; 4s server0 close; 4s over0");
    session_bench_free(b);
}

static void it_ends_an_attempt_that_hangs(void)
{
    struct session_bench *b = session_bench_new(
        "- accept_stall: {}\n    as: deaf\n  - max_lifetime: {after: 2s}\n  - wait: 60s");
    session_bench_start(b);
    session_bench_accept(b, 0);
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "2s client0 close; 2s over0");
    session_bench_free(b);
}

SUITE(max_lifetime, TEST(the_end_comes_at_its_time_whatever_flows),
      TEST(each_ending_is_what_it_says), TEST(a_close_frame_goes_to_both_and_then_the_fin),
      TEST(before_the_handshake_there_is_no_close_frame), TEST(the_spread_is_random_and_bounded),
      TEST(the_close_comes_between_frames), TEST(it_ends_an_attempt_that_hangs))

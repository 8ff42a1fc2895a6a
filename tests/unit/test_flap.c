#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static void while_it_is_down_bytes_wait_for_the_link(void)
{
    struct bench *b = bench_new("flap: {down: 5s, up: 20s}");
    bench_until(b, 2 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "hold until 5s; hold until 5s");
    bench_until(b, 5 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass");
    bench_until(b, 25 * NSEC_PER_SEC - 1);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass");
    bench_until(b, 25 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "hold until 30s");
    bench_free(b);
}

static void it_may_begin_up(void)
{
    struct bench *b = bench_new("flap: {down: 5s, up: 20s, begins: up}");
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass");
    bench_until(b, 20 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "hold until 25s");
    bench_free(b);
}

static void attempts_hang_while_it_is_down(void)
{
    struct bench *b = bench_new("flap: {down: 5s, up: 20s}");
    bench_until(b, NSEC_PER_SEC);
    bench_attempt(b);
    CHECK_STR(bench_did(b), "hang until 5s");
    bench_until(b, 5 * NSEC_PER_SEC);
    bench_attempt(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void connections_are_reset_when_it_goes_down(void)
{
    struct bench *b = bench_new("flap: {down: 5s, up: 20s, reset: true}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut client rst; cut server rst");
    bench_free(b);
    b = bench_new("flap: {down: 5s, up: 20s, begins: up, reset: true}");
    bench_until(b, 3 * NSEC_PER_SEC);
    bench_start(b);
    bench_until(b, 20 * NSEC_PER_SEC - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, 20 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "cut client rst; cut server rst");
    bench_free(b);
}

static void all_connections_share_the_link(void)
{
    struct session_bench *b = session_bench_new("- flap: {down: 4s, up: 6s}\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_until(b, 3 * NSEC_PER_SEC);
    session_bench_accept(b, 1);
    session_bench_send(b, 0, SIDE_CLIENT,
                       "\x81\x01"
                       "a");
    CHECK_STR(session_bench_saw(b), "");
    session_bench_until(b, 9 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "4s server0 '\\x81\\x01a'; 4s connect1");
    session_bench_until(b, 13 * NSEC_PER_SEC);
    session_bench_send(b, 1, SIDE_CLIENT, "GET / HTTP/1.1\r\n\r\n");
    session_bench_until(b, 15 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "14s server1 'GET / HTTP/1.1\\x0d\\x0a\\x0d\\x0a'");
    session_bench_free(b);
}

SUITE(flap, TEST(while_it_is_down_bytes_wait_for_the_link), TEST(it_may_begin_up),
      TEST(attempts_hang_while_it_is_down), TEST(connections_are_reset_when_it_goes_down),
      TEST(all_connections_share_the_link))

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static void exactly_so_many_bytes_pass(void)
{
    struct bench *b = bench_new("cut_after: {bytes: 5B}");
    bench_bytes(b, TO_CLIENT, "abc");
    CHECK_STR(bench_did(b), "pass");
    bench_bytes(b, TO_CLIENT, "defg");
    CHECK_STR(bench_did(b), "pass; end to_client close; cut server close(2); drop");
    bench_free(b);
}

static void the_last_byte_ends_it(void)
{
    struct bench *b = bench_new("cut_after: {bytes: 3B, ending: rst}");
    bench_bytes(b, TO_SERVER, "ab");
    CHECK_STR(bench_did(b), "pass");
    bench_bytes(b, TO_SERVER, "c");
    CHECK_STR(bench_did(b), "pass; end to_server rst; cut client rst");
    bench_bytes(b, TO_CLIENT, "x");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "drop; drop");
    bench_free(b);
}

static void directions_are_counted_apart(void)
{
    struct bench *b = bench_new("cut_after: {bytes: 3B, ending: silent}");
    bench_bytes(b, TO_SERVER, "ab");
    bench_bytes(b, TO_CLIENT, "ab");
    CHECK_STR(bench_did(b), "pass; pass");
    bench_bytes(b, TO_CLIENT, "c");
    CHECK_STR(bench_did(b), "pass; end to_client silent; cut server silent");
    bench_free(b);
}

static void nothing_at_all_may_pass(void)
{
    struct bench *b = bench_new("cut_after: {bytes: 0B}");
    bench_bytes(b, TO_SERVER, "ab");
    CHECK_STR(bench_did(b), "drop; end to_server close; cut client close");
    bench_free(b);
}

static void an_end_before_that_passes(void)
{
    struct bench *b = bench_new("cut_after: {bytes: 5B}");
    bench_end(b, TO_SERVER, CUT_FIN);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

/* Whatever stands behind it on the way: the receiver gets its bytes, then the end. */
static void the_end_comes_behind_what_others_hold(void)
{
    struct session_bench *b = session_bench_new(
        "- latency: {delay: 1s}\n  - cut_after: {bytes: 4B, direction: to_client}\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x04"
                       "abcd");
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b),
              "0s server0 close; 1s client0 '\\x81\\x04ab'; 1s client0 close; "
              "1s over0");
    CHECK(session_bench_told(b, "tcp.shut", "\"by\":\"fault\""));
    session_bench_free(b);
}

/* What the receiver does not take yet comes before the end all the same. */
static void the_end_comes_behind_what_is_not_taken(void)
{
    struct session_bench *b =
        session_bench_new("- cut_after: {bytes: 4B, direction: to_client}\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_take(b, 0, SIDE_CLIENT, 1);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x04"
                       "abcd");
    CHECK_STR(session_bench_saw(b), "0s client0 '\\x81'; 0s server0 close");
    session_bench_take(b, 0, SIDE_CLIENT, 100);
    session_bench_until(b, NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "0s client0 '\\x04ab'; 0s client0 close; 0s over0");
    session_bench_free(b);
}

SUITE(cut_after, TEST(exactly_so_many_bytes_pass), TEST(the_last_byte_ends_it),
      TEST(directions_are_counted_apart), TEST(nothing_at_all_may_pass),
      TEST(an_end_before_that_passes), TEST(the_end_comes_behind_what_others_hold),
      TEST(the_end_comes_behind_what_is_not_taken))

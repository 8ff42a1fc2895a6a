#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void all_that_is_sent_vanishes(void)
{
    struct bench *b = bench_new("drop: {}");
    bench_bytes(b, TO_SERVER, "a");
    bench_head(b, TO_CLIENT, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "");
    CHECK_STR(bench_did(b), "drop; drop; drop");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "head and payload");
    CHECK_STR(bench_did(b), "drop; drop");
    bench_free(b);
}

static void the_other_direction_is_left_alone(void)
{
    struct bench *b = bench_new("drop: {direction: to_client}");
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass");
    bench_bytes(b, TO_CLIENT, "a");
    CHECK_STR(bench_did(b), "drop");
    bench_free(b);
}

static void an_end_vanishes_too(void)
{
    struct bench *b = bench_new("drop: {}");
    bench_end(b, TO_SERVER, CUT_FIN);
    bench_end(b, TO_CLIENT, CUT_RST);
    CHECK_STR(bench_did(b), "drop; drop");
    bench_free(b);
}

static void a_stream_with_a_hole_is_reset_afterwards(void)
{
    struct bench *b = bench_new("drop: {}");
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "drop");
    bench_stop(b);
    CHECK_STR(bench_did(b), "cut client rst; cut server rst");
    bench_free(b);
}

static void or_stays_silent_if_so_told(void)
{
    struct bench *b = bench_new("drop: {after: silent}");
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "drop");
    bench_stop(b);
    CHECK_STR(bench_did(b), "cut client silent; cut server silent");
    bench_free(b);
}

static void a_connection_that_lost_nothing_goes_on(void)
{
    struct bench *b = bench_new("drop: {direction: to_client}");
    bench_start(b);
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass");
    bench_stop(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

SUITE(drop, TEST(all_that_is_sent_vanishes), TEST(the_other_direction_is_left_alone),
      TEST(an_end_vanishes_too), TEST(a_stream_with_a_hole_is_reset_afterwards),
      TEST(or_stays_silent_if_so_told), TEST(a_connection_that_lost_nothing_goes_on))

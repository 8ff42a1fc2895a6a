#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void an_attempt_hangs_until_the_fault_is_over(void)
{
    struct bench *b = bench_new("accept_stall: {}");
    bench_attempt(b);
    CHECK_STR(bench_did(b), "hang for ever");
    bench_stop(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void connections_that_exist_are_left_alone(void)
{
    struct bench *b = bench_new("accept_stall: {}");
    bench_start(b);
    bench_bytes(b, TO_SERVER, "a");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "pass; pass");
    bench_free(b);
}

SUITE(accept_stall, TEST(an_attempt_hangs_until_the_fault_is_over),
      TEST(connections_that_exist_are_left_alone))

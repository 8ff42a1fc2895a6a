#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void each_attempt_is_refused(void)
{
    struct bench *b = bench_new("refuse: {}");
    bench_attempt(b);
    bench_attempt(b);
    CHECK_STR(bench_did(b), "refuse rst; refuse rst");
    bench_free(b);
}

static void connections_that_exist_are_left_alone(void)
{
    struct bench *b = bench_new("refuse: {}");
    bench_start(b);
    bench_frame(b, TO_SERVER, OPCODE_PING, "");
    bench_end(b, TO_SERVER, CUT_FIN);
    bench_stop(b);
    CHECK_STR(bench_did(b), "pass; pass");
    bench_free(b);
}

SUITE(refuse, TEST(each_attempt_is_refused), TEST(connections_that_exist_are_left_alone))

#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void both_legs_are_reset_at_once(void)
{
    struct bench *b = bench_new("reset: {connections: existing}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut client rst; cut server rst");
    bench_free(b);
}

static void the_direction_names_the_leg(void)
{
    struct bench *b = bench_new("reset: {direction: to_client}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut client rst");
    bench_free(b);
    b = bench_new("reset: {direction: to_server}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut server rst");
    bench_free(b);
}

static void what_is_sent_meanwhile_is_not_its_business(void)
{
    struct bench *b = bench_new("reset: {}");
    bench_bytes(b, TO_SERVER, "a");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "pass; pass");
    bench_free(b);
}

SUITE(reset, TEST(both_legs_are_reset_at_once), TEST(the_direction_names_the_leg),
      TEST(what_is_sent_meanwhile_is_not_its_business))

#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void nobody_reads_any_more(void)
{
    struct bench *b = bench_new("stall: {}");
    bench_start(b);
    CHECK_STR(bench_did(b), "stall to_server on; stall to_client on");
    bench_free(b);
}

static void what_was_read_before_waits_in_order(void)
{
    struct bench *b = bench_new("stall: {}");
    bench_bytes(b, TO_SERVER, "a");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "hold for ever; hold for ever; hold for ever");
    bench_free(b);
}

static void reading_goes_on_when_it_is_over(void)
{
    struct bench *b = bench_new("stall: {}");
    bench_start(b);
    (void)bench_did(b);
    bench_stop(b);
    CHECK_STR(bench_did(b), "stall to_server off; stall to_client off");
    bench_free(b);
}

static void only_the_direction_asked_for(void)
{
    struct bench *b = bench_new("stall: {direction: to_server}");
    bench_start(b);
    bench_bytes(b, TO_CLIENT, "a");
    bench_stop(b);
    CHECK_STR(bench_did(b), "stall to_server on; pass; stall to_server off");
    bench_free(b);
}

SUITE(stall, TEST(nobody_reads_any_more), TEST(what_was_read_before_waits_in_order),
      TEST(reading_goes_on_when_it_is_over), TEST(only_the_direction_asked_for))

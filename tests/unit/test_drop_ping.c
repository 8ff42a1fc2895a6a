#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void pings_vanish_and_nothing_else(void)
{
    struct bench *b = bench_new("drop_ping: {}");
    bench_frame(b, TO_SERVER, OPCODE_PING, "x");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "ping");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "x");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "data");
    CHECK_STR(bench_did(b), "drop; drop; pass; pass");
    bench_free(b);
}

static void kind_chooses_between_protocol_and_application(void)
{
    struct bench *b = bench_new("drop_ping: {kind: protocol}");
    bench_frame(b, TO_SERVER, OPCODE_PING, "");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "ping");
    CHECK_STR(bench_did(b), "drop; pass");
    bench_free(b);
    b = bench_new("drop_ping: {kind: application}");
    bench_frame(b, TO_SERVER, OPCODE_PING, "");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "ping");
    CHECK_STR(bench_did(b), "pass; drop");
    bench_free(b);
}

static void only_the_direction_asked_for(void)
{
    struct bench *b = bench_new("drop_ping: {direction: to_client}");
    bench_frame(b, TO_SERVER, OPCODE_PING, "");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "");
    CHECK_STR(bench_did(b), "pass; drop");
    bench_free(b);
}

SUITE(drop_ping, TEST(pings_vanish_and_nothing_else),
      TEST(kind_chooses_between_protocol_and_application), TEST(only_the_direction_asked_for))

#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void pongs_vanish_and_nothing_else(void)
{
    struct bench *b = bench_new("drop_pong: {}");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "x");
    bench_frame(b, TO_SERVER, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "drop; drop");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "x");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "ping");
    bench_frame(b, TO_CLIENT, OPCODE_CLOSE, "");
    bench_head(b, TO_CLIENT, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "pass; pass; pass; pass; pass");
    bench_free(b);
}

static void kind_chooses_between_protocol_and_application(void)
{
    struct bench *b = bench_new("drop_pong: {kind: protocol}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "pong");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "pass; drop");
    bench_free(b);
    b = bench_new("drop_pong: {kind: application}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "pong");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "drop; pass");
    bench_free(b);
}

static void only_the_direction_asked_for(void)
{
    struct bench *b = bench_new("drop_pong: {direction: to_client}");
    bench_frame(b, TO_SERVER, OPCODE_PONG, "");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "pass; drop");
    bench_free(b);
}

SUITE(drop_pong, TEST(pongs_vanish_and_nothing_else),
      TEST(kind_chooses_between_protocol_and_application), TEST(only_the_direction_asked_for))

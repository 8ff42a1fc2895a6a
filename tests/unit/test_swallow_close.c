#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void a_close_vanishes_and_nothing_else(void)
{
    struct bench *b = bench_new("swallow_close: {}");
    bench_frame(b, TO_SERVER, OPCODE_CLOSE, "");
    bench_frame(b, TO_CLIENT, OPCODE_CLOSE, "\x03\xe8 bye");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "drop; drop; pass; pass");
    bench_free(b);
}

static void only_the_direction_asked_for(void)
{
    struct bench *b = bench_new("swallow_close: {direction: to_client}");
    bench_frame(b, TO_SERVER, OPCODE_CLOSE, "");
    bench_frame(b, TO_CLIENT, OPCODE_CLOSE, "");
    CHECK_STR(bench_did(b), "pass; drop");
    bench_free(b);
}

static void the_peer_sees_a_bare_end(void)
{
    struct frame_run *r = frame_run_new("  - swallow_close: {}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_CLOSE, "");
    frame_end(r, SIDE_CLIENT, CUT_FIN);
    CHECK_STR(frame_got(r, SIDE_SERVER), "end fin");
    frame_run_free(r);
}

SUITE(swallow_close, TEST(a_close_vanishes_and_nothing_else), TEST(only_the_direction_asked_for),
      TEST(the_peer_sees_a_bare_end))

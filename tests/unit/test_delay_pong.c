#include <string.h>

#include "fault/lib/pong.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void a_pong_waits_and_nothing_else(void)
{
    struct bench *b = bench_new("delay_pong: {delay: 3s}");
    bench_until(b, 10 * NSEC_PER_SEC);
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "x");
    CHECK_STR(bench_did(b), "set_aside until 13s");
    bench_frame(b, TO_SERVER, OPCODE_PING, "x");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "data");
    bench_frame(b, TO_CLIENT, OPCODE_CLOSE, "");
    CHECK_STR(bench_did(b), "pass; pass; pass");
    bench_free(b);
}

static void an_empty_pong_waits_too(void)
{
    struct bench *b = bench_new("delay_pong: {delay: 3s}");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "set_aside until 3s");
    bench_free(b);
}

static void kind_chooses_between_protocol_and_application(void)
{
    struct bench *b = bench_new("delay_pong: {delay: 1s, kind: protocol}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "pong");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "pass; set_aside until 1s");
    bench_free(b);
    b = bench_new("delay_pong: {delay: 1s, kind: application}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "pong");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "set_aside until 1s; pass");
    bench_free(b);
    b = bench_new("delay_pong: {delay: 1s}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "pong");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "set_aside until 1s; set_aside until 1s");
    bench_free(b);
}

/* What is longer than a frame the fault gets whole cannot be recognised, and passes. */
static void a_message_that_is_too_long_is_no_pong(void)
{
    uint8_t long_one[PONG_WHOLE_BYTES + 1];
    struct bench *b = bench_new("delay_pong: {delay: 1s}");
    memset(long_one, 'x', sizeof long_one);
    bench_frame_len(b, TO_CLIENT, OPCODE_TEXT, long_one, PONG_WHOLE_BYTES);
    bench_frame_len(b, TO_CLIENT, OPCODE_TEXT, long_one, PONG_WHOLE_BYTES + 1);
    CHECK_STR(bench_did(b), "pass; pass");
    bench_free(b);
}

static void only_the_direction_asked_for(void)
{
    struct bench *b = bench_new("delay_pong: {delay: 1s, direction: to_server}");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    bench_frame(b, TO_SERVER, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "pass; set_aside until 1s");
    bench_free(b);
}

SUITE(delay_pong, TEST(a_pong_waits_and_nothing_else), TEST(an_empty_pong_waits_too),
      TEST(kind_chooses_between_protocol_and_application),
      TEST(a_message_that_is_too_long_is_no_pong), TEST(only_the_direction_asked_for))

#include <string.h>

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void every_byte_is_another(void)
{
    struct bench *b = bench_new("corrupt_pong: {}");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "ab");
    CHECK_STR(bench_did(b), "replace '\\x8a\\x02\\x9e\\x9d'");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    CHECK_STR(bench_did(b), "replace '\\x8a\\x01x'");
    bench_free(b);
}

static void or_none_is_left(void)
{
    struct bench *b = bench_new("corrupt_pong: {how: empty}");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "ab");
    CHECK_STR(bench_did(b), "replace '\\x8a\\x00'");
    bench_free(b);
}

/* RFC 6455 5.5: 125 bytes are the limit. */
static void or_there_is_one_more_up_to_the_limit(void)
{
    char payload[FRAME_CONTROL_MAX + 1];
    struct bench *b = bench_new("corrupt_pong: {how: longer}");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "ab");
    CHECK_STR(bench_did(b), "replace '\\x8a\\x03abx'");
    memset(payload, 'a', sizeof payload);
    bench_frame_len(b, TO_CLIENT, OPCODE_PONG, payload, FRAME_CONTROL_MAX - 1);
    CHECK_CONTAINS(bench_did(b), "replace '\\x8a}a");
    bench_frame_len(b, TO_CLIENT, OPCODE_PONG, payload, FRAME_CONTROL_MAX);
    CHECK_CONTAINS(bench_did(b), "replace '\\x8a}\\x9e");
    bench_free(b);
}

static void everything_else_is_left_alone(void)
{
    struct bench *b = bench_new("corrupt_pong: {direction: to_client}");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "a");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "pong");
    bench_frame(b, TO_SERVER, OPCODE_PONG, "a");
    CHECK_STR(bench_did(b), "pass; pass; pass");
    bench_free(b);
}

static void it_is_masked_as_it_must_be(void)
{
    struct frame_run *r = frame_run_new("  - corrupt_pong: {how: longer}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_PONG, "a");
    frame_send(r, SIDE_SERVER, OPCODE_PONG, "b");
    CHECK_STR(frame_got(r, SIDE_SERVER), "pong 'ax'");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "pong 'bx'");
    frame_run_free(r);
}

SUITE(corrupt_pong, TEST(every_byte_is_another), TEST(or_none_is_left),
      TEST(or_there_is_one_more_up_to_the_limit), TEST(everything_else_is_left_alone),
      TEST(it_is_masked_as_it_must_be))

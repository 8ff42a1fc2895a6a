#include "fault/lib/message.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void only_the_kind_asked_for_turns(void)
{
    struct bench *b = bench_new("text_as_binary: {}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_frame(b, TO_CLIENT, OPCODE_BINARY, "a");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "a");
    CHECK_STR(bench_did(b), "replace '\\x82\\x01a'; pass; pass");
    bench_free(b);
    b = bench_new("text_as_binary: {turn: binary}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_frame(b, TO_CLIENT, OPCODE_BINARY, "a");
    CHECK_STR(bench_did(b), "pass; replace '\\x81\\x01a'");
    bench_free(b);
}

static void the_payload_arrives_as_it_was_sent(void)
{
    struct frame_run *r = frame_run_new("  - text_as_binary: {turn: both}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "hello");
    frame_send(r, SIDE_CLIENT, OPCODE_BINARY, "hello");
    CHECK_STR(frame_got(r, SIDE_SERVER), "binary 'hello'; text 'hello'");
    frame_run_free(r);
}

static void fragmented_and_large_ones_too(void)
{
    struct frame_run *r = frame_run_new("  - text_as_binary: {}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    frame_send_len(r, SIDE_SERVER, OPCODE_TEXT, MESSAGE_WHOLE_BYTES + 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary+ 'a'; more 'b'; binary 65537");
    frame_run_free(r);
}

/* To the fault behind it the message is what it became. */
static void the_next_fault_sees_the_other_kind(void)
{
    struct frame_run *r =
        frame_run_new("  - text_as_binary: {}\n  - drop_message: {opcode: binary, match: b}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "a");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "b");
    CHECK_STR(frame_got(r, SIDE_SERVER), "binary 'a'");
    frame_run_free(r);
}

SUITE(text_as_binary, TEST(only_the_kind_asked_for_turns), TEST(the_payload_arrives_as_it_was_sent),
      TEST(fragmented_and_large_ones_too), TEST(the_next_fault_sees_the_other_kind))

#include "fault/lib/message.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void a_message_in_one_frame_is_split_for_it(void)
{
    struct frame_run *r = frame_run_new("  - interleave_control: {pieces: 3, size: 2B}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "abcdef");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'ab'; ping 'xx'; more+ 'cd'; ping 'xx'; more 'ef'");
    frame_run_free(r);
}

static void also_one_that_is_too_short(void)
{
    struct frame_run *r = frame_run_new("  - interleave_control: {control: pong}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_BINARY, "");
    frame_send(r, SIDE_CLIENT, OPCODE_BINARY, "a");
    CHECK_STR(frame_got(r, SIDE_SERVER),
              "binary+ ''; pong ''; more ''; binary+ ''; pong ''; more 'a'");
    frame_run_free(r);
}

static void it_comes_between_the_fragments_of_the_sender(void)
{
    struct frame_run *r = frame_run_new("  - interleave_control: {}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send_part(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "c");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'; ping ''; more+ 'b'; ping ''; more 'c'");
    frame_run_free(r);
}

static void of_a_message_that_is_selected(void)
{
    struct frame_run *r = frame_run_new("  - interleave_control: {opcode: binary}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "c");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'; more 'b'; text 'c'");
    frame_run_free(r);
}

static void what_is_too_large_is_left_alone(void)
{
    struct frame_run *r = frame_run_new("  - interleave_control: {}\n");
    frame_send_len(r, SIDE_SERVER, OPCODE_TEXT, MESSAGE_WHOLE_BYTES + 1);
    frame_send_len(r, SIDE_SERVER, OPCODE_TEXT, MESSAGE_WHOLE_BYTES);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 65537; text+ 32768; ping ''; more 32768");
    frame_run_free(r);
}

static void where_there_is_no_room_the_fragment_passes_alone(void)
{
    struct bench *b = bench_new("interleave_control: {}");
    bench_fragment(b, TO_CLIENT, OPCODE_TEXT, MORE_FOLLOW, "a", 1);
    b->no_room = true;
    bench_fragment(b, TO_CLIENT, OPCODE_CONTINUATION, FINAL, "b", 1);
    CHECK_STR(bench_did(b), "pass; inject refused; pass");
    bench_free(b);
}

SUITE(interleave_control, TEST(a_message_in_one_frame_is_split_for_it),
      TEST(also_one_that_is_too_short), TEST(it_comes_between_the_fragments_of_the_sender),
      TEST(of_a_message_that_is_selected), TEST(what_is_too_large_is_left_alone),
      TEST(where_there_is_no_room_the_fragment_passes_alone))

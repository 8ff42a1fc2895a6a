#include "fault/lib/message.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void a_message_comes_in_pieces(void)
{
    struct frame_run *r = frame_run_new("  - fragment: {size: 2B}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "abcde");
    frame_send(r, SIDE_CLIENT, OPCODE_BINARY, "abcd");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'ab'; more+ 'cd'; more 'e'");
    CHECK_STR(frame_got(r, SIDE_SERVER), "binary+ 'ab'; more 'cd'");
    frame_run_free(r);
}

static void what_fits_into_one_piece_stays_whole(void)
{
    struct bench *b = bench_new("fragment: {size: 3B}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "abc");
    CHECK_STR(bench_did(b), "pass");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "abcd");
    CHECK_STR(bench_did(b), "replace '\\x01\\x03abc\\x80\\x01d'");
    bench_free(b);
}

static void empty_ones_come_before_each_and_last(void)
{
    struct frame_run *r = frame_run_new("  - fragment: {size: 2B, empty: true}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "abc");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ ''; more+ 'ab'; more+ ''; more+ 'c'; more ''; "
                                         "text+ ''; more+ ''; more ''");
    frame_run_free(r);
}

/* "aé€b": 61 c3 a9 e2 82 ac 62. */
static void cuts_can_fall_inside_characters_only(void)
{
    struct frame_run *r = frame_run_new("  - fragment: {size: 1B, mid_character: true}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT,
               "a\xc3\xa9\xe2\x82\xac"
               "b");
    CHECK_STR(frame_got(r, SIDE_CLIENT),
              "text+ 'a\\xc3'; more+ '\\xa9\\xe2'; more+ '\\x82'; more '\\xacb'");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "abc");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'abc'");
    frame_run_free(r);
}

static void control_frames_and_fragments_stay_as_they_are(void)
{
    struct frame_run *r = frame_run_new("  - fragment: {size: 1B, opcode: any, empty: true}\n");
    frame_send(r, SIDE_SERVER, OPCODE_PING, "abc");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "abc");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "def");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "ping 'abc'; text+ 'abc'; more 'def'");
    frame_run_free(r);
}

static void the_bit_of_compression_stays_with_the_first(void)
{
    const uint8_t frame[] = {0xc1, 2, 'a', 'b'};
    struct frame_run *r = frame_run_new("  - fragment: {size: 1B}\n");
    frame_send_bytes(r, SIDE_SERVER, frame, sizeof frame);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ rsv4 'a'; more 'b'");
    frame_run_free(r);
}

static void up_to_the_size_that_is_looked_at(void)
{
    struct frame_run *r = frame_run_new("  - fragment: {size: 64000B}\n");
    frame_send_len(r, SIDE_SERVER, OPCODE_TEXT, MESSAGE_WHOLE_BYTES);
    frame_send_len(r, SIDE_SERVER, OPCODE_TEXT, MESSAGE_WHOLE_BYTES + 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 64000; more 1536; text 65537");
    frame_run_free(r);
}

SUITE(fragment, TEST(a_message_comes_in_pieces), TEST(what_fits_into_one_piece_stays_whole),
      TEST(empty_ones_come_before_each_and_last), TEST(cuts_can_fall_inside_characters_only),
      TEST(control_frames_and_fragments_stay_as_they_are),
      TEST(the_bit_of_compression_stays_with_the_first), TEST(up_to_the_size_that_is_looked_at))

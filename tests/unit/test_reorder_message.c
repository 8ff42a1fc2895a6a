#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static void the_message_goes_on_behind_so_many_others(void)
{
    struct frame_run *r = frame_run_new("  - reorder_message: {by: 2, match: first}\n");
    frame_keep(r);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "first");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "2");
    frame_send(r, SIDE_SERVER, OPCODE_PING, "");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "3");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "4");
    frame_send_whole_input(r, SIDE_SERVER);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '2'; ping ''; text '3'; text 'first'; text '4'");
    frame_run_free(r);
}

static void neighbours_change_places(void)
{
    struct frame_run *r = frame_run_new("  - reorder_message: {}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "1");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "2");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "3");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "4");
    CHECK_STR(frame_got(r, SIDE_SERVER), "text '2'; text '1'; text '4'; text '3'");
    frame_run_free(r);
}

static void it_does_not_wait_for_ever(void)
{
    struct frame_run *r = frame_run_new("  - reorder_message: {at_most: 2s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_run_until(r, SECONDS(2) - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '1'");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "2");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "3");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '3'; text '2'");
    frame_run_free(r);
}

static void a_fragmented_message_overtakes_as_a_whole(void)
{
    struct frame_run *r = frame_run_new("  - reorder_message: {}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "2");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "2");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ '2'; more '2'; text '1'");
    frame_run_free(r);
}

static void the_directions_know_nothing_of_each_other(void)
{
    struct frame_run *r = frame_run_new("  - reorder_message: {}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "2");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    CHECK_STR(frame_got(r, SIDE_SERVER), "");
    frame_run_free(r);
}

static void control_frames_do_not_count(void)
{
    struct bench *b = bench_new("reorder_message: {}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_frame(b, TO_CLIENT, OPCODE_PONG, "");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "b");
    CHECK_STR(bench_did(b), "set_aside until 5s; pass; put_back to_client; pass");
    bench_free(b);
}

SUITE(reorder_message, TEST(the_message_goes_on_behind_so_many_others),
      TEST(neighbours_change_places), TEST(it_does_not_wait_for_ever),
      TEST(a_fragmented_message_overtakes_as_a_whole),
      TEST(the_directions_know_nothing_of_each_other), TEST(control_frames_do_not_count))

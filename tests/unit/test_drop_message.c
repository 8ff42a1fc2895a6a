#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void only_the_direction_asked_for(void)
{
    struct bench *b = bench_new("drop_message: {direction: to_client}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "a");
    CHECK_STR(bench_did(b), "drop; pass");
    bench_free(b);
}

static void what_is_no_websocket_is_left_alone(void)
{
    struct bench *b = bench_new("drop_message: {opcode: any}");
    bench_bytes(b, TO_CLIENT, "abc");
    bench_head(b, TO_SERVER, "GET / HTTP/1.1\r\n\r\n");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "pass; pass; pass");
    bench_free(b);
}

/* All of a fragmented message vanishes, and a ping between its fragments arrives. */
static void send_three(struct frame_run *r)
{
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "2");
    frame_send(r, SIDE_SERVER, OPCODE_PING, "");
    frame_send_part(r, SIDE_SERVER, OPCODE_CONTINUATION, "2");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "2");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "3");
}

static void a_fragmented_message_is_dropped_whole(void)
{
    struct frame_run *r = frame_run_new("  - drop_message: {every: 2}\n");
    send_three(r);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '1'; ping ''; text '3'");
    frame_run_free(r);
}

static void however_it_is_sliced(void)
{
    struct frame_run *r = frame_run_new("  - drop_message: {every: 2}\n");
    frame_slice(r);
    send_three(r);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '1'; ping ''; text '3'");
    frame_run_free(r);
}

static void half_a_message_that_was_dropped_takes_the_rest_along(void)
{
    struct frame_run *r = frame_run_new("  - drop_message: {for: 1s}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, 2 * NSEC_PER_SEC);
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "c");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'c'");
    frame_run_free(r);
}

static void half_a_large_frame_too(void)
{
    uint8_t frame[] = {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 1, 'x'};
    struct frame_run *r = frame_run_new("  - drop_message: {for: 1s}\n");
    frame_send_bytes(r, SIDE_SERVER, frame, sizeof frame);
    frame_run_until(r, 2 * NSEC_PER_SEC);
    for (int i = 0; i < 0x10000; i++)
        frame_send_bytes(r, SIDE_SERVER, "y", 1);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "c");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'c'");
    frame_run_free(r);
}

static void a_message_under_way_when_it_begins_is_left_alone(void)
{
    struct frame_run *r = frame_run_new("  - wait: 1s\n  - drop_message: {}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, NSEC_PER_SEC);
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "c");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'; more 'b'");
    frame_run_free(r);
}

static void each_drop_is_in_the_trace(void)
{
    struct frame_run *r = frame_run_new("  - drop_message: {every: 2}\n");
    send_three(r);
    frame_run_until(r, NSEC_PER_SEC);
    CHECK_INT(frame_events(r, "\"ev\":\"fault.act\",\"by\":\"fault\"", "\"verb\":\"drop\""), 1);
    frame_run_free(r);
}

SUITE(drop_message, TEST(only_the_direction_asked_for), TEST(what_is_no_websocket_is_left_alone),
      TEST(a_fragmented_message_is_dropped_whole), TEST(however_it_is_sliced),
      TEST(half_a_message_that_was_dropped_takes_the_rest_along), TEST(half_a_large_frame_too),
      TEST(a_message_under_way_when_it_begins_is_left_alone), TEST(each_drop_is_in_the_trace))

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static void others_pass_or_wait(void)
{
    struct bench *b = bench_new("delay_message: {delay: 3s}");
    bench_until(b, SECONDS(10));
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    CHECK_STR(bench_did(b), "set_aside until 13s");
    bench_free(b);
    b = bench_new("delay_message: {delay: 3s, others: wait}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "a");
    CHECK_STR(bench_did(b), "hold until 3s; pass");
    bench_free(b);
}

static void a_message_is_overtaken(void)
{
    struct frame_run *r = frame_run_new("  - delay_message: {delay: 2s, match: late}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "late");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "other");
    frame_run_until(r, SECONDS(2) - 1);
    CHECK_STR(frame_got(r, SIDE_SERVER), "text 'other'");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_SERVER), "text 'late'");
    frame_run_free(r);
}

static void or_the_order_is_kept(void)
{
    struct frame_run *r =
        frame_run_new("  - delay_message: {delay: 2s, match: late, others: wait}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "late");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "other");
    frame_run_until(r, SECONDS(2) - 1);
    CHECK_STR(frame_got(r, SIDE_SERVER), "");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_SERVER), "text 'late'; text 'other'");
    frame_run_free(r);
}

/* A fragment alone, put between other messages, would break the stream. */
static void a_fragmented_message_goes_on_as_one(void)
{
    struct frame_run *r = frame_run_new("  - delay_message: {delay: 2s, every: 2}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, SECONDS(3));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '1'");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'; more 'b'");
    frame_run_free(r);
}

static void it_is_put_between_messages_only(void)
{
    struct frame_run *r = frame_run_new("  - delay_message: {delay: 1s, every: 2}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "2");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "3");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '1'; text+ '3'");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "3");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "more '3'; text '2'");
    frame_run_free(r);
}

static void a_message_too_large_to_set_aside_goes_on(void)
{
    struct frame_run *r = frame_run_new("  - delay_message: {delay: 1h, min_size: 1B}\n");
    frame_send_len(r, SIDE_SERVER, OPCODE_BINARY, 3 << 20);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary 3145728");
    frame_send_len(r, SIDE_SERVER, OPCODE_BINARY, 1 << 20);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_free(r);
}

static void what_it_holds_goes_on_in_order_when_it_is_over(void)
{
    struct frame_run *r = frame_run_new("  - delay_message: {delay: 1h, for: 1s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "2");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "3");
    frame_run_until(r, SECONDS(1));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text '1'; text '2'");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "3");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "4");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ '3'; more '3'; text '4'");
    frame_run_free(r);
}

static void a_delivery_is_recorded(void)
{
    struct frame_run *r = frame_run_new("  - delay_message: {delay: 2s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "1");
    frame_run_until(r, SECONDS(2));
    CHECK_INT(frame_events(r, "\"at\":2.000000", "ws.delivered"), 1);
    frame_run_free(r);
}

SUITE(delay_message, TEST(others_pass_or_wait), TEST(a_message_is_overtaken),
      TEST(or_the_order_is_kept), TEST(a_fragmented_message_goes_on_as_one),
      TEST(it_is_put_between_messages_only), TEST(a_message_too_large_to_set_aside_goes_on),
      TEST(what_it_holds_goes_on_in_order_when_it_is_over), TEST(a_delivery_is_recorded))

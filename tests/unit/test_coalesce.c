#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

#define MSEC(n) ((n)*NSEC_PER_MSEC)

static void frames_of_a_window_come_in_one_write(void)
{
    struct frame_run *r = frame_run_new("  - coalesce: {window: 200ms}\n");
    size_t before = frame_writes(r, SIDE_CLIENT);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, MSEC(100));
    frame_send(r, SIDE_SERVER, OPCODE_PING, "");
    frame_run_until(r, MSEC(200) - 1);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "b");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, MSEC(200));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'; ping ''; text 'b'");
    CHECK_INT(frame_writes(r, SIDE_CLIENT) - before, 1);
    frame_run_free(r);
}

static void the_next_window_begins_with_the_next_frame(void)
{
    struct bench *b = bench_new("coalesce: {window: 200ms}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_until(b, MSEC(199));
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_until(b, MSEC(200));
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    CHECK_STR(bench_did(b), "hold until 200ms; hold until 200ms; hold until 400ms");
    bench_free(b);
}

static void so_many_bytes_are_enough(void)
{
    struct frame_run *r = frame_run_new("  - coalesce: {window: 1h, bytes: 9B}\n");
    size_t before = frame_writes(r, SIDE_CLIENT);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "ab");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "cd");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "e");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'ab'; text 'cd'; text 'e'");
    CHECK_INT(frame_writes(r, SIDE_CLIENT) - before, 1);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "f");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_free(r);
}

static void the_directions_gather_apart(void)
{
    struct frame_run *r = frame_run_new("  - coalesce: {window: 1h, bytes: 12B}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "abcd");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "abcd");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    CHECK_STR(frame_got(r, SIDE_SERVER), "");
    frame_run_free(r);
}

static void the_end_waits_behind_them(void)
{
    struct frame_run *r = frame_run_new("  - coalesce: {window: 1s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_end(r, SIDE_SERVER, CUT_FIN);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, NSEC_PER_SEC);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'; end fin");
    frame_run_free(r);
}

static void what_it_holds_goes_on_when_it_is_over(void)
{
    struct frame_run *r = frame_run_new("  - coalesce: {window: 1h, for: 1s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "b");
    frame_run_until(r, NSEC_PER_SEC);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'; text 'b'");
    frame_run_free(r);
}

static void a_frame_larger_than_enough_goes_through(void)
{
    struct frame_run *r = frame_run_new("  - coalesce: {window: 1h, bytes: 1KiB}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send_len(r, SIDE_SERVER, OPCODE_BINARY, 6 << 20);
    frame_run_until(r, NSEC_PER_SEC);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'; binary 6291456");
    frame_run_free(r);
}

/* What another fault says is joined like anything else. */
static void pings_of_a_flood_come_in_one_write(void)
{
    struct frame_run *r =
        frame_run_new("  - coalesce: {window: 1s, direction: to_client}\n"
                      "  - ping_flood: {rate: 10, count: 3, size: 0B, direction: to_client}\n");
    size_t before = frame_writes(r, SIDE_CLIENT);
    frame_run_until(r, NSEC_PER_SEC - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, NSEC_PER_SEC);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "ping ''; ping ''; ping ''");
    CHECK_INT(frame_writes(r, SIDE_CLIENT) - before, 1);
    frame_run_free(r);
}

SUITE(coalesce, TEST(frames_of_a_window_come_in_one_write),
      TEST(the_next_window_begins_with_the_next_frame), TEST(so_many_bytes_are_enough),
      TEST(the_directions_gather_apart), TEST(the_end_waits_behind_them),
      TEST(what_it_holds_goes_on_when_it_is_over), TEST(a_frame_larger_than_enough_goes_through),
      TEST(pings_of_a_flood_come_in_one_write))

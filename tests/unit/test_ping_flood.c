#include <string.h>

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static size_t pings_in(const char *words)
{
    size_t count = 0;
    for (; (words = strstr(words, "ping ")); words++)
        count++;
    return count;
}

static void pings_come_at_their_rate(void)
{
    struct frame_run *r = frame_run_new("  - ping_flood: {rate: 100, direction: to_client}\n");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "ping ''");
    frame_run_until(r, SECONDS(1));
    CHECK_INT(pings_in(frame_got(r, SIDE_CLIENT)), 100);
    frame_run_until(r, SECONDS(3) - 1);
    CHECK_INT(pings_in(frame_got(r, SIDE_CLIENT)), 199);
    CHECK_STR(frame_got(r, SIDE_SERVER), "");
    frame_run_free(r);
}

static void no_more_than_so_many(void)
{
    struct frame_run *r = frame_run_new("  - ping_flood: {rate: 1000, count: 3, size: 125B}\n");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "ping 125; ping 125; ping 125");
    CHECK_STR(frame_got(r, SIDE_SERVER), "ping 125; ping 125; ping 125");
    frame_run_free(r);
}

static void never_inside_a_frame(void)
{
    const uint8_t half[] = {0x81, 2, 'a'};
    struct frame_run *r = frame_run_new("  - ping_flood: {rate: 10, direction: to_client}\n");
    (void)frame_got(r, SIDE_CLIENT);
    frame_send_bytes(r, SIDE_SERVER, half, sizeof half);
    frame_run_until(r, SECONDS(1));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "cut after 3 bytes");
    frame_send_bytes(r, SIDE_SERVER, "b", 1);
    const char *got = frame_got(r, SIDE_CLIENT);
    CHECK_CONTAINS(got, "text 'ab'; ping ''");
    CHECK_INT(pings_in(got), 10);
    frame_run_free(r);
}

static void it_begins_when_the_websocket_opens(void)
{
    struct frame_run *r = frame_run_early("  - ping_flood: {rate: 1, direction: to_client}\n");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "ping ''");
    frame_run_free(r);
}

static void nothing_comes_after_a_close(void)
{
    struct frame_run *r = frame_run_new("  - ping_flood: {rate: 1, direction: to_client}\n");
    frame_send(r, SIDE_SERVER, OPCODE_CLOSE, "");
    frame_run_until(r, SECONDS(5));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "ping ''; close ''");
    frame_run_free(r);
}

static void where_there_is_no_room_it_waits(void)
{
    struct bench *b = bench_new("ping_flood: {rate: 1000, count: 2, direction: to_client}");
    b->no_room = true;
    bench_open(b);
    CHECK_STR(bench_did(b), "inject refused");
    CHECK_INT(b->wake, 10 * NSEC_PER_MSEC);
    b->no_room = false;
    bench_until(b, SECONDS(1));
    CHECK_STR(bench_did(b), "inject to_client '\\x89\\x00'; inject to_client '\\x89\\x00'");
    bench_free(b);
}

static void a_late_clock_is_made_up_for_within_bounds(void)
{
    struct bench *b = bench_new("ping_flood: {rate: 100000, direction: to_client}");
    bench_open(b);
    (void)bench_did(b);
    b->now = SECONDS(10);
    b->fault.now = b->now;
    b->fault.desc->ops.on_timer(&b->fault);
    CHECK_INT(strlen(bench_did(b)), strlen("inject to_client ''") + 1000 * strlen("\\x89\\x00"));
    bench_free(b);
}

/* Scenarios count on it: a client has to look behind the 101. */
static void it_leaves_in_one_write_with_a_101_that_was_held(void)
{
    struct frame_run *r =
        frame_run_early("  - ping_flood: {rate: 1, count: 1, size: 0B, direction: to_client}\n"
                        "  - upgrade_delay: {delay: 300ms, direction: to_client}\n");
    size_t before = frame_writes(r, SIDE_CLIENT);
    frame_run_until(r, SECONDS(1));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "ping ''");
    CHECK_INT(frame_writes(r, SIDE_CLIENT) - before, 1);
    frame_run_free(r);
}

SUITE(ping_flood, TEST(pings_come_at_their_rate), TEST(no_more_than_so_many),
      TEST(never_inside_a_frame), TEST(it_begins_when_the_websocket_opens),
      TEST(nothing_comes_after_a_close), TEST(where_there_is_no_room_it_waits),
      TEST(a_late_clock_is_made_up_for_within_bounds),
      TEST(it_leaves_in_one_write_with_a_101_that_was_held))

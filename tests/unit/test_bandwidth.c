#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static void a_piece_takes_its_time(void)
{
    struct bench *b = bench_new("bandwidth: {rate: 10B/s}");
    bench_until(b, NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "ab");
    CHECK_STR(bench_did(b), "wait until 1.1s");
    bench_until(b, 1100 * NSEC_PER_MSEC - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, 1100 * NSEC_PER_MSEC);
    CHECK_STR(bench_did(b), "pass(1); wait until 1.2s");
    bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void large_writes_go_in_pieces_of_ten_milliseconds(void)
{
    char bulk[2501];
    struct bench *b = bench_new("bandwidth: {rate: 100kB/s}");
    memset(bulk, 'x', sizeof bulk);
    bench_bytes_len(b, TO_CLIENT, bulk, sizeof bulk);
    bench_until(b, 25 * NSEC_PER_MSEC);
    CHECK_STR(bench_did(b), "wait until 10ms; pass(1000); wait until 20ms; pass(1000); "
                            "wait until 25010us");
    bench_until(b, NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void after_a_pause_the_burst_passes_at_once(void)
{
    struct bench *b = bench_new("bandwidth: {rate: 10B/s, burst: 3B}");
    bench_until(b, 60 * NSEC_PER_SEC);
    bench_bytes(b, TO_SERVER, "abcd");
    CHECK_STR(bench_did(b), "pass(1); pass(1); pass(1); wait until 60.1s");
    bench_free(b);
}

static void the_burst_has_to_be_saved_up_again(void)
{
    struct bench *b = bench_new("bandwidth: {rate: 10B/s, burst: 2B}");
    bench_bytes(b, TO_SERVER, "ab");
    CHECK_STR(bench_did(b), "pass(1); pass");
    bench_until(b, 100 * NSEC_PER_MSEC);
    bench_bytes(b, TO_SERVER, "cd");
    CHECK_STR(bench_did(b), "pass(1); wait until 200ms");
    bench_free(b);
}

static void each_direction_has_its_own_link(void)
{
    struct bench *b = bench_new("bandwidth: {rate: 10B/s}");
    bench_bytes(b, TO_SERVER, "a");
    bench_bytes(b, TO_CLIENT, "b");
    CHECK_STR(bench_did(b), "wait until 100ms; wait until 100ms");
    bench_free(b);
}

static void without_a_rate_nothing_passes(void)
{
    struct bench *b = bench_new("bandwidth: {rate: 0B/s}");
    bench_bytes(b, TO_SERVER, "a");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "wait for ever; wait for ever");
    bench_free(b);
}

static void bounds_do_no_harm(void)
{
    struct bench *b = bench_new("bandwidth: {rate: 0.001B/s, burst: 1GiB}");
    bench_bytes(b, TO_SERVER, "ab");
    CHECK_STR(bench_did(b), "pass(1); pass");
    bench_free(b);
    b = bench_new("bandwidth: {rate: 100GB/s}");
    bench_bytes(b, TO_SERVER, "ab");
    CHECK_STR(bench_did(b), "wait until 1ns");
    bench_free(b);
}

/* --- In the core --- */

#define BULK ((size_t)96 << 10)

static struct session_bench *slow_link(const char *fault)
{
    char *steps =
        xprintf("- %s\n    as: slow\n  - wait: 100s\n  - clear: slow\n  - wait: 500s", fault);
    struct session_bench *b = session_bench_new(steps);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    b->links[0].quiet = true;
    free(steps);
    return b;
}

static void send_bulk(struct session_bench *b)
{
    static const uint8_t head[] = {0x82, 127, 0, 0, 0, 0, 0, 1, 0x80, 0};
    uint8_t *bulk = xcalloc(1, BULK);
    session_bench_send_len(b, 0, SIDE_SERVER, head, sizeof head);
    session_bench_send_len(b, 0, SIDE_SERVER, bulk, BULK);
    free(bulk);
}

static void what_arrives_is_the_rate_times_the_time(void)
{
    struct session_bench *b = slow_link("bandwidth: {rate: 1000B/s}");
    send_bulk(b);
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], 10000);
    session_bench_until(b, 40 * NSEC_PER_SEC);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], 40000);
    session_bench_free(b);
}

static void a_slow_link_pushes_back(void)
{
    struct session_bench *b = slow_link("bandwidth: {rate: 1000B/s}");
    CHECK(session_bench_is_read(b, 0, SIDE_SERVER));
    send_bulk(b);
    CHECK(!session_bench_is_read(b, 0, SIDE_SERVER));
    CHECK(session_bench_told(b, "tcp.pause", "a fault holds as much as it may"));
    session_bench_until(b, 50 * NSEC_PER_SEC);
    CHECK(session_bench_is_read(b, 0, SIDE_SERVER));
    session_bench_free(b);
}

static void its_end_lets_all_go_at_once(void)
{
    struct session_bench *b = slow_link("bandwidth: {rate: 0B/s}");
    send_bulk(b);
    session_bench_end(b, 0, SIDE_SERVER, CUT_FIN);
    session_bench_until(b, 99 * NSEC_PER_SEC);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], 0);
    session_bench_until(b, 100 * NSEC_PER_SEC);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], BULK + 10);
    CHECK_STR(session_bench_saw(b), "100s client0 fin");
    session_bench_free(b);
}

/* Delayed first, then carried: the link must not take the delay for a pause. */
static void behind_a_delay_the_rate_is_the_same(void)
{
    struct session_bench *b = slow_link("latency: {delay: 5s, direction: to_client}");
    session_bench_free(b);
    b = session_bench_new("- bandwidth: {rate: 1000B/s}\n  - latency: {delay: 5s}\n  - wait: 100s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    b->links[0].quiet = true;
    send_bulk(b);
    session_bench_until(b, 15 * NSEC_PER_SEC);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], 10000);
    session_bench_free(b);
}

SUITE(bandwidth, TEST(a_piece_takes_its_time), TEST(large_writes_go_in_pieces_of_ten_milliseconds),
      TEST(after_a_pause_the_burst_passes_at_once), TEST(the_burst_has_to_be_saved_up_again),
      TEST(each_direction_has_its_own_link), TEST(without_a_rate_nothing_passes),
      TEST(bounds_do_no_harm), TEST(what_arrives_is_the_rate_times_the_time),
      TEST(a_slow_link_pushes_back), TEST(its_end_lets_all_go_at_once),
      TEST(behind_a_delay_the_rate_is_the_same))

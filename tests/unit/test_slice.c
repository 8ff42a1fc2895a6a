#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static void pieces_come_one_by_one(void)
{
    struct bench *b = bench_new("slice: {size: 2B, delay: 10ms}");
    bench_bytes(b, TO_SERVER, "abcde");
    CHECK_STR(bench_did(b), "pass(2); wait until 10ms");
    bench_until(b, 10 * NSEC_PER_MSEC);
    CHECK_STR(bench_did(b), "pass(2); wait until 20ms");
    bench_until(b, NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void exactly_a_piece_is_not_cut(void)
{
    struct bench *b = bench_new("slice: {size: 3B, delay: 0s}");
    bench_bytes(b, TO_SERVER, "abc");
    bench_bytes(b, TO_SERVER, "abcd");
    CHECK_STR(bench_did(b), "pass; pass(3); pass");
    bench_free(b);
}

static void what_comes_later_waits_behind(void)
{
    struct bench *b = bench_new("slice: {size: 4B, delay: 1s}");
    bench_bytes(b, TO_SERVER, "ab");
    bench_until(b, 400 * NSEC_PER_MSEC);
    bench_bytes(b, TO_SERVER, "cd");
    bench_bytes(b, TO_SERVER, "ef");
    CHECK_STR(bench_did(b), "pass; wait until 1s");
    bench_until(b, NSEC_PER_SEC);
    CHECK_STR(bench_did(b), "pass; wait until 2s");
    bench_free(b);
}

static void sizes_vary_around_their_mean(void)
{
    char bulk[10000];
    unsigned pieces = 1;
    struct bench *b = bench_new("slice: {size: 50B, variation: 40B, delay: 0s}");
    memset(bulk, 'x', sizeof bulk);
    bench_bytes_len(b, TO_SERVER, bulk, sizeof bulk);
    for (const char *at = bench_did(b); (at = strstr(at, "pass(")); pieces++) {
        long size = strtol(at + strlen("pass("), (char **)&at, 10);
        CHECK(size >= 10 && size <= 90);
    }
    CHECK_REAL(pieces, 200, 25);
    bench_free(b);
}

static void a_piece_is_never_empty(void)
{
    struct bench *b = bench_new("slice: {size: 1B, variation: 1GiB, delay: 0s}");
    bench_bytes(b, TO_SERVER, "ab");
    CHECK_CONTAINS(bench_did(b), "pass");
    bench_free(b);
}

/* So many pieces at once would keep all others waiting. */
static void without_a_delay_others_get_their_turn(void)
{
    char bulk[300];
    struct bench *b = bench_new("slice: {size: 1B, delay: 0s}");
    memset(bulk, 'x', sizeof bulk);
    bench_bytes_len(b, TO_SERVER, bulk, sizeof bulk);
    CHECK_CONTAINS(bench_did(b), "pass(1); wait until 1ns");
    bench_until(b, NSEC_PER_SEC);
    CHECK(!strstr(bench_did(b), "wait"));
    bench_free(b);
}

/* --- In the core --- */

static void bytes_and_end_arrive_in_order(void)
{
    struct session_bench *b =
        session_bench_new("- slice: {size: 1B, delay: 1s, direction: to_client}\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x01"
                       "a");
    session_bench_end(b, 0, SIDE_SERVER, CUT_FIN);
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "0s client0 '\\x81'; 1s client0 '\\x01'; 2s client0 'a'; "
                                    "2s client0 fin");
    session_bench_free(b);
}

static void its_end_lets_all_go_at_once(void)
{
    struct session_bench *b = session_bench_new(
        "- slice: {size: 1B, delay: 10s}\n    as: thin\n  - wait: 1s\n  - clear: thin\n  - wait: 9s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x02"
                       "ab");
    session_bench_until(b, 5 * NSEC_PER_SEC);
    CHECK_STR(session_bench_saw(b), "0s client0 '\\x81'; 1s client0 '\\x02ab'");
    session_bench_free(b);
}

/* A large write cut into single bytes costs time in proportion to its length, and its memory once.
 */
static void a_large_write_is_not_cut_up_in_advance(void)
{
    const size_t len = (size_t)128 << 10;
    uint8_t *bulk = xcalloc(1, len);
    struct session_bench *b = session_bench_new("- slice: {size: 1B, delay: 1ms}\n  - wait: 600s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    b->links[0].quiet = true;
    memcpy(bulk, "\x82\x7f\0\0\0\0\0\1\xff\xf6", 10);
    session_bench_send_len(b, 0, SIDE_SERVER, bulk, len);
    session_bench_until(b, 131 * NSEC_PER_SEC);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], 131001);
    session_bench_until(b, 132 * NSEC_PER_SEC);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], len);
    session_bench_free(b);
    free(bulk);
}

static void the_connection_may_end_in_the_middle(void)
{
    struct session_bench *b = session_bench_new("- slice: {size: 1B, delay: 1s}\n  - wait: 60s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x02"
                       "ab");
    session_bench_end(b, 0, SIDE_CLIENT, CUT_RST);
    (void)session_bench_saw(b);
    session_bench_until(b, 10 * NSEC_PER_SEC);
    CHECK(!b->links[0].session);
    session_bench_free(b);
}

SUITE(slice, TEST(pieces_come_one_by_one), TEST(exactly_a_piece_is_not_cut),
      TEST(what_comes_later_waits_behind), TEST(sizes_vary_around_their_mean),
      TEST(a_piece_is_never_empty), TEST(without_a_delay_others_get_their_turn),
      TEST(bytes_and_end_arrive_in_order), TEST(its_end_lets_all_go_at_once),
      TEST(a_large_write_is_not_cut_up_in_advance), TEST(the_connection_may_end_in_the_middle))

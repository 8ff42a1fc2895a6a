#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/session_bench.h"

static void every_so_manieth_byte_is_hit(void)
{
    struct bench *b = bench_new("corrupt: {every: 3, bits: 8, where: all}");
    bench_bytes(b, TO_SERVER, "abcdef");
    CHECK_STR(bench_did(b), "replace 'ab\\x9cde\\x99'");
    bench_free(b);
}

static void it_counts_on_from_unit_to_unit(void)
{
    struct bench *b = bench_new("corrupt: {every: 3, bits: 8, where: all}");
    bench_bytes(b, TO_SERVER, "ab");
    bench_bytes(b, TO_SERVER, "cd");
    bench_bytes(b, TO_SERVER, "ef");
    CHECK_STR(bench_did(b), "pass; replace '\\x9cd'; replace 'e\\x99'");
    bench_free(b);
}

static void directions_are_counted_apart(void)
{
    struct bench *b = bench_new("corrupt: {every: 2, bits: 8, where: all}");
    bench_bytes(b, TO_SERVER, "a");
    bench_bytes(b, TO_CLIENT, "a");
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass; pass; replace '\\x9e'");
    bench_free(b);
}

static void frames_stay_whole_unless_told_otherwise(void)
{
    struct bench *b = bench_new("corrupt: {every: 1, bits: 8}");
    bench_head(b, TO_CLIENT, "HTTP/1.1 101 X\r\n\r\n");
    bench_bytes(b, TO_CLIENT, "no frames");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "ab");
    CHECK_STR(bench_did(b), "pass; pass; pass; replace '\\x9e\\x9d'");
    bench_free(b);
    b = bench_new("corrupt: {every: 1, bits: 8, where: frames}");
    bench_head(b, TO_CLIENT, "HTTP/1.1 101 X\r\n\r\n");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "ab");
    CHECK_STR(bench_did(b), "pass; replace '~\\xfd'; replace '\\x9e\\x9d'");
    bench_free(b);
}

static unsigned bits_between(const uint8_t *a, const uint8_t *b, size_t len)
{
    unsigned count = 0;
    for (size_t i = 0; i < len; i++)
        for (unsigned diff = a[i] ^ b[i]; diff; diff &= diff - 1)
            count++;
    return count;
}

#define BULK 20000

static void corrupted(const char *fault, uint8_t got[BULK])
{
    static const uint8_t head[] = {0x82, 126, BULK >> 8, BULK & 0xff};
    uint8_t *zeros = xcalloc(1, BULK);
    struct session_bench *b = session_bench_new(fault);
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_send_len(b, 0, SIDE_SERVER, head, sizeof head);
    (void)session_bench_saw(b);
    b->links[0].copies[SIDE_CLIENT] = got;
    session_bench_send_len(b, 0, SIDE_SERVER, zeros, BULK);
    CHECK_INT(b->links[0].seen[SIDE_CLIENT], BULK + 4);
    session_bench_free(b);
    free(zeros);
}

static void the_ratio_is_kept(void)
{
    static const uint8_t zeros[BULK];
    uint8_t *got = xcalloc(1, BULK);
    corrupted("- corrupt: {ratio: 5%, bits: 3}\n  - wait: 9s", got);
    size_t hit = 0;
    for (size_t i = 0; i < BULK; i++)
        hit += got[i] != 0;
    CHECK_REAL((double)hit / BULK, 0.05, 0.006);
    CHECK_INT(bits_between(got, zeros, BULK), 3 * hit);
    free(got);
}

static void bounds_of_the_ratio(void)
{
    static const uint8_t zeros[BULK];
    uint8_t *got = xcalloc(1, BULK);
    corrupted("- corrupt: {ratio: 0%}\n  - wait: 9s", got);
    CHECK_INT(bits_between(got, zeros, BULK), 0);
    corrupted("- corrupt: {ratio: 100%}\n  - wait: 9s", got);
    CHECK_INT(bits_between(got, zeros, BULK), BULK);
    free(got);
}

static void the_same_seed_hits_the_same_bytes(void)
{
    uint8_t *first = xcalloc(1, BULK), *second = xcalloc(1, BULK);
    corrupted("- corrupt: {ratio: 1%}\n  - wait: 9s", first);
    corrupted("- corrupt: {ratio: 1%}\n  - wait: 9s", second);
    CHECK_BYTES(first, BULK, second, BULK);
    free(first);
    free(second);
}

/* A piece cut off before it may end inside a head. */
static void heads_stay_whole_behind_a_slice(void)
{
    struct session_bench *b =
        session_bench_new("- corrupt: {every: 1, bits: 8, direction: to_client}\n"
                          "  - slice: {size: 1B, delay: 0s, direction: to_client}\n  - wait: 9s");
    session_bench_accept(b, 0);
    session_bench_open(b, 0);
    session_bench_start(b);
    (void)session_bench_saw(b);
    session_bench_send(b, 0, SIDE_SERVER,
                       "\x81\x01"
                       "a\x81\x01"
                       "a");
    CHECK_STR(session_bench_saw(b), "0s client0 '\\x81'; 0s client0 '\\x01'; 0s client0 '\\x9e'; "
                                    "0s client0 '\\x81'; 0s client0 '\\x01'; 0s client0 '\\x9e'");
    session_bench_free(b);
}

SUITE(corrupt, TEST(every_so_manieth_byte_is_hit), TEST(it_counts_on_from_unit_to_unit),
      TEST(directions_are_counted_apart), TEST(frames_stay_whole_unless_told_otherwise),
      TEST(the_ratio_is_kept), TEST(bounds_of_the_ratio), TEST(the_same_seed_hits_the_same_bytes),
      TEST(heads_stay_whole_behind_a_slice))

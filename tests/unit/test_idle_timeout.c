#include "tests/check.h"
#include "tests/unit/fault_bench.h"

#define SECONDS(n) ((nsec)(n)*NSEC_PER_SEC)

static void silence_is_cut_exactly_when_it_is_long_enough(void)
{
    struct bench *b = bench_new("idle_timeout: {after: 20s}");
    bench_start(b);
    bench_until(b, SECONDS(20) - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, SECONDS(20));
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    bench_free(b);
}

static void any_traffic_starts_it_anew(void)
{
    struct bench *b = bench_new("idle_timeout: {after: 20s}");
    bench_start(b);
    bench_until(b, SECONDS(19));
    bench_traffic(b, TO_CLIENT);
    bench_until(b, SECONDS(39) - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, SECONDS(39));
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    bench_free(b);
}

/* Traffic of that direction at 15 s does not save the connection. */
static void check_is_cut_at_20s(const char *yaml, enum dir traffic)
{
    struct bench *b = bench_new(yaml);
    bench_start(b);
    bench_until(b, SECONDS(15));
    bench_traffic(b, traffic);
    bench_until(b, SECONDS(20));
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    bench_free(b);
}

static void check_is_spared_at_20s(const char *yaml, enum dir traffic)
{
    struct bench *b = bench_new(yaml);
    bench_start(b);
    bench_until(b, SECONDS(15));
    bench_traffic(b, traffic);
    bench_until(b, SECONDS(20));
    CHECK_STR(bench_did(b), "");
    CHECK_INT(b->wake, SECONDS(35));
    bench_free(b);
}

static void counts_says_whose_bytes_count(void)
{
    check_is_cut_at_20s("idle_timeout: {after: 20s, counts: from_client}", TO_CLIENT);
    check_is_spared_at_20s("idle_timeout: {after: 20s, counts: from_client}", TO_SERVER);
    check_is_cut_at_20s("idle_timeout: {after: 20s, counts: from_server}", TO_SERVER);
    check_is_spared_at_20s("idle_timeout: {after: 20s, counts: from_server}", TO_CLIENT);
    check_is_cut_at_20s("idle_timeout: {after: 20s, counts: per_direction}", TO_CLIENT);
    check_is_cut_at_20s("idle_timeout: {after: 20s, counts: per_direction}", TO_SERVER);
}

static void both_directions_together_satisfy_two_timers(void)
{
    struct bench *b = bench_new("idle_timeout: {after: 20s, counts: per_direction}");
    bench_start(b);
    bench_until(b, SECONDS(15));
    bench_traffic(b, TO_CLIENT);
    bench_until(b, SECONDS(19));
    bench_traffic(b, TO_SERVER);
    bench_until(b, SECONDS(35) - 1);
    CHECK_STR(bench_did(b), "");
    bench_until(b, SECONDS(35));
    CHECK_STR(bench_did(b), "cut client close; cut server close");
    bench_free(b);
}

static void ending_says_what_both_ends_see(void)
{
    struct bench *b = bench_new("idle_timeout: {after: 20s, ending: rst}");
    bench_start(b);
    bench_until(b, SECONDS(20));
    CHECK_STR(bench_did(b), "cut client rst; cut server rst");
    bench_free(b);
    b = bench_new("idle_timeout: {after: 20s, ending: silent}");
    bench_start(b);
    bench_until(b, SECONDS(20));
    CHECK_STR(bench_did(b), "cut client silent; cut server silent");
    bench_free(b);
}

static void nothing_that_passes_is_touched(void)
{
    struct bench *b = bench_new("idle_timeout: {}");
    bench_start(b);
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "pass; pass");
    bench_free(b);
}

SUITE(idle_timeout, TEST(silence_is_cut_exactly_when_it_is_long_enough),
      TEST(any_traffic_starts_it_anew), TEST(counts_says_whose_bytes_count),
      TEST(both_directions_together_satisfy_two_timers), TEST(ending_says_what_both_ends_see),
      TEST(nothing_that_passes_is_touched))

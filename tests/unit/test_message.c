/* Which messages a fault is about: the same parameters in each, told here by drop_message. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fault/lib/message.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"

static void data_is_meant_unless_told_otherwise(void)
{
    struct bench *b = bench_new("drop_message: {}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    bench_frame(b, TO_SERVER, OPCODE_BINARY, "a");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "a");
    bench_frame(b, TO_CLIENT, OPCODE_CLOSE, "");
    CHECK_STR(bench_did(b), "drop; drop; pass; pass");
    bench_free(b);
}

struct opcode_case {
    const char *name, *did;
};

/* Offered: text, binary, ping, pong, close, a reserved opcode. */
static void each_opcode_can_be_meant(void)
{
    static const struct opcode_case cases[] = {
        {"data", "drop; drop; pass; pass; pass; pass"},
        {"text", "drop; pass; pass; pass; pass; pass"},
        {"binary", "pass; drop; pass; pass; pass; pass"},
        {"ping", "pass; pass; drop; pass; pass; pass"},
        {"pong", "pass; pass; pass; drop; pass; pass"},
        {"close", "pass; pass; pass; pass; drop; pass"},
        {"control", "pass; pass; drop; drop; drop; pass"},
        {"any", "drop; drop; drop; drop; drop; drop"},
    };
    static const uint8_t opcodes[] = {1, 2, 9, 10, 8, 3};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *yaml = xprintf("drop_message: {opcode: %s}", cases[i].name);
        struct bench *b = bench_new(yaml);
        for (size_t k = 0; k < sizeof opcodes; k++)
            bench_frame(b, TO_CLIENT, opcodes[k], "");
        CHECK_STR(bench_did(b), cases[i].did);
        bench_free(b);
        free(yaml);
    }
}

static void sizes_are_inclusive(void)
{
    struct bench *b = bench_new("drop_message: {min_size: 2B, max_size: 3B}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "1");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "12");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "123");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "1234");
    CHECK_STR(bench_did(b), "pass; drop; drop; pass");
    bench_free(b);
}

/* Towards the server it is masked on the wire. */
static void a_pattern_looks_at_the_unmasked_payload(void)
{
    struct bench *b = bench_new("drop_message: {match: '\"op\":\"(buy|sell)\"'}");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "{\"op\":\"buy\"}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "{\"op\":\"sell\"}");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "{\"op\":\"hold\"}");
    CHECK_STR(bench_did(b), "drop; drop; pass");
    bench_free(b);
}

static void what_cannot_be_looked_at_matches_no_pattern(void)
{
    char *large = xmalloc(MESSAGE_WHOLE_BYTES + 1);
    memset(large, 'x', MESSAGE_WHOLE_BYTES + 1);
    struct bench *b = bench_new("drop_message: {match: x}");
    bench_frame_len(b, TO_CLIENT, OPCODE_TEXT, large, MESSAGE_WHOLE_BYTES);
    bench_frame_len(b, TO_CLIENT, OPCODE_TEXT, large, MESSAGE_WHOLE_BYTES + 1);
    bench_fragment(b, TO_CLIENT, OPCODE_TEXT, MORE_FOLLOW, "x", 1);
    CHECK_STR(bench_did(b), "drop; pass; pass");
    bench_free(b);
    b = bench_new("drop_message: {min_size: 64KiB}");
    bench_frame_len(b, TO_CLIENT, OPCODE_TEXT, large, MESSAGE_WHOLE_BYTES + 1);
    CHECK_STR(bench_did(b), "drop");
    bench_free(b);
    free(large);
}

/* Only what fits otherwise is counted, each direction by itself. */
static void every_nth_of_those_that_fit(void)
{
    struct bench *b = bench_new("drop_message: {every: 2, match: x}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "x");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "y");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "x");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "x");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "x");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "x");
    CHECK_STR(bench_did(b), "pass; pass; pass; drop; pass; drop");
    bench_free(b);
}

static size_t drops_of(double percent)
{
    char *yaml = xprintf("drop_message: {chance: %g%%}", percent);
    struct bench *b = bench_new(yaml);
    size_t drops = 0;
    for (int i = 0; i < 1000; i++) {
        bench_frame(b, TO_CLIENT, OPCODE_TEXT, "x");
        drops += strcmp(bench_did(b), "drop") == 0;
    }
    bench_free(b);
    free(yaml);
    return drops;
}

/* The seed of the bench is fixed: this is no gamble. */
static void chance_throws_the_dice_for_each_message(void)
{
    CHECK_INT(drops_of(0), 0);
    CHECK_INT(drops_of(100), 1000);
    size_t some = drops_of(25);
    CHECK(some > 200 && some < 300);
    CHECK_INT(drops_of(25), some);
}

SUITE(message, TEST(data_is_meant_unless_told_otherwise), TEST(each_opcode_can_be_meant),
      TEST(sizes_are_inclusive), TEST(a_pattern_looks_at_the_unmasked_payload),
      TEST(what_cannot_be_looked_at_matches_no_pattern), TEST(every_nth_of_those_that_fit),
      TEST(chance_throws_the_dice_for_each_message))

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

struct bad_case {
    const char *what, *client, *server;
};

static const struct bad_case cases[] = {
    {"reserved_bits", "text rsv2 'halfopen'", "text rsv2 'halfopen'"},
    {"reserved_opcode", "reserved 0x3 'halfopen'", "reserved 0x3 'halfopen'"},
    {"reserved_control", "reserved 0xb 'halfopen'", "reserved 0xb 'halfopen'"},
    {"masking", "text 'halfopen' !mask", "text 'halfopen' !mask"},
    {"long_length", "text 'halfopen'", "text 'halfopen'"},
    {"huge_length", "cut after 18 bytes", "cut after 22 bytes"},
    {"large_control", "ping 126", "ping 126"},
    {"fragmented_control", "ping+ 'halfopen'", "ping+ 'halfopen'"},
    {"orphan_continuation", "more 'halfopen'", "more 'halfopen'"},
    {"nested_message", "text+ 'half'; text 'open'", "text+ 'half'; text 'open'"},
    {"bad_utf8", "text 'half\\xffopen'", "text 'half\\xffopen'"},
    {"bad_close_code", "close '\\x03\\xee'", "close '\\x03\\xee'"},
    {"short_close", "close '\\x03'", "close '\\x03'"},
    {"bad_close_reason", "close '\\x03\\xe8\\xff\\xfe'", "close '\\x03\\xe8\\xff\\xfe'"},
    {"compressed_control", "ping rsv4 'halfopen'", "ping rsv4 'halfopen'"},
    {"compressed_continuation", "text+ 'half'; more rsv4 'open'", "text+ 'half'; more rsv4 'open'"},
    {"bad_deflate", "text rsv4 '\\x06halfopen'", "text rsv4 '\\x06halfopen'"},
};

static void each_is_what_it_says(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char steps[100];
        (void)snprintf(steps, sizeof steps, "  - bad_frame: {what: %s}\n", cases[i].what);
        struct frame_run *r = frame_run_new(steps);
        CHECK_STR(frame_got(r, SIDE_CLIENT), cases[i].client);
        CHECK_STR(frame_got(r, SIDE_SERVER), cases[i].server);
        frame_run_free(r);
    }
}

/* The shortest form would be two bytes, and four of the key. */
static void a_long_length_is_not_the_shortest(void)
{
    struct bench *b = bench_new("bad_frame: {what: long_length, direction: to_client}");
    bench_open(b);
    CHECK_STR(bench_did(b), "inject to_client '\\x81~\\x00\\x08halfopen' at 0s");
    bench_free(b);
}

static void a_huge_length_has_the_top_bit(void)
{
    struct bench *b = bench_new("bad_frame: {what: huge_length, direction: to_client}");
    bench_open(b);
    CHECK_STR(bench_did(b), "inject to_client "
                            "'\\x81\\x7f\\x80\\x00\\x00\\x00\\x00\\x00\\x00\\x08halfopen' at 0s");
    bench_free(b);
}

static void the_close_code_can_be_told(void)
{
    struct bench *b =
        bench_new("bad_frame: {what: bad_close_code, code: 65535, direction: to_client}");
    bench_open(b);
    CHECK_STR(bench_did(b), "inject to_client '\\x88\\x02\\xff\\xff' at 0s");
    bench_free(b);
}

static void it_comes_so_often(void)
{
    struct frame_run *r =
        frame_run_new("  - bad_frame: {times: 3, gap: 2s, direction: to_client}\n");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text rsv2 'halfopen'");
    frame_run_until(r, 4 * NSEC_PER_SEC - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text rsv2 'halfopen'");
    frame_run_until(r, 60 * NSEC_PER_SEC);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text rsv2 'halfopen'");
    CHECK_STR(frame_got(r, SIDE_SERVER), "");
    frame_run_free(r);
}

static void never_inside_a_message(void)
{
    struct frame_run *r =
        frame_run_new("  - wait: 1s\n  - bad_frame: {what: orphan_continuation}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, NSEC_PER_SEC);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "more 'b'; more 'halfopen'");
    frame_run_free(r);
}

static void not_after_a_close(void)
{
    struct frame_run *r = frame_run_new("  - wait: 1s\n  - bad_frame: {times: 2, gap: 1s}\n");
    frame_run_until(r, NSEC_PER_SEC);
    frame_send(r, SIDE_SERVER, OPCODE_CLOSE, "");
    frame_run_until(r, 10 * NSEC_PER_SEC);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text rsv2 'halfopen'; close ''");
    frame_run_free(r);
}

static void it_begins_when_the_websocket_opens(void)
{
    struct frame_run *r = frame_run_early("  - bad_frame: {direction: to_server}\n");
    CHECK_STR(frame_got(r, SIDE_SERVER), "text rsv2 'halfopen'");
    frame_run_free(r);
}

/* Through a chain that counts boundaries: the fault behind waits for the end of what it sees. */
static void the_fault_behind_it_knows_where_it_stands(void)
{
    struct frame_run *r =
        frame_run_new("  - bad_frame: {what: nested_message, direction: to_server}\n"
                      "  - bad_frame: {what: orphan_continuation, direction: to_server}\n");
    CHECK_STR(frame_got(r, SIDE_SERVER), "text+ 'half'; text 'open'; more 'halfopen'");
    frame_run_free(r);
}

SUITE(bad_frame, TEST(each_is_what_it_says), TEST(a_long_length_is_not_the_shortest),
      TEST(a_huge_length_has_the_top_bit), TEST(the_close_code_can_be_told),
      TEST(it_comes_so_often), TEST(never_inside_a_message), TEST(not_after_a_close),
      TEST(it_begins_when_the_websocket_opens), TEST(the_fault_behind_it_knows_where_it_stands))

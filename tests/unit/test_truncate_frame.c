#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void check_cut(const char *params, const char *payload, const char *client,
                      const char *server)
{
    char steps[200] = "";
    (void)snprintf(steps, sizeof steps, "  - truncate_frame: {%s}\n", params);
    struct frame_run *r = frame_run_new(steps);
    frame_keep(r);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, payload);
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "never");
    frame_send_whole_input(r, SIDE_SERVER);
    CHECK_STR(frame_got(r, SIDE_CLIENT), client);
    CHECK_STR(frame_got(r, SIDE_SERVER), server);
    frame_run_free(r);
}

static void the_payload_ends_early(void)
{
    check_cut("after: 3B", "abcdef", "cut after 5 bytes; end close", "end close");
    check_cut("after: 0B", "abcdef", "cut after 2 bytes; end close", "end close");
}

static void always_before_its_last_byte(void)
{
    check_cut("after: 5B", "abcdef", "cut after 7 bytes; end close", "end close");
    check_cut("after: 6B", "abcdef", "cut after 7 bytes; end close", "end close");
    check_cut("after: 1GiB", "", "cut after 1 bytes; end close", "end close");
}

static void or_the_head_does(void)
{
    check_cut("part: head, after: 1B", "abc", "cut after 1 bytes; end close", "end close");
    check_cut("part: head, after: 9B", "abc", "cut after 1 bytes; end close", "end close");
    check_cut("part: head, after: 0B", "abc", "end close", "end close");
}

static void in_the_way_asked_for(void)
{
    check_cut("ending: rst", "abc", "cut after 3 bytes; end rst", "end rst");
    check_cut("ending: silent", "abc", "cut after 3 bytes; end silent", "end silent");
}

static void however_it_is_sliced(void)
{
    struct frame_run *r = frame_run_new("  - truncate_frame: {after: 3B}\n");
    frame_slice(r);
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "abcdef");
    CHECK_STR(frame_got(r, SIDE_SERVER), "cut after 9 bytes; end close");
    frame_run_free(r);
}

static void a_large_frame_ends_inside_its_payload(void)
{
    struct frame_run *r = frame_run_new("  - truncate_frame: {after: 100000B}\n");
    frame_send_len(r, SIDE_SERVER, OPCODE_BINARY, 200000);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "cut after 100010 bytes; end close");
    frame_run_free(r);
}

static void messages_before_it_arrive(void)
{
    struct frame_run *r = frame_run_new("  - truncate_frame: {match: this}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "not that");
    frame_send(r, SIDE_SERVER, OPCODE_PING, "this");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "that");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "but this");
    CHECK_STR(frame_got(r, SIDE_CLIENT),
              "text 'not that'; ping 'this'; cut after 3 bytes; end close");
    CHECK_STR(frame_got(r, SIDE_SERVER), "text 'that'; end close");
    frame_run_free(r);
}

static void it_is_not_recorded_as_delivered(void)
{
    struct frame_run *r = frame_run_new("  - truncate_frame: {}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "abc");
    CHECK_INT(frame_events(r, "ws.delivered", ""), 0);
    CHECK_INT(frame_events(r, "tcp.shut", "\"by\":\"fault\""), 2);
    frame_run_free(r);
}

static void what_is_no_frame_passes(void)
{
    struct bench *b = bench_new("truncate_frame: {opcode: any}");
    bench_head(b, TO_SERVER, "GET / HTTP/1.1\r\n\r\n");
    bench_bytes(b, TO_CLIENT, "abc");
    CHECK_STR(bench_did(b), "pass; pass");
    bench_free(b);
}

static void its_own_end_changes_nothing_any_more(void)
{
    struct bench *b = bench_new("truncate_frame: {}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "abc");
    CHECK_STR(bench_did(b), "pass; end to_client close; cut server close(3); drop");
    bench_stop(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void the_end_of_the_source_is_no_second_one(void)
{
    struct bench *b = bench_new("truncate_frame: {}");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "abc");
    (void)bench_did(b);
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "drop");
    bench_free(b);
}

SUITE(truncate_frame, TEST(the_payload_ends_early), TEST(always_before_its_last_byte),
      TEST(or_the_head_does), TEST(in_the_way_asked_for), TEST(however_it_is_sliced),
      TEST(a_large_frame_ends_inside_its_payload), TEST(messages_before_it_arrive),
      TEST(it_is_not_recorded_as_delivered), TEST(what_is_no_frame_passes),
      TEST(its_own_end_changes_nothing_any_more), TEST(the_end_of_the_source_is_no_second_one))

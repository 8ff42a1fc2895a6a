#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"
#include "ws/deflate.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static void all_of_it_is_sent_in_one_frame(void)
{
    struct frame_run *r = frame_run_new("  - oversize_message: {size: 5MiB, rate: 1MiB/s}\n");
    frame_run_until(r, SECONDS(5));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary 5242880");
    CHECK_STR(frame_got(r, SIDE_SERVER), "binary 5242880");
    frame_run_free(r);
}

static void no_faster_than_asked(void)
{
    struct frame_run *r =
        frame_run_new("  - oversize_message: {size: 5MiB, rate: 1MiB/s, direction: to_client}\n");
    frame_run_until(r, SECONDS(4));
    const char *got = frame_got(r, SIDE_CLIENT);
    CHECK(strcmp(got, "cut after 4194304 bytes") >= 0);
    CHECK(strcmp(got, "cut after 4220000 bytes") < 0);
    frame_run_free(r);
}

static void or_in_fragments(void)
{
    struct frame_run *r = frame_run_new(
        "  - oversize_message: {size: 100B, form: fragments, piece: 40B, opcode: text}\n");
    frame_run_until(r, SECONDS(1));
    CHECK_CONTAINS(frame_got(r, SIDE_CLIENT), "text+ 'xxxx");
    const char *got = frame_got(r, SIDE_SERVER);
    CHECK_CONTAINS(got, "text+ 'xxxx");
    CHECK_CONTAINS(got, "x'; more+ 'xxxx");
    CHECK_CONTAINS(got, "x'; more 'xxxxxxxxxxxxxxxxxxxx'");
    CHECK(!strstr(got, "!"));
    frame_run_free(r);
}

/* The payload of an unmasked frame that was injected. */
static const char *payload_of(const char *injected, struct text *out)
{
    const char *at = strchr(injected, '\'') + 1;
    while (*at && *at != '\'') {
        unsigned byte = (unsigned char)*at;
        bool escaped = at[0] == '\\' && sscanf(at, "\\x%2x", &byte) == 1;
        uint8_t one = (uint8_t)byte;
        text_add_bytes(out, &one, 1);
        at += escaped ? 4 : 1;
    }
    return out->chars;
}

/* Two inflaters: with the window of the sender, and with the smallest there is. */
static void deflated_it_is_a_thousandth_of_its_size(void)
{
    for (int bits = 9; bits <= 15; bits += 6) {
        struct bench *b = bench_new("oversize_message: {size: 3MiB, form: deflated, opcode: text, "
                                    "direction: to_client}");
        struct deflate *inflater = deflate_new(bits, DEFLATE_CONTEXT_KEPT);
        struct text frame, got;
        text_init(&frame);
        text_init(&got);
        bench_open(b);
        const uint8_t *bytes = (const uint8_t *)payload_of(bench_did(b), &frame);
        CHECK_INT(bytes[0], 0x80 | RSV1 << 4 | OPCODE_TEXT);
        CHECK(frame.len < 4000);
        CHECK_INT(deflate_feed(inflater, bytes + 4, frame.len - 4, DEFLATE_LAST, &got, SIZE_MAX),
                  DEFLATE_OK);
        CHECK_INT(got.len, 3 << 20);
        CHECK(got.len > 0 && got.chars[0] == 'x' &&
              memcmp(got.chars, got.chars + 1, got.len - 1) == 0);
        text_fini(&frame);
        text_fini(&got);
        deflate_free(inflater);
        bench_free(b);
    }
}

static void what_the_peer_sends_meanwhile_comes_behind_it(void)
{
    struct frame_run *r =
        frame_run_new("  - oversize_message: {size: 2MiB, rate: 1MiB/s, direction: to_client}\n");
    frame_run_until(r, SECONDS(1));
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_SERVER, OPCODE_PING, "b");
    frame_run_until(r, SECONDS(3));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary 2097152; text 'a'; ping 'b'");
    frame_run_free(r);
}

static void control_frames_pass_between_fragments(void)
{
    struct frame_run *r =
        frame_run_new("  - oversize_message: {size: 100B, form: fragments, piece: "
                      "50B, rate: 25B/s, direction: to_client}\n");
    frame_run_until(r, SECONDS(1));
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_SERVER, OPCODE_PING, "b");
    frame_run_until(r, SECONDS(3));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary+ 50; ping 'b'; more 50; text 'a'");
    frame_run_free(r);
}

static void it_may_only_be_declared(void)
{
    struct frame_run *r = frame_run_new(
        "  - oversize_message: {size: 1024GiB, how: declared, direction: to_client}\n");
    frame_run_until(r, SECONDS(60));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "cut after 26 bytes");
    frame_run_free(r);
    struct bench *b =
        bench_new("oversize_message: {size: 65536B, how: declared, direction: to_client}");
    bench_open(b);
    CHECK_STR(bench_did(b), "inject to_client "
                            "'\\x82\\x7f\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00xxxxxxxxxxxxxxxx'");
    bench_free(b);
}

static void never_inside_a_message_of_the_peer(void)
{
    struct frame_run *r =
        frame_run_new("  - wait: 1s\n  - oversize_message: {size: 32B, direction: to_client}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    frame_run_until(r, SECONDS(3));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "more 'b'; binary 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'");
    frame_run_free(r);
}

static void inside_a_frame_its_end_is_a_reset(void)
{
    struct frame_run *r = frame_run_new(
        "  - oversize_message: {size: 2MiB, rate: 1MiB/s, direction: to_client, for: 1s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, SECONDS(1));
    CHECK_CONTAINS(frame_got(r, SIDE_CLIENT), "end rst");
    CHECK_STR(frame_got(r, SIDE_SERVER), "end rst");
    frame_run_free(r);
}

static void fragments_end_with_an_empty_one(void)
{
    struct frame_run *r =
        frame_run_new("  - oversize_message: {size: 100B, form: fragments, piece: "
                      "50B, rate: 1B/s, direction: to_client, for: 1s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, SECONDS(1));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary+ 50; more ''; text 'a'");
    frame_run_free(r);
}

static void where_there_is_no_room_it_waits(void)
{
    struct bench *b = bench_new("oversize_message: {size: 64B, direction: to_client}");
    b->no_room = true;
    bench_open(b);
    CHECK_STR(bench_did(b), "inject refused");
    CHECK_INT(b->wake, 10 * NSEC_PER_MSEC);
    b->no_room = false;
    bench_until(b, 10 * NSEC_PER_MSEC);
    CHECK_CONTAINS(bench_did(b), "inject to_client '\\x82@xxxx");
    CHECK_INT(b->wake, NEVER);
    bench_free(b);
}

static void the_end_of_the_peer_ends_it(void)
{
    struct frame_run *r =
        frame_run_new("  - oversize_message: {size: 1GiB, rate: 1MiB/s, direction: to_client}\n");
    frame_run_until(r, SECONDS(1));
    frame_end(r, SIDE_SERVER, CUT_FIN);
    size_t writes = frame_writes(r, SIDE_CLIENT);
    CHECK_CONTAINS(frame_got(r, SIDE_CLIENT), "end fin");
    frame_run_until(r, SECONDS(10));
    CHECK_INT(frame_writes(r, SIDE_CLIENT), writes);
    frame_run_free(r);
}

/* Towards the client a flood that began first stands behind: it waits for the end of the frame. */
static void other_faults_do_not_write_into_it(void)
{
    struct frame_run *r =
        frame_run_new("  - ping_flood: {rate: 10, direction: to_client}\n"
                      "  - oversize_message: {size: 1MiB, rate: 1MiB/s, direction: to_client}\n");
    frame_run_until(r, SECONDS(2));
    const char *got = frame_got(r, SIDE_CLIENT);
    CHECK_CONTAINS(got, "ping ''; binary 1048576; ping ''; ping ''");
    CHECK(!strstr(got, "cut"));
    frame_run_free(r);
}

SUITE(oversize_message, TEST(all_of_it_is_sent_in_one_frame), TEST(no_faster_than_asked),
      TEST(or_in_fragments), TEST(deflated_it_is_a_thousandth_of_its_size),
      TEST(what_the_peer_sends_meanwhile_comes_behind_it),
      TEST(control_frames_pass_between_fragments), TEST(it_may_only_be_declared),
      TEST(never_inside_a_message_of_the_peer), TEST(inside_a_frame_its_end_is_a_reset),
      TEST(fragments_end_with_an_empty_one), TEST(where_there_is_no_room_it_waits),
      TEST(the_end_of_the_peer_ends_it), TEST(other_faults_do_not_write_into_it))

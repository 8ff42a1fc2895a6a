/* send and inject: what of ours goes where. */
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

static void check_frames(const char *step, const char *client, const char *server)
{
    struct frame_run *r = frame_run_new(step);
    CHECK_STR(frame_got(r, SIDE_CLIENT), client);
    CHECK_STR(frame_got(r, SIDE_SERVER), server);
    frame_run_free(r);
}

static void a_message_goes_where_it_is_sent(void)
{
    check_frames("  - send: {to: client, text: hello}\n", "text 'hello'", "");
    check_frames("  - send: {to: server, text: hello}\n", "", "text 'hello'");
    check_frames("  - send: {text: hello}\n    to: both\n", "text 'hello'", "text 'hello'");
    check_frames("  - send: {text: hello}\n", "text 'hello'", "");
}

static void json_is_written_as_the_file_means_it(void)
{
    check_frames("  - send: {json: {n: [1, -2.5e3, '3', true]}}\n",
                 "text '{\"n\":[1,-2.5e3,\"3\",true]}'", "");
    check_frames("  - send: {json: [null, 007, {}, []]}\n", "text '[null,\"007\",{},[]]'", "");
    check_frames("  - send: {json: '[1, 2]'}\n", "text '[1, 2]'", "");
}

static void binary_is_hexadecimal(void)
{
    check_frames("  - send: {to: server, binary: '00 ff 41'}\n", "", "binary '\\x00\\xffA'");
}

static void a_message_to_the_server_is_masked(void)
{
    struct bench *b = bench_new("send: {to: server, text: hello}");
    bench_open(b);
    const char *did = bench_did(b);
    CHECK(did[0] == 'i' && b->fault.dirs == DIR_MASK(TO_SERVER));
    bench_free(b);
}

static void frames_are_as_they_are_written(void)
{
    check_frames("  - inject: {frames: {opcode: ping, fin: false, payload: hi}}\n", "ping+ 'hi'",
                 "");
    check_frames("  - inject: {to: both, frames: [{fin: false, payload: ha}, {opcode: ping}, "
                 "{opcode: continuation, rsv: 2, payload: lf}]}\n",
                 "text+ 'ha'; ping ''; more rsv2 'lf'", "text+ 'ha'; ping ''; more rsv2 'lf'");
    check_frames("  - inject: {frames: {opcode: close, code: 1006, reason: bye}}\n",
                 "close '\\x03\\xeebye'", "");
    check_frames("  - inject: {frames: {opcode: 11, mask: true, payload: hi}}\n",
                 "reserved 0xb 'hi' !mask", "");
    check_frames("  - inject: {frames: {length: 9, payload: hi}}\n", "cut after 4 bytes", "");
}

static void a_length_has_as_many_bits_as_asked(void)
{
    struct bench *b = bench_new("inject: {frames: {length_bits: 16, payload: hi}}");
    bench_open(b);
    CHECK_STR(bench_did(b), "inject to_client '\\x81~\\x00\\x02hi' at 0s");
    bench_free(b);
    b = bench_new("inject: {between: frames, frames: {length_bits: 64, payload: hi}}");
    bench_open(b);
    CHECK_STR(bench_did(b),
              "inject to_client '\\x81\\x7f\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02hi'");
    bench_free(b);
}

SUITE(speech, TEST(a_message_goes_where_it_is_sent), TEST(json_is_written_as_the_file_means_it),
      TEST(binary_is_hexadecimal), TEST(a_message_to_the_server_is_masked),
      TEST(frames_are_as_they_are_written), TEST(a_length_has_as_many_bits_as_asked))

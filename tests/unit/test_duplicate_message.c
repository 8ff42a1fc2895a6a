#include <string.h>

#include "base/mem.h"
#include "fault/lib/message.h"
#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static void copies_come_at_their_gaps(void)
{
    struct bench *b = bench_new("duplicate_message: {times: 2, gap: 3s}");
    bench_until(b, SECONDS(1));
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "a");
    CHECK_STR(bench_did(b),
              "inject to_client '\\x81\\x01a' at 4s; inject to_client '\\x81\\x01a' at "
              "7s; pass");
    bench_free(b);
}

static void the_message_itself_comes_first(void)
{
    struct frame_run *r = frame_run_new("  - duplicate_message: {}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "b");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'; text 'a'; text 'b'; text 'b'");
    frame_run_free(r);
}

/* frame_got says !key when a frame has the key of the one before it, !mask when it has none. */
static void copies_to_the_server_have_keys_of_their_own(void)
{
    struct frame_run *r = frame_run_new("  - duplicate_message: {times: 2}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_BINARY, "a");
    CHECK_STR(frame_got(r, SIDE_SERVER), "binary 'a'; binary 'a'; binary 'a'");
    frame_run_free(r);
}

static void copies_wait_for_the_end_of_a_message(void)
{
    struct frame_run *r = frame_run_new("  - duplicate_message: {gap: 1s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "b");
    frame_run_until(r, SECONDS(1));
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "c");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'; text+ 'b'; more 'c'; text 'a'");
    frame_run_free(r);
}

static void copies_that_wait_are_bounded(void)
{
    struct frame_run *r = frame_run_new("  - duplicate_message: {times: 100, gap: 1s}\n");
    for (int i = 0; i < 3; i++)
        frame_send_len(r, SIDE_SERVER, OPCODE_BINARY, MESSAGE_WHOLE_BYTES);
    (void)frame_got(r, SIDE_CLIENT);
    frame_run_until(r, SECONDS(1000));
    size_t copies = 0;
    for (const char *at = frame_got(r, SIDE_CLIENT); (at = strstr(at, "binary 65536")); at++)
        copies++;
    CHECK(copies > 50 && copies < 64);
    frame_run_free(r);
}

static void what_is_larger_comes_once(void)
{
    struct frame_run *r = frame_run_new("  - duplicate_message: {}\n");
    frame_send_len(r, SIDE_SERVER, OPCODE_BINARY, MESSAGE_WHOLE_BYTES + 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary 65537");
    frame_send_len(r, SIDE_SERVER, OPCODE_BINARY, MESSAGE_WHOLE_BYTES);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "binary 65536; binary 65536");
    frame_run_free(r);
}

static void copies_come_before_the_end(void)
{
    struct frame_run *r = frame_run_new("  - duplicate_message: {gap: 1s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_end(r, SIDE_SERVER, CUT_FIN);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'");
    frame_run_until(r, SECONDS(1));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'a'; end fin");
    frame_run_free(r);
}

SUITE(duplicate_message, TEST(copies_come_at_their_gaps), TEST(the_message_itself_comes_first),
      TEST(copies_to_the_server_have_keys_of_their_own), TEST(copies_wait_for_the_end_of_a_message),
      TEST(copies_that_wait_are_bounded), TEST(what_is_larger_comes_once),
      TEST(copies_come_before_the_end))

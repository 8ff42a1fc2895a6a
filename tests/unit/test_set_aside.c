#include "tests/check.h"
#include "tests/unit/frame_run.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static void the_end_of_the_source_waits_for_what_is_set_aside(void)
{
    struct frame_run *r = frame_run_new("  - delay_pong: {delay: 5s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_PONG, "late");
    frame_end(r, SIDE_SERVER, CUT_FIN);
    frame_run_until(r, SECONDS(5) - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, SECONDS(5));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "pong 'late'; end fin");
    frame_run_free(r);
}

static void a_reset_waits_for_nothing(void)
{
    struct frame_run *r = frame_run_new("  - delay_pong: {delay: 5s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_PONG, "late");
    frame_end(r, SIDE_SERVER, CUT_RST);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "end rst");
    frame_run_free(r);
}

static void what_is_set_aside_comes_between_messages(void)
{
    struct frame_run *r = frame_run_new("  - delay_pong: {delay: 1s, kind: application}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "pong");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "more 'b'; text 'pong'");
    frame_run_free(r);
}

static void what_is_set_aside_goes_on_when_the_fault_is_over(void)
{
    struct frame_run *r = frame_run_new("  - delay_pong: {delay: 1h, for: 3s}\n");
    frame_send(r, SIDE_SERVER, OPCODE_PONG, "1");
    frame_send(r, SIDE_SERVER, OPCODE_PONG, "2");
    frame_run_until(r, SECONDS(3) - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, SECONDS(3));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "pong '1'; pong '2'");
    frame_run_free(r);
}

SUITE(set_aside, TEST(the_end_of_the_source_waits_for_what_is_set_aside),
      TEST(a_reset_waits_for_nothing), TEST(what_is_set_aside_comes_between_messages),
      TEST(what_is_set_aside_goes_on_when_the_fault_is_over))

#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static void the_reply_is_waited_for(void)
{
    struct frame_run *r =
        frame_run_new("  - close_with: {code: 1012, reason: restart, direction: to_client}\n");
    frame_run_until(r, SECONDS(1));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "close '\\x03\\xf4restart'");
    frame_send(r, SIDE_CLIENT, OPCODE_CLOSE, "\x03\xf4");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "end fin");
    CHECK_STR(frame_got(r, SIDE_SERVER), "close '\\x03\\xf4'");
    frame_run_free(r);
}

static void but_not_for_ever(void)
{
    struct frame_run *r = frame_run_new("  - close_with: {patience: 3s, direction: to_client}\n");
    (void)frame_got(r, SIDE_CLIENT);
    frame_run_until(r, SECONDS(3) - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, SECONDS(3));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "end fin");
    frame_run_free(r);
}

static void or_fin_follows_at_once(void)
{
    struct frame_run *r = frame_run_new("  - close_with: {code: 1005, then: fin}\n");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "close ''; end fin");
    CHECK_STR(frame_got(r, SIDE_SERVER), "close ''; end fin");
    frame_run_free(r);
}

static void or_nothing_does_and_the_peer_talks_on(void)
{
    struct frame_run *r = frame_run_new("  - close_with: {then: nothing, direction: to_client}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_CLIENT, OPCODE_CLOSE, "");
    frame_run_until(r, SECONDS(60));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "close '\\x03\\xe9'; text 'a'");
    frame_run_free(r);
}

/* RFC 6455 5.5.1. */
static void nothing_comes_after_it(void)
{
    struct frame_run *r = frame_run_new("  - close_with: {direction: to_client}\n");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_send(r, SIDE_SERVER, OPCODE_CLOSE, "");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "close '\\x03\\xe9'");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "b");
    CHECK_STR(frame_got(r, SIDE_SERVER), "text 'b'");
    frame_run_free(r);
}

static void it_comes_between_messages_and_fin_behind_it(void)
{
    struct frame_run *r =
        frame_run_new("  - wait: 1s\n  - close_with: {then: fin, direction: to_client}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'");
    frame_send(r, SIDE_SERVER, OPCODE_CONTINUATION, "b");
    frame_run_until(r, SECONDS(3));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "more 'b'; close '\\x03\\xe9'; end fin");
    frame_run_free(r);
}

static void a_message_without_end_is_not_waited_for(void)
{
    struct frame_run *r =
        frame_run_new("  - wait: 1s\n  - close_with: {direction: to_client, patience: 5s}\n");
    frame_send_part(r, SIDE_SERVER, OPCODE_TEXT, "a");
    frame_run_until(r, SECONDS(6) - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text+ 'a'");
    frame_run_until(r, SECONDS(7));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "end fin");
    frame_run_free(r);
}

static void a_connection_that_opens_later_is_closed_as_it_opens(void)
{
    struct frame_run *r = frame_run_early("  - close_with: {code: 1013, direction: to_client}\n");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "close '\\x03\\xf5'");
    frame_run_free(r);
}

static void the_close_is_recorded_as_ours(void)
{
    struct frame_run *r = frame_run_new("  - close_with: {direction: to_server, code: 1008}\n");
    CHECK_INT(frame_events(r, "\"ev\":\"ws.close\",\"by\":\"fault\"",
                           "\"side\":\"client\",\"code\":1008"),
              1);
    frame_run_free(r);
}

static void its_end_ends_what_it_began(void)
{
    struct frame_run *r = frame_run_new("  - close_with: {direction: to_client, for: 2s}\n");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "close '\\x03\\xe9'; end fin");
    frame_run_free(r);
}

SUITE(close_with, TEST(the_reply_is_waited_for), TEST(but_not_for_ever),
      TEST(or_fin_follows_at_once), TEST(or_nothing_does_and_the_peer_talks_on),
      TEST(nothing_comes_after_it), TEST(it_comes_between_messages_and_fin_behind_it),
      TEST(a_message_without_end_is_not_waited_for),
      TEST(a_connection_that_opens_later_is_closed_as_it_opens),
      TEST(the_close_is_recorded_as_ours), TEST(its_end_ends_what_it_began))

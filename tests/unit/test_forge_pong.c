#include "tests/check.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/frame_run.h"

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static void a_ping_is_answered_and_goes_no_further(void)
{
    struct frame_run *r = frame_run_new("  - forge_pong: {}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_PING, "are you there");
    frame_send(r, SIDE_SERVER, OPCODE_PING, "and you");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "pong 'are you there'");
    CHECK_STR(frame_got(r, SIDE_SERVER), "pong 'and you'");
    frame_run_free(r);
}

static void or_it_goes_on(void)
{
    struct bench *b = bench_new("forge_pong: {ping: pass}");
    bench_frame(b, TO_SERVER, OPCODE_PING, "a");
    CHECK_STR(bench_did(b), "inject to_client '\\x8a\\x01a'; pass");
    bench_free(b);
}

static void the_answer_may_take_its_time(void)
{
    struct frame_run *r = frame_run_new("  - forge_pong: {delay: 2s}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_PING, "a");
    frame_run_until(r, SECONDS(2) - 1);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "");
    frame_run_until(r, SECONDS(2));
    CHECK_STR(frame_got(r, SIDE_CLIENT), "pong 'a'");
    frame_run_free(r);
}

static void only_pings_of_the_direction_asked_for(void)
{
    struct bench *b = bench_new("forge_pong: {direction: to_server}");
    bench_frame(b, TO_CLIENT, OPCODE_PING, "a");
    bench_frame(b, TO_SERVER, OPCODE_TEXT, "ping");
    bench_frame(b, TO_SERVER, OPCODE_PING, "");
    CHECK_STR(bench_did(b), "pass; pass; inject to_client '\\x8a\\x00'; drop");
    bench_free(b);
}

static void what_cannot_be_answered_goes_on(void)
{
    struct bench *b = bench_new("forge_pong: {}");
    b->no_room = true;
    bench_frame(b, TO_SERVER, OPCODE_PING, "a");
    CHECK_STR(bench_did(b), "inject refused; pass");
    bench_free(b);
}

/* Frames may not be put into another: the answer waits for the end of the one under way. */
static void the_answer_comes_between_frames(void)
{
    const uint8_t half[] = {0x81, 4, 'a', 'b'};
    struct frame_run *r = frame_run_new("  - forge_pong: {direction: to_server}\n");
    frame_send_bytes(r, SIDE_SERVER, half, sizeof half);
    frame_send(r, SIDE_CLIENT, OPCODE_PING, "x");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "cut after 4 bytes");
    frame_send_bytes(r, SIDE_SERVER, "cd", 2);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'abcd'; pong 'x'");
    frame_run_free(r);
}

/* Even when the head of that frame was cut before anybody looked. */
static void also_when_its_head_is_cut(void)
{
    const uint8_t part[] = {0x81}, rest[] = {2, 'a', 'b'};
    struct frame_run *r = frame_run_new("  - forge_pong: {direction: to_server}\n");
    frame_send_bytes(r, SIDE_SERVER, part, sizeof part);
    frame_send(r, SIDE_CLIENT, OPCODE_PING, "x");
    frame_send_bytes(r, SIDE_SERVER, rest, sizeof rest);
    CHECK_STR(frame_got(r, SIDE_CLIENT), "text 'ab'; pong 'x'");
    frame_run_free(r);
}

static void a_dead_peer_seems_alive(void)
{
    struct frame_run *r = frame_run_new("  - forge_pong: {direction: to_server}\n  - drop: {}\n");
    frame_send(r, SIDE_CLIENT, OPCODE_PING, "x");
    frame_send(r, SIDE_CLIENT, OPCODE_TEXT, "x");
    frame_send(r, SIDE_SERVER, OPCODE_TEXT, "x");
    CHECK_STR(frame_got(r, SIDE_CLIENT), "pong 'x'");
    CHECK_STR(frame_got(r, SIDE_SERVER), "");
    frame_run_free(r);
}

SUITE(forge_pong, TEST(a_ping_is_answered_and_goes_no_further), TEST(or_it_goes_on),
      TEST(the_answer_may_take_its_time), TEST(only_pings_of_the_direction_asked_for),
      TEST(what_cannot_be_answered_goes_on), TEST(the_answer_comes_between_frames),
      TEST(also_when_its_head_is_cut), TEST(a_dead_peer_seems_alive))

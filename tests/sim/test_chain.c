/* The chain of faults of a connection: its order, what waits behind what, and what a fault that
 * goes leaves to those that stay. Frames are told apart by their one byte of payload. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/internal.h"
#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/streams.h"
#include "tests/sim/world.h"
#include "ws/frame.h"

#define SECONDS(n) ((nsec)((n)*1e9))

struct chain {
    struct duct duct;
    size_t opened[DUCT_SIDES]; /* bytes of the upgrade */
    struct text heard;
};

/* An open WebSocket at 1 s, when the faults begin. */
static void chain_init(struct chain *chain, const char *faults)
{
    struct streams streams;
    char *steps = xprintf("  - wait: 1s\n%s", faults);
    *chain = (struct chain){0};
    streams_init(&streams);
    streams_add_upgrade(&streams, false);
    duct_init(&chain->duct, duct_plan(steps), 1);
    duct_send_all(&chain->duct, SIDE_CLIENT, &streams.from_client, 0, NULL);
    duct_send_all(&chain->duct, SIDE_SERVER, &streams.from_server, 0, NULL);
    for (int side = SIDE_CLIENT; side <= SIDE_SERVER; side++)
        chain->opened[side] = buf_len(&chain->duct.got[side]);
    duct_until(&chain->duct, SECONDS(1));
    streams_fini(&streams);
    free(steps);
}

static void chain_fini(struct chain *chain)
{
    text_fini(&chain->heard);
    duct_fini(&chain->duct);
}

/* Each letter is a text frame of its own, '<' a ping, '>' a pong. */
static void say(struct chain *chain, enum side from, const char *letters)
{
    static const uint8_t key[4] = {0, 0, 0, 0};
    uint8_t frame[FRAME_HEAD_MAX + 1];
    for (; *letters; letters++) {
        uint8_t opcode = *letters == '<'   ? OPCODE_PING
                         : *letters == '>' ? OPCODE_PONG
                                           : OPCODE_TEXT;
        size_t len =
            frame_build(frame, sizeof frame, opcode, letters, 1, from == SIDE_CLIENT ? key : NULL);
        CHECK(duct_send(&chain->duct, from, frame, len));
    }
}

/* The letters that reached that side until now. */
static const char *heard(struct chain *chain, enum side by)
{
    struct frame_decoder decoder;
    const uint8_t *bytes = buf_bytes(&chain->duct.got[by]) + chain->opened[by];
    size_t left = buf_len(&chain->duct.got[by]) - chain->opened[by], taken;
    enum frame_step step;
    text_clear(&chain->heard);
    frame_decoder_init(&decoder);
    while ((step = frame_decode(&decoder, bytes, left, &taken)) != FRAME_MORE) {
        if (step == FRAME_PAYLOAD)
            text_add_bytes(&chain->heard, bytes, taken);
        bytes += taken;
        left -= taken;
    }
    CHECK(frame_at_boundary(&decoder));
    return text_chars(&chain->heard);
}

/* --- One fault --- */

static void what_is_held_is_not_overtaken(void)
{
    struct chain chain;
    chain_init(&chain, "  - latency: {delay: 3s, jitter: 3s}\n    as: x\n");
    for (const char *letter = "abcdefghijklmnop"; *letter; letter++) {
        say(&chain, SIDE_SERVER, (char[]){*letter, '\0'});
        duct_until(&chain.duct, chain.duct.now + SECONDS(0.1));
    }
    duct_until(&chain.duct, SECONDS(20));
    CHECK_STR(heard(&chain, SIDE_CLIENT), "abcdefghijklmnop");
    chain_fini(&chain);
}

static void a_delay_is_exact(void)
{
    struct chain chain;
    chain_init(&chain, "  - latency: {delay: 3s}\n    as: x\n");
    say(&chain, SIDE_CLIENT, "a");
    duct_until(&chain.duct, SECONDS(4) - 1);
    CHECK_STR(heard(&chain, SIDE_SERVER), "");
    duct_until(&chain.duct, SECONDS(4));
    CHECK_STR(heard(&chain, SIDE_SERVER), "a");
    chain_fini(&chain);
}

static void what_is_set_aside_lets_others_by(void)
{
    struct chain chain;
    chain_init(&chain, "  - delay_pong: {delay: 3s}\n    as: x\n");
    say(&chain, SIDE_SERVER, "a>b");
    CHECK_STR(heard(&chain, SIDE_CLIENT), "ab");
    duct_until(&chain.duct, SECONDS(4));
    CHECK_STR(heard(&chain, SIDE_CLIENT), "ab>");
    chain_fini(&chain);
}

/* --- Several --- */

static uint64_t bytes_held(struct chain *chain)
{
    uint64_t bytes = 0;
    duct_end_run(&chain->duct);
    struct trace *trace = sim_read(&chain->duct.trace);
    for (int i = 0; i < sim_count(trace, EV_FAULT_ACT); i++) {
        const struct event *act = sim_event(trace, EV_FAULT_ACT, i);
        bytes += strcmp(act->fault_act.verb, "hold") == 0 ? act->fault_act.bytes : 0;
    }
    trace_free(trace);
    return bytes;
}

/* The list is a picture from client to server: what goes to the client meets the last fault first,
 * so that a pong is dropped there and never held by the one nearer to the client. */
static void the_chain_is_walked_backwards_to_the_client(void)
{
    struct chain chain;
    chain_init(&chain, "  - latency: {delay: 2s}\n    as: near\n"
                       "  - drop_pong: {}\n    as: far\n");
    say(&chain, SIDE_SERVER, "a>b");
    duct_until(&chain.duct, SECONDS(10));
    CHECK_STR(heard(&chain, SIDE_CLIENT), "ab");
    CHECK_INT(bytes_held(&chain), 6);
    chain_fini(&chain);
}

static void and_forwards_to_the_server(void)
{
    struct chain chain;
    chain_init(&chain, "  - latency: {delay: 2s}\n    as: near\n"
                       "  - drop_pong: {}\n    as: far\n");
    say(&chain, SIDE_CLIENT, "a>b");
    duct_until(&chain.duct, SECONDS(10));
    CHECK_STR(heard(&chain, SIDE_SERVER), "ab");
    CHECK_INT(bytes_held(&chain), 21);
    chain_fini(&chain);
}

static void two_delays_add_up(void)
{
    struct chain chain;
    chain_init(&chain,
               "  - latency: {delay: 2s}\n    as: x\n  - latency: {delay: 3s}\n    as: y\n");
    say(&chain, SIDE_CLIENT, "a");
    say(&chain, SIDE_SERVER, "b");
    duct_until(&chain.duct, SECONDS(6) - 1);
    CHECK_STR(heard(&chain, SIDE_SERVER), "");
    CHECK_STR(heard(&chain, SIDE_CLIENT), "");
    duct_until(&chain.duct, SECONDS(6));
    CHECK_STR(heard(&chain, SIDE_SERVER), "a");
    CHECK_STR(heard(&chain, SIDE_CLIENT), "b");
    chain_fini(&chain);
}

/* --- Comings and goings --- */

static void what_one_holds_is_not_disturbed_when_another_goes(void)
{
    struct chain chain;
    chain_init(&chain, "  - latency: {delay: 8s}\n    as: stays\n"
                       "  - latency: {delay: 1ms}\n    as: goes\n"
                       "  - wait: 3s\n  - clear: goes\n");
    say(&chain, SIDE_CLIENT, "ab");
    duct_until(&chain.duct, SECONDS(8.9));
    CHECK_STR(heard(&chain, SIDE_SERVER), "");
    duct_until(&chain.duct, SECONDS(9.1));
    CHECK_STR(heard(&chain, SIDE_SERVER), "ab");
    chain_fini(&chain);
}

static void what_a_fault_lets_go_meets_those_behind_it(void)
{
    struct chain chain;
    chain_init(&chain, "  - latency: {delay: 1h}\n    as: goes\n"
                       "  - latency: {delay: 5s}\n    as: stays\n"
                       "  - wait: 2s\n  - clear: goes\n");
    say(&chain, SIDE_CLIENT, "a");
    duct_until(&chain.duct, SECONDS(3));
    CHECK_STR(heard(&chain, SIDE_SERVER), "");
    say(&chain, SIDE_CLIENT, "b");
    duct_until(&chain.duct, SECONDS(8) - 1);
    CHECK_STR(heard(&chain, SIDE_SERVER), "");
    duct_until(&chain.duct, SECONDS(8));
    CHECK_STR(heard(&chain, SIDE_SERVER), "ab");
    chain_fini(&chain);
}

/* A fault that begins in the middle of a frame lets the rest of it pass as bytes of that frame. */
static void a_fault_that_begins_inside_a_frame_keeps_it_whole(void)
{
    struct chain chain;
    chain_init(&chain, "  - wait: 1s\n  - drop_pong: {}\n    as: x\n");
    CHECK(duct_send(&chain.duct, SIDE_SERVER, "\x81\x04ha", 4));
    duct_until(&chain.duct, SECONDS(2));
    CHECK(duct_send(&chain.duct, SIDE_SERVER, "lf\x8a\x01>\x81\x01z", 8));
    CHECK_STR(heard(&chain, SIDE_CLIENT), "halfz");
    chain_fini(&chain);
}

static void a_fault_that_begins_inside_a_head_keeps_it_whole(void)
{
    struct chain chain;
    chain_init(&chain, "  - wait: 1s\n  - drop_pong: {}\n    as: x\n");
    CHECK(duct_send(&chain.duct, SIDE_SERVER, "\x81", 1));
    duct_until(&chain.duct, SECONDS(2));
    CHECK(duct_send(&chain.duct, SIDE_SERVER, "\x04half\x8a\x01>", 8));
    CHECK_STR(heard(&chain, SIDE_CLIENT), "half");
    chain_fini(&chain);
}

static void a_fault_that_ends_inside_a_frame_leaves_no_half_of_it(void)
{
    struct chain chain;
    chain_init(&chain, "  - drop_pong: {}\n    as: x\n  - wait: 1s\n  - clear: x\n");
    CHECK(duct_send(&chain.duct, SIDE_SERVER,
                    "\x81\x01"
                    "a\x8a\x02>",
                    6));
    duct_until(&chain.duct, SECONDS(2));
    CHECK(duct_send(&chain.duct, SIDE_SERVER, ">\x81\x01z", 4));
    const char *got = heard(&chain, SIDE_CLIENT);
    CHECK(strcmp(got, "az") == 0 || strcmp(got, "a>>z") == 0);
    chain_fini(&chain);
}

/* --- Ends --- */

static void an_end_waits_behind_what_is_held(void)
{
    struct chain chain;
    chain_init(&chain, "  - latency: {delay: 3s}\n    as: x\n");
    say(&chain, SIDE_SERVER, "a");
    duct_end(&chain.duct, SIDE_SERVER, CUT_FIN);
    duct_until(&chain.duct, SECONDS(4) - 1);
    CHECK(!chain.duct.finished[SIDE_CLIENT]);
    duct_until(&chain.duct, SECONDS(7));
    CHECK_STR(heard(&chain, SIDE_CLIENT), "a");
    CHECK(chain.duct.finished[SIDE_CLIENT]);
    chain_fini(&chain);
}

static void a_dropped_end_is_never_seen(void)
{
    struct chain chain;
    chain_init(&chain, "  - drop: {direction: to_client}\n    as: x\n");
    duct_end(&chain.duct, SIDE_SERVER, CUT_FIN);
    duct_until(&chain.duct, SECONDS(1000));
    CHECK(!chain.duct.finished[SIDE_CLIENT]);
    chain_fini(&chain);
}

/* --- What is written of it --- */

static void runs_of_one_act_are_counted_together(void)
{
    struct chain chain;
    uint64_t count = 0, bytes = 0;
    chain_init(&chain, "  - drop: {direction: to_server}\n    as: x\n");
    for (int i = 0; i < 500; i++) {
        say(&chain, SIDE_CLIENT, "a");
        duct_until(&chain.duct, chain.duct.now + NSEC_PER_MSEC);
    }
    duct_end_run(&chain.duct);
    struct trace *trace = sim_read(&chain.duct.trace);
    for (int i = 0; i < sim_count(trace, EV_FAULT_ACT); i++) {
        count += sim_event(trace, EV_FAULT_ACT, i)->fault_act.count;
        bytes += sim_event(trace, EV_FAULT_ACT, i)->fault_act.bytes;
    }
    CHECK(sim_count(trace, EV_FAULT_ACT) <= 8);
    CHECK_INT(bytes, 500 * 7); /* head 2, key 4, payload 1 */
    CHECK(count >= 500);
    trace_free(trace);
    chain_fini(&chain);
}

SUITE(chain, TEST(what_is_held_is_not_overtaken), TEST(a_delay_is_exact),
      TEST(what_is_set_aside_lets_others_by), TEST(the_chain_is_walked_backwards_to_the_client),
      TEST(and_forwards_to_the_server), TEST(two_delays_add_up),
      TEST(what_one_holds_is_not_disturbed_when_another_goes),
      TEST(what_a_fault_lets_go_meets_those_behind_it),
      TEST(a_fault_that_begins_inside_a_frame_keeps_it_whole),
      TEST(a_fault_that_begins_inside_a_head_keeps_it_whole),
      TEST(a_fault_that_ends_inside_a_frame_leaves_no_half_of_it),
      TEST(an_end_waits_behind_what_is_held), TEST(a_dropped_end_is_never_seen),
      TEST(runs_of_one_act_are_counted_together))

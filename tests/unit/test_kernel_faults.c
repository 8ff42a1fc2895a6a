/* The faults that the kernel carries out: what they ask of it, and of what is sent. */
#include <string.h>

#include "tests/check.h"
#include "tests/unit/fault_bench.h"

/* --- blackhole --- */

static void both_legs_are_deafened_and_hear_again(void)
{
    struct bench *b = bench_new("blackhole: {}");
    bench_start(b);
    CHECK_STR(bench_did(b), "deafen server 1; deafen client 1");
    bench_stop(b);
    CHECK_STR(bench_did(b), "deafen server 0; deafen client 0");
    bench_free(b);
}

static void a_blackhole_on_one_leg_leaves_the_other_alone(void)
{
    struct bench *b = bench_new("blackhole: {direction: to_client}");
    bench_start(b);
    CHECK_STR(bench_did(b), "deafen client 1");
    bench_bytes(b, TO_SERVER, "a");
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

static void nothing_of_ours_goes_into_a_blackhole(void)
{
    struct bench *b = bench_new("blackhole: {}");
    bench_bytes(b, TO_CLIENT, "a");
    bench_frame(b, TO_CLIENT, OPCODE_TEXT, "head and payload");
    bench_end(b, TO_SERVER, CUT_FIN);
    CHECK_STR(bench_did(b), "hold for ever; hold for ever; hold for ever; hold for ever");
    bench_free(b);
}

static void a_connection_that_comes_into_a_blackhole_waits(void)
{
    struct bench *b = bench_new("blackhole: {}");
    bench_attempt(b);
    CHECK_STR(bench_did(b), "hang for ever");
    bench_free(b);
}

static enum door door_of(const char *yaml)
{
    struct bench *b = bench_new(yaml);
    enum door door = b->step->desc->door(b->step->config, FAMILY_IPV4, FAMILY_IPV6);
    bench_free(b);
    return door;
}

static void connects_hang_only_when_asked(void)
{
    CHECK_INT(door_of("blackhole: {}"), DOOR_OPEN);
    CHECK_INT(door_of("blackhole: {syns: true}"), DOOR_HANG);
    CHECK_INT(door_of("connect_hang: {}"), DOOR_HANG);
    CHECK_INT(door_of("address_down: {family: ipv4}"), DOOR_SHUT);
    CHECK_INT(door_of("address_down: {family: ipv6}"), DOOR_OPEN);
    CHECK_INT(door_of("address_down: {}"), DOOR_OPEN); /* what is used is IPv6 */
}

/* --- packet_loss --- */

static void a_loss_is_what_was_asked_for(void)
{
    struct bench *b = bench_new("packet_loss: {ratio: 25%, direction: to_client}");
    bench_start(b);
    CHECK_STR(bench_did(b), "deafen client 0.25");
    bench_stop(b);
    CHECK_STR(bench_did(b), "deafen client 0");
    bench_free(b);
}

#define UNITS 4000

/* How many of so many units came late by that word. */
static unsigned late(struct bench *b, const char *word)
{
    unsigned count = 0;
    for (int i = 0; i < UNITS; i++) {
        bench_bytes(b, TO_CLIENT, "a");
        count += strcmp(bench_did(b), word) == 0;
    }
    return count;
}

static void what_is_sent_is_late_as_often_as_it_would_be_lost(void)
{
    struct bench *b = bench_new("packet_loss: {ratio: 25%, late: 100ms}");
    unsigned passed = late(b, "pass");
    CHECK(passed > UNITS * 0.70 && passed < UNITS * 0.80);
    unsigned once = late(b, "hold until 100ms");
    CHECK(once > UNITS * 0.15 && once < UNITS * 0.23); /* lost once, not twice: 0.25 x 0.75 */
    unsigned twice = late(b, "hold until 300ms");
    CHECK(twice > UNITS * 0.03 && twice < UNITS * 0.07); /* 0.25 x 0.25 x 0.75 */
    bench_free(b);
}

static void late_0s_holds_nothing(void)
{
    struct bench *b = bench_new("packet_loss: {ratio: 95%, late: 0s}");
    CHECK_INT(late(b, "pass"), UNITS);
    bench_free(b);
}

static void an_end_is_not_lost(void)
{
    struct bench *b = bench_new("packet_loss: {ratio: 95%}");
    bench_end(b, TO_CLIENT, CUT_FIN);
    CHECK_STR(bench_did(b), "pass");
    bench_free(b);
}

/* --- silent_close --- */

static void the_sockets_vanish(void)
{
    struct bench *b = bench_new("silent_close: {}");
    bench_start(b);
    CHECK_STR(bench_did(b), "cut server vanish; cut client vanish");
    bench_stop(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static void with_answer_none_they_stay_and_are_deaf(void)
{
    struct bench *b = bench_new("silent_close: {answer: none, direction: to_server}");
    bench_start(b);
    CHECK_STR(bench_did(b), "deafen server 1; cut server silent");
    bench_stop(b);
    CHECK_STR(bench_did(b), "");
    bench_free(b);
}

static enum fault_need need_of(const char *yaml)
{
    struct bench *b = bench_new(yaml);
    enum fault_need need = fault_needs(b->step->desc, b->step->config);
    bench_free(b);
    return need;
}

static void each_needs_what_it_uses(void)
{
    CHECK_INT(need_of("silent_close: {}"), NEED_REPAIR);
    CHECK_INT(need_of("silent_close: {answer: none}"), NEED_FILTER);
    CHECK_INT(need_of("blackhole: {}"), NEED_FILTER);
    CHECK_INT(need_of("packet_loss: {}"), NEED_FILTER);
    CHECK_INT(need_of("connect_hang: {}"), NEED_NOTHING);
    CHECK_INT(need_of("drop: {}"), NEED_NOTHING);
}

SUITE(kernel_faults, TEST(both_legs_are_deafened_and_hear_again),
      TEST(a_blackhole_on_one_leg_leaves_the_other_alone),
      TEST(nothing_of_ours_goes_into_a_blackhole),
      TEST(a_connection_that_comes_into_a_blackhole_waits), TEST(connects_hang_only_when_asked),
      TEST(a_loss_is_what_was_asked_for), TEST(what_is_sent_is_late_as_often_as_it_would_be_lost),
      TEST(late_0s_holds_nothing), TEST(an_end_is_not_lost), TEST(the_sockets_vanish),
      TEST(with_answer_none_they_stay_and_are_deaf), TEST(each_needs_what_it_uses))

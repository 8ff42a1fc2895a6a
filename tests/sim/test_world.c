/* The simulated world itself: that it is the same every time, and that its kernel behaves like one.
 */
#include "tests/check.h"
#include "tests/sim/wire.h"
#include "tests/sim/world.h"

#include <string.h>

#define HEARTBEAT "scenarios/client/heartbeat.yaml"
#define HERD      "scenarios/client/refused-reconnects.yaml"

static struct text trace_of(const char *path, uint64_t seed, nsec lateness)
{
    struct plan *plan = sim_plan(path);
    struct sim_config cfg;
    struct text trace;
    text_init(&trace);
    sim_config_init(&cfg, plan);
    cfg.seed = seed;
    cfg.lateness = lateness;
    CHECK_STR(sim_run(&cfg, &trace), "finished");
    plan_free(plan);
    return trace;
}

static void same_seed_same_trace(void)
{
    struct text one = trace_of(HERD, 7, 0), other = trace_of(HERD, 7, 0);
    CHECK_BYTES(one.chars, one.len, other.chars, other.len);
    text_fini(&one);
    text_fini(&other);
    one = trace_of(HERD, 7, 5 * NSEC_PER_MSEC);
    other = trace_of(HERD, 7, 5 * NSEC_PER_MSEC);
    CHECK_BYTES(one.chars, one.len, other.chars, other.len);
    text_fini(&one);
    text_fini(&other);
}

static void another_seed_another_trace(void)
{
    struct text one = trace_of(HERD, 7, 0), other = trace_of(HERD, 8, 0);
    CHECK(strstr(text_chars(&one), "\"seed\":7,") != NULL);
    CHECK(strstr(text_chars(&other), "\"seed\":8,") != NULL);
    const char *rest = strchr(text_chars(&one), '\n'), *others = strchr(text_chars(&other), '\n');
    CHECK(strcmp(rest, others) != 0);
    text_fini(&one);
    text_fini(&other);
}

static void late_timers_are_another_trace(void)
{
    struct text one = trace_of(HEARTBEAT, 1, 0);
    struct text other = trace_of(HEARTBEAT, 1, 20 * NSEC_PER_MSEC);
    CHECK(strcmp(strchr(text_chars(&one), '\n'), strchr(text_chars(&other), '\n')) != 0);
    text_fini(&one);
    text_fini(&other);
}

static void a_wire_takes_what_both_buffers_hold(void)
{
    struct wire wire;
    uint8_t bytes[100] = {0};
    wire_init(&wire, 30, 12);
    CHECK_INT(wire_write(&wire, bytes, 42), 42);
    CHECK(!wire_take_room(&wire));
    CHECK_INT(wire_write(&wire, bytes, 1), 0);
    CHECK_INT(wire_unread(&wire), 12);
    CHECK_INT(wire_unsent(&wire), 30);
    wire_fini(&wire);
}

static void a_writer_is_woken_when_a_third_is_free(void)
{
    struct wire wire;
    uint8_t bytes[100] = {0};
    wire_init(&wire, 30, 12);
    CHECK_INT(wire_write(&wire, bytes, 50), 42);
    CHECK_INT(wire_take(&wire, bytes, 9), 9);
    CHECK(!wire_take_room(&wire));
    CHECK_INT(wire_take(&wire, bytes, 1), 1);
    CHECK(wire_take_room(&wire));
    CHECK(!wire_take_room(&wire));
    wire_fini(&wire);
}

static void an_end_comes_after_the_bytes_and_a_reset_instead_of_them(void)
{
    struct wire wire;
    uint8_t bytes[8] = {0};
    wire_init(&wire, 30, 12);
    CHECK_INT(wire_write(&wire, bytes, 2), 2);
    wire.fin = true;
    CHECK(!wire_at_end(&wire));
    CHECK_INT(wire_take(&wire, bytes, 8), 2);
    CHECK(wire_at_end(&wire));
    wire_fini(&wire);
    wire_init(&wire, 30, 12);
    CHECK_INT(wire_write(&wire, bytes, 2), 2);
    wire_reset(&wire);
    CHECK(wire_at_end(&wire));
    CHECK_INT(wire_take(&wire, bytes, 8), 0);
    wire_fini(&wire);
}

SUITE(world, TEST(same_seed_same_trace), TEST(another_seed_another_trace),
      TEST(late_timers_are_another_trace), TEST(a_wire_takes_what_both_buffers_hold),
      TEST(a_writer_is_woken_when_a_third_is_free),
      TEST(an_end_comes_after_the_bytes_and_a_reset_instead_of_them))

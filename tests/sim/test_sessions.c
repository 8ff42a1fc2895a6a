/* One connection under plans made at random, with bytes cut at random, sockets that take little,
 * ends at any moment and a clock that jumps: nothing crashes, no buffer exceeds its limit, what is
 * recorded is consistent, and nothing is held when it is over. Then, fault by fault: what a fault
 * held goes on at once and in order when it ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/internal.h"
#include "tests/check.h"
#include "tests/sim/duct.h"
#include "tests/sim/streams.h"

#define READ_BYTES ((size_t)64 << 10) /* what one call may add beyond a high mark */

static size_t count_faults(void)
{
    size_t count = 0;
    while (all_faults[count])
        count++;
    return count;
}

/* --- Plans --- */

/* A fault by its example, to be known by a label where it may run in the background. */
static bool add_fault(struct text *steps, int label, struct rng *rng)
{
    static const char *const moments[] = {"", "    at: {after: open, at_most: 2s}\n",
                                          "    at: {after: ping, at_most: 5s}\n"};
    const struct fault_desc *fault = all_faults[rng_between(rng, 0, (int64_t)count_faults() - 1)];
    text_addf(steps, "  - %s\n", fault->example);
    if (fault->instant || strstr(fault->example, "for:"))
        return false;
    int64_t latest = fault_only_at_acceptance(fault) ? 0 : 2;
    text_addf(steps, "%s    as: f%d\n", moments[rng_between(rng, 0, latest)], label);
    return true;
}

static void add_between(struct text *steps, struct rng *rng)
{
    static const char *const waits[] = {"  - wait: 20ms\n", "  - wait: 1s\n", "  - wait: 7s\n",
                                        "  - close: {code: 1001, to: client}\n",
                                        "  - wait: {until: closed, at_most: 3s}\n"};
    text_add(steps, waits[rng_between(rng, 0, 4)]);
}

static struct plan *random_plan(struct rng *rng)
{
    struct text steps;
    int labels[4] = {0};
    text_init(&steps);
    if (rng_unit(rng) < 0.5)
        text_add(&steps, "  - wait: 10ms\n");
    for (int i = 0; i < 4; i++) {
        labels[i] = add_fault(&steps, i, rng);
        if (rng_unit(rng) < 0.6)
            add_between(&steps, rng);
    }
    for (int i = 0; i < 4; i++)
        if (labels[i] && rng_unit(rng) < 0.6)
            text_addf(&steps, "  - clear: f%d\n", i);
    struct plan *plan = duct_plan(text_chars(&steps));
    text_fini(&steps);
    return plan;
}

/* --- A life --- */

struct life {
    struct duct duct;
    struct streams streams;
    size_t said[DUCT_SIDES];
    struct rng rng;
};

static void say(struct life *life, enum side from)
{
    const struct buf *bytes = streams_of(&life->streams, from);
    size_t left = buf_len(bytes) - life->said[from];
    size_t most = rng_unit(&life->rng) < 0.3 ? 20 : READ_BYTES;
    size_t len = (size_t)rng_between(&life->rng, 0, (int64_t)(left < most ? left : most));
    if (len > 0 && duct_send(&life->duct, from, buf_bytes(bytes) + life->said[from], len))
        life->said[from] += len;
}

static void let_time_pass(struct life *life)
{
    static const nsec steps[] = {
        0, NSEC_PER_USEC, NSEC_PER_MSEC, 150 * NSEC_PER_MSEC, NSEC_PER_SEC, 8 * NSEC_PER_SEC};
    duct_until(&life->duct, life->duct.now + steps[rng_between(&life->rng, 0, 5)]);
}

static void do_something(struct life *life)
{
    double dice = rng_unit(&life->rng);
    enum side side = rng_unit(&life->rng) < 0.5 ? SIDE_CLIENT : SIDE_SERVER;
    if (dice < 0.6)
        say(life, side);
    else if (dice < 0.8)
        let_time_pass(life);
    else if (dice < 0.97)
        duct_give_room(&life->duct, side, (size_t)rng_between(&life->rng, 0, 200000));
    else
        duct_end(&life->duct, side, rng_unit(&life->rng) < 0.7 ? CUT_FIN : CUT_RST);
}

static bool within_limits(const struct session *s, int d)
{
    bool within = buf_len(&s->lanes[d].out) <= OUT_LIMIT_BYTES;
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *in = s->instances[i];
        size_t held = in->queue[d].bytes + in->aside[d].bytes;
        within = within && held <= HELD_HIGH_BYTES + ASIDE_LIMIT_BYTES + READ_BYTES &&
                 buf_len(&in->inject[d]) <= HELD_HIGH_BYTES;
    }
    return within;
}

static void check_limits(const struct life *life)
{
    const struct session *s = life->duct.session;
    CHECK(!s || (within_limits(s, TO_SERVER) && within_limits(s, TO_CLIENT)));
}

static void life_init(struct life *life, uint64_t seed)
{
    *life = (struct life){0};
    rng_init(&life->rng, seed, "life", 0);
    enum manners manners = rng_unit(&life->rng) < 0.3 ? WILD : SOUND;
    bool compressed = rng_unit(&life->rng) < 0.3;
    streams_init(&life->streams);
    if (rng_unit(&life->rng) < 0.9)
        streams_add_upgrade(&life->streams, compressed);
    streams_add_frames(&life->streams, SIDE_CLIENT, manners, compressed, 30, 70000, &life->rng);
    streams_add_frames(&life->streams, SIDE_SERVER, manners, compressed, 30, 70000, &life->rng);
    duct_init(&life->duct, random_plan(&life->rng), seed);
    if (rng_unit(&life->rng) < 0.5)
        life->duct.room[SIDE_CLIENT] = life->duct.room[SIDE_SERVER] = 1000;
}

/* --- What was recorded --- */

static bool is_off(const struct event *off, const struct event *on)
{
    return off->kind == EV_FAULT_OFF && off->conn == on->conn &&
           strcmp(off->fault_off.label, on->fault_on.label) == 0;
}

static void check_ends(const struct trace *trace, const struct event *on)
{
    const struct event *end = trace->events + trace->count, *ev = on + 1;
    while (ev < end && !is_off(ev, on) && !(on->conn == 0 && ev->kind == EV_RUN_END))
        ev++;
    CHECK_STR(ev < end ? "ends" : on->fault_on.fault, "ends");
}

static bool is_of(const struct event *ev, const struct event *off)
{
    if (ev->conn != off->conn)
        return false;
    const char *label = ev->kind == EV_FAULT_ON    ? ev->fault_on.label
                        : ev->kind == EV_FAULT_OFF ? ev->fault_off.label
                        : ev->kind == EV_FAULT_ACT ? ev->fault_act.label
                                                   : "";
    return strcmp(label, off->fault_off.label) == 0;
}

/* Once it is off for the last time, a fault does nothing more on that connection. */
static void check_rests(const struct trace *trace, const struct event *off)
{
    const struct event *next = off + 1, *end = trace->events + trace->count;
    while (next < end && !is_of(next, off))
        next++;
    bool acts = next < end && next->kind == EV_FAULT_ACT;
    while (acts && next < end && !(is_of(next, off) && next->kind == EV_FAULT_OFF))
        next++;
    if (acts && next == end)
        CHECK_STR(off->fault_off.fault, "rests");
}

static void check_record(const struct text *lines)
{
    struct diag *diag = diag_new();
    struct trace *trace = trace_parse("trace.jsonl", text_chars(lines), lines->len, diag);
    CHECK(trace != NULL && diag_problems(diag) == 0);
    for (size_t i = 0; trace && i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (i > 0 && ev->at < ev[-1].at)
            CHECK_INT(ev->at, ev[-1].at);
        if (ev->kind == EV_FAULT_ON)
            check_ends(trace, ev);
        if (ev->kind == EV_FAULT_OFF && ev->conn != 0)
            check_rests(trace, ev);
    }
    CHECK(trace && trace->complete);
    trace_free(trace);
    diag_free(diag);
}

static void live(uint64_t seed)
{
    struct life life;
    life_init(&life, seed);
    for (int i = 0; i < 120; i++) {
        do_something(&life);
        check_limits(&life);
    }
    duct_end_run(&life.duct);
    CHECK(life.duct.run->sessions == NULL);
    check_record(&life.duct.trace);
    duct_fini(&life.duct);
    streams_fini(&life.streams);
}

static void any_session_ends_well(void)
{
    for (uint64_t seed = 1; seed <= 120; seed++)
        live(seed);
}

/* --- Limits under pressure --- */

/* As much as the core takes of a side whose other end takes nothing. */
static size_t pressed_into(struct duct *duct, enum side from)
{
    static const uint8_t bytes[READ_BYTES];
    size_t taken = 0;
    while (taken < ((size_t)64 << 20) && duct_send(duct, from, bytes, sizeof bytes))
        taken += sizeof bytes;
    return taken;
}

static void a_sink_that_takes_nothing_is_not_buffered_for_without_bound(void)
{
    struct duct duct;
    duct_init(&duct, duct_plan(""), 1);
    duct.room[SIDE_SERVER] = 0;
    size_t taken = pressed_into(&duct, SIDE_CLIENT);
    CHECK(taken >= OUT_HIGH_BYTES);
    CHECK(taken <= OUT_HIGH_BYTES + READ_BYTES);
    duct_fini(&duct);
}

static void a_fault_that_holds_holds_within_its_limit(void)
{
    struct duct duct;
    duct_init(&duct, duct_plan("  - latency: {delay: 1h}\n    as: x\n"), 1);
    size_t taken = pressed_into(&duct, SIDE_CLIENT);
    CHECK(taken >= HELD_HIGH_BYTES);
    CHECK(taken <= HELD_HIGH_BYTES + READ_BYTES);
    duct_fini(&duct);
}

/* --- The end of a fault --- */

/* The faults that keep bytes and neither lose nor change any. */
static const char *const keepers[] = {"bandwidth: {rate: 100B/s, burst: 1B}",
                                      "latency: {delay: 1m}", "latency: {delay: 2s, jitter: 2s}",
                                      "slice: {size: 1B, delay: 1s}", "stall: {}"};

static void check_releases(const char *keeper)
{
    struct streams streams;
    struct duct duct;
    struct rng rng;
    char *steps = xprintf("  - wait: 1s\n  - %s\n    as: x\n  - wait: 9s\n  - clear: x\n", keeper);
    rng_init(&rng, 1, keeper, 0);
    streams_init(&streams);
    streams_add_upgrade(&streams, false);
    duct_init(&duct, duct_plan(steps), 1);
    duct_send_all(&duct, SIDE_CLIENT, &streams.from_client, 0, NULL);
    duct_send_all(&duct, SIDE_SERVER, &streams.from_server, 0, NULL);
    size_t before = buf_len(&streams.from_server);
    streams_add_frames(&streams, SIDE_SERVER, SOUND, false, 20, 3000, &rng);
    const uint8_t *rest = buf_bytes(&streams.from_server) + before;
    size_t left = buf_len(&streams.from_server) - before, said = 0;
    duct_until(&duct, 999 * NSEC_PER_MSEC);
    /* What a stall keeps is what was read before it was told to stop: half of it a moment before.
     */
    if (duct_send(&duct, SIDE_SERVER, rest, left / 2))
        said = left / 2;
    duct_until(&duct, NSEC_PER_SEC);
    for (; said < left && duct_send(&duct, SIDE_SERVER, rest + said, 1); said++)
        duct_until(&duct, duct.now + NSEC_PER_MSEC);
    duct_until(&duct, 10 * NSEC_PER_SEC);
    CHECK_BYTES(buf_bytes(&duct.got[SIDE_CLIENT]), buf_len(&duct.got[SIDE_CLIENT]),
                buf_bytes(&streams.from_server), before + said);
    duct_fini(&duct);
    streams_fini(&streams);
    free(steps);
}

static void what_a_fault_held_goes_on_at_once_and_in_order(void)
{
    for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++)
        check_releases(keepers[i]);
}

SUITE(sessions, TEST(any_session_ends_well),
      TEST(a_sink_that_takes_nothing_is_not_buffered_for_without_bound),
      TEST(a_fault_that_holds_holds_within_its_limit),
      TEST(what_a_fault_held_goes_on_at_once_and_in_order))

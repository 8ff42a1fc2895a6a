/* What holds for every trace a scenario leaves, whoever played it: it is read back as it was
 * written and as it is kept in memory, faults that began end, findings cite what is there, and how
 * reads were cut changes no verdict. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/kept.h"
#include "tests/sim/transcript.h"
#include "tests/sim/world.h"
#include "tests/spread.h"
#include "trace/recorder.h"

static const char *const players[] = {NULL, "no_heartbeat", "never_reconnects",
                                      "reconnects_at_once"};

#define PLAYERS (sizeof players / sizeof *players)

/* One run: the lines that were written, and the trace read from them. */
struct seen {
    const char *scenario;
    const struct text *lines;
    const struct trace *trace, *kept; /* kept: the same from memory */
};

static struct sim_config config_of(const struct plan *plan, const char *flaw, size_t slice)
{
    struct sim_config cfg;
    sim_config_init(&cfg, plan);
    cfg.seed = 5;
    cfg.lateness = 3 * NSEC_PER_MSEC;
    cfg.slice = slice;
    if (flaw)
        CHECK(client_flaw_apply(&cfg.client, flaw));
    return cfg;
}

/* --- Written again, it is the same --- */

static void write_again(const struct seen *seen)
{
    const struct trace *trace = seen->trace;
    struct text again;
    text_init(&again);
    for (size_t i = 0; i < trace->count; i++) {
        event_write(&trace->events[i], &again);
        text_add(&again, "\n");
    }
    /* Times are kept to the microsecond: seconds of an event lose nothing by being read. */
    CHECK_BYTES(again.chars, again.len, seen->lines->chars, seen->lines->len);
    text_fini(&again);
}

/* --- Order --- */

static void look_at_order(const struct seen *seen)
{
    const struct trace *trace = seen->trace;
    const struct event *last = &trace->events[trace->count - 1];
    CHECK(trace->complete);
    CHECK_INT(last->kind, EV_RUN_END);
    CHECK_INT(trace->events[0].kind, EV_RUN_START);
    for (size_t i = 0; i < trace->count; i++) {
        CHECK_INT(trace->events[i].seq, i + 1);
        if (i > 0 && trace->events[i].at < trace->events[i - 1].at)
            CHECK_STR("time goes back", seen->scenario);
    }
}

/* --- Ends --- */

static bool ends(const struct event *ev, const struct event *on)
{
    if (on->kind == EV_FAULT_ON)
        return ev->kind == EV_FAULT_OFF && ev->conn == on->conn &&
               strcmp(ev->fault_off.label, on->fault_on.label) == 0;
    if (on->kind == EV_TCP_OPEN)
        return ev->kind == EV_CONN_END && ev->conn == on->conn;
    return ev->kind == EV_STEP_END && ev->step_end.step == on->step_start.step;
}

static void look_for_ends(const struct seen *seen)
{
    const struct trace *trace = seen->trace;
    const struct event *end = trace->events + trace->count;
    for (const struct event *on = trace->events; on < end; on++) {
        bool begins =
            on->kind == EV_FAULT_ON || on->kind == EV_TCP_OPEN || on->kind == EV_STEP_START;
        const struct event *ev = on + 1;
        while (begins && ev < end && !ends(ev, on) && !(on->conn == 0 && ev->kind == EV_RUN_END))
            ev++;
        if (begins && ev == end)
            CHECK_STR(event_name(on->kind), "something that ends");
    }
}

/* Nothing is said of a connection before it is accepted and after its end. */
static void look_at_lives(const struct seen *seen)
{
    const struct trace *trace = seen->trace;
    uint8_t *alive = xcalloc(trace->count + 1, 1); /* by conn */
    for (size_t i = 0; i < trace->count; i++) {
        const struct event *ev = &trace->events[i];
        if (ev->conn == 0)
            continue;
        bool fine = ev->kind == EV_TCP_OPEN ? !alive[ev->conn] : alive[ev->conn] == 1;
        if (!fine)
            CHECK_STR(event_name(ev->kind), seen->scenario);
        alive[ev->conn] = ev->kind == EV_CONN_END ? 2 : 1;
    }
    free(alive);
}

/* --- Evidence --- */

static void look_at_evidence(const struct seen *seen)
{
    const struct trace *trace = seen->trace;
    struct scenario_result result = {0};
    judge_trace(trace, NULL, &result);
    for (size_t i = 0; i < result.rule_count; i++) {
        const struct rule_result *rule = &result.rules[i];
        bool cited = rule->from == 0 && rule->to == 0;
        if (!cited)
            cited = trace_at_seq(trace, rule->from) && trace_at_seq(trace, rule->to) &&
                    rule->from <= rule->to;
        CHECK_STR(cited ? "" : rule->rule->name, "");
        bool decided = rule->verdict == FAIL || rule->verdict == WARN || rule->verdict == PASS;
        if (decided && rule->from == 0)
            CHECK_STR(rule->rule->name, "evidence");
    }
    scenario_result_fini(&result);
}

/* --- From memory --- */

/* What most simulations judge is what would have been read. */
static void compare_with_memory(const struct seen *seen)
{
    const struct trace *trace = seen->trace, *kept = seen->kept;
    size_t i = kept_same_until(kept, trace);
    CHECK_STR(i < trace->count ? event_name(trace->events[i].kind) : "", "");
    CHECK_INT(kept->count, trace->count);
    CHECK_INT(kept->declares, trace->declares);
    struct text ours, theirs;
    text_init(&ours);
    text_init(&theirs);
    policy_write_json(&kept->policy, NULL, &ours);
    policy_write_json(&trace->policy, NULL, &theirs);
    CHECK_STR(text_chars(&ours), text_chars(&theirs));
    text_fini(&ours);
    text_fini(&theirs);
}

/* --- All of them --- */

static void (*const looks[])(const struct seen *) = {write_again,      look_at_order,
                                                     look_for_ends,    look_at_lives,
                                                     look_at_evidence, compare_with_memory};

static void look_at(const struct sim_config *cfg)
{
    struct text lines;
    struct trace *kept;
    text_init(&lines);
    CHECK_STR(sim_keep(cfg, &lines, &kept), "finished");
    struct trace *read = sim_read(&lines);
    struct seen seen = {.scenario = cfg->plan->name, .lines = &lines, .trace = read, .kept = kept};
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        looks[i](&seen);
    trace_free(read);
    trace_free(kept);
    text_fini(&lines);
}

/* Who plays as the sound client does leaves the same trace. */
static void look_at_piece(void *context, size_t piece, struct text *out)
{
    const struct sim_plans *plans = context;
    struct sim_config sound = config_of(plans->list[piece], NULL, 0);
    struct sim_stage *stage = sim_stage_new(&sound);
    sound.stage = stage;
    sound.transcript = transcript_new();
    look_at(&sound);
    for (size_t i = 1; i < PLAYERS; i++) {
        struct sim_config cfg = config_of(plans->list[piece], players[i], 0);
        cfg.stage = stage;
        if (!sim_same_run(&sound, &cfg.client))
            look_at(&cfg);
    }
    transcript_free(sound.transcript);
    sim_stage_free(stage);
}

static void every_trace_holds_what_all_must(void)
{
    struct sim_plans plans = sim_plans_load("client");
    spread(plans.count, look_at_piece, &plans, NULL);
    sim_plans_free(&plans);
}

/* --- Cuts --- */

static void cut_piece(void *context, size_t piece, struct text *out)
{
    const struct sim_plans *plans = context;
    struct sim_config cfg = config_of(plans->list[piece], NULL, 7);
    struct scenario_result result;
    if (plans->list[piece]->client.sends > 0 || plans->list[piece]->client.message_bytes > 4096)
        return; /* megabytes in pieces of a few bytes */
    CHECK_STR(sim_verdicts(&cfg, &result), "finished");
    for (size_t rule = 0; rule < result.rule_count; rule++)
        if (result.rules[rule].verdict != NOT_APPLICABLE)
            CHECK_STR(verdict_name(result.rules[rule].verdict), "pass");
    scenario_result_fini(&result);
}

static void how_reads_are_cut_changes_no_verdict(void)
{
    struct sim_plans plans = sim_plans_load("client");
    spread(plans.count, cut_piece, &plans, NULL);
    sim_plans_free(&plans);
}

SUITE(traces, TEST(every_trace_holds_what_all_must), TEST(how_reads_are_cut_changes_no_verdict))

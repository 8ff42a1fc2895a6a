/* The matrix: every scenario for clients, played by the sound client and by each flawed one. The
 * sound one is acquitted by every rule in every scenario, ten seeds each; each flaw is convicted by
 * the rule meant for it (convictions.def), ten seeds each, and by no other without a reason, for
 * which every scenario is played once. What every rule says is golden:
 * tests/golden/matrix/SCENARIO.txt, written anew by `make golden`; a flaw that is not named there
 * is judged as the sound client is. MATRIX=all plays twenty seeds of everything (make matrix), and
 * compares nothing with the golden files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/golden.h"
#include "tests/sim/kept.h"
#include "tests/sim/transcript.h"
#include "tests/sim/world.h"
#include "tests/spread.h"

#define FOLDER      "tests/golden/matrix"
#define SEEDS       10
#define ALL_SEEDS   20
#define NOT_PLAYED  UINT8_MAX
#define DOUBT_EVERY 50 /* cells that a transcript vouches for: played all the same */
#define RULES_LIMIT 64 /* of one scenario */
#define LATENESS    (4 * NSEC_PER_MSEC)

static const struct meant {
    const char *flaw, *scenario, *rule;
    enum verdict least;
    int times;
} meant[] = {
#define MEANT(flaw, scenario, rule, least)             {#flaw, scenario, rule, least, SEEDS},
#define OFTEN(flaw, scenario, rule, least, times, why) {#flaw, scenario, rule, least, times},
#include "tests/sim/convictions.def"
};

static const struct also {
    const char *flaw, *rule, *why;
} also[] = {
#define ALSO(flaw, rule, why) {#flaw, rule, why},
#include "tests/sim/convictions.def"
};

static const struct no_rule {
    const char *flaw, *id;
} no_rule[] = {
#define NO_RULE(flaw, id) {#flaw, id},
#include "tests/sim/convictions.def"
    {NULL, NULL}};

static const char *const about_others[] = {
#define OTHERS(rule, why) rule,
#include "tests/sim/convictions.def"
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- One play: all clients in a scenario, with one seed --- */

/* What each rule that is expected said, in their order. */
struct verdicts {
    uint8_t rules, said[RULES_LIMIT];
};

struct play {
    struct sim_config cfg; /* of the sound client, with its transcript */
    struct trace *trace;
    struct verdicts sound;
};

static struct trace *run(const struct sim_config *cfg, struct verdicts *out)
{
    struct trace *trace;
    struct scenario_result result;
    const char *reason = sim_keep(cfg, NULL, &trace);
    CHECK_STR(strcmp(reason, SIM_NEVER_CONNECTED) == 0 ? "finished" : reason, "finished");
    sim_judge_kept(cfg, trace, &result);
    *out = (struct verdicts){.rules = (uint8_t)result.rule_count};
    CHECK(result.rule_count <= RULES_LIMIT);
    for (size_t i = 0; i < result.rule_count && i < RULES_LIMIT; i++)
        out->said[i] = (uint8_t)result.rules[i].verdict;
    scenario_result_fini(&result);
    return trace;
}

static void check_same(const struct play *play, const struct trace *trace, const char *flaw)
{
    size_t same = kept_same_until(play->trace, trace), count = play->trace->count;
    CHECK_STR(same == count && count == trace->count ? flaw : "another trace", flaw);
}

/* doubt: plays what the transcript says is the same, and compares. */
static void play_flawed(const struct play *play, const char *flaw, bool doubt, struct verdicts *out)
{
    struct sim_config cfg = play->cfg;
    CHECK(client_flaw_apply(&cfg.client, flaw));
    bool same = cfg.transcript && sim_same_run(&play->cfg, &cfg.client);
    *out = play->sound;
    if (same && !doubt)
        return;
    cfg.transcript = NULL;
    struct trace *trace = run(&cfg, out);
    if (same)
        check_same(play, trace, flaw);
    trace_free(trace);
}

struct matrix {
    struct sim_plans plans;
    size_t clients; /* the sound one, then each flawed one */
    size_t seeds;
    bool all; /* all seeds of every flaw in every scenario */
};

static bool is_meant_for(const char *flaw, const char *scenario)
{
    for (size_t i = 0; i < COUNT(meant); i++)
        if (strcmp(meant[i].flaw, flaw) == 0 && strcmp(meant[i].scenario, scenario) == 0)
            return true;
    return false;
}

static const char *flaw_of(size_t client)
{
    return client == 0 ? NULL : client_flaws[client - 1].name;
}

/* Seed by seed: in the first every flaw plays, which takes longest. */
static size_t piece_of(const struct matrix *matrix, size_t plan, size_t seed)
{
    return seed * matrix->plans.count + plan;
}

static void play_piece(void *context, size_t piece, struct text *out)
{
    const struct matrix *matrix = context;
    const struct plan *plan = matrix->plans.list[piece % matrix->plans.count];
    struct play play = {0};
    sim_config_init(&play.cfg, plan);
    struct sim_stage *stage = sim_stage_new(&play.cfg);
    play.cfg.stage = stage;
    play.cfg.lateness = LATENESS;
    play.cfg.seed = 1 + piece / matrix->plans.count;
    bool every = matrix->all || play.cfg.seed == 1;
    play.cfg.transcript = every ? transcript_new() : NULL;
    play.trace = run(&play.cfg, &play.sound);
    text_add_bytes(out, &play.sound, sizeof play.sound);
    for (size_t i = 1; i < matrix->clients; i++) {
        struct verdicts verdicts = {.rules = NOT_PLAYED};
        if (every || is_meant_for(flaw_of(i), plan->name))
            play_flawed(&play, flaw_of(i), (piece + i) % DOUBT_EVERY == 0, &verdicts);
        text_add_bytes(out, &verdicts, sizeof verdicts);
    }
    trace_free(play.trace);
    transcript_free(play.cfg.transcript);
    sim_stage_free(stage);
}

/* --- One cell: a client in a scenario, over all seeds --- */

struct cell {
    size_t rules;
    const char *names[RULES_LIMIT];
    int said[RULES_LIMIT][FAIL + 1]; /* how often each verdict */
    int seeds;
};

static void note(struct cell *cell, const struct plan *plan, const struct verdicts *verdicts)
{
    CHECK_INT(verdicts->rules, plan->expect_count);
    cell->rules = verdicts->rules < plan->expect_count ? verdicts->rules : plan->expect_count;
    for (size_t i = 0; i < cell->rules; i++) {
        cell->names[i] = rule_find(plan->expect[i].rule)->name;
        cell->said[i][verdicts->said[i]]++;
    }
    cell->seeds++;
}

/* plays: by piece; in each the verdicts of all clients. */
static void add_up(struct cell *cell, const struct matrix *matrix, size_t number,
                   const struct text *plays, size_t client)
{
    const struct plan *plan = matrix->plans.list[number];
    *cell = (struct cell){0};
    for (size_t seed = 0; seed < matrix->seeds; seed++) {
        const struct text *play = &plays[piece_of(matrix, number, seed)];
        struct verdicts verdicts;
        size_t from = client * sizeof verdicts;
        bool there = play->len >= from + sizeof verdicts;
        CHECK_STR(there ? plan->name : "a play that was broken off", plan->name);
        if (!there)
            continue;
        memcpy(&verdicts, play->chars + from, sizeof verdicts);
        if (verdicts.rules != NOT_PLAYED)
            note(cell, plan, &verdicts);
    }
}

/* --- What is asked of a cell --- */

static const char *at_cell(const char *flaw, const struct plan *plan, const char *rule)
{
    static char words[200];
    snprintf(words, sizeof words, "%s in %s: %s", flaw ? flaw : "sound", plan->name, rule);
    return words;
}

static enum verdict due_of_sound(const char *rule)
{
    for (size_t i = 0; i < COUNT(about_others); i++)
        if (strcmp(about_others[i], rule) == 0)
            return NOT_APPLICABLE;
    return PASS;
}

static void check_sound(const struct cell *cell, const struct plan *plan)
{
    for (size_t i = 0; i < cell->rules; i++) {
        bool acquitted = cell->said[i][due_of_sound(cell->names[i])] == cell->seeds;
        CHECK_STR(acquitted ? "pass" : at_cell(NULL, plan, cell->names[i]), "pass");
    }
}

static bool may_convict(const char *flaw, const char *rule)
{
    for (size_t i = 0; i < COUNT(meant); i++)
        if (strcmp(meant[i].flaw, flaw) == 0 && strcmp(meant[i].rule, rule) == 0)
            return true;
    for (size_t i = 0; i < COUNT(also); i++)
        if (strcmp(also[i].flaw, flaw) == 0 && strcmp(also[i].rule, rule) == 0)
            return true;
    return false;
}

static int times_at_least(const struct cell *cell, const char *rule, enum verdict least)
{
    for (size_t i = 0; i < cell->rules; i++)
        if (strcmp(cell->names[i], rule) == 0)
            return cell->said[i][FAIL] + (least == WARN ? cell->said[i][WARN] : 0);
    return 0;
}

static void check_flawed(const struct cell *cell, const struct plan *plan, const char *flaw)
{
    for (size_t i = 0; i < cell->rules; i++) {
        bool wrong = cell->said[i][FAIL] > 0 && !may_convict(flaw, cell->names[i]);
        CHECK_STR(wrong ? at_cell(flaw, plan, cell->names[i]) : "nothing wrong", "nothing wrong");
    }
    for (size_t i = 0; i < COUNT(meant); i++) {
        if (strcmp(meant[i].flaw, flaw) != 0 || strcmp(meant[i].scenario, plan->name) != 0)
            continue;
        int times = times_at_least(cell, meant[i].rule, meant[i].least);
        bool found = times * SEEDS >= meant[i].times * cell->seeds;
        CHECK_STR(found ? "found" : at_cell(flaw, plan, meant[i].rule), "found");
    }
}

/* --- The golden text --- */

/* "pass", or "fail 9 inconclusive 1" where the seeds differ. */
static void add_verdicts(const int said[FAIL + 1], int seeds, struct text *out)
{
    for (int verdict = FAIL; verdict >= NOT_APPLICABLE; verdict--) {
        if (said[verdict] == 0)
            continue;
        text_addf(out, " %s", verdict_name((enum verdict)verdict));
        if (said[verdict] < seeds)
            text_addf(out, " %d", said[verdict]);
    }
}

static void add_cell(const struct cell *cell, const char *flaw, struct text *out)
{
    for (size_t i = 0; i < cell->rules; i++) {
        text_addf(out, "  %-22s %-28s", i == 0 ? flaw : "", cell->names[i]);
        add_verdicts(cell->said[i], cell->seeds, out);
        text_add(out, "\n");
    }
}

static bool says_the_same(const struct cell *one, const struct cell *other)
{
    for (size_t i = 0; i < one->rules; i++)
        for (int verdict = 0; verdict <= FAIL; verdict++)
            if (one->said[i][verdict] * other->seeds != other->said[i][verdict] * one->seeds)
                return false;
    return true;
}

/* --- All of it --- */

static void look_at_cell(const struct plan *plan, const char *flaw, const struct cell *sound,
                         const struct cell *cell, struct text *golden)
{
    if (flaw)
        check_flawed(cell, plan, flaw);
    else
        check_sound(cell, plan);
    if (!flaw || !says_the_same(sound, cell))
        add_cell(cell, flaw ? flaw : "sound", golden);
}

static void look_at_scenario(const struct matrix *matrix, size_t number, const struct text *plays,
                             struct golden_folder *folder)
{
    const struct plan *plan = matrix->plans.list[number];
    struct cell sound, cell;
    struct text golden;
    char *name = xprintf("%s.txt", plan->name);
    text_init(&golden);
    text_addf(&golden, "%s, seeds 1 to %d\n", plan->name, SEEDS);
    add_up(&sound, matrix, number, plays, 0);
    for (size_t i = 0; i < matrix->clients; i++) {
        add_up(&cell, matrix, number, plays, i);
        look_at_cell(plan, flaw_of(i), &sound, &cell, &golden);
    }
    if (!matrix->all)
        golden_folder_check(folder, name, &golden);
    text_fini(&golden);
    free(name);
}

static void each_flaw_is_found_and_the_sound_client_is_acquitted(void)
{
    const char *asked = getenv("MATRIX");
    struct matrix matrix = {
        .plans = sim_plans_load("client"), .clients = 1, .seeds = SEEDS, .all = asked && *asked};
    if (matrix.all)
        matrix.seeds = ALL_SEEDS;
    struct golden_folder folder;
    while (flaw_of(matrix.clients))
        matrix.clients++;
    size_t count = matrix.plans.count * matrix.seeds;
    struct text *plays = xcalloc(count, sizeof *plays);
    spread(count, play_piece, &matrix, plays);
    golden_folder_init(&folder, FOLDER);
    for (size_t i = 0; i < matrix.plans.count; i++)
        look_at_scenario(&matrix, i, plays, &folder);
    if (!matrix.all)
        golden_folder_fini(&folder);
    for (size_t i = 0; i < count; i++)
        text_fini(&plays[i]);
    free(plays);
    sim_plans_free(&matrix.plans);
}

/* --- The list of convictions itself --- */

static bool is_flaw(const char *name)
{
    struct client_policy policy;
    client_policy_defaults(&policy);
    return client_flaw_apply(&policy, name);
}

static bool is_explained(const char *flaw)
{
    for (size_t i = 0; i < COUNT(meant); i++)
        if (strcmp(meant[i].flaw, flaw) == 0)
            return true;
    for (size_t i = 0; no_rule[i].flaw; i++)
        if (strcmp(no_rule[i].flaw, flaw) == 0)
            return true;
    return false;
}

static void every_flaw_has_a_rule_or_waits_for_one(void)
{
    for (const struct flaw *flaw = client_flaws; flaw->name; flaw++)
        CHECK_STR(is_explained(flaw->name) ? "explained" : flaw->name, "explained");
}

static void the_list_names_what_there_is(void)
{
    for (size_t i = 0; i < COUNT(meant); i++) {
        CHECK(is_flaw(meant[i].flaw));
        CHECK(rule_find(meant[i].rule) != NULL);
    }
    for (size_t i = 0; i < COUNT(also); i++) {
        CHECK(is_flaw(also[i].flaw));
        CHECK(rule_find(also[i].rule) != NULL);
    }
    for (size_t i = 0; i < COUNT(about_others); i++)
        CHECK(rule_find(about_others[i]) != NULL);
    for (size_t i = 0; no_rule[i].flaw; i++) {
        CHECK(is_flaw(no_rule[i].flaw));
        CHECK_STR(rule_find(no_rule[i].id) ? no_rule[i].id : "no such rule yet",
                  "no such rule yet");
    }
}

SUITE(matrix, TEST(each_flaw_is_found_and_the_sound_client_is_acquitted),
      TEST(every_flaw_has_a_rule_or_waits_for_one), TEST(the_list_names_what_there_is))

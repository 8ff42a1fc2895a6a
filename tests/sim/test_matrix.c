/* The matrix: every scenario for clients, played by the sound client and by each flawed one, ten
 * seeds each. The sound one is acquitted by every rule in every scenario; each flaw is convicted by
 * the rule meant for it (convictions.def) and by no other without a reason. What every rule says is
 * golden: tests/golden/matrix/SCENARIO.txt, written anew by `make golden`; a flaw that is not named
 * there is judged as the sound client is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "endpoint/flaws.h"
#include "tests/check.h"
#include "tests/sim/golden.h"
#include "tests/sim/world.h"
#include "tests/spread.h"

#define FOLDER      "tests/golden/matrix"
#define SEEDS       10
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

/* --- One cell: a client in a scenario, over all seeds --- */

struct cell {
    size_t rules;
    const char *names[RULES_LIMIT];
    int said[RULES_LIMIT][FAIL + 1]; /* how often each verdict */
    int seeds;
};

static void note(struct cell *cell, const struct scenario_result *result)
{
    cell->rules = result->rule_count;
    for (size_t i = 0; i < result->rule_count; i++) {
        cell->names[i] = result->rules[i].rule->name;
        cell->said[i][result->rules[i].verdict]++;
    }
    cell->seeds++;
}

static bool is_meant_for(const char *flaw, const char *scenario)
{
    for (size_t i = 0; flaw && i < COUNT(meant); i++)
        if (strcmp(meant[i].flaw, flaw) == 0 && strcmp(meant[i].scenario, scenario) == 0)
            return true;
    return !flaw;
}

/* The sound client and what a flaw is meant for get all seeds; the rest is looked at once. */
static void play_all(struct cell *cell, const struct plan *plan, const char *flaw)
{
    uint64_t seeds = is_meant_for(flaw, plan->name) ? SEEDS : 1;
    struct sim_config cfg;
    sim_config_init(&cfg, plan);
    cfg.lateness = LATENESS;
    if (flaw)
        CHECK(client_flaw_apply(&cfg.client, flaw));
    struct sim_stage *stage = sim_stage_new(&cfg);
    cfg.stage = stage;
    for (cfg.seed = 1; cfg.seed <= seeds; cfg.seed++) {
        struct scenario_result result;
        CHECK_STR(sim_verdicts(&cfg, &result), "finished");
        note(cell, &result);
        scenario_result_fini(&result);
    }
    sim_stage_free(stage);
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
        bool found = times_at_least(cell, meant[i].rule, meant[i].least) >= meant[i].times;
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

/* --- All cells, each played by itself --- */

struct matrix {
    struct sim_plans plans;
    size_t clients; /* the sound one, then each flawed one */
};

static const char *flaw_of(size_t client)
{
    return client == 0 ? NULL : client_flaws[client - 1].name;
}

static void play_piece(void *context, size_t piece, struct text *out)
{
    const struct matrix *matrix = context;
    struct cell cell = {0};
    play_all(&cell, matrix->plans.list[piece / matrix->clients], flaw_of(piece % matrix->clients));
    text_add_bytes(out, &cell, sizeof cell);
}

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

/* cells: of all clients in that scenario. */
static void look_at_scenario(const struct matrix *matrix, const struct plan *plan,
                             struct text *cells, struct golden_folder *folder)
{
    struct cell sound = {0}, cell;
    struct text golden;
    char *name = xprintf("%s.txt", plan->name);
    text_init(&golden);
    text_addf(&golden, "%s, seeds 1 to %d\n", plan->name, SEEDS);
    for (size_t i = 0; i < matrix->clients; i++) {
        CHECK_INT(cells[i].len, sizeof cell);
        if (cells[i].len == sizeof cell) {
            memcpy(&cell, cells[i].chars, sizeof cell);
            sound = i == 0 ? cell : sound;
            look_at_cell(plan, flaw_of(i), &sound, &cell, &golden);
        }
        text_fini(&cells[i]);
    }
    golden_folder_check(folder, name, &golden);
    text_fini(&golden);
    free(name);
}

static void each_flaw_is_found_and_the_sound_client_is_acquitted(void)
{
    struct matrix matrix = {.plans = sim_plans_load("client"), .clients = 1};
    struct golden_folder folder;
    while (flaw_of(matrix.clients))
        matrix.clients++;
    size_t count = matrix.plans.count * matrix.clients;
    struct text *cells = xcalloc(count, sizeof *cells);
    spread(count, play_piece, &matrix, cells);
    golden_folder_init(&folder, FOLDER);
    for (size_t i = 0; i < matrix.plans.count; i++)
        look_at_scenario(&matrix, matrix.plans.list[i], cells + i * matrix.clients, &folder);
    golden_folder_fini(&folder);
    free(cells);
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

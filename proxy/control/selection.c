#include "control/selection.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "control/schedule.h"
#include "rules/own.h"

#define SHARDS_LIMIT 1000

/* rule: NULL asks for the plan itself, whatever it expects. */
typedef bool keeps(const void *context, const struct plan *, const struct rule_desc *rule);

static bool keeps_one(const struct plan *plan, const struct expectation *expected, keeps *wanted,
                      const void *context)
{
    const struct own_kind *kind = expected->own ? own_kind_find(expected->own) : NULL;
    if (!kind) {
        const struct rule_desc *rule = rule_find(expected->rule);
        return rule && wanted(context, plan, rule);
    }
    struct assertion *assertion = assertion_new(kind, expected->rule, expected->params);
    struct own_rule *own = own_rule_new(kind, expected->rule, assertion);
    bool kept = wanted(context, plan, own_rule_desc(own));
    own_rule_free(own);
    assertion_free(kind, assertion);
    return kept;
}

static void narrow_plan(struct plan *plan, keeps *wanted, const void *context)
{
    for (size_t e = plan->expect_count; e-- > 0;)
        if (!keeps_one(plan, &plan->expect[e], wanted, context))
            plan_drop_expectation(plan, e);
}

/* Drops the rules that are not wanted, and the plans of which nothing is. */
static void narrow(struct plans *plans, keeps *wanted, const void *context)
{
    size_t kept = 0;
    for (size_t p = 0; p < plans->count; p++) {
        struct plan *plan = plans->list[p];
        bool whole = wanted(context, plan, NULL);
        if (!whole)
            narrow_plan(plan, wanted, context);
        if (whole || plan->expect_count > 0)
            plans->list[kept++] = plan;
        else
            plan_free(plan);
    }
    plans->count = kept;
}

/* --- Globs --- */

static bool matches(const char *glob, const struct plan *plan, const struct rule_desc *rule)
{
    if (!rule)
        return fnmatch(glob, plan->name, 0) == 0;
    return fnmatch(glob, rule->name, 0) == 0 || fnmatch(glob, rule->id, 0) == 0;
}

static bool globs_want(const void *context, const struct plan *plan, const struct rule_desc *rule)
{
    const struct option_words *globs = context;
    for (size_t i = 0; i < globs->count; i++)
        if (matches(globs->list[i], plan, rule))
            return true;
    return false;
}

static bool matches_any(const char *glob, const struct plans *plans)
{
    const struct option_words one = {.list = {glob}, .count = 1};
    for (size_t p = 0; p < plans->count; p++) {
        const struct plan *plan = plans->list[p];
        bool found = globs_want(&one, plan, NULL);
        for (size_t e = 0; e < plan->expect_count && !found; e++)
            found = keeps_one(plan, &plan->expect[e], globs_want, &one);
        if (found)
            return true;
    }
    return false;
}

void selection_only(struct plans *plans, const struct option_words *globs, struct diag *diag)
{
    if (globs->count == 0)
        return;
    for (size_t i = 0; i < globs->count; i++)
        if (!matches_any(globs->list[i], plans))
            diag_error(diag, (struct place){0},
                       "--only '%s' leaves nothing to run: no scenario has that name, or a rule of "
                       "that name or id",
                       globs->list[i]);
    narrow(plans, globs_want, globs);
}

/* --- What failed the last time --- */

static bool failed(const struct earlier_scenario *scenario)
{
    for (size_t r = 0; r < scenario->rule_count; r++)
        if (scenario->rules[r].verdict == FAIL)
            return true;
    return !scenario->whole;
}

bool selection_any_failed(const struct earlier *earlier)
{
    for (size_t s = 0; s < earlier->scenario_count; s++)
        if (failed(&earlier->scenarios[s]))
            return true;
    return false;
}

void selection_find_failed(const struct earlier *earlier, const char *data, struct paths *out,
                           struct diag *diag)
{
    for (size_t s = 0; s < earlier->scenario_count; s++) {
        const struct earlier_scenario *scenario = &earlier->scenarios[s];
        if (failed(scenario))
            (void)find_scenarios(data, scenario->file ? scenario->file : scenario->name, out, diag);
    }
}

static bool failed_then(const void *context, const struct plan *plan, const struct rule_desc *rule)
{
    const struct earlier *earlier = context;
    for (size_t s = 0; s < earlier->scenario_count; s++) {
        const struct earlier_scenario *scenario = &earlier->scenarios[s];
        if (strcmp(scenario->name, plan->name) != 0)
            continue;
        if (!scenario->whole)
            return true;
        for (size_t r = 0; rule && r < scenario->rule_count; r++)
            if (earlier_is(&scenario->rules[r], rule) && scenario->rules[r].verdict == FAIL)
                return true;
    }
    return false;
}

void selection_keep_failed(struct plans *plans, const struct earlier *earlier)
{
    narrow(plans, failed_then, earlier);
}

/* --- Shards --- */

bool shard_parse(const char *written, struct shard *out)
{
    int used = 0;
    bool digits = strspn(written, "0123456789/") == strlen(written);
    bool read = digits && sscanf(written, "%4u/%4u%n", &out->index, &out->count, &used) == 2 &&
                written[used] == '\0';
    return read && out->index >= 1 && out->index <= out->count && out->count <= SHARDS_LIMIT;
}

struct weighed {
    size_t place; /* in the list */
    const char *name;
    double seconds;
    unsigned shard;
};

static int heaviest_first(const void *a, const void *b)
{
    const struct weighed *one = a, *other = b;
    if (one->seconds != other->seconds)
        return one->seconds > other->seconds ? -1 : 1;
    int by_name = strcmp(one->name, other->name);
    return by_name ? by_name : one->place < other->place ? -1 : one->place > other->place;
}

static int by_place(const void *a, const void *b)
{
    const struct weighed *one = a, *other = b;
    return one->place < other->place ? -1 : one->place > other->place;
}

static unsigned lightest(const double *seconds, unsigned count)
{
    unsigned found = 0;
    for (unsigned i = 1; i < count; i++)
        if (seconds[i] < seconds[found])
            found = i;
    return found;
}

static void deal(struct weighed *weighed, size_t count, unsigned shards)
{
    double *seconds = xcalloc(shards, sizeof *seconds);
    if (count > 0)
        qsort(weighed, count, sizeof *weighed, heaviest_first);
    for (size_t i = 0; i < count; i++) {
        weighed[i].shard = lightest(seconds, shards);
        seconds[weighed[i].shard] += weighed[i].seconds;
    }
    if (count > 0)
        qsort(weighed, count, sizeof *weighed, by_place);
    free(seconds);
}

void selection_shard(struct plans *plans, struct shard shard, double speed)
{
    struct weighed *weighed = xcalloc(plans->count + 1, sizeof *weighed);
    struct policy policy;
    size_t kept = 0;
    policy_defaults(&policy);
    for (size_t p = 0; p < plans->count; p++)
        weighed[p] = (struct weighed){.place = p,
                                      .name = plans->list[p]->name,
                                      .seconds = schedule_estimate(plans->list[p], &policy, speed)};
    deal(weighed, plans->count, shard.count);
    for (size_t p = 0; p < plans->count; p++)
        if (weighed[p].shard == shard.index - 1)
            plans->list[kept++] = plans->list[p];
        else
            plan_free(plans->list[p]);
    plans->count = kept;
    free(weighed);
}

/* wait: a duration, or until something happens. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "scenario/load_parts.h"

static const char *const known[] = {"until", "at_most", "of", "since", "as", NULL};

/* In the order of enum condition, from UNTIL_OPEN. */
static const char *const conditions[] = {"open",   "reopened", "closed",    "attempts",
                                         "ping",   "pong",     "heartbeat", "quiet",
                                         "exited", "gave_up",  "message",   NULL};
#define UNTIL_EXAMPLE "reopened, or {attempts: 8}"

static bool needs_value(enum condition condition)
{
    return condition == UNTIL_ATTEMPTS || condition == UNTIL_QUIET || condition == UNTIL_MESSAGE;
}

static bool find_condition(struct loader *l, const char *name, struct place at,
                           enum condition *condition)
{
    for (size_t i = 0; conditions[i]; i++)
        if (strcmp(conditions[i], name) == 0) {
            *condition = (enum condition)(UNTIL_OPEN + i);
            return true;
        }
    diag_error(
        l->diag, at,
        "'until' is %s: one of open, reopened, closed, {attempts: 8}, ping, pong, heartbeat, "
        "{quiet: 5s}, exited, gave_up, {message: {from: client, match: resume}}",
        name);
    field_suggest(name, conditions, sizeof conditions / sizeof *conditions - 1, "", l->diag);
    return false;
}

static bool load_word(struct loader *l, const struct node *node, struct until *until)
{
    if (!find_condition(l, node->text, node->place, &until->condition))
        return false;
    if (!needs_value(until->condition))
        return true;
    diag_error(l->diag, node->place, "'%s' needs a value, as in {%s: %s}", node->text, node->text,
               until->condition == UNTIL_ATTEMPTS  ? "8"
               : until->condition == UNTIL_MESSAGE ? "{from: client, match: resume}"
                                                   : "5s");
    return false;
}

static bool load_pair(struct loader *l, const struct node *node, struct until *until)
{
    if (node->count != 1) {
        diag_error(l->diag, node->place, "one condition is expected here, as in {attempts: 8}");
        return false;
    }
    const struct node *value = node->first;
    if (!find_condition(l, value->key, value->key_place, &until->condition))
        return false;
    if (until->condition == UNTIL_ATTEMPTS)
        return field_count(value, "1", NULL, &until->attempts, l->diag);
    if (until->condition == UNTIL_QUIET)
        return field_duration(value, &until->quiet, l->diag);
    if (until->condition == UNTIL_MESSAGE)
        return load_watch(l, value, &until->watch);
    diag_error(l->diag, value->key_place, "'%s' takes no value", value->key);
    return false;
}

static void load_condition(struct loader *l, const struct node *node, struct wait_step *wait)
{
    struct until until = {0};
    if (node->kind == NODE_BROKEN)
        return;
    if (wait->count == WAIT_CONDITIONS_LIMIT) {
        diag_error(l->diag, node->place, "too many conditions: at most %d", WAIT_CONDITIONS_LIMIT);
        return;
    }
    bool good = node->kind == NODE_MAPPING
                    ? load_pair(l, node, &until)
                    : field_is_scalar(node, UNTIL_EXAMPLE, l->diag) && load_word(l, node, &until);
    if (good)
        wait->any[wait->count++] = until;
}

static void load_until(struct loader *l, const struct node *node, struct wait_step *wait)
{
    if (node->kind != NODE_SEQUENCE) {
        load_condition(l, node, wait);
        return;
    }
    if (node->count == 0)
        diag_error(l->diag, node->place,
                   "'until' is an empty list: what is waited for is expected");
    for (const struct node *item = node->first; item; item = item->next)
        load_condition(l, item, wait);
}

static void load_of(struct loader *l, const struct node *node, struct wait_step *wait)
{
    const struct node *client = field_find(node, "client");
    const char *why;
    if (node->kind == NODE_MAPPING && client && node->count == 1) {
        if (load_client(l, client, &wait->client))
            wait->of = OF_CLIENT;
        return;
    }
    if (!field_is_scalar(node, "all, any, median, 80% or {client: 0}", l->diag))
        return;
    wait->of = OF_SHARE;
    wait->share = 0.5;
    if (strcmp(node->text, "all") == 0)
        wait->of = OF_ALL;
    else if (strcmp(node->text, "any") == 0)
        wait->of = OF_ANY;
    else if (strcmp(node->text, "median") != 0 &&
             (!strchr(node->text, '%') || !units_ratio(node->text, &wait->share, &why) ||
              wait->share <= 0 || wait->share > 1))
        diag_error(l->diag, node->place, "'of' is %s: one of all, any, median, 80%%, {client: 0}",
                   node->text);
}

static void load_conditions(struct loader *l, const struct node *step, const struct node *body,
                            struct wait_step *wait)
{
    const struct node *until = field_need(body, "until", l->diag);
    const struct node *at_most = load_option(l, step, body, "at_most");
    const struct node *of = load_option(l, step, body, "of");
    const struct node *since = load_option(l, step, body, "since");
    fields_check(body, known, NULL, "a wait", l->diag);
    if (until)
        load_until(l, until, wait);
    if (at_most)
        (void)field_duration(at_most, &wait->at_most, l->diag); /* told */
    else
        diag_error(l->diag, body->key_place,
                   "'at_most' is missing: every wait ends, as in {until: open, at_most: 10s}");
    if (of)
        load_of(l, of, wait);
    if (since && field_is_scalar(since, "outage", l->diag) && load_knows_label(l, since))
        wait->since = xstrdup(since->text);
}

static void load_duration(struct loader *l, const struct node *step, const struct node *body,
                          struct wait_step *wait)
{
    static const char *const conditional[] = {"at_most", "of", "since"};
    (void)field_duration(body, &wait->duration, l->diag); /* told */
    for (size_t i = 0; i < sizeof conditional / sizeof *conditional; i++) {
        const struct node *option = field_find(step, conditional[i]);
        if (option)
            diag_error(l->diag, option->key_place, "'%s' goes with 'until', not with a duration",
                       option->key);
    }
}

void load_wait(struct loader *l, const struct node *step, const struct node *body)
{
    struct step *out = plan_add_step(l->plan, STEP_WAIT);
    const struct node *label = load_option(l, step, body, "as");
    if (body->kind == NODE_MAPPING)
        load_conditions(l, step, body, &out->wait);
    else if (field_is_scalar(body, "10s, or {until: open, at_most: 10s}", l->diag))
        load_duration(l, step, body, &out->wait);
    if (label)
        load_label(l, label, &out->label);
    if (out->label)
        load_remember(l, out->label);
    out->what = words_of_step(l->plan, out);
}

/* Assertions of the scenario's own in `expect`, and messages that are waited for. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "rules/own.h"
#include "scenario/load_parts.h"

#define NEVER_EXAMPLE "never: {message: {from: client, match: password}}"

static const char *const names[] = {"message", "close", "attempts", "never", NULL};
static const char *const beside[] = {"as", NULL};

bool is_assertion(const char *name)
{
    return is_listed(names, name);
}

bool load_refuse_bare(struct loader *l, const char *name, struct place at)
{
    const struct own_kind *kind = own_kind_find(name);
    const char *near = nearest_name(name, names, sizeof names / sizeof *names - 1);
    if (is_assertion(name))
        diag_error(l->diag, at, "'%s' needs a value, as in %s", name,
                   kind ? kind->example : NEVER_EXAMPLE);
    else if (near && !rule_find(name)) {
        diag_error(l->diag, at, "no rule or assertion is called '%s'", name);
        diag_hint(l->diag, "did you mean '%s'?", near);
    }
    return is_assertion(name) || (near && !rule_find(name));
}

static bool add_watch(struct loader *l, const struct node *at, enum side from, const char *match,
                      const char *assertion, size_t *watch)
{
    if (l->plan->watch_count == PLAN_WATCHES_LIMIT) {
        diag_error(l->diag, at->key_place, "too many messages to look for: at most %d",
                   PLAN_WATCHES_LIMIT);
        return false;
    }
    *watch = plan_add_watch(l->plan, from, match, assertion);
    return true;
}

/* --- A message that is waited for --- */

struct watched {
    int from;
    struct pattern *match;
};

static const struct param watched_params[] = {
    P_CHOICE(watched, from, .def = "client", .choices = own_sides, .doc = "whose it is"),
    P_PATTERN(watched, match, .doc = "what it holds: a pattern (PCRE2) over its first 4 KiB"),
    P_END,
};

bool load_watch(struct loader *l, const struct node *body, size_t *watch)
{
    struct watched watched = {0};
    int before = diag_errors(l->diag);
    param_defaults(watched_params, &watched);
    if (field_is_mapping(body, "{from: client, match: resume}", l->diag))
        fields_params(watched_params, body, &watched, NULL, "a message", l->diag);
    bool good = diag_errors(l->diag) == before &&
                add_watch(l, body, watched.from == 0 ? SIDE_CLIENT : SIDE_SERVER,
                          pattern_written(watched.match), NULL, watch);
    param_free(watched_params, &watched);
    return good;
}

/* --- Assertions --- */

/* What is asserted of how many: `never` says it of none. */
struct asserted {
    const struct own_kind *kind;
    const struct node *body;
    bool never;
};

static bool find_kind(struct loader *l, const struct node *body, struct asserted *out)
{
    out->never = strcmp(body->key, "never") == 0;
    out->body = body;
    if (out->never) {
        if (!field_is_mapping(body, "{message: {from: client, match: password}}", l->diag))
            return false;
        out->body = body->first;
        if (body->count != 1 || !is_assertion(out->body->key) ||
            strcmp(out->body->key, "never") == 0) {
            diag_error(l->diag, body->count == 0 ? body->place : out->body->key_place,
                       "'never' takes one of message, close and attempts, as in " NEVER_EXAMPLE);
            return false;
        }
    }
    out->kind = own_kind_find(out->body->key);
    return true;
}

static bool is_marked(const struct plan *plan, const char *text)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].kind == STEP_MARK && strcmp(plan->steps[i].mark, text) == 0)
            return true;
    return false;
}

static bool is_label(const struct plan *plan, const char *text)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].label && strcmp(plan->steps[i].label, text) == 0)
            return true;
    return false;
}

static void check_after(struct loader *l, const struct node *body)
{
    const struct node *after = field_find(body, "after");
    if (!after || after->kind != NODE_SCALAR || !*after->text ||
        is_listed(own_moments, after->text) || is_label(l->plan, after->text) ||
        is_marked(l->plan, after->text))
        return;
    diag_error(l->diag, after->place,
               "'after' is %s: open, reopened, closed, or the label or mark of a step is expected",
               after->text);
    field_suggest(after->text, own_moments, 3, "", l->diag);
}

/* Numbers that say nothing together, or against each other. */
static void check_numbers(struct loader *l, const struct asserted *asserted,
                          const struct assertion *assertion)
{
    static const char *const numbers[] = {"at_least", "at_most", "count"};
    const struct node *count = field_find(asserted->body, "count");
    const struct node *least = field_find(asserted->body, "at_least");
    const struct node *most = field_find(asserted->body, "at_most");
    for (size_t i = 0; asserted->never && i < sizeof numbers / sizeof *numbers; i++) {
        const struct node *number = field_find(asserted->body, numbers[i]);
        if (number)
            diag_error(l->diag, number->key_place, "'%s' does not go with 'never'", number->key);
    }
    if (count && (least || most))
        diag_error(l->diag, (least ? least : most)->key_place, "'%s' does not go with 'count'",
                   (least ? least : most)->key);
    else if (least && most && assertion->at_least > assertion->at_most)
        diag_error(l->diag, least->place, "'at_least' is %s, which is more than 'at_most'",
                   least->text);
    bool bare = !count && !least && !most && !asserted->never;
    if (bare && strcmp(asserted->kind->name, "attempts") == 0)
        diag_error(l->diag, asserted->body->key_place,
                   "'attempts' says how many: at_most, at_least or count, as in %s",
                   asserted->kind->example);
}

static char *written(const struct asserted *asserted)
{
    struct text out;
    struct json json;
    text_init(&out);
    json_init(&json, &out, 0);
    json_object_open(&json, NULL);
    for (const struct node *child = asserted->body->first; child; child = child->next)
        if (child->kind == NODE_SCALAR && !is_listed(beside, child->key))
            json_put_string(&json, child->key, child->text);
    if (asserted->never)
        json_put_string(&json, "at_most", "0");
    json_object_close(&json);
    return text_take(&out);
}

/* --- Its name --- */

static bool is_taken(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->expect_count; i++)
        if (strcmp(plan->expect[i].rule, name) == 0)
            return true;
    return false;
}

static char *usual_name(const struct plan *plan, const struct asserted *asserted)
{
    const char *scenario = plan->name ? plan->name : "", *never = asserted->never ? "no-" : "";
    char *name = xprintf(OWN_PREFIX "%s.%s%s", scenario, never, asserted->kind->name);
    for (unsigned number = 2; is_taken(plan, name); number++) {
        free(name);
        name = xprintf(OWN_PREFIX "%s.%s%s-%u", scenario, never, asserted->kind->name, number);
    }
    return name;
}

/* NULL: said why. */
static char *name_of(struct loader *l, const struct node *as, const struct asserted *asserted)
{
    if (!as)
        return usual_name(l->plan, asserted);
    if (!field_is_scalar(as, "resumes", l->diag))
        return NULL;
    if (!*as->text || as->text[strspn(as->text, "abcdefghijklmnopqrstuvwxyz0123456789-")]) {
        diag_error(l->diag, as->place,
                   "'as' is %s: a name is lower-case letters, digits and '-', as in resumes",
                   as->text);
        return NULL;
    }
    char *name = xprintf(OWN_PREFIX "%s.%s", l->plan->name ? l->plan->name : "", as->text);
    if (!is_taken(l->plan, name))
        return name;
    diag_error(l->diag, as->place,
               "'as' is %s, and so is an assertion before this one: each needs its own", as->text);
    free(name);
    return NULL;
}

/* --- All of it --- */

static void add(struct loader *l, const struct asserted *asserted,
                const struct assertion *assertion, const char *name)
{
    size_t watch;
    char *params = written(asserted);
    enum side from = assertion->from == 0 ? SIDE_CLIENT : SIDE_SERVER;
    bool good = !assertion->match ||
                add_watch(l, asserted->body, from, pattern_written(assertion->match), name, &watch);
    if (good)
        plan_add_assertion(l->plan, name, asserted->kind->name, params);
    free(params);
}

static void check_siblings(struct loader *l, const struct node *item, const struct node *body)
{
    for (const struct node *child = item->first; child; child = child->next)
        if (child != body && !is_listed(beside, child->key))
            diag_error(l->diag, child->key_place, "'%s' does not go with '%s'", child->key,
                       body->key);
}

void load_assertion(struct loader *l, const struct node *item, const struct node *body)
{
    struct asserted asserted;
    int before = diag_errors(l->diag);
    check_siblings(l, item, body);
    if (body->kind == NODE_BROKEN || !find_kind(l, body, &asserted))
        return;
    struct assertion *assertion = assertion_new(asserted.kind, "", "{}");
    char *whose = xprintf("'%s'", asserted.kind->name);
    if (field_is_mapping(asserted.body, "{within: 5s, after: reopened}", l->diag)) {
        fields_params(asserted.kind->params, asserted.body, assertion, beside, whose, l->diag);
        check_after(l, asserted.body);
        check_numbers(l, &asserted, assertion);
    }
    char *name = name_of(l, load_option(l, item, body, "as"), &asserted);
    if (name && diag_errors(l->diag) == before)
        add(l, &asserted, assertion, name);
    free(name);
    free(whose);
    assertion_free(asserted.kind, assertion);
}

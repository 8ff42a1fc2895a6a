/* The rules of a target file: the suite, what must be decided, what is accepted until when. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rules/own.h"
#include "scenario/find.h"
#include "scenario/load_parts.h"
#include "scenario/target_parts.h"

static const struct rule_desc *known_rule(const char *name, struct place at, struct diag *diag)
{
    const struct rule_desc *rule = rule_find(name);
    if (!rule)
        load_refuse_rule(diag, name, at);
    return rule;
}

static void load_require(struct target *target, const struct node *list, struct diag *diag)
{
    if (!field_is_list(list, "[reconnect.backoff]", diag))
        return;
    target->require = xcalloc(list->count + 1, sizeof *target->require);
    for (const struct node *item = list->first; item; item = item->next) {
        if (!field_is_scalar(item, "reconnect.backoff", diag))
            continue;
        const struct rule_desc *rule = known_rule(item->text, item->place, diag);
        if (rule)
            target->require[target->require_count++] = xstrdup(rule->name);
    }
}

static int number(const char *digits, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return -1;
        value = value * 10 + (digits[i] - '0');
    }
    return value;
}

static bool is_date(const char *text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strlen(text) != strlen("2027-01-31") || text[4] != '-' || text[7] != '-')
        return false;
    int year = number(text, 4), month = number(text + 5, 2), day = number(text + 8, 2);
    return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

static void load_accepted(const struct node *node, struct accepted *out, struct diag *diag)
{
    static const char *const known[] = {"until", "owner", "reason", NULL};
    if (!field_is_mapping(node, "{until: 2027-01-31, owner: rt-team, reason: RT-8812}", diag))
        return;
    fields_check(node, known, NULL, "an accepted failure", diag);
    const struct node *until = field_need(node, "until", diag);
    (void)field_copy(field_need(node, "reason", diag), &out->reason, diag); /* told */
    (void)field_copy(field_find(node, "owner"), &out->owner, diag);         /* told */
    if (until && field_copy(until, &out->until, diag) && !is_date(until->text))
        diag_error(diag, until->place, "'until' is %s: a day is expected, as in 2027-01-31",
                   field_written(until));
}

/* A rule's, or an assertion's: which scenarios there are is not known here. NULL: said why. */
static const char *accepted_name(const struct node *node, struct diag *diag)
{
    if (strncmp(node->key, OWN_PREFIX, strlen(OWN_PREFIX)) == 0)
        return node->key;
    const struct rule_desc *rule = known_rule(node->key, node->key_place, diag);
    return rule ? rule->name : NULL;
}

static void load_accept(struct target *target, const struct node *accept, struct diag *diag)
{
    if (!field_is_mapping(accept, "{reconnect.jitter: {until: 2027-01-31, reason: RT-8812}}", diag))
        return;
    target->accept = xcalloc(accept->count + 1, sizeof *target->accept);
    for (const struct node *child = accept->first; child; child = child->next) {
        const char *name = accepted_name(child, diag);
        if (!name)
            continue;
        struct accepted *out = &target->accept[target->accept_count++];
        out->rule = xstrdup(name);
        load_accepted(child, out, diag);
    }
}

static void load_profile(struct target *target, const struct node *profile, struct diag *diag)
{
    if (!field_is_scalar(profile, "mobile", diag))
        return;
    char *folder = find_data_folder();
    target->profile =
        find_profile_beside(folder, profile->text, target->file, profile->place, diag);
    free(folder);
}

void target_load_rules(struct target *target, const struct node *rules, struct diag *diag)
{
    static const char *const known[] = {"suite", "profile", "require", "accept", NULL};
    if (!field_is_mapping(rules, "{suite: core}", diag))
        return;
    fields_check(rules, known, NULL, "'rules'", diag);
    const struct node *require = field_find(rules, "require");
    const struct node *accept = field_find(rules, "accept");
    const struct node *profile = field_find(rules, "profile");
    (void)field_copy(field_find(rules, "suite"), &target->suite, diag); /* told */
    if (profile)
        load_profile(target, profile, diag);
    if (require)
        load_require(target, require, diag);
    if (accept)
        load_accept(target, accept, diag);
}

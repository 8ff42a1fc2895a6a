#include "rules/own.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "rules/lib/own_parts.h"

const char *const own_moments[] = {"open", "reopened", "closed", NULL};
const char *const own_sides[] = {"client", "server", NULL};

/* clang-format off */
#define LIMITS                                                                                     \
    P_DURATION(assertion, within, .def = "", .min = "1ms", .max = "24h",                           \
               .doc = "so long after that moment, and no later"),                                  \
    P_TEXT(assertion, after, .def = "",                                                            \
           .doc = "each time it opened, reopened or closed, or the label or mark of a step; the "  \
                  "beginning when it is absent"),                                                  \
    P_COUNT(assertion, at_least, .def = "", .min = "1", .max = OWN_UNBOUNDEDS,                     \
            .doc = "so many; 1 when no number is given"),                                          \
    P_COUNT(assertion, at_most, .def = OWN_UNBOUNDEDS, .max = OWN_UNBOUNDEDS,                      \
            .doc = "no more than so many; that default is no limit"),                                                        \
    P_COUNT(assertion, count, .def = OWN_UNBOUNDEDS, .max = OWN_UNBOUNDEDS,                        \
            .doc = "so many, no fewer and no more; its default says nothing")
#define FROM P_CHOICE(assertion, from, .def = "client", .choices = own_sides, .doc = "whose it is")
/* clang-format on */

static const struct param message_params[] = {
    FROM,
    P_PATTERN(assertion, match, .doc = "what it holds: a pattern (PCRE2) over its first 4 KiB"),
    LIMITS,
    P_END,
};

static const struct param close_params[] = {
    FROM,
    P_COUNT(assertion, code, .def = "", .min = "1000", .max = "4999",
            .doc = "its status code; 1005: it carries none; 1006: the connection ended without a "
                   "Close; any when it is absent"),
    P_PATTERN(assertion, reason, .def = "", .doc = "a pattern (PCRE2) over its reason"),
    LIMITS,
    P_END,
};

static const struct param attempts_params[] = {LIMITS, P_END};

static const struct param requests_params[] = {P_END};

const struct own_kind own_kinds[] = {
    {.name = "message",
     .example = "message: {from: client, match: '\"op\":\"resume\"', within: 5s, after: reopened}",
     .params = message_params,
     .check = own_check_messages},
    {.name = "close",
     .example = "close: {from: client, code: 1002, within: 2s, after: inject}",
     .params = close_params,
     .check = own_check_closes},
    {.name = "attempts",
     .example = "attempts: {at_most: 1, after: closed}",
     .params = attempts_params,
     .check = own_check_attempts},
    {.name = OWN_REQUESTS,
     .example = "request: {method: POST, url: /admin/kick, status: 204}",
     .params = requests_params,
     .check = own_check_requests},
    {.name = NULL},
};

const struct own_kind *own_kind_find(const char *name)
{
    for (size_t i = 0; own_kinds[i].name; i++)
        if (strcmp(own_kinds[i].name, name) == 0)
            return &own_kinds[i];
    return NULL;
}

/* --- What the parameters say --- */

struct assertion *assertion_new(const struct own_kind *kind, const char *name, const char *params)
{
    struct assertion *assertion = xcalloc(1, sizeof *assertion);
    json_t *value, *all = json_loads(params, 0, NULL);
    const char *key;
    struct text why;
    text_init(&why);
    param_defaults(kind->params, assertion);
    json_object_foreach(all, key, value)
    {
        const struct param *param = param_find(kind->params, key);
        if (param && json_is_string(value))
            (void)param_set(param, assertion, json_string_value(value), &why);
    }
    assertion->name = xstrdup(name);
    json_decref(all);
    text_fini(&why);
    return assertion;
}

void assertion_free(const struct own_kind *kind, struct assertion *assertion)
{
    param_free(kind->params, assertion);
    free(assertion->name);
    free(assertion);
}

static bool has_count(const struct assertion *assertion)
{
    return assertion->count != OWN_UNBOUNDED;
}

uint64_t assertion_least(const struct assertion *assertion)
{
    if (has_count(assertion))
        return assertion->count;
    bool bare = assertion->at_least == 0 && assertion->at_most == OWN_UNBOUNDED;
    return bare ? 1 : assertion->at_least;
}

uint64_t assertion_most(const struct assertion *assertion)
{
    return has_count(assertion) ? assertion->count : assertion->at_most;
}

/* --- In words --- */

void own_add_moment(const struct assertion *assertion, struct text *out)
{
    const char *after = assertion->after ? assertion->after : "";
    if (!*after)
        text_add(out, " in the whole run");
    else if (strcmp(after, "open") == 0)
        text_add(out, " after the WebSocket opened");
    else if (strcmp(after, "reopened") == 0)
        text_add(out, " after the WebSocket opened again");
    else if (strcmp(after, "closed") == 0)
        text_add(out, " after the WebSocket was lost");
    else
        text_addf(out, " after '%s'", after);
}

static void add_what(const struct own_kind *kind, const struct assertion *assertion,
                     const char *plural, struct text *out)
{
    if (strcmp(kind->name, "message") == 0)
        text_addf(out, "message%s matching '%s'", plural, pattern_written(assertion->match));
    else if (strcmp(kind->name, "attempts") == 0)
        text_addf(out, "attempt%s", plural);
    else if (assertion->code > 0)
        text_addf(out, "Close%s with %llu", plural, (unsigned long long)assertion->code);
    else
        text_addf(out, "Close%s", plural);
}

static char *title_of(const struct own_kind *kind, const struct assertion *assertion)
{
    unsigned long long least = assertion_least(assertion), most = assertion_most(assertion);
    const char *whose = strcmp(kind->name, "attempts") == 0
                            ? ""
                            : (assertion->from == 0 ? " of the client" : " of the server");
    struct text out;
    if (strcmp(kind->name, OWN_REQUESTS) == 0)
        return xstrdup("Requests are answered as expected");
    text_init(&out);
    if (most == 0)
        text_add(&out, "No ");
    else if (least == most)
        text_addf(&out, "%llu ", most);
    else if (most == OWN_UNBOUNDED)
        text_addf(&out, "At least %llu ", least);
    else if (least == 0)
        text_addf(&out, "At most %llu ", most);
    else
        text_addf(&out, "%llu to %llu ", least, most);
    unsigned long long shown = most == OWN_UNBOUNDED ? least : most;
    add_what(kind, assertion, shown == 1 || most == 0 ? "" : "s", &out);
    text_add(&out, whose);
    if (assertion->within > 0) {
        text_add(&out, " within ");
        units_add_duration(&out, assertion->within);
    }
    own_add_moment(assertion, &out);
    return text_take(&out);
}

/* --- As a rule --- */

struct own_rule {
    struct rule_desc desc;
    char *name, *id, *title;
};

static struct own_rule *finish(struct own_rule *rule)
{
    rule->desc.name = rule->name;
    rule->desc.id = rule->id;
    rule->desc.title = rule->title;
    return rule;
}

struct own_rule *own_rule_new(const struct own_kind *kind, const char *name,
                              const struct assertion *assertion)
{
    struct own_rule *rule = xcalloc(1, sizeof *rule);
    size_t prefix = strlen(OWN_PREFIX);
    /* What was seen and must not be is seen whatever the time; what is missed may come later. */
    bool only_forbids = assertion_least(assertion) == 0;
    rule->desc = (struct rule_desc){
        .brief = "what the scenario asserts holds",
        .doc = "An assertion of the scenario's own (expect). It is looked at for each client and "
               "each time its moment came; what the scenario, a fault or halfopen's own endpoint "
               "did is not counted, and what could not be seen to the end is not decided.",
        .source = "the scenario",
        .example = kind->example,
        .level = MUST,
        .applies = assertion->from == 0 ? APPLIES_CLIENT : APPLIES_SERVER,
        .clock = CLOCK_TIMER,
        .certainty = only_forbids ? DETERMINISTIC : STATISTICAL,
        .params = kind->params,
        .config_size = sizeof(struct assertion),
        .check = kind->check,
    };
    rule->name = xstrdup(name);
    rule->id = xstrdup(strncmp(name, OWN_PREFIX, prefix) == 0 ? name + prefix : name);
    rule->title = title_of(kind, assertion);
    return finish(rule);
}

struct own_rule *own_rule_copy(const struct own_rule *rule)
{
    struct own_rule *copy = xcalloc(1, sizeof *copy);
    copy->desc = rule->desc;
    copy->name = xstrdup(rule->name);
    copy->id = xstrdup(rule->id);
    copy->title = xstrdup(rule->title);
    return finish(copy);
}

void own_rule_free(struct own_rule *rule)
{
    if (!rule)
        return;
    free(rule->name);
    free(rule->id);
    free(rule->title);
    free(rule);
}

const struct rule_desc *own_rule_desc(const struct own_rule *rule)
{
    return &rule->desc;
}

#include "base/param.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

union value {
    nsec duration;
    uint64_t number;
    double real;
    bool truth;
    int choice;
};

const struct param *param_find(const struct param *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static void *field(const struct param *param, void *config)
{
    return (char *)config + param->offset;
}

/* --- Reading --- */

static bool read_bool(const char *written, bool *out, const char **why)
{
    *why = "true or false";
    *out = strcmp(written, "true") == 0;
    return *out || strcmp(written, "false") == 0;
}

static bool read_choice(const struct param *param, const char *written, int *out)
{
    for (int i = 0; param->choices[i]; i++)
        if (strcmp(param->choices[i], written) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool read_value(const struct param *param, const char *written, union value *out,
                       const char **why)
{
    switch (param->type) {
    case PARAM_DURATION:
        return units_duration(written, &out->duration, why);
    case PARAM_SIZE:
        return units_size(written, &out->number, why);
    case PARAM_RATE:
        return units_rate(written, &out->real, why);
    case PARAM_COUNT:
        return units_count(written, &out->number, why);
    case PARAM_RATIO:
        return units_ratio(written, &out->real, why);
    case PARAM_BOOL:
        return read_bool(written, &out->truth, why);
    case PARAM_CHOICE:
        return read_choice(param, written, &out->choice);
    case PARAM_TEXT:
    case PARAM_PATTERN:
        return true;
    }
    return false;
}

/* Negative, zero or positive, as a is less than, equal to or more than b. */
static int compare(enum param_type type, const union value *a, const union value *b)
{
    switch (type) {
    case PARAM_DURATION:
        return (a->duration > b->duration) - (a->duration < b->duration);
    case PARAM_SIZE:
    case PARAM_COUNT:
        return (a->number > b->number) - (a->number < b->number);
    case PARAM_RATE:
    case PARAM_RATIO:
        return (a->real > b->real) - (a->real < b->real);
    case PARAM_BOOL:
    case PARAM_CHOICE:
    case PARAM_TEXT:
    case PARAM_PATTERN:
        return 0;
    }
    return 0;
}

static bool beyond(const struct param *param, const union value *value, const char *bound, int sign)
{
    union value limit;
    const char *why;
    if (!bound)
        return false;
    bool read = read_value(param, bound, &limit, &why);
    assert(read);
    return compare(param->type, value, &limit) == sign;
}

static bool in_bounds(const struct param *param, const union value *value, struct text *why)
{
    /* A ratio without bounds of its own is a share of a whole. */
    const char *max = param->type == PARAM_RATIO && !param->max ? "100%" : param->max;
    if (!beyond(param, value, param->min, -1) && !beyond(param, value, max, 1))
        return true;
    if (param->min)
        text_addf(why, "at least %s", param->min);
    if (param->min && max)
        text_add(why, ", ");
    if (max)
        text_addf(why, "at most %s", max);
    return false;
}

static void say_choices(const struct param *param, struct text *why)
{
    text_add(why, "one of ");
    for (size_t i = 0; param->choices[i]; i++)
        text_addf(why, "%s%s", i == 0 ? "" : ", ", param->choices[i]);
}

static void store(const struct param *param, void *config, const union value *value)
{
    void *at = field(param, config);
    switch (param->type) {
    case PARAM_DURATION:
        *(nsec *)at = value->duration;
        break;
    case PARAM_SIZE:
    case PARAM_COUNT:
        *(uint64_t *)at = value->number;
        break;
    case PARAM_RATE:
    case PARAM_RATIO:
        *(double *)at = value->real;
        break;
    case PARAM_BOOL:
        *(bool *)at = value->truth;
        break;
    case PARAM_CHOICE:
        *(int *)at = value->choice;
        break;
    case PARAM_TEXT:
    case PARAM_PATTERN:
        break;
    }
}

static bool set_pattern(struct pattern **at, const char *written, struct text *why)
{
    struct pattern *pattern = pattern_new(written, why);
    if (!pattern)
        return false;
    pattern_free(*at);
    *at = pattern;
    return true;
}

bool param_set(const struct param *param, void *config, const char *written, struct text *why)
{
    union value value = {0};
    const char *reason = NULL;
    if (param->type == PARAM_TEXT) {
        char **at = field(param, config);
        free(*at);
        *at = xstrdup(written);
        return true;
    }
    if (param->type == PARAM_PATTERN)
        return set_pattern(field(param, config), written, why);
    if (!read_value(param, written, &value, &reason)) {
        if (param->type == PARAM_CHOICE)
            say_choices(param, why);
        else
            text_add(why, reason);
        return false;
    }
    if (!in_bounds(param, &value, why))
        return false;
    store(param, config, &value);
    return true;
}

void param_defaults(const struct param *table, void *config)
{
    struct text why;
    text_init(&why);
    for (; table && table->name; table++) {
        if (!table->def || !*table->def)
            continue;
        bool set = param_set(table, config, table->def, &why);
        assert(set);
    }
    text_fini(&why);
}

/* --- Writing --- */

static void add_ratio(struct text *out, double value)
{
    text_addf(out, "%.10g", value);
}

void param_add_value(const struct param *param, const void *config, struct text *out)
{
    const void *at = (const char *)config + param->offset;
    switch (param->type) {
    case PARAM_DURATION:
        units_add_duration_yaml(out, *(const nsec *)at);
        break;
    case PARAM_SIZE:
        text_addf(out, "%" PRIu64 "B", *(const uint64_t *)at);
        break;
    case PARAM_RATE:
        text_addf(out, "%.10gB/s", *(const double *)at);
        break;
    case PARAM_COUNT:
        text_addf(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case PARAM_RATIO:
        add_ratio(out, *(const double *)at);
        break;
    case PARAM_BOOL:
        text_add(out, *(const bool *)at ? "true" : "false");
        break;
    case PARAM_CHOICE:
        text_add(out, param->choices[*(const int *)at]);
        break;
    case PARAM_TEXT:
        text_add(out, *(char *const *)at ? *(char *const *)at : "");
        break;
    case PARAM_PATTERN:
        text_add(out, pattern_written(*(struct pattern *const *)at));
        break;
    }
}

void param_write_json(const struct param *table, const void *config, struct json *json)
{
    for (; table && table->name; table++) {
        struct text value;
        text_init(&value);
        param_add_value(table, config, &value);
        json_put_string(json, table->name, text_chars(&value));
        text_fini(&value);
    }
}

void param_free(const struct param *table, void *config)
{
    for (; table && table->name; table++) {
        void *at = field(table, config);
        if (table->type == PARAM_TEXT) {
            free(*(char **)at);
            *(char **)at = NULL;
        } else if (table->type == PARAM_PATTERN) {
            pattern_free(*(struct pattern **)at);
            *(struct pattern **)at = NULL;
        }
    }
}

bool param_has_pattern(const struct param *table, const void *config)
{
    for (; table && table->name; table++) {
        const void *at = (const char *)config + table->offset;
        if (table->type == PARAM_PATTERN && *(struct pattern *const *)at)
            return true;
    }
    return false;
}

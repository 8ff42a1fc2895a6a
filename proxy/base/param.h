/* A parameter of a fault, a rule, a policy: one table row describes it to the YAML loader, the
 * command line, `explain`, `list --json` and the documentation. Default and bounds are text in the
 * user's notation, so messages show exactly what may be typed. */
#ifndef HALFOPEN_BASE_PARAM_H
#define HALFOPEN_BASE_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/nsec.h"
#include "base/pattern.h"
#include "base/text.h"

enum param_type {
    PARAM_DURATION, /* nsec */
    PARAM_SIZE,     /* uint64_t bytes */
    PARAM_RATE,     /* double, bytes per second */
    PARAM_COUNT,    /* uint64_t */
    PARAM_RATIO,    /* double */
    PARAM_BOOL,     /* bool */
    PARAM_CHOICE,   /* int: index into choices */
    PARAM_TEXT,     /* char *, owned by the config, freed by param_free */
    PARAM_PATTERN   /* struct pattern *, the same; NULL: unset */
};

struct param {
    const char *name, *doc;
    enum param_type type;
    size_t offset;         /* where the value lands in the config struct */
    const char *def;       /* as a user would write it; NULL: required; "": unset (zero, NULL) */
    const char *min, *max; /* same notation, inclusive; NULL: none */
    const char *const *choices; /* CHOICE: NULL-terminated */
    bool json;                  /* TEXT: JSON, which a file may hold as a mapping or a list */
};

/* A field of another C type does not compile. */
/* clang-format off */
#define PARAM_FIELD(structure, field, ctype)                                                       \
    (offsetof(struct structure, field) +                                                           \
     0 * sizeof(char[1 - 2 * !_Generic(((struct structure *)0)->field, ctype: 1, default: 0)]))
#define P_DURATION(s, f, ...) {.name = #f, .type = PARAM_DURATION, .offset = PARAM_FIELD(s, f, nsec), __VA_ARGS__}
#define P_SIZE(s, f, ...)     {.name = #f, .type = PARAM_SIZE, .offset = PARAM_FIELD(s, f, uint64_t), __VA_ARGS__}
#define P_RATE(s, f, ...)     {.name = #f, .type = PARAM_RATE, .offset = PARAM_FIELD(s, f, double), __VA_ARGS__}
#define P_COUNT(s, f, ...)    {.name = #f, .type = PARAM_COUNT, .offset = PARAM_FIELD(s, f, uint64_t), __VA_ARGS__}
#define P_RATIO(s, f, ...)    {.name = #f, .type = PARAM_RATIO, .offset = PARAM_FIELD(s, f, double), __VA_ARGS__}
#define P_BOOL(s, f, ...)     {.name = #f, .type = PARAM_BOOL, .offset = PARAM_FIELD(s, f, bool), __VA_ARGS__}
#define P_CHOICE(s, f, ...)   {.name = #f, .type = PARAM_CHOICE, .offset = PARAM_FIELD(s, f, int), __VA_ARGS__}
#define P_TEXT(s, f, ...)     {.name = #f, .type = PARAM_TEXT, .offset = PARAM_FIELD(s, f, char *), __VA_ARGS__}
#define P_PATTERN(s, f, ...)  {.name = #f, .type = PARAM_PATTERN, .offset = PARAM_FIELD(s, f, struct pattern *), __VA_ARGS__}
#define P_END                 {.name = NULL}
/* clang-format on */

const struct param *param_find(const struct param *table, const char *name); /* NULL: none */
/* Fills every default; config is zeroed memory of the right size. Required ones stay zero. */
void param_defaults(const struct param *table, void *config);
/* Sets one from what the user wrote. false: *why says what was wrong, completing "'delay' is 400: "
 * (a bound reads "at least 1s, at most 1h"); nothing is changed. The caller frees nothing: *why is
 * written into the given text. */
bool param_set(const struct param *, void *config, const char *written, struct text *why);
/* The value as a user would write it. */
void param_add_value(const struct param *, const void *config, struct text *out);
/* All values as members of the open JSON object, in the user's notation (strings). */
void param_write_json(const struct param *table, const void *config, struct json *);
void param_free(const struct param *table, void *config); /* what it owns, not config itself */
bool param_has_pattern(const struct param *table, const void *config); /* one that is set */

#endif

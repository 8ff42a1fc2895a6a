/* The assertions that a scenario makes of its own: a message, a Close, a number of attempts, or
 * none of them. Each is judged as a rule is, by the trace alone; which messages match its pattern
 * was recorded when they passed (ws.match). */
#ifndef HALFOPEN_RULES_OWN_H
#define HALFOPEN_RULES_OWN_H

#include "base/pattern.h"
#include "rules/rule.h"

#define OWN_PREFIX     "expect."
#define OWN_REQUESTS   "requests"  /* the kind that the request steps of a scenario make */
#define OWN_UNBOUNDED  1000000000u /* at_most and count that say nothing */
#define OWN_UNBOUNDEDS "1000000000"

/* What its parameters say. */
struct assertion {
    int from;              /* index of own_sides */
    struct pattern *match; /* of a message */
    struct pattern *reason;
    uint64_t code; /* 0: any; 1006: ended without a Close */
    uint64_t at_least, at_most, count;
    nsec within; /* 0: no such limit */
    char *after; /* "": the beginning */
    char *name;  /* of the assertion; no parameter */
};

/* What `after` may say beside the label or the mark of a step. NULL ends. */
extern const char *const own_moments[];
extern const char *const own_sides[];

struct own_kind {
    const char *name, *example; /* "message"; as one would write it in `expect` */
    const struct param *params;
    void (*check)(const struct trace *, const void *assertion, struct findings *);
};
extern const struct own_kind own_kinds[]; /* a name of NULL ends */
const struct own_kind *own_kind_find(const char *name);

/* params: JSON object of parameters as written; what is wrong in it is left out. */
struct assertion *assertion_new(const struct own_kind *, const char *name, const char *params);
void assertion_free(const struct own_kind *, struct assertion *);
/* The least and the most of what it counts. */
uint64_t assertion_least(const struct assertion *);
uint64_t assertion_most(const struct assertion *);

/* As a rule, which owns its name. */
struct own_rule;
struct own_rule *own_rule_new(const struct own_kind *, const char *name, const struct assertion *);
struct own_rule *own_rule_copy(const struct own_rule *);
void own_rule_free(struct own_rule *); /* NULL is fine */
const struct rule_desc *own_rule_desc(const struct own_rule *);

#endif
